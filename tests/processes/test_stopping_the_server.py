"""SIGTERM, Ctrl-C and the next start. Each test has a tree of its own."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from process_tree import Tree, wait_until

Start = Callable[..., Tree]


def test_sigterm_lets_a_short_job_finish(start: Start, tmp_path: Path) -> None:
    tree = start().wait_until_started()
    running = tree.begin("hold", "holding", until=str(tmp_path / "open"))
    waiting = tree.submit("add", a=1)

    tree.signal(signal.SIGTERM)
    wait_until(lambda: "Stopping: waiting up to 2 s" in tree.server_log)
    (tmp_path / "open").touch()

    assert tree.wait() == 0
    assert tree.job(running).state == "completed"
    assert (tree.job(waiting).state, tree.job(waiting).attempts) == ("queued", 0)
    assert tree.rows("SELECT * FROM asyncinweb_supervisors") == []
    assert tree.rows("SELECT * FROM asyncinweb_workers") == []


def test_sigterm_gives_a_long_job_back_and_the_next_start_runs_it(start: Start, tmp_path: Path) -> None:
    tree = start(grace_seconds=0.3).wait_until_started()
    slug = tree.begin("hold", "holding", until=str(tmp_path / "open"))

    tree.signal(signal.SIGTERM)
    assert tree.wait(5) == 0
    job = tree.job(slug)
    (attempt,) = tree.rows("SELECT reason, error, claim_no FROM asyncinweb_attempts")
    (tmp_path / "open").touch()
    following = start().wait_until_started()

    assert (job.state, job.attempts, job.interruptions, job.crashes) == ("queued", 0, 1, 0)
    assert attempt == {
        "reason": "interrupted",
        "error": "The server was stopped while the job was running.",
        "claim_no": 1,
    }
    assert following.wait_for(slug).state == "completed"
    assert following.result(slug)["value"] == 1, "the interrupted attempt does not count"


def test_ctrl_c_once_waits_twice_interrupts_and_thrice_kills(start: Start) -> None:
    # Politely it would take 60 s, and 30 s more for a function that does not listen.
    tree = start(workers=2, terminal=True, grace_seconds=60, kill_after_seconds=30).wait_until_started()
    tidy = tree.begin("last", how="tidy")
    stubborn = tree.begin("last", how="stubborn")

    tree.press_ctrl_c()
    wait_until(lambda: "Stopping: waiting up to 60 s" in tree.server_log)
    tree.press_ctrl_c()
    wait_until(lambda: tree.job(tidy).state == "queued", 5, "the listening job to be given back")
    wait_until(lambda: "not I" in tree.log(stubborn), 5, "the other one to be asked")
    still_runs = tree.process.poll() is None
    tree.press_ctrl_c()

    assert still_runs
    assert tree.wait(5) == 0
    assert tree.log(tidy, 1) == "begun\ntidied up, cancelled=False\n"
    for slug in (tidy, stubborn):
        job = tree.job(slug)
        assert (job.state, job.attempts, job.interruptions, job.crashes) == ("queued", 0, 1, 0)
    assert "KeyboardInterrupt" not in tree.server_log


def test_ctrl_c_while_workers_start_ends_without_a_traceback(start: Start) -> None:
    tree = start(workers=2, terminal=True)
    # The supervisor, its reaper, and children that still import.
    wait_until(lambda: len(tree.processes()) >= 4, what="the workers to be started")

    tree.press_ctrl_c()

    assert tree.wait() == 0
    assert "Press Ctrl-C to stop" not in tree.said


def test_a_function_that_ignores_all_signals_is_killed_and_the_next_job_hears_them(
    start: Start,
) -> None:
    tree = start(grace_seconds=0.2).wait_until_started()
    tree.run("ignore_signals", then="return")
    after = tree.begin("last", how="tidy")
    began = time.monotonic()
    tree.client.cancel(after)
    tree.wait_for(after, "cancelled")
    # Its alarm was to ring after a second.
    alarmed = tree.submit("nap", seconds=max(0.0, 1.2 - (time.monotonic() - began)))
    tree.wait_for(alarmed, "completed")
    slug = tree.begin("ignore_signals", then="stay")

    tree.signal(signal.SIGTERM)

    assert tree.wait(5) == 0
    assert tree.log(after) == "begun\ntidied up, cancelled=True\n"
    assert tree.job(alarmed).crashes == 0
    job = tree.job(slug)
    assert (job.state, job.attempts, job.interruptions, job.crashes) == ("queued", 0, 1, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_start_ends_it_without_a_traceback(start: Start, number: signal.Signals) -> None:
    tree = start()
    wait_until(lambda: (tree.instance / "supervisor.lock").exists(), what="the folder to be taken")

    tree.signal(number)

    # Between these moments the signal still has its plain meaning: end, in the way of the shell.
    tree.exit_code = tree.wait()
    assert tree.exit_code in (0, 130, -number)


def test_sigterm_while_another_process_holds_the_write_lock_still_stops_in_order(start: Start) -> None:
    tree = start().wait_until_started()

    with tree.database.write():
        tree.signal(signal.SIGTERM)
        wait_until(lambda: "Stopping" in tree.server_log)
        # The supervisor's patience of a second is over.
        wait_until(lambda: "Waiting for the database" in tree.server_log)

    assert tree.wait() == 0, tree.server_log
