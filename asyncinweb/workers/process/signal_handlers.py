"""The signals that our processes handle, and the handlers of processes that they fork: Python's defaults."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

Handler = Callable[[int, FrameType | None], None]

_ours: dict[int, Handler] = {}
_forking = threading.local()


def listen(number: signal.Signals, handler: Handler) -> None:
    """Handle this signal with `handler` in this process only: programs that it starts get the default."""
    _ours[number] = handler
    signal.signal(number, handler)


def do_nothing(number: int, frame: FrameType | None) -> None:
    """Ignore a signal. SIG_IGN would work for this process, but programs that it starts would inherit it."""


def _hold_signals_back() -> None:
    """Before a fork: a signal sent to the child at once must find the child's handlers, not ours, or it is
    lost."""
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})


def _let_signals_through() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


def _forget_ours() -> None:
    """In a forked child: handlers that the author has set stay, as in a script."""
    for number, handler in _ours.items():
        if signal.getsignal(number) == handler:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    _ours.clear()
    _let_signals_through()


def leave_signals_at_fork() -> None:
    """Let forked processes handle signals as those of a script do."""
    os.register_at_fork(
        before=_hold_signals_back, after_in_parent=_let_signals_through, after_in_child=_forget_ours
    )
