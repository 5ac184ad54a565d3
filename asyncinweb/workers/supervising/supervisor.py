"""The parent: starts, watches, replaces and stops its children, and settles what dead workers held.

Runs no user code, has no threads and serves no page. All other processes coordinate through the database.
"""

import logging
import select
import signal
from collections.abc import Callable, Sequence

from asyncinweb import clock
from asyncinweb.errors import AsyncInWebError, DatabaseBusy, DatabaseDamaged, DatabaseGone, DatabaseUnusable
from asyncinweb.queue import process_registry
from asyncinweb.queue.polling import held_jobs
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.settings import Settings
from asyncinweb.workers.process import processes
from asyncinweb.workers.process.child import Child, Ready, Refused
from asyncinweb.workers.process.outage import OutageLog
from asyncinweb.workers.process.stop_signals import FINISH, StopSignals
from asyncinweb.workers.process.working_folder import folder_of_worker, remove_quietly
from asyncinweb.workers.supervising.housekeeping import Housekeeping
from asyncinweb.workers.supervising.overdue import Overdue
from asyncinweb.workers.supervising.rescue import rescue_own
from asyncinweb.workers.supervising.schedule import Schedule
from asyncinweb.workers.supervising.slots import Slot, Slots

log = logging.getLogger(__name__)

START_SECONDS = 60.0
WEB_STOP_SECONDS = 3.0


