"""What a job can change for its whole process, and putting it back."""

import _signal  # type: ignore[import-not-found]
import faulthandler
import functools
import gc
import locale
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from asyncio import get_event_loop_policy, set_event_loop_policy
from collections.abc import Callable
from dataclasses import dataclass

try:
    import resource
except ImportError:  # this system has no such limits
    resource = None  # type: ignore[assignment]

# Some cannot be handled; the worker's own are set again after each job anyway.
OWN_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}
SIGNALS = tuple(sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP} - OWN_SIGNALS))
LIMITS = tuple(
    getattr(resource, name)
    for name in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE")
    if hasattr(resource, name)
)


@dataclass(frozen=True)
class Kept:
    """One thing that must stay as it was when the worker started. look: reads its current state, to compare and
    restore."""

    name: str
    look: Callable[[], object]
    put_back: Callable[..., object]


def _look_at_environment() -> object:
    # The dict below os.environ: comparing it takes 0.2 microseconds instead of 15.
    return os.environ, dict(getattr(os.environ, "_data", ()))


def _put_back_environment(before: tuple[os._Environ[str], dict[bytes, bytes]]) -> None:
    os.environ, variables = before
    os.environ.clear()
    os.environ.update({os.fsdecode(name): os.fsdecode(value) for name, value in variables.items()})
    time.tzset()


def _look_at_umask() -> int:
    before = os.umask(0o077)
    os.umask(before)
    return before


def _look_at_stack_size() -> int:
    # Asking for it sets it to the system's default.
    before = threading.stack_size()
    threading.stack_size(before)
    return before


def _look_at_warnings() -> object:
    return list(warnings.filters), warnings.showwarning, warnings.formatwarning


def _put_back_warnings(before: tuple[list[object], Callable[..., None], Callable[..., str]]) -> None:
    filters, warnings.showwarning, warnings.formatwarning = before
    warnings.filters[:] = filters  # type: ignore[index]


def _put_back_path(before: list[str]) -> None:
    sys.path[:] = before


def _put_back_arguments(before: list[str]) -> None:
    sys.argv[:] = before


def _put_back_temporary_folder(before: str | None) -> None:
    # If it is None, tempfile asks the environment anew.
    tempfile.tempdir = before


def _look_at_hooks() -> object:
    return sys.stdin, sys.excepthook, sys.unraisablehook, sys.displayhook, threading.excepthook


def _put_back_hooks(before: tuple[object, ...]) -> None:
    sys.stdin, sys.excepthook, sys.unraisablehook, sys.displayhook, threading.excepthook = before  # type: ignore


def _look_at_tracing() -> object:
    return sys.gettrace(), sys.getprofile()


def _put_back_tracing(before: tuple[None, None]) -> None:
    sys.settrace(before[0])
    sys.setprofile(before[1])


def _look_at_collection() -> object:
    return gc.isenabled(), gc.get_threshold()


def _put_back_collection(before: tuple[bool, tuple[int, int, int]]) -> None:
    (gc.enable if before[0] else gc.disable)()
    gc.set_threshold(*before[1])


def _look_at_signals() -> object:
    # Like signal.getsignal, which takes twenty times as long because it makes an enum of each number.
    return list(map(_signal.getsignal, SIGNALS))


def _put_back_signals(before: list[object]) -> None:
    for number, handler in zip(SIGNALS, before, strict=True):
        if handler is not None:
            signal.signal(number, handler)  # type: ignore[arg-type]


def _look_at_limits() -> object:
    return [resource.getrlimit(each) for each in LIMITS]


def _put_back_limits(before: list[tuple[int, int]]) -> None:
    for each, limit in zip(LIMITS, before, strict=True):
        resource.setrlimit(each, limit)


def _put_back_priority(before: int) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, before)


KEPT = (
    Kept("environment variables", _look_at_environment, _put_back_environment),
    Kept("time zone", lambda: time.tzname, lambda before: time.tzset()),
    Kept("umask", _look_at_umask, os.umask),
    Kept(
        "locale", lambda: locale.setlocale(locale.LC_ALL), lambda before: locale.setlocale(locale.LC_ALL, before)
    ),
    Kept("warnings filters", _look_at_warnings, _put_back_warnings),
    Kept("sys.path", lambda: list(sys.path), _put_back_path),
    Kept("sys.argv", lambda: list(sys.argv), _put_back_arguments),
    Kept("sys.stdin and hooks", _look_at_hooks, _put_back_hooks),
    Kept("trace functions", _look_at_tracing, _put_back_tracing),
    Kept("recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    Kept("digits of a whole number", sys.get_int_max_str_digits, sys.set_int_max_str_digits),
    Kept("switch interval", sys.getswitchinterval, sys.setswitchinterval),
    Kept("stack size of threads", _look_at_stack_size, threading.stack_size),
    Kept(
        "sys.dont_write_bytecode",
        lambda: sys.dont_write_bytecode,
        functools.partial(setattr, sys, "dont_write_bytecode"),
    ),
    Kept("folder for temporary files", lambda: tempfile.tempdir, _put_back_temporary_folder),
    Kept("garbage collector", _look_at_collection, _put_back_collection),
    Kept("default timeout of sockets", socket.getdefaulttimeout, socket.setdefaulttimeout),
    Kept("signal handlers", _look_at_signals, _put_back_signals),
    Kept("asyncio's policy", get_event_loop_policy, set_event_loop_policy),
    Kept("resource limits", _look_at_limits, _put_back_limits),
    Kept("priority", lambda: os.getpriority(os.PRIO_PROCESS, 0), _put_back_priority),
)


class ProcessState:
    """The state of this process when this object is created, after a worker has loaded its tasks."""

    def __init__(self) -> None:
        self._before = [(each, each.look()) for each in KEPT]

    def put_back(self) -> list[str]:
        """Undo all changes since. The names of the things that could not be put back."""
        stop_alarms()
        # Python then shows each warning again, in the log of the job that causes it.
        with warnings.catch_warnings():
            pass
        return [
            f"{kept.name} cannot be put back" for kept, before in self._before if not _is_as_before(kept, before)
        ]


def stop_alarms() -> None:
    """Stop timers that would go off in a later job."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    faulthandler.cancel_dump_traceback_later()


def _is_as_before(kept: Kept, before: object) -> bool:
    try:
        if kept.look() == before:
            return True
        kept.put_back(before)
        return kept.look() == before
    except Exception:
        return False
