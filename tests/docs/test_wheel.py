"""The wheel has everything the program needs and nothing else, and works where there is no checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def tracked(folder: str) -> set[str]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(listing.stdout.split())


def test_the_wheel_ships_exactly_the_tracked_files(wheel: Path) -> None:
    expected = tracked("asyncinweb") | {f"asyncinweb/{path}" for path in tracked("templates") | tracked("static")}

    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert shipped == expected
    assert "asyncinweb/py.typed" in shipped


def test_an_installed_wheel_finds_its_pages_and_migrates_a_new_database(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(installed)]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    program = (
        "import asyncinweb, asyncinweb.app\n"
        "print(asyncinweb.__file__)\n"
        "client = asyncinweb.app.create_app().test_client()\n"
        "print(client.get('/', base_url='http://localhost:8000').status_code)\n"
        "print(client.get('/static/asyncinweb/app.css', base_url='http://localhost:8000').status_code)\n"
    )

    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed), "ASYNCINWEB_INSTANCE": str(tmp_path / "instance")},
        check=True,
        capture_output=True,
        text=True,
    )

    where, *statuses = answer.stdout.split()
    assert Path(where).is_relative_to(installed)
    assert statuses == ["200", "200"]
