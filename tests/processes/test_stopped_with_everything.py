"""Everything told to stop at once, as systemd does it by default, and claims that end before their function."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from process_tree import Tree, is_alive, wait_until

Start = Callable[..., Tree]
LOST = [
    "a program, checked",
    "a program, not checked",
    "a shell",
    "a program that fails in its handler",
    "a forked child",
    "an executor",
    "a pool",
    "a process",
    "joblib",
]


def stop_everything(tree: Tree) -> None:
    """As KillMode=control-group: SIGTERM to each process, parents first."""
    send(sorted(tree.processes()), signal.SIGTERM)


def stop_everything_at_one_moment(tree: Tree) -> None:
    """As seen by a worker that the kernel lets run only when all have been told, and its children are dead."""
    workers = tree.workers()
    children = [pid for worker in workers for pid in children_of(worker)]
    send(workers, signal.SIGSTOP)
    send(sorted(tree.processes()), signal.SIGTERM)
    wait_until(lambda: not any(is_alive(pid) and not_deaf(pid) for pid in children), what="the children's end")
    send(workers, signal.SIGCONT)


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def not_deaf(pid: int) -> bool:
    """False for what goes on after SIGTERM: helpers of pools."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    ignored = next((int(line.split()[1], 16) for line in lines if line.startswith("SigIgn")), 0)
    return not ignored & 1 << (signal.SIGTERM - 1)


@pytest.mark.parametrize("stop", [stop_everything, stop_everything_at_one_moment], ids=["in turn", "at once"])
@pytest.mark.parametrize("what", LOST)
def test_a_job_whose_process_was_stopped_with_everything_goes_back_to_the_queue(
    start_stopped: Start, tmp_path: Path, what: str, stop: Callable[[Tree], None]
) -> None:
    tree = start_stopped().wait_until_started()
    slug = tree.begin("wait_for", what=what, until=str(tmp_path / "end"))

    stop(tree)

    assert tree.wait() == 0
    job = tree.job(slug)
    assert (job.state, job.attempts, job.interruptions, job.error) == ("queued", 0, 1, None)


def test_an_async_job_goes_back_to_the_queue_when_its_program_stops_with_everything(
    start_stopped: Start, tmp_path: Path
) -> None:
    tree = start_stopped().wait_until_started()
    slug = tree.begin("wait_for_a_program_async", until=str(tmp_path / "end"))

    stop_everything(tree)

    assert tree.wait() == 0
    job = tree.job(slug)
    assert (job.state, job.attempts, job.interruptions, job.error) == ("queued", 0, 1, None)


def test_the_next_start_runs_a_job_that_was_stopped_with_everything(start_stopped: Start, tmp_path: Path) -> None:
    tree = start_stopped().wait_until_started()
    slug = tree.begin("wait_for", what="a program, checked", until=str(tmp_path / "end"))
    stop_everything(tree)
    assert tree.wait() == 0
    (tmp_path / "end").touch()

    following = start_stopped().wait_until_started()

    job = following.wait_for(slug, "completed")
    assert (job.attempts, job.interruptions, following.result(slug)["value"]) == (1, 1, 0)


@pytest.mark.parametrize("what", ["nothing", "a program that is deaf"])
def test_a_job_that_lost_nothing_may_finish_when_everything_is_stopped(
    start_stopped: Start, tmp_path: Path, what: str
) -> None:
    tree = start_stopped(grace_seconds=30).wait_until_started()
    slug = tree.begin("wait_for", what=what, until=str(tmp_path / "end"))

    stop_everything(tree)
    wait_until(lambda: "Stopping: waiting" in tree.server_log)
    (tmp_path / "end").touch()

    assert tree.wait() == 0
    assert tree.job(slug).state == "completed"


def test_a_server_that_is_stopped_alone_lets_a_program_finish(start_stopped: Start, tmp_path: Path) -> None:
    tree = start_stopped(grace_seconds=30).wait_until_started()
    slug = tree.begin("wait_for", what="a program, checked", until=str(tmp_path / "end"))

    tree.signal(signal.SIGTERM)
    wait_until(lambda: "Stopping: waiting" in tree.server_log)
    (tmp_path / "end").touch()

    assert tree.wait() == 0
    assert tree.job(slug).state == "completed"


# --- before the start -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_job_whose_worker_ends_before_its_function_was_called_has_not_started(
    start_stopped: Start, tmp_path: Path, number: signal.Signals
) -> None:
    tree = start_stopped().wait_until_started()
    diary = tmp_path / "diary"

    made = {"number": int(number), "once": str(tmp_path / "signalled")}
    job = tree.run("start_once", made=made, diary=str(diary))

    assert (job.state, job.interruptions) == ("completed", 0)
    assert diary.read_text() == "started\n"


def test_a_worker_stopped_while_it_claims_gives_the_job_back_as_never_started(
    start_stopped: Start, tmp_path: Path
) -> None:
    tree = start_stopped(grace_seconds=20).wait_until_started()
    (worker,) = tree.wait_for_workers(1)
    os.kill(worker, signal.SIGSTOP)
    slug = tree.submit("write_once", diary=str(tmp_path / "diary"))
    with write_lock_held(tree):
        os.kill(worker, signal.SIGCONT)
        wait_until(lambda: waits_for_a_lock(worker), what="the worker to claim")
        os.kill(worker, signal.SIGTERM)
        wait_until(lambda: not has_pending(worker, signal.SIGTERM), what="the worker to hear of it")

    job = tree.wait_for(slug, "completed")

    assert (job.attempts, job.interruptions, job.crashes) == (1, 0, 0)
    assert (tmp_path / "diary").read_text() == "started\n"


HOLD = "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); input()"


@contextlib.contextmanager
def write_lock_held(tree: Tree) -> Iterator[None]:
    """By another process: a lock of this one would go with its next write."""
    command = [sys.executable, "-S", "-c", HOLD, str(tree.instance / "asyncinweb.db.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield
        holder.communicate("\n")


def waits_for_a_lock(pid: int) -> bool:
    """True while the process waits for a lock that another one holds."""
    return any(f" {pid} " in line and "->" in line for line in Path("/proc/locks").read_text().splitlines())


def has_pending(pid: int, number: signal.Signals) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    masks = [int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd", "ShdPnd"))]
    return any(mask & 1 << (number - 1) for mask in masks)
