"""Which signals a process of ours hears, and what a process finds that it forks: the defaults of Python."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

Handler = Callable[[int, FrameType | None], None]

_ours: dict[int, Handler] = {}
_forking = threading.local()


def listen(number: signal.Signals, handler: Handler) -> None:
    """Let `handler` hear this signal, in this process alone: programs that it starts find the default."""
    _ours[number] = handler
    signal.signal(number, handler)


def do_nothing(number: int, frame: FrameType | None) -> None:
    """Hear a signal and go on. SIG_IGN would do for this process, but programs that it starts inherit that."""


def _hold_signals_back() -> None:
    """Before a fork: what is sent to the child at once must find the child's handlers, not ours, or it is lost."""
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})


def _let_signals_through() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


def _forget_ours() -> None:
    """In a forked child. What its author has set stays, as in a script."""
    for number, handler in _ours.items():
        if signal.getsignal(number) == handler:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    _ours.clear()
    _let_signals_through()


def leave_signals_at_fork() -> None:
    """Let processes that this one forks hear signals as those of a script do."""
    os.register_at_fork(
        before=_hold_signals_back, after_in_parent=_let_signals_through, after_in_child=_forget_ours
    )
