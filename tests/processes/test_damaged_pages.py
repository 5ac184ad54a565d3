"""Garbage in some pages of the database file: what reads them says so, with the cure; nothing else is harmed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from process_tree import RUN, Tree, run_once
from visitor import get, health, post

Start = Callable[..., Tree]
WHOLE = (*RUN, "--port", "0")
GARBAGE = 8192
PATHS = ("/", "/jobs", "/jobs.csv", "/jobs.json", "/api/v1/jobs", "/jobs?state=completed", "/jobs?q=words")


def overwrite(tree: Tree, share: float) -> None:
    """Garbage at this share of the file."""
    tree.write_into_database(
        "pages = file.seek(0, 2) // 4096;"
        f"file.seek(int(pages * {share}) * 4096); file.write(b'garbage.' * ({GARBAGE} // 8))"
    )


def fill(tree: Tree) -> list[str]:
    """Enough jobs for a file of many pages, all of them ended."""
    slugs = tree.submit_many("say_nothing", [{"words": f"words {number} " * 60} for number in range(300)])
    for slug in slugs:
        tree.wait_for(slug, "completed")
    return slugs


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_reading_a_damaged_page_answers_503_with_the_cure_and_turns_health_red(start: Start, share: float) -> None:
    tree = start(program=WHOLE, workers=1).wait_until_started()
    tree.is_sound = False
    slugs = fill(tree)
    processes = set(tree.processes())

    overwrite(tree, share)
    answers = [get(tree, path) for path in (*PATHS, *(f"/jobs/{slug}" for slug in slugs))]

    assert {status for status, _ in answers} <= {200, 503}
    refused = [said for status, said in answers if status == 503]
    assert refused, "something lay there"
    assert all("damaged" in said and "asyncinweb restore" in said for said in refused)
    status, problem = health(tree)
    assert (status, "damaged" in problem, "asyncinweb restore" in problem) == (503, True, True)
    assert "Traceback" not in tree.server_log
    assert post(tree, "/tasks/add", a=1).status in (303, 503)
    assert set(tree.processes()) == processes, "nobody died"
    found = run_once("check", folder=tree.folder, settings=tree.settings)
    assert (found.returncode, "Traceback" in found.stderr) == (3, False)


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_start_on_a_file_with_a_damaged_page_ends_in_words_or_serves_and_turns_red(
    start: Start, tmp_path: Path, share: float
) -> None:
    first = start(program=WHOLE, workers=1).wait_until_started()
    first.is_sound = False
    slugs = fill(first)
    overwrite(first, share)
    first.end()

    second = start(program=WHOLE, workers=1).wait_until_started()
    second.is_sound = False
    answers = [get(second, path) for path in (*PATHS, *(f"/jobs/{slug}" for slug in slugs))]

    assert {status for status, _ in answers} <= {200, 503}
    assert health(second)[0] == 503
    assert "Traceback" not in second.server_log
