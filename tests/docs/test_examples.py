"""Each file in examples/ loads without arguments, and its tasks do what their pages promise."""

import asyncio
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest

from asyncinweb import Markdown, UploadedFile
from asyncinweb.tasks.outputs.shapes import to_return_value

# What an example imports, and the package that brings it.
PACKAGES = {"pandas": "pandas", "matplotlib": "matplotlib", "PIL": "pillow", "fpdf": "fpdf2", "httpx": "httpx"}
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As a worker gives each job.
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_tasks_of_an_example_load_and_need_no_arguments(example: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "asyncinweb", "tasks", "--json", "--tasks", str(example)],
        check=True,
        capture_output=True,
        text=True,
    )

    tasks = json.loads(answer.stdout)
    assert tasks
    assert [task["name"] for task in tasks if task["arguments"].get("required")] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_says_how_to_start_it_and_what_it_needs(example: Path) -> None:
    text = example.read_text(encoding="utf-8")

    assert f"python run.py --tasks examples/{example.name}" in text
    for library, package in PACKAGES.items():
        is_used = f"import {library}" in text or f"from {library}" in text
        needs = text.partition("Needs: pip install ")[2].partition("\n")[0].split()
        assert (package in needs) == is_used, package


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES[0].parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_greeting_can_be_called_like_any_function() -> None:
    assert load("greetings").greet("Ada", times=1, tone="formal") == "Good day, Ada! "


def test_a_report_sums_up_the_uploaded_table(tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text("month,region,amount\n2026-01,North,10\n2026-01,South,20\n2026-02,North,5\n")

    found = load("report").sales_report(UploadedFile.of(orders))

    assert found["Summary"] == Markdown("**35** in total. The best month was **2026-01**.")
    assert found["Table"].loc["2026-01", "South"] == 20
    assert to_return_value(found["By month"]).media_type == "image/png"


def test_a_report_names_the_columns_that_are_missing(tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text("month,sum\n2026-01,10\n")

    with pytest.raises(ValueError, match=r"no column amount, region\. It has: month, sum"):
        load("report").sales_report(UploadedFile.of(orders))


def test_thumbnails_come_in_one_zip_and_keep_their_shape() -> None:
    images = load("images")

    archive = images.thumbnails(size=90)

    with ZipFile(archive) as found:
        assert found.namelist() == [f"{number:03}-sample {number}.jpg" for number in range(1, 5)]
        with found.open("001-sample 1.jpg") as file:
            assert images.Image.open(file).size == (90, 60)


def test_an_invoice_is_a_pdf_with_its_total() -> None:
    file = load("document").invoice(hours=3)

    assert file.read_bytes().startswith(b"%PDF-")
    assert to_return_value(file).media_type == "application/pdf"


def test_a_program_ends_with_its_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert load("command").run_program(steps=2) == "The program finished. Its last line: step 2 of 2"
    assert capsys.readouterr().out == "step 1 of 2\nstep 2 of 2\n"


def test_prices_are_fetched_although_the_shop_is_busy(capsys: pytest.CaptureFixture[str]) -> None:
    prices = asyncio.run(load("fetch").collect_prices(articles=6))

    assert prices[:2] == [{"article": 1, "price": 2.5}, {"article": 2, "price": 3.0}]
    assert len(prices) == 6
    assert "Article 3: the shop is busy" in capsys.readouterr().out


def test_a_simulation_yields_what_it_has_so_far() -> None:
    steps: Iterator[dict[str, object]] = load("simulation").estimate_pi(rounds=3, points=1000)

    estimates = [step["Estimate"] for step in steps]

    assert len(estimates) == 3
    assert all(2.8 < float(str(each)) < 3.5 for each in estimates)
