"""Workers that make way for fresh ones, waking, tasks started by the clock. Own trees."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from process_tree import SAMPLE_TASKS, Tree, is_alive, wait_until

Start = Callable[..., Tree]
CRON_TASK = "from asyncinweb import task\n\n@task(cron='{cron}')\ndef tick(number: int = {number}) -> int: return number\n"


def test_a_worker_is_replaced_after_its_number_of_jobs(start: Start) -> None:
    tree = start(max_jobs_per_worker=2).wait_until_started()

    pids = [tree.result(tree.run("pid").slug)["value"] for _ in range(4)]

    assert pids[0] == pids[1] != pids[2] == pids[3]
    wait_until(lambda: not is_alive(pids[0]), what="the first one to end")


def test_a_worker_ends_although_a_job_has_left_a_thread_behind(start: Start) -> None:
    tree = start(max_jobs_per_worker=1).wait_until_started()

    pid = tree.result(tree.run("leave_thread").slug)["value"]

    tree.wait_for_workers(1, without=pid)
    assert tree.run("add", a=1).state == "completed"
    wait_until(lambda: not is_alive(pid), what="the process with the thread to end")


def test_a_worker_is_replaced_when_it_has_grown_too_large(start: Start) -> None:
    tree = start(max_worker_mb=200).wait_until_started()

    before = [tree.result(tree.run("grow", megabytes=1).slug)["value"] for _ in range(2)]
    large = tree.result(tree.run("grow", megabytes=250).slug)["value"]
    after = tree.result(tree.run("pid").slug)["value"]

    assert before[0] == before[1] == large
    assert after != large


def test_an_idle_worker_is_woken_long_before_its_next_look(start: Start) -> None:
    tree = start(workers=2, idle_poll_seconds=30).wait_until_started()
    tree.run("add", a=1)

    # Each of these jobs needs one of the sleepers to be woken.
    for number in range(5):
        began = time.monotonic()
        job = tree.wait_for(tree.submit("add", a=number), seconds=5)
        assert job.state == "completed"
        assert time.monotonic() - began < 5


def test_a_task_with_a_cron_expression_is_planned_once_by_two_supervisors_and_a_restart(
    start: Start, tmp_path: Path
) -> None:
    first = start().wait_until_started()
    (planned,) = wait_until(lambda: all_planned(first), what="the planned job")
    second = start(
        instance=tmp_path / "another", database_url=f"sqlite:///{first.database.path}"
    ).wait_until_started()
    wait_until(lambda: len(first.rows("SELECT * FROM asyncinweb_supervisors")) == 2)
    second.instance = first.instance
    first.end()
    following = start().wait_until_started()
    following.run("add", a=1)

    run_at = datetime.fromtimestamp(planned["run_at"], UTC)
    assert all_planned(following) == [planned]
    assert (planned["state"], run_at.month, run_at.day, run_at.hour) == ("scheduled", 1, 1, 3)
    # Now it falls due, and the next run is planned.
    following.change("UPDATE asyncinweb_jobs SET run_at = :now WHERE slug = :slug", now=1.0, slug=planned["slug"])
    assert following.wait_for(planned["slug"]).state == "completed"


def all_planned(tree: Tree) -> list[dict[str, object]]:
    return tree.rows("SELECT * FROM asyncinweb_jobs WHERE task = 'new_year'")


def test_a_task_by_the_clock_whose_defaults_have_changed_does_not_stop_the_server(
    start: Start, tmp_path: Path
) -> None:
    tasks = tmp_path / "clock_tasks.py"
    tasks.write_text(CRON_TASK.format(cron="0 3 1 1 *", number=1))
    first = start(tasks=f"{SAMPLE_TASKS},{tasks}").wait_until_started()
    wait_until(lambda: first.rows("SELECT * FROM asyncinweb_jobs WHERE task = 'tick'"))
    first.end()
    tasks.write_text(CRON_TASK.format(cron="0 3 1 1 *", number=2))

    second = start(tasks=f"{SAMPLE_TASKS},{tasks}").wait_until_started()

    assert [second.run("add", a=number).state for number in range(3)] == ["completed"] * 3
    assert second.process.poll() is None
