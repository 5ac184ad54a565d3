"""Processes that stand still and clocks that are wrong: nobody is taken for dead who lives."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from process_tree import Tree, running, wait_until

LEASE_SECONDS = 1.5
NOW = "(julianday('now') - 2440587.5) * 86400.0"


@pytest.fixture(scope="module")
def leased(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A server that takes other computers for dead after a moment."""
    folder = tmp_path_factory.mktemp("leased")
    tree = Tree(folder, workers=1, lease_seconds=LEASE_SECONDS, heartbeat_seconds=0.2)
    with running(tree):
        yield tree


@pytest.fixture
def elsewhere(leased: Tree) -> str:
    """A job that a worker of another computer holds, which has just shown a sign of life. Its slug."""
    slug = leased.submit("add", a=1)
    leased.wait_for(slug)
    leased.change(
        "INSERT INTO asyncinweb_supervisors"
        " (id, host, boot_id, pid, pid_started, workers, started_at, heartbeat_at)"
        f" VALUES ('yonder', 'yonder', 'b', 1, 'x', 1, {NOW}, {NOW})"
    )
    leased.change(
        "INSERT INTO asyncinweb_workers (id, supervisor_id, host, boot_id, pid, pid_started, started_at)"
        f" VALUES ('there', 'yonder', 'yonder', 'b', 2, 'x', {NOW})"
    )
    leased.change(
        "INSERT INTO asyncinweb_jobs (slug, task, arguments, owner, state, worker_id, priority, created_at,"
        " started_at, attempts, max_attempts, crashes, interruptions, claim_no, on_crash)"
        f" SELECT :new, task, arguments, '', 'processing', 'there', 0, {NOW}, {NOW}, 1, 1, 0, 0, 1, 'rerun'"
        " FROM asyncinweb_jobs WHERE slug = :slug",
        slug=slug,
        new=f"elsewhere-{slug}",
    )
    return f"elsewhere-{slug}"


def beat_of(tree: Tree, host_is: str = "<>") -> float:
    """The last sign of life of this computer, or (=) of the other one."""
    (row,) = tree.rows(f"SELECT heartbeat_at FROM asyncinweb_supervisors WHERE host {host_is} 'yonder'")
    return float(row["heartbeat_at"])


def set_beat(tree: Tree, host_is: str, hours: float) -> None:
    tree.change(
        f"UPDATE asyncinweb_supervisors SET heartbeat_at = {NOW} + :seconds WHERE host {host_is} 'yonder'",
        seconds=hours * 3600,
    )


def test_nobody_is_taken_for_dead_after_everything_stood_still_for_three_leases(
    leased: Tree, elsewhere: str
) -> None:
    door = leased.folder / "open-still"
    slug = leased.begin("hold", "holding", until=str(door))
    pids = leased.processes()

    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(state_of(pid) == "T" for pid in pids), what="all of them to stand still")
    # Not to wait for anything: this is the fault.
    time.sleep(3 * LEASE_SECONDS)
    continued = time.time()
    for pid in reversed(pids):
        os.kill(pid, signal.SIGCONT)

    # The other computer slept as well, and wakes a moment later than this one.
    wait_until(lambda: beat_of(leased) > continued, what="our own sign of life")
    set_beat(leased, "=", 0)
    wait_until(lambda: beat_of(leased) > continued + 0.5, what="further signs of life")
    assert leased.job(elsewhere).state == "processing"
    door.touch()
    job = leased.wait_for(slug, "completed")
    assert (job.attempts, job.claim_no) == (1, 1)
    assert leased.processes() == pids
    # Now the other computer is silent.
    assert leased.wait_for(elsewhere, "completed").claim_no == 2


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_sign_of_life_that_is_an_hour_off_harms_no_job_of_this_computer(leased: Tree, hours: float) -> None:
    door = leased.folder / f"open-off-{hours}"
    slug = leased.begin("hold", "holding", until=str(door))

    set_beat(leased, "<>", hours)
    wait_until(lambda: abs(beat_of(leased) - time.time()) < 60, what="the next sign of life")
    door.touch()

    job = leased.wait_for(slug, "completed")
    assert (job.attempts, job.claim_no) == (1, 1)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_silent_computer_whose_sign_of_life_is_an_hour_off_is_given_up(
    leased: Tree, elsewhere: str, hours: float
) -> None:
    set_beat(leased, "=", hours)

    job = leased.wait_for(elsewhere, "completed", seconds=10)

    assert (job.attempts, job.crashes) == (2, 1)
    assert leased.rows("SELECT id FROM asyncinweb_supervisors WHERE host = 'yonder'") == []
