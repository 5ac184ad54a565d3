"""Values that no database, no JSON and no terminal can take as they are, from a running function: they are cleaned
at the edge, and neither the job nor the next one on the same worker suffers."""

import json

import pytest
from process_tree import Tree, wait_until
from visitor import get

REPORTS = (
    *("surrogate", "nul", "huge", "huge total", "inf", "nan", "decimal", "text", "none", "bytes", "own", "silent"),
    *("complex", "large", "fraction", "bidi"),
)
ERRORS = {
    "surrogate": "ValueError: cannot read caf\\udce9",
    "high surrogate": "ValueError: \\ud83d",
    "nul": "ValueError: a\\x00b",
    "leaving": "Nested: (its message can't be shown)",
    "group": "ExceptionGroup: caf\\udce9 (2 sub-exceptions)",
    "note": "ValueError: noted",
    "file": "FileNotFoundError: [Errno 2] caf\\udce9",
    "exit": "sys.exit(caf\\udce9)",
}


def pages_answer(tree: Tree, slug: str) -> None:
    """Everything that shows the job answers, and its JSON is JSON."""
    for path in ("/", "/jobs", "/jobs.csv", f"/jobs/{slug}", f"/jobs/{slug}/log.txt"):
        assert get(tree, path)[0] == 200, path
    for path in ("/jobs.json", "/api/v1/jobs", f"/api/v1/jobs/{slug}", f"/api/v1/jobs/{slug}/log"):
        status, said = get(tree, path)
        assert status == 200, path
        json.loads(said, parse_constant=pytest.fail)


@pytest.mark.parametrize("what", REPORTS)
def test_an_odd_report_harms_neither_its_job_nor_the_next_one(tree: Tree, what: str) -> None:
    workers = tree.wait_for_workers(2)
    slugs = [tree.submit("report_oddly", what=what, seconds=0.7) for _ in range(2)]

    for slug in slugs:
        job = tree.wait_for(slug, "completed")
        assert (job.claim_no, tree.result(slug)["value"]) == (1, "done")
        pages_answer(tree, slug)
    for each in [tree.begin("last", how="tidy") for _ in workers]:
        tree.client.cancel(each)
        assert tree.wait_for(each).state == "cancelled"
        assert "tidied up" in tree.log(each), "it is stopped politely"
    assert tree.workers() == workers


@pytest.mark.parametrize("what", ["surrogate", "huge", "own"])
def test_after_an_odd_report_the_next_job_has_progress(tree: Tree, what: str) -> None:
    odd = [tree.submit("report_oddly", what=what, seconds=0.7) for _ in range(2)]
    for slug in odd:
        tree.wait_for(slug, "completed")

    slug = tree.submit("fail_then_count", seconds=1)

    wait_until(lambda: tree.job(slug).reported_at, what="progress to be written")
    tree.wait_for(slug, "completed")


@pytest.mark.parametrize(("what", "words"), ERRORS.items())
def test_an_odd_error_fails_the_job_once_with_the_real_error(tree: Tree, what: str, words: str) -> None:
    workers = tree.wait_for_workers(2)

    job = tree.run("raise_oddly", what=what)

    assert (job.state, job.reason, job.claim_no, job.crashes) == ("failed", "error", 1, 0)
    assert tree.log(job.slug).count("started") == 1
    assert words in job.error
    assert "raise_oddly" in job.traceback
    assert len(job.error) <= 1_000
    pages_answer(tree, job.slug)
    assert tree.workers() == workers


def test_a_text_with_half_characters_is_saved_byte_for_byte(tree: Tree) -> None:
    job = tree.run("save_oddly", name="a.txt", text="\u202e")

    assert job.state == "completed", job.error
    (saved,) = tree.job_folder(job.slug).saved(job.claim_no)
    assert saved.path.read_bytes() == "\u202e ".encode() + b"caf\xe9"


@pytest.mark.parametrize("how", ["exit", "memory"])
def test_a_background_thread_that_something_ends_is_named_and_goes_on(tree: Tree, how: str) -> None:
    slug = tree.begin("end_reporter", how=how)

    wait_until(lambda: tree.job(slug).reported_at, what="progress to be written")
    tree.client.cancel(slug)
    job = tree.wait_for(slug)

    assert (job.state, job.claim_no) == ("cancelled", 1)
    assert "tidied up" in tree.log(slug), "it is stopped politely"
    wait_until(lambda: "background thread" in tree.server_log)
    done = tree.run("fail_then_count", seconds=1)
    assert done.state == "completed"
