"""The signals by which a supervisor asks a worker to stop, and the idle wait that such a signal ends."""

import signal
from types import FrameType

from asyncinweb.workers.idle import IdleWait
from asyncinweb.workers.process.signal_handlers import do_nothing, listen
from asyncinweb.workers.process.stop_signals import FINISH
from asyncinweb.workers.running.children_at_stop import ChildrenAtStop
from asyncinweb.workers.running.interruption import Interruption


class _StopAsked(Exception):
    """Raised out of the idle wait by a signal that asks to stop."""


class WorkerSignals:
    """One per worker process, made in its main thread."""

    def __init__(self, interruption: Interruption, idle_wait: IdleWait) -> None:
        self.stop_asked = False
        self._interruption = interruption
        self._idle_wait = idle_wait
        self._is_waiting = False
        self.children = ChildrenAtStop()
        self.listen()

    def listen(self) -> None:
        """Obey only the supervisor's signals. Called again after each job, which may have changed any handler."""
        listen(signal.SIGINT, do_nothing)
        listen(FINISH, self._on_stop)
        # Where there is a signal of its own for the supervisor, this one comes from elsewhere.
        listen(signal.SIGTERM, self._on_stop_of_all if FINISH != signal.SIGTERM else self._on_stop)
        listen(signal.SIGUSR2, self._on_stop_now)
        self._interruption.listen()

    def wait_for_work(self) -> bool:
        """Wait until there may be work: True after a wake-up. A signal that asks to stop ends the wait."""
        try:
            self._is_waiting = True
            try:
                return not self.stop_asked and self._idle_wait.sleep()
            finally:
                self._is_waiting = False
        except _StopAsked:
            self._is_waiting = False
            return False

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        """FINISH: finish the running job, then end."""
        was_asked, self.stop_asked = self.stop_asked, True
        if self._is_waiting and not was_asked:
            raise _StopAsked

    def _on_stop_of_all(self, number: int, frame: FrameType | None) -> None:
        """SIGTERM: the same, and whatever the job has started may have been told to stop as well."""
        self.children.look()
        self._on_stop(number, frame)

    def _on_stop_now(self, number: int, frame: FrameType | None) -> None:
        """SIGUSR2: stop the running job and give it back."""
        self._interruption.stop_now()
        self._on_stop(number, frame)
