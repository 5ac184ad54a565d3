"""What the operating system knows about processes: their identity, their children, and how they die.

On Linux everything here works; elsewhere the functions do what they can and say so.
"""

import contextlib
import ctypes
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from asyncinweb import clock
from asyncinweb.identity import Identity

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
# Every process below a supervisor carries its id in this variable, also after a double fork and in a new session.
TREE_VARIABLE = "_ASYNCINWEB_TREE"
# For trackers of shared memory to do their work.
TRACKER_SECONDS = 1.0


def this_host() -> str:
    """The computer's name, as stored for workers."""
    return socket.gethostname()


def identity_of(pid: int) -> Identity | None:
    """The process that has this number now; None if there is none. A zombie does not count."""
    started = _started(pid)
    return None if started is None else Identity(this_host(), _boot_id(), pid, started)


def this_process() -> Identity:
    """This process's own identity."""
    return Identity(this_host(), _boot_id(), os.getpid(), _started(os.getpid()) or "")


def is_alive(process: Identity) -> bool:
    """True if exactly this process still runs on this computer, and not another one with its number."""
    return identity_of(process.pid) == process


def kill_exactly(process: Identity) -> None:
    """Kill this process if it still runs; never another one with its number."""
    if is_alive(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """When a process started, in ticks since boot; None if it does not exist or only waits to be reaped."""
    try:
        # The name, in brackets, may contain spaces and brackets: proc(5), /proc/pid/stat.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None if sys.platform == "linux" or not _responds(pid) else ""
    return None if fields[0] in "ZX" else fields[19]


def _responds(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def die_with(parent_pid: int) -> None:
    """Let the kernel kill this process when its parent dies, even with kill -9."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        parent_is_there = os.getppid() == parent_pid
    else:
        threading.Thread(target=_wait_for_orphanhood, args=(parent_pid,), daemon=True).start()
        parent_is_there = True
    # The parent may have died before the kernel knew.
    if not parent_is_there:
        os._exit(1)


def _wait_for_orphanhood(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        pause(0.5)
    os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own parent dies, so that none can slip away."""
    if sys.platform == "linux":
        _prctl(PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value})")


def close_on_exec() -> None:
    """Keep every descriptor but the standard ones from the programs that this process will start. Python does so
    itself, except for those that were handed to this process when it was started."""
    with contextlib.suppress(OSError):
        for entry in Path("/proc/self/fd").iterdir():
            if int(entry.name) > 2:
                with contextlib.suppress(OSError):
                    os.set_inheritable(int(entry.name), False)


def has_children() -> bool:
    """True if this process has any child, running or to be reaped. One system call."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def kill_children(spare: set[int] | None = None) -> None:
    """Kill and reap all children of this process except those in `spare`, and theirs as they are adopted.

    Those that remove what the others leave in shared memory come last, and get a moment to end by themselves.
    """
    while unwanted := children_of_this() - (spare or set()):
        others = {pid for pid in unwanted if not _is_resource_tracker(pid)}
        if not others:
            _wait_for_end(unwanted)
        _kill_and_reap(others or unwanted)


def _kill_and_reap(pids: set[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _is_resource_tracker(pid: int) -> bool:
    """True for the helper of multiprocessing, or of joblib, that removes semaphores and shared memory."""
    try:
        return b"resource_tracker import main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _wait_for_end(pids: set[int]) -> None:
    end = clock.monotonic() + TRACKER_SECONDS
    while any(_started(pid) is not None for pid in pids) and clock.monotonic() < end:
        pause(0.01)


def children_of_this() -> set[int]:
    """The ids of this process's children, from all its threads."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for thread in Path("/proc/self/task").iterdir():
            found.update(int(child) for child in (thread / "children").read_text(encoding="ascii").split())
    return found


def pause(seconds: float) -> None:
    """Wait a moment, so that the kernel can do its work."""
    threading.Event().wait(seconds)


def peak_memory_mb(pid: int) -> float | None:
    """The most memory this process has held, in MB; None if unknown."""
    return _memory_mb(pid, "VmHWM:")


def memory_mb(pid: int) -> float | None:
    """Memory this process holds now, in MB; None if unknown."""
    return _memory_mb(pid, "VmRSS:")


def _memory_mb(pid: int, key: str) -> float | None:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * 1024 / 1_000_000
    return None


def kill_tree(tree: str) -> None:
    """Kill every process that was started below the supervisor called `tree`, until none is left."""
    mark = f"{TREE_VARIABLE}={tree}".encode()
    while marked := [pid for pid in _all_pids() if mark in _environment(pid)]:
        for pid in marked:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        pause(0.02)


def _all_pids() -> list[int]:
    with contextlib.suppress(OSError):
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return []


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
