"""The slots for a supervisor's children: which are filled, and starting children for the empty ones.

Does not use the database, so children can start before this process has loaded what it needs to watch them.
"""

import logging
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncinweb import clock
from asyncinweb.workers.process import processes
from asyncinweb.workers.process.child import Child, ChildSpec, Ready, Refused, WorkerSpec, start_child
from asyncinweb.workers.process.outage import OutageLog
from asyncinweb.workers.process.stop_signals import StopSignals

if TYPE_CHECKING:
    from asyncinweb.workers.supervising.overdue import KillReason

log = logging.getLogger(__name__)

# A child that fails to start is started again after a pause, which doubles each time up to this.
LONGEST_PAUSE_SECONDS = 30.0


@dataclass
class Slot:
    """A supervisor's place for one child. The child changes, the slot stays."""

    kind: str
    make_spec: Callable[[], ChildSpec]
    child: Child | None = None
    failures: int = 0
    next_start: float = 0.0
    # About the current child: why it was killed, and its highest memory use so far.
    kill_reason: "KillReason | None" = None
    killed: bool = False
    peak_mb: float = 0.0

    @property
    def is_worker(self) -> bool:
        return self.child is not None and self.kind == "worker"

    @property
    def worker_id(self) -> str:
        return self.worker_spec.worker_id

    @property
    def worker_spec(self) -> WorkerSpec:
        assert self.child is not None
        (spec, *_) = self.child.spec.arguments
        assert isinstance(spec, WorkerSpec)
        return spec

    def send(self, number: signal.Signals) -> None:
        """Send the child a signal."""
        if self.child is not None:
            self.child.send(number)


class Slots:
    """All slots of one supervisor."""

    def __init__(
        self,
        tree: str,
        web: ChildSpec | None,
        worker_count: int,
        make_worker_spec: Callable[[], ChildSpec],
        reaper_pid: int,
        stop_signals: StopSignals,
        folder: str,
    ) -> None:
        """folder: where the children work; as a name, so that another folder can take its place."""
        self.tree = tree
        self.worker_count = worker_count
        self.all = [Slot("worker", make_worker_spec) for _ in range(worker_count)]
        if web is not None:
            self.all.insert(0, Slot("web", lambda: web))
        self._stop_signals = stop_signals
        self._is_closing = False
        self._reaper_pid = reaper_pid
        self._helpers: set[int] = set()
        self._folder = folder
        self._outages = {
            kind: OutageLog(
                f"A {kind} process could not start: %s; trying again until it starts",
                f"A {kind} process has started again",
            )
            for kind in ("web", "worker")
        }

    @property
    def workers(self) -> list[Slot]:
        """Slots that hold a worker."""
        return [slot for slot in self.all if slot.is_worker]

    @property
    def children(self) -> list[Child]:
        """All children."""
        return [slot.child for slot in self.all if slot.child is not None]

    @property
    def known_pids(self) -> set[int]:
        """This process's own children, without orphans that dead workers left to it."""
        return {child.pid for child in self.children} | self._helpers | {self._reaper_pid}

    def start_first(self) -> None:
        """Fill the first slot; the others wait until that child is ready.

        On two cores a visitor gets the first page after 1.5 s instead of 1.9, and the workers are ready 0.2 s
        later than if all had started at once.
        """
        self._start(self.all[:1])

    def start_missing(self) -> None:
        """Fill the empty slots, unless the server is stopping."""
        self._start(self.all)

    def _start(self, slots: Sequence[Slot]) -> None:
        for slot in slots:
            if self._is_closing or self._stop_signals.asked:
                return
            if slot.child is None and clock.monotonic() >= slot.next_start:
                self._fill(slot)

    def _fill(self, slot: Slot) -> None:
        try:
            slot.child = start_child(slot.make_spec(), self.tree, self._folder)
        except (OSError, MemoryError) as error:
            # The system has no process, descriptor, memory or folder for us at the moment.
            self._note_failure(slot, str(error) or type(error).__name__)
            return
        slot.kill_reason, slot.killed, slot.peak_mb = None, False, 0.0
        # multiprocessing's own helper started with the first child, before any job could start a process.
        self._helpers = self._helpers or processes.children_of_this() - self.known_pids

    def close(self) -> None:
        """From now on, a slot that becomes free stays free, and nothing is logged."""
        self._is_closing = True

    def handshake(self) -> None:
        """Receive the children's messages, and let those that are ready begin."""
        for child in self.children:
            child.hear()
            if child.begin():
                self._outages[child.spec.kind].is_over()

    def free(self, slot: Slot) -> None:
        """Free the slot of an ended child: for the next one at once, or after a pause if this one never worked."""
        child, slot.child = slot.child, None
        assert child is not None
        if isinstance(child.answer, Ready):
            slot.failures, slot.next_start = 0, 0.0
            if child.spec.kind != "worker" and not self._is_closing:
                log.warning("The %s process %s; restarting it", child.spec.kind, child.ending)
        else:
            self._note_failure(slot, child.answer.message if isinstance(child.answer, Refused) else child.ending)
        child.release()

    def _note_failure(self, slot: Slot, why: str) -> None:
        pause = min(LONGEST_PAUSE_SECONDS, 0.5 * 2**slot.failures)
        slot.failures, slot.next_start = slot.failures + 1, clock.monotonic() + pause
        if not self._is_closing:
            self._outages[slot.kind].note(why)

    def kill_all(self) -> None:
        """End children that have not begun anything yet."""
        for slot in self.all:
            if slot.child is not None:
                slot.send(signal.SIGKILL)
                slot.child.release()
                slot.child = None
