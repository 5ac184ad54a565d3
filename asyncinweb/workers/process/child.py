"""A child process of the supervisor: starting it, receiving its messages, saying how it ended."""

import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import TYPE_CHECKING, Any

from asyncinweb.settings import Settings
from asyncinweb.workers.process.like_a_script import surroundings_of_a_script
from asyncinweb.workers.process.processes import TREE_VARIABLE, close_on_exec, die_with
from asyncinweb.workers.process.signal_handlers import do_nothing, listen
from asyncinweb.workers.process.started_claim import StartedClaim

if TYPE_CHECKING:
    from asyncinweb.workers.supervising.schedule import Schedule

SPAWN = multiprocessing.get_context("spawn")

# Signals that a process gets for a fault in its own code.
CRASHES: dict[int, str] = {
    signal.SIGSEGV: "segmentation fault",
    signal.SIGBUS: "bus error",
    signal.SIGABRT: "aborted",
    signal.SIGFPE: "arithmetic error",
    signal.SIGILL: "illegal instruction",
    signal.SIGSYS: "bad system call",
}


@dataclass(frozen=True)
class Ready:
    """A child's message that it works, with the names of its loaded tasks; from a worker also the schedules it
    found."""

    kind: str
    tasks: tuple[str, ...] = ()
    schedules: "tuple[Schedule, ...]" = ()


@dataclass(frozen=True)
class Refused:
    """A child's message that it cannot work, with the reason for the person at the terminal."""

    message: str
    exit_code: int


@dataclass(frozen=True)
class WorkerSpec:
    """What a worker is started with."""

    worker_id: str
    supervisor_id: str
    settings: Settings
    started: StartedClaim


@dataclass(frozen=True)
class ChildSpec:
    """What a child does: its arguments and the name of its function, so that the supervisor need not import Flask
    for the web process. The last argument is a pipe: there the child says `Ready` or `Refused`, and waits for the
    go."""

    kind: str
    function: str
    arguments: tuple[object, ...]


@dataclass
class Child:
    """One running child."""

    spec: ChildSpec
    process: BaseProcess
    messages: Connection
    pid: int
    # A descriptor that becomes readable when the process ends; None if the system has none.
    pidfd: int | None
    answer: Ready | Refused | None = field(default=None)
    has_begun: bool = False

    def hear(self) -> None:
        """Receive the child's message, if it has sent one."""
        try:
            if self.answer is None and self.messages.poll():
                self.answer = self.messages.recv()
        except (EOFError, OSError):
            return

    def begin(self) -> bool:
        """Let the child begin, once it is ready. True if it begins now."""
        if self.has_begun or not isinstance(self.answer, Ready):
            return False
        self.has_begun = True
        with suppress(OSError):
            self.messages.send(True)
        return True

    def has_ended(self) -> bool:
        return not self.process.is_alive()

    def send(self, number: signal.Signals) -> None:
        """Send the child a signal, if it is still running."""
        if not self.has_ended():
            os.kill(self.pid, number)

    def release(self) -> None:
        """Close what the supervisor holds of an ended child."""
        self.messages.close()
        if self.pidfd is not None:
            os.close(self.pidfd)
        self.process.join()
        self.process.close()

    @property
    def ending(self) -> str:
        """How the child ended, in words that follow its name."""
        code = self.process.exitcode
        return f"exited with code {code}" if code is None or code >= 0 else killed_by(-code)


def killed_by(number: int) -> str:
    """How a process ended that was killed by this signal, in words that follow its name."""
    if number in CRASHES:
        return f"crashed ({CRASHES[number]})"
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    # The kernel sends this when the computer is out of memory.
    hint = ", possibly because the computer ran out of memory" if number == signal.SIGKILL else ""
    return f"was killed ({name}){hint}"


def wait_for_go(messages: Connection) -> None:
    """In the child: wait until the supervisor has settled what earlier starts left, so that work can be
    accepted."""
    try:
        messages.recv()
    except (EOFError, OSError):
        # The supervisor has ended; a reset, if it had not yet read this child's message.
        os._exit(1)


def start_child(spec: ChildSpec, tree: str, folder: str) -> Child:
    """Start a process for this spec in `folder`, if that is still there. Every process below it carries the name
    of the tree. Raises OSError or MemoryError if the system has no process or descriptor left."""
    messages, theirs = SPAWN.Pipe()
    process = SPAWN.Process(
        target=_live,
        args=(os.getpid(), folder, spec.function, (*spec.arguments, theirs)),
        name=f"asyncinweb-{spec.kind}",
    )
    try:
        # Otherwise the first child would start it, which would undo the signal blocking below.
        resource_tracker.ensure_running()
        with _environment(TREE_VARIABLE, tree), _without_main(), _without_ctrl_c():
            process.start()
    except BaseException:
        messages.close()
        raise
    finally:
        theirs.close()
    assert process.pid is not None
    return Child(spec, process, messages, process.pid, _pidfd(process.pid))


def _pidfd(pid: int) -> int | None:
    # Without one, or without a descriptor for it, the end of the process is noticed at the next turn.
    with suppress(OSError, AttributeError):
        return os.pidfd_open(pid)
    return None


def _live(parent_pid: int, folder: str, function: str, arguments: tuple[object, ...]) -> None:
    """The first code that a child runs."""
    # Only the supervisor handles Ctrl-C.
    listen(signal.SIGINT, do_nothing)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    die_with(parent_pid)
    close_on_exec()
    surroundings_of_a_script()
    with suppress(OSError):
        os.chdir(folder)
    module, _, name = function.partition(":")
    life: Any = getattr(importlib.import_module(module), name)
    life(*arguments)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Start a child with Ctrl-C blocked: until its first line runs, Python would answer with a traceback."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the main module, because multiprocessing would import run.py or the shell's script again in each
    child."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
