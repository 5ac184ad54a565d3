"""Partial results of generators in a real server: in the database, under the claim, gone when they should be."""

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest
from process_tree import Tree, wait_until


def shown(tree: Tree, slug: str) -> Any:
    """The value that page and API show of a job that is not completed."""
    stored = tree.job(slug).partial_result
    return None if stored is None else json.loads(stored)["value"]


def files(tree: Tree, slug: str) -> list[str]:
    folder = tree.job_folder(slug).path
    return sorted(path.name for path in folder.glob("result-*")) if folder.exists() else []


def wait_until_shown(tree: Tree, slug: str, value: Any) -> None:
    wait_until(lambda: shown(tree, slug) == value, what=f"{value} to be shown, not {shown(tree, slug)}")


@pytest.mark.parametrize("task", ["count_up", "count_up_later"])
def test_the_newest_value_is_shown_as_it_was_and_then_the_result(tree: Tree, task: str) -> None:
    door = tree.folder / f"open-for-{task}"
    slug = tree.submit(task, until=str(door))

    wait_until_shown(tree, slug, {"number": 2})
    running = tree.job(slug)
    door.touch()
    done = tree.wait_for(slug, "completed")

    assert (running.state, running.result) == ("processing", None)
    assert tree.result(slug)["value"] == {"number": 2}
    assert done.partial_result is None


def test_a_second_attempt_does_not_show_what_the_first_one_yielded(tree: Tree) -> None:
    door = tree.folder / "open-for-attempts"
    slug = tree.submit("count_up_in_two_attempts", until=str(door))

    wait_until(lambda: "second attempt" in tree.log(slug), what="the second attempt")
    assert shown(tree, slug) is None
    door.touch()

    assert tree.wait_for(slug, "completed").attempts == 2
    assert tree.result(slug)["value"] == "from the second attempt"


@pytest.mark.parametrize(("how", "reason"), [("fail", "error"), ("die", "crashed")])
def test_a_failed_job_keeps_what_it_had(tree: Tree, how: str, reason: str) -> None:
    job = tree.run("yield_then", how=how)

    assert (job.state, job.reason, job.result) == ("failed", reason, None)
    assert shown(tree, job.slug) == "all there was"


def test_large_values_lie_in_files_and_those_that_are_replaced_are_removed(tree: Tree) -> None:
    door = tree.folder / "open-for-files"
    slug = tree.submit("draw_large", until=str(door))

    wait_until(lambda: "-p3." in str(tree.job(slug).partial_result), what="the third value")
    assert len(tree.job(slug).partial_result) < 1000
    wait_until(lambda: files(tree, slug) in (["result-1-p2.bin", "result-1-p3.bin"], ["result-1-p3.bin"]))
    door.touch()
    tree.wait_for(slug, "completed")

    wait_until(lambda: files(tree, slug) == ["result-1.bin"], what=f"one file, not {files(tree, slug)}")


@pytest.mark.parametrize("task", ["yield_for_ever", "yield_for_ever_later"])
def test_a_generator_is_cancelled_at_its_yield_and_cleans_up_before_the_job_ends(tree: Tree, task: str) -> None:
    workers = tree.wait_for_workers(2)
    slug = tree.begin(task)

    tree.client.cancel(slug)
    job = tree.wait_for(slug, "cancelled")

    assert tree.log(slug) == "begun\nJobCancelled\ncleaned up\n"
    assert job.error is None
    assert tree.workers() == workers, "the process need not be killed"
    assert tree.job(slug).partial_result is not None


@pytest.mark.parametrize("task", ["yield_to_the_limit", "wait_to_the_limit"])
def test_a_generator_is_stopped_at_its_time_limit_where_it_waits(tree: Tree, task: str) -> None:
    workers = tree.wait_for_workers(2)

    job = tree.run(task)

    assert (job.state, job.reason) == ("failed", "timeout")
    assert tree.log(job.slug) == "begun\nJobTimeout\ncleaned up\n"
    assert tree.workers() == workers


def test_a_generator_is_given_back_when_the_server_stops(start: Callable[..., Tree]) -> None:
    tree = start(grace_seconds=0.1).wait_until_started()
    slug = tree.begin("yield_for_ever")

    tree.signal(signal.SIGTERM)
    tree.wait()

    job = tree.job(slug)
    assert (job.state, job.attempts, job.interruptions) == ("queued", 0, 1)
    assert tree.log(slug) == "begun\nJobReleased\ncleaned up\n"


def test_a_worker_that_has_lost_its_claim_shows_nothing_more(tree: Tree) -> None:
    door = tree.folder / "open-for-lost-partial"
    slug = tree.submit("draw_large", until=str(door), times=1000)
    wait_until(lambda: tree.job(slug).partial_no, what="the first value")
    pid = tree.worker_of(slug)

    # As if another worker had been given the job meanwhile.
    tree.change(
        "UPDATE asyncinweb_jobs SET claim_no = claim_no + 1, partial_no = NULL, partial_result = NULL"
        " WHERE slug = :slug",
        slug=slug,
    )

    tree.wait_for_workers(2, without=pid)
    assert [name for name in files(tree, slug) if name.startswith("result-1-")] == []
    assert "result-1-" not in str(tree.job(slug).partial_result)
    tree.client.cancel(slug)
    tree.wait_for(slug, "cancelled")
