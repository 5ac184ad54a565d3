"""Processes by their identity, and killing whole trees of them. Real processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from waiting import wait_until

from asyncinweb.identity import new_id
from asyncinweb.workers.process import processes
from asyncinweb.workers.process.processes import TREE_VARIABLE
from asyncinweb.workers.supervising.reaper import start_reaper

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")

SLEEP = "import time; time.sleep(60)"
# A child of a child in a session of its own, whose parent is gone: prints its number.
DAEMON = (
    "import os, time\n"
    "if os.fork(): os._exit(0)\n"
    "os.setsid()\n"
    "if os.fork(): os._exit(0)\n"
    "print(os.getpid(), flush=True); os.close(1); time.sleep(60)"
)


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-S", *arguments]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(python("-c", SLEEP))
    yield process
    process.kill()
    process.wait()


def test_a_process_is_alive_until_it_ends_and_a_zombie_is_not(sleeper: subprocess.Popen[bytes]) -> None:
    identity = processes.identity_of(sleeper.pid)
    assert identity is not None
    assert processes.is_alive(identity)

    processes.kill_exactly(identity)
    wait_until(lambda: not processes.is_alive(identity))

    assert sleeper.poll() is not None or Path(f"/proc/{sleeper.pid}").exists()
    assert not processes.is_alive(identity)


def test_a_process_that_was_given_a_used_number_is_another_one(sleeper: subprocess.Popen[bytes]) -> None:
    identity = processes.identity_of(sleeper.pid)
    assert identity is not None

    for other in (replace(identity, pid_started="1"), replace(identity, boot_id="another")):
        assert not processes.is_alive(other)
        processes.kill_exactly(other)

    assert sleeper.poll() is None


def test_this_process_knows_itself() -> None:
    assert processes.this_process() == processes.identity_of(os.getpid())
    assert processes.is_alive(processes.this_process())


def test_a_number_that_nobody_has_is_nobody() -> None:
    process = subprocess.Popen(python("-c", ""))
    process.wait()

    assert processes.identity_of(process.pid) is None


def test_memory_is_told_in_megabytes() -> None:
    now, peak = processes.memory_mb(os.getpid()), processes.peak_memory_mb(os.getpid())

    assert now is not None
    assert peak is not None
    assert 5 < now <= peak * 1.05 < 100_000
    assert processes.memory_mb(2**22 + 1) is None


def start_daemon(tree: str) -> int:
    environment = {**os.environ, TREE_VARIABLE: tree}
    said = subprocess.run(
        python("-c", DAEMON), env=environment, stdout=subprocess.PIPE, check=True, timeout=20
    ).stdout
    return int(said)


def wait_for_death(pid: int) -> None:
    wait_until(lambda: processes.identity_of(pid) is None, what=f"{pid} to end")


def test_kill_tree_finds_daemons_of_its_tree_and_spares_others() -> None:
    mine, other = new_id(), new_id()
    doomed, spared = start_daemon(mine), start_daemon(other)

    processes.kill_tree(mine)

    wait_for_death(doomed)
    assert processes.identity_of(spared) is not None
    processes.kill_tree(other)
    wait_for_death(spared)


REAPER_OF_A_KILLED = (
    "import os, signal, sys\n"
    "from asyncinweb.workers.supervising.reaper import start_reaper\n"
    "reaper = start_reaper(sys.argv[1])\n"
    "print(reaper.pid, flush=True)\n"
    "os.kill(os.getpid(), signal.SIGKILL)"
)


def test_the_reaper_clears_the_tree_of_a_killed_supervisor_and_ends() -> None:
    tree = new_id()
    daemon = start_daemon(tree)

    killed = subprocess.run(
        [sys.executable, "-c", REAPER_OF_A_KILLED, tree], stdout=subprocess.PIPE, check=False, timeout=30
    )

    wait_for_death(daemon)
    wait_for_death(int(killed.stdout))


def test_a_dismissed_reaper_has_ended() -> None:
    tree = new_id()
    daemon = start_daemon(tree)
    reaper = start_reaper(tree)
    assert processes.identity_of(reaper.pid) is not None

    reaper.dismiss()

    assert processes.identity_of(reaper.pid) is None
    wait_for_death(daemon)


ADOPTS = """
import subprocess, sys
from asyncinweb.workers.process import processes

processes.adopt_orphans()
spared = subprocess.Popen([*sys.argv[1:3], "-c", "import time; time.sleep(60)"])
try:
    run = subprocess.run([*sys.argv[1:3], "-c", sys.argv[3]], stdout=subprocess.PIPE, check=True)
    daemon = int(run.stdout)
    assert processes.has_children()
    assert {spared.pid, daemon} <= processes.children_of_this()
    processes.kill_children(spare={spared.pid})
    assert processes.children_of_this() == {spared.pid}
    assert processes.identity_of(daemon) is None
finally:
    processes.kill_children()
assert not processes.has_children()
print("all gone")
"""


def test_kill_children_reaches_adopted_daemons_and_spares_what_it_is_told_to() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ADOPTS, *python(), DAEMON], capture_output=True, text=True, check=False, timeout=30
    )

    assert (done.stdout, done.stderr) == ("all gone\n", "")
