"""Receiving the signals that ask the server to stop."""

import signal
import socket
from types import FrameType

# To a worker, from its supervisor alone: finish the running job, then end. A SIGTERM that a worker hears comes
# from elsewhere, and most likely everything that it has started hears one, too.
FINISH: signal.Signals = getattr(signal, "SIGRTMIN", signal.SIGTERM)
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopSignals:
    """Counts the signals that ask to stop. Can be polled, so that a signal ends a wait."""

    def __init__(self) -> None:
        self.asked = 0
        self._heard, self._hears = socket.socketpair()
        self._heard.setblocking(False)
        self._hears.setblocking(False)
        signal.set_wakeup_fd(self._hears.fileno(), warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_stop)

    def fileno(self) -> int:
        """A descriptor that becomes readable with a signal."""
        return self._heard.fileno()

    def clear(self) -> None:
        """Discard the notice that woke us."""
        self._heard.recv(1024)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self.asked += 1