class ChildRefused(AsyncInWebError):
    """A child cannot work at all, for a reason that the person at the terminal can fix."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message)
        self.exit_code = refused.exit_code


class Supervisor:
    """One tree of processes: workers, and the web process if there is one."""

    def __init__(
        self, settings: Settings, database: Database, slots: Slots, wake_port: int, stop_signals: StopSignals
    ) -> None:
        self._settings = settings
        self._database = database
        self._slots = slots
        self._stop_signals = stop_signals
        self._housekeeping = Housekeeping(settings, database, slots.tree, slots.worker_count, wake_port)
        self._overdue = Overdue(settings.kill_after_seconds)
        self._outage = OutageLog()
        self._tick_seconds = min(1.0, settings.kill_after_seconds / 2, settings.heartbeat_seconds)

    # --- the story --------------------------------------------------------------------------------------------

    def run(self, announce: Callable[[Ready], None]) -> None:
        """Let the children begin, announce it, keep everything running until a signal asks to stop, and stop it.

        Raises ChildRefused if a child cannot work, after stopping the others.
        """
        processes.adopt_orphans()
        self._housekeeping.register()
        try:
            self._announce_when_ready(announce)
            while not self._stop_signals.asked:
                self._turn()
        finally:
            self._stop()

    def _turn(self) -> None:
        """One look at everything; waits until something happens, at most a tick."""
        self._wait(min(self._tick_seconds, self._housekeeping.pause_seconds))
        self._slots.handshake()
        try:
            self._settle_ended_children()
            self._kill_overdue()
            self._housekeeping.turn(self._schedules())
        except (DatabaseGone, DatabaseDamaged) as error:
            # A new child would not find the database either, and would end and start over and over.
            return self._outage.note(error)
        except (DatabaseBusy, DatabaseUnusable, OSError) as error:
            # Nothing is lost: the next turn finds the same things to do. OSError: no descriptor is left, perhaps.
            self._outage.note(error)
        else:
            self._outage.is_over()
        return self._slots.start_missing()

    # --- starting ---------------------------------------------------------------------------------------------

    def _announce_when_ready(self, announce: Callable[[Ready], None]) -> None:
        """Announce as soon as the first child is ready: the web process if there is one. The others follow
        shortly, with the same tasks. Raises ChildRefused if the child cannot work."""
        end = clock.monotonic() + START_SECONDS
        while not self._stop_signals.asked:
            self._slots.handshake()
            self._slots.start_first()
            for first in self._slots.children:
                if isinstance(first.answer, Refused):
                    raise ChildRefused(first.answer)
                if isinstance(first.answer, Ready):
                    self._slots.start_missing()
                    return announce(first.answer)
                if first.has_ended():
                    raise ChildRefused(Refused("A process ended while starting. The log above says why.", 2))
            if clock.monotonic() > end:
                raise ChildRefused(Refused("No process started in time. The log above may say why.", 2))
            self._wait(self._tick_seconds)
        return None

    def _schedules(self) -> Sequence[Schedule] | None:
        """The schedules that the workers have found; None until one of them is ready."""
        for child in self._slots.children:
            if child.spec.kind == "worker" and isinstance(child.answer, Ready):
                return child.answer.schedules
        return None

    # --- watching ---------------------------------------------------------------------------------------------

    def _wait(self, seconds: float) -> None:
        """Wait until a child ends or sends a message, or a signal comes, but at most this long."""
        poll = select.poll()
        poll.register(self._stop_signals, select.POLLIN)
        for child in self._slots.children:
            if child.pidfd is not None:
                poll.register(child.pidfd, select.POLLIN)
            if child.answer is None:
                poll.register(child.messages, select.POLLIN)
        if any(descriptor == self._stop_signals.fileno() for descriptor, _ in poll.poll(seconds * 1000)):
            self._stop_signals.clear()

    def _settle_ended_children(self) -> None:
        for slot in self._slots.all:
            if slot.child is not None and slot.child.has_ended():
                self._settle_ended(slot, slot.child)

    def _settle_ended(self, slot: Slot, child: Child) -> None:
        """Kill what the dead child left, settle what it held, free its slot."""
        processes.kill_children(spare=self._slots.known_pids)
        if slot.is_worker:
            remove_quietly(folder_of_worker(self._settings.instance, slot.worker_id))
            ending = child.ending + (f"; it had used up to {slot.peak_mb:.0f} MB" if slot.peak_mb > 1000 else "")
            with self._database.write() as connection:
                words = rescue_own(
                    connection, slot.worker_spec, slot.kill_reason, ending, killed_by_us=slot.killed
                )
            for line in words:
                log.warning("%s", line)
        self._slots.free(slot)

    def _kill_overdue(self) -> None:
        """Kill the workers whose job neither ended nor stopped in time."""
        with self._database.glance() as connection:
            held = held_jobs(connection)
        workers = {slot.worker_id: slot for slot in self._slots.workers}
        for job in held:
            slot = workers.get(job.worker_id)
            if slot is not None and slot.child is not None:
                slot.peak_mb = processes.peak_memory_mb(slot.child.pid) or slot.peak_mb
        for kill_reason in self._overdue.judge(held):
            slot = workers.get(kill_reason.worker_id)
            if slot is not None and slot.child is not None and slot.kill_reason is None:
                slot.kill_reason = kill_reason
                slot.child.send(signal.SIGKILL)

    # --- stopping ---------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Let jobs finish for a while, then interrupt them, then kill; the web process last, so that visitors see
        what happens. Each further signal skips a step."""
        self._slots.close()
        if self._slots.workers:
            log.info("Stopping: waiting up to %g s for running jobs", self._settings.grace_seconds)
        self._send_workers(FINISH)
        self._wait_for_workers(self._settings.grace_seconds, signals_before=1)
        # At every turn: right after another signal, the kernel may give one to a thread that cannot act on it, and
        # the function's thread would keep sleeping.
        self._wait_for_workers(self._settings.kill_after_seconds, signals_before=2, asking=signal.SIGUSR2)
        self._kill_workers()
        self._stop_web()
        try:
            with self._database.write() as connection:
                process_registry.deregister_supervisor(connection, self._slots.tree)
        except (DatabaseBusy, DatabaseUnusable) as error:
            # The next start finds the row, and that its process is gone.
            log.warning("Could not deregister this server: %s", error)

    def _send_workers(self, number: signal.Signals) -> None:
        for slot in self._slots.workers:
            slot.send(number)

    def _wait_for_workers(self, seconds: float, signals_before: int, asking: signal.Signals | None = None) -> None:
        """Wait until all workers have ended, the time is up, or a further signal makes it urgent."""
        end = clock.monotonic() + seconds
        while self._slots.workers and clock.monotonic() < end and self._stop_signals.asked <= signals_before:
            if asking is not None:
                self._send_workers(asking)
            self._turn_while_stopping(min(self._tick_seconds, max(0.0, end - clock.monotonic())))

    def _turn_while_stopping(self, seconds: float) -> None:
        self._wait(seconds)
        try:
            self._settle_ended_children()
            self._kill_overdue()
        except DatabaseBusy as error:
            self._outage.note(error)
        except (DatabaseUnusable, OSError) as error:
            self._outage.note(error)
            self._abandon_ended()

    def _abandon_ended(self) -> None:
        """Free the slots of dead children although what they held cannot be settled now; the next start will do
        it."""
        for slot in self._slots.all:
            if slot.child is not None and slot.child.has_ended():
                self._slots.free(slot)

    def _kill_workers(self) -> None:
        for slot in self._slots.workers:
            slot.killed = True
            slot.send(signal.SIGKILL)
        end = clock.monotonic() + START_SECONDS
        while self._slots.workers and clock.monotonic() < end and self._stop_signals.asked < 4:
            self._turn_while_stopping(self._tick_seconds)
        self._abandon_ended()

    def _stop_web(self) -> None:
        for child in self._slots.children:
            child.send(signal.SIGTERM)
        end = clock.monotonic() + WEB_STOP_SECONDS
        while self._slots.children and clock.monotonic() < end and self._stop_signals.asked < 3:
            self._turn_while_stopping(self._tick_seconds)
        for child in self._slots.children:
            child.send(signal.SIGKILL)
        while self._slots.children:
            self._turn_while_stopping(self._tick_seconds)
