"""Cancel and time limit: politely first, then by force. One server for all, with 0.4 s between the two."""

import random
import time

import pytest
from process_tree import Tree, is_alive, wait_until


def test_a_queued_job_is_cancelled_at_once_and_never_starts(tree: Tree) -> None:
    door = tree.folder / "open-for-queued"
    blockers = [tree.begin("hold", "holding", until=str(door)) for _ in range(2)]
    slug = tree.submit("add", a=1)

    answer = tree.client.cancel(slug)
    state_then = tree.job(slug).state
    door.touch()

    assert (answer, state_then) == ("cancelled", "cancelled")
    assert [tree.wait_for(blocker).state for blocker in blockers] == ["completed", "completed"]
    assert (tree.job(slug).attempts, tree.log(slug)) == (0, "")


@pytest.mark.parametrize(("task", "words"), [("last", "tidied up, cancelled=True"), ("last_async", "tidied up")])
def test_a_running_job_is_cancelled_politely(tree: Tree, task: str, words: str) -> None:
    arguments = {"how": "tidy"} if task == "last" else {}
    workers = tree.wait_for_workers(2)
    slug = tree.begin(task, **arguments)

    answer = tree.client.cancel(slug)
    job = tree.wait_for(slug, seconds=3)

    assert (answer, job.state, job.reason) == ("asked", "cancelled", None)
    assert tree.log(slug) == f"begun\n{words}\n"
    assert tree.workers() == workers, "the process need not be killed"


@pytest.mark.parametrize("how", ["stubborn", "in_c"])
def test_a_job_that_does_not_stop_when_cancelled_is_killed(tree: Tree, how: str) -> None:
    slug = tree.begin("last", how=how)
    pid = tree.worker_of(slug)

    began = time.monotonic()
    tree.client.cancel(slug)
    job = tree.wait_for(slug, seconds=5)
    seconds = time.monotonic() - began

    assert (job.state, job.reason, job.crashes) == ("cancelled", None, 0)
    assert job.error == "The task didn't respond, so we ended its process."
    assert seconds > 0.4, "it is asked first"
    assert not is_alive(pid)
    tree.wait_for_workers(2, without=pid)
    assert f"job {slug} killed: it did not stop when asked" in tree.server_log


def test_a_job_is_stopped_politely_at_its_time_limit(tree: Tree) -> None:
    workers = tree.wait_for_workers(2)
    slug = tree.begin("last_too_long", how="tidy")

    job = tree.wait_for(slug, seconds=3)

    assert (job.state, job.reason, job.attempts) == ("failed", "timeout", 1)
    assert job.error == "The job was stopped at its time limit (0.3 s)."
    assert "time.sleep(60)" in job.traceback
    assert tree.log(slug) == "begun\ntidied up, cancelled=False\n"
    assert job.finished_at - job.started_at >= 0.3
    assert tree.workers() == workers


@pytest.mark.parametrize("how", ["stubborn", "in_c"])
def test_a_job_that_does_not_stop_at_its_time_limit_is_killed(tree: Tree, how: str) -> None:
    slug = tree.begin("last_too_long", how=how)
    pid = tree.worker_of(slug)

    job = tree.wait_for(slug, seconds=5)

    assert (job.state, job.reason, job.crashes) == ("failed", "timeout", 0)
    assert job.error == "The task didn't stop at its time limit, so we ended its process."
    assert not is_alive(pid)
    tree.wait_for_workers(2, without=pid)


def test_an_ended_job_cannot_be_cancelled(tree: Tree) -> None:
    job = tree.run("add", a=1)

    assert tree.client.cancel(job.slug) == "refused"
    assert tree.job(job.slug).cancel_requested_at is None


def test_a_job_that_ends_just_when_it_is_cancelled_ends_in_one_final_state(tree: Tree) -> None:
    chance = random.Random(7)
    # The worker looks half a second after the start, and the supervisor kills 0.4 s after it has seen the wish.
    slugs = [tree.submit("nap", seconds=chance.uniform(0.47, 0.53)) for _ in range(24)]

    for slug in slugs:
        started_at = wait_until(lambda slug=slug: tree.job(slug).started_at, what=f"{slug} to start")
        time.sleep(max(0.0, started_at + chance.uniform(0.0, 0.5) - time.time()))
        tree.client.cancel(slug)

    states = [tree.wait_for(slug).state for slug in slugs]
    assert set(states) <= {"completed", "cancelled"}
    assert [tree.job(slug).interruptions for slug in slugs if tree.job(slug).crashes] == []
    tree.wait_for_workers(2)
    assert tree.run("add", a=1).state == "completed"


def test_a_job_that_ends_just_at_its_time_limit_ends_in_one_final_state(tree: Tree) -> None:
    chance = random.Random(7)
    workers = tree.wait_for_workers(2)
    slugs = [tree.submit("nap_to_the_limit", seconds=chance.uniform(0.147, 0.153)) for _ in range(30)]

    ends = {(job.state, job.reason) for job in map(tree.wait_for, slugs)}

    assert ends <= {("completed", None), ("failed", "timeout")}
    assert tree.workers() == workers
    assert tree.run("add", a=1).state == "completed"


def test_cancelled_jobs_have_written_every_line_once(tree: Tree) -> None:
    for _ in range(5):
        slug = tree.begin("print_for_ever", words="line 10")

        tree.client.cancel(slug)
        tree.wait_for(slug, "cancelled")

        lines = tree.log(slug).splitlines()
        assert lines == [f"line {number}" for number in range(1, len(lines) + 1)]


def test_a_worker_that_has_lost_its_claim_is_refused_and_replaced(tree: Tree) -> None:
    door = tree.folder / "open-for-lost"
    slug = tree.begin("hold", "holding", until=str(door))
    pid = tree.worker_of(slug)

    # As if another worker had been given the job meanwhile.
    tree.change("UPDATE asyncinweb_jobs SET claim_no = claim_no + 1 WHERE slug = :slug", slug=slug)
    door.touch()

    wait_until(lambda: f"lost claim: job {slug}" in tree.server_log, what="the refusal in the log")
    tree.wait_for_workers(2, without=pid)
    # The outcome is that of a later claim: the supervisor found the row with a worker that was gone.
    job = tree.wait_for(slug, "completed")
    assert job.claim_no == 3
    assert tree.result(slug)["value"] == 2


def test_a_function_whose_job_was_given_to_another_worker_is_stopped(tree: Tree) -> None:
    slug = tree.begin("last", how="tidy")
    pid = tree.worker_of(slug)

    tree.change("UPDATE asyncinweb_jobs SET claim_no = claim_no + 1 WHERE slug = :slug", slug=slug)

    wait_until(lambda: f"lost claim: job {slug}" in tree.server_log, 5, "the refusal in the log")
    assert tree.log(slug, 1) == "begun\ntidied up, cancelled=False\n"
    tree.wait_for_workers(2, without=pid)
    tree.client.cancel(slug)
    tree.wait_for(slug, "cancelled")
