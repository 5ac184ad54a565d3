"""Workers that make way for fresh ones, waking, tasks started by the clock."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from process_tree import RUN, SAMPLE_TASKS, Tree, is_alive, running, wait_until
from visitor import submit_page

Start = Callable[..., Tree]
CLOCK_TASK = """
from asyncinweb import task

@task(cron="0 3 1 1 *")
def tick(number: int = {number}) -> int:
    return number
"""


@pytest.fixture(scope="module")
def renewing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """One worker that is soon replaced, and looks for work only twice a minute if nobody wakes it."""
    tree = Tree(
        tmp_path_factory.mktemp("renewing"), max_jobs_per_worker=3, max_worker_mb=200, idle_poll_seconds=30
    )
    with running(tree):
        yield tree


def pid_of_a_job(tree: Tree, task: str = "pid", **arguments: object) -> int:
    return int(tree.result(tree.run(task, **arguments).slug)["value"])


def run_until_replaced(tree: Tree) -> int:
    """The number of a worker that has done one job."""
    before = pid_of_a_job(tree)
    return wait_until(lambda: next((pid for pid in [pid_of_a_job(tree)] if pid != before), 0))


def test_a_worker_is_replaced_after_its_number_of_jobs(renewing: Tree) -> None:
    first = run_until_replaced(renewing)

    pids = [first, *(pid_of_a_job(renewing) for _ in range(3))]

    assert pids[0] == pids[1] == pids[2] != pids[3]
    wait_until(lambda: not is_alive(first), what="the first one to end")


def test_a_worker_is_replaced_when_it_has_grown_too_large(renewing: Tree) -> None:
    first = run_until_replaced(renewing)

    grown = pid_of_a_job(renewing, "grow", megabytes=250)
    after = pid_of_a_job(renewing)

    assert first == grown != after


def test_a_worker_ends_although_a_job_has_left_a_thread_behind(renewing: Tree) -> None:
    pid = pid_of_a_job(renewing, "leave_thread")

    run_until_replaced(renewing)

    wait_until(lambda: not is_alive(pid), what="the process with the thread to end")


def test_an_idle_worker_is_woken_long_before_its_next_look(renewing: Tree) -> None:
    run_until_replaced(renewing)

    job = renewing.wait_for(renewing.submit("add", a=1), seconds=5)

    assert job.state == "completed"


def test_a_task_by_the_clock_is_planned_once_by_two_supervisors_and_by_changed_tasks(
    start: Start, tmp_path: Path
) -> None:
    tasks = tmp_path / "clock_tasks.py"
    tasks.write_text(CLOCK_TASK.format(number=1))
    first = start(tasks=f"{SAMPLE_TASKS},{tasks}").wait_until_started()
    (planned,) = wait_until(lambda: all_planned(first), what="the planned job")
    tasks.write_text(CLOCK_TASK.format(number=22))

    second = start(
        tasks=f"{SAMPLE_TASKS},{tasks}",
        instance=tmp_path / "another",
        database_url=f"sqlite:///{first.database.path}",
    ).wait_until_started()
    second.instance = first.instance
    wait_until(lambda: beats_of_all(first) > planned["created_at"], what="both supervisors to look at the clock")

    run_at = datetime.fromtimestamp(planned["run_at"], UTC)
    assert (planned["state"], run_at.month, run_at.day, run_at.hour) == ("scheduled", 1, 1, 3)
    assert all_planned(first) == [planned]
    # Now it falls due.
    first.change("UPDATE asyncinweb_jobs SET run_at = 1.0 WHERE slug = :slug", slug=planned["slug"])
    job = first.wait_for(planned["slug"], "completed")
    assert first.result(job.slug)["value"] == 1
    assert [tree.process.poll() for tree in (first, second)] == [None, None]


@pytest.mark.parametrize(("before", "after"), [("0 3 1 1 *", "0 4 1 1 *"), ("cron", "priority"), ("tick", "tock")])
def test_a_planned_run_does_not_start_after_its_schedule_was_changed(
    start: Start, tmp_path: Path, before: str, after: str
) -> None:
    tasks, text = tmp_path / "clock_tasks.py", CLOCK_TASK.format(number=1)
    tasks.write_text(text)
    first = start(tasks=f"{SAMPLE_TASKS},{tasks}").wait_until_started()
    (planned,) = wait_until(lambda: all_planned(first), what="the planned job")
    first.end()
    tasks.write_text(
        text.replace('cron="0 3 1 1 *"', "priority=0") if before == "cron" else text.replace(before, after)
    )

    second = start(tasks=f"{SAMPLE_TASKS},{tasks}").wait_until_started()

    job = second.wait_for(str(planned["slug"]), "cancelled")
    assert (job.attempts, job.error) == (0, "The schedule that planned this run was changed or removed.")
    assert f"job {job.slug} cancelled: its schedule was changed or removed" in second.server_log


def all_planned(tree: Tree) -> list[dict[str, object]]:
    return tree.rows("SELECT * FROM asyncinweb_jobs WHERE task = 'tick'")


def beats_of_all(tree: Tree) -> float:
    """The oldest sign of life that is not the first; 0 while there is none. Each one comes after a look."""
    supervisors = tree.rows("SELECT started_at, heartbeat_at FROM asyncinweb_supervisors")
    if len(supervisors) < 2 or any(row["heartbeat_at"] < row["started_at"] + 0.3 for row in supervisors):
        return 0.0
    return float(min(row["heartbeat_at"] for row in supervisors))


BEFORE = """
from asyncinweb import task

@task
def grown(a: int) -> int: return a
@task
def renamed(a: int) -> int: return a
@task
def removed(a: int) -> int: return a
"""
AFTER = """
from asyncinweb import task

@task
def grown(a: int, b: int = 40) -> int: return a + b
@task
def renamed(number: int) -> int: return number
"""


def test_jobs_whose_file_has_changed_meet_the_tasks_of_the_worker_that_runs_them(
    start: Start, tmp_path: Path
) -> None:
    tasks = tmp_path / "changing_tasks.py"
    tasks.write_text(BEFORE)
    tree = start(program=(*RUN, "--port", "0"), tasks=f"{SAMPLE_TASKS},{tasks}").wait_until_started()
    door = tmp_path / "open"
    first = tree.begin("hold", "holding", until=str(door))
    grown, renamed, removed = [submit_page(tree, task, a=2) for task in ("grown", "renamed", "removed")]

    tasks.write_text("def grown(:")
    os.kill(tree.worker_of(first), signal.SIGKILL)
    wait_until(lambda: "A worker process could not start: " in tree.server_log, what="a worker that cannot load")
    tasks.write_text(AFTER)
    door.touch()

    assert tree.wait_for(first, "completed").attempts == 2
    assert tree.wait_for(grown, "completed").attempts == 1
    assert tree.result(grown)["value"] == 42
    misfit = tree.wait_for(renamed, "failed")
    assert (misfit.reason, "number is required" in misfit.error) == ("bad_arguments", True)
    assert (tree.job(removed).state, tree.job(removed).attempts) == ("queued", 0)
    (said,) = [line for line in tree.server_log.splitlines() if "could not start" in line]
    assert f"({tasks}:1); trying again until it starts" in said
    tree.client.cancel(removed)
