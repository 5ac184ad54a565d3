"""The parent: starts, watches, replaces and stops its children, and settles what dead workers held.

Runs no code of users, has no threads and serves no page. Everybody else coordinates through the database.
"""

import logging
import select
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from asyncinweb import clock
from asyncinweb.errors import AsyncInWebError, DatabaseBusy, DatabaseUnusable
from asyncinweb.queue import presence
from asyncinweb.queue.database import Database
from asyncinweb.queue.watching import held_jobs
from asyncinweb.settings import Settings
from asyncinweb.workers import processes
from asyncinweb.workers.burial import bury_own
from asyncinweb.workers.child import Child, Post, Ready, Refused, start_child
from asyncinweb.workers.overdue import Overdue, Verdict
from asyncinweb.workers.schedule import Schedule
from asyncinweb.workers.stops import StopRequests
from asyncinweb.workers.upkeep import Upkeep
from asyncinweb.workers.worker import WorkerPost

log = logging.getLogger(__name__)

# A child that cannot even start is tried again after pauses that double, up to this.
LONGEST_PAUSE_SECONDS = 30.0
START_SECONDS = 60.0
WEB_STOP_SECONDS = 3.0


class ChildRefused(AsyncInWebError):
    """A child cannot work at all, for a reason the person at the terminal can mend."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message)
        self.exit_code = refused.exit_code


@dataclass
class Seat:
    """A place for one child. Its occupant changes, the seat stays."""

    make_post: Callable[[], Post]
    child: Child | None = None
    failures: int = 0
    next_start: float = 0.0
    verdict: Verdict | None = None
    killed: bool = False
    peak_mb: float = field(default=0.0)

    @property
    def is_worker(self) -> bool:
        return self.child is not None and self.child.post.kind == "worker"

    @property
    def worker_id(self) -> str:
        assert self.child is not None
        (post, *_) = self.child.post.arguments
        assert isinstance(post, WorkerPost)
        return post.worker_id


class Supervisor:
    """One tree of processes: workers, and a web process where there is one."""

    def __init__(
        self,
        settings: Settings,
        workers: int,
        database: Database,
        supervisor_id: str,
        bell: socket.socket,
        web: Post | None,
        reaper_pid: int,
        stops: StopRequests,
    ) -> None:
        self._settings = settings
        self._database = database
        self._id = supervisor_id
        self._bell = bell
        self._reaper_pid = reaper_pid
        self._helpers: set[int] = set()
        self._upkeep = Upkeep(settings, database, supervisor_id, workers, bell.getsockname()[1])
        self._overdue = Overdue(settings.kill_after_seconds)
        self._tick_seconds = min(1.0, settings.kill_after_seconds / 2, settings.heartbeat_seconds)
        self._stops = stops
        self._seats = [Seat(self._worker_post) for _ in range(workers)]
        if web is not None:
            self._seats.insert(0, Seat(lambda: web))

    # --- the story --------------------------------------------------------------------------------------------

    def run(self, announce: Callable[[Sequence[Ready]], None]) -> None:
        """Start everything, say so, keep it running until a signal asks to stop, stop it.

        Raises ChildRefused if a child cannot work, after stopping the others.
        """
        processes.adopt_orphans()
        self._upkeep.register()
        try:
            self._start_missing()
            answers = self._wait_until_ready()
            if not self._stops.asked:
                announce(answers)
            while not self._stops.asked:
                self._turn()
                self._start_missing()
        finally:
            self._stop()

    def _turn(self) -> None:
        """One look at everything; waits until something happens, at most a tick."""
        self._wait(self._tick_seconds)
        for child in self._children():
            child.hear()
        try:
            self._bury_the_dead()
            self._kill_overdue()
            self._upkeep.turn(self._schedules())
        except (DatabaseBusy, DatabaseUnusable) as error:
            # Nothing is lost: the next turn finds the same things to do.
            log.warning("Waiting for the database: %s", error)

    # --- starting ---------------------------------------------------------------------------------------------

    def _worker_post(self) -> Post:
        post = WorkerPost(presence.new_id(), self._id, self._settings)
        return Post("worker", "asyncinweb.workers.worker:work", (post, self._bell))

    def _start_missing(self) -> None:
        for seat in self._seats:
            if seat.child is None and clock.monotonic() >= seat.next_start and not self._stops.asked:
                seat.child = start_child(seat.make_post(), self._id)
                seat.verdict, seat.killed, seat.peak_mb = None, False, 0.0
                # multiprocessing's own helper came with the first child, before any job could start a process.
                self._helpers = self._helpers or self._unknown_children()

    def _unknown_children(self) -> set[int]:
        return processes.children_of_this() - {child.pid for child in self._children()} - {self._reaper_pid}

    def _wait_until_ready(self) -> list[Ready]:
        """Until every child has said that it works. ChildRefused if one says it cannot."""
        end = clock.monotonic() + START_SECONDS
        while not self._stops.asked:
            for child in self._children():
                child.hear()
                if isinstance(child.answer, Refused):
                    raise ChildRefused(child.answer)
            answers = [child.answer for child in self._children() if isinstance(child.answer, Ready)]
            if len(answers) == len(self._seats):
                return answers
            if clock.monotonic() > end or any(child.has_ended() for child in self._children()):
                raise ChildRefused(Refused("A process ended while it started; its log above says why.", 2))
            self._wait(self._tick_seconds)
        return []

    def _schedules(self) -> Sequence[Schedule]:
        for child in self._children():
            if child.post.kind == "worker" and isinstance(child.answer, Ready):
                return child.answer.schedules
        return ()

    # --- watching ---------------------------------------------------------------------------------------------

    def _children(self) -> list[Child]:
        return [seat.child for seat in self._seats if seat.child is not None]

    def _wait(self, seconds: float) -> None:
        """Until a child ends or speaks, or a signal comes, at most this long."""
        poll = select.poll()
        poll.register(self._stops, select.POLLIN)
        for child in self._children():
            if child.pidfd is not None:
                poll.register(child.pidfd, select.POLLIN)
            if child.answer is None:
                poll.register(child.messages, select.POLLIN)
        if any(descriptor == self._stops.fileno() for descriptor, _ in poll.poll(seconds * 1000)):
            self._stops.clear()

    def _bury_the_dead(self) -> None:
        for seat in self._seats:
            if seat.child is not None and seat.child.has_ended():
                self._bury(seat, seat.child)

    def _bury(self, seat: Seat, child: Child) -> None:
        """Kill what the dead child left, settle what it held, free its seat."""
        processes.kill_children(spare=self._known_pids())
        if seat.is_worker:
            ending = child.ending + (f"; it had used up to {seat.peak_mb:.0f} MB" if seat.peak_mb > 1000 else "")
            with self._database.write() as connection:
                words = bury_own(connection, seat.worker_id, seat.verdict, seat.killed, ending)
            for line in words:
                log.warning("%s", line)
        self._plan_next_start(seat, child)
        child.release()
        seat.child = None

    def _known_pids(self) -> set[int]:
        return {child.pid for child in self._children()} | self._helpers | {self._reaper_pid}

    def _plan_next_start(self, seat: Seat, child: Child) -> None:
        if isinstance(child.answer, Ready):
            seat.failures, seat.next_start = 0, 0.0
            if child.post.kind == "web" and not self._stops.asked:
                log.warning("The web process %s; starting it again", child.ending)
            return
        pause = min(LONGEST_PAUSE_SECONDS, 0.5 * 2**seat.failures)
        seat.failures += 1
        seat.next_start = clock.monotonic() + pause
        why = child.answer.message if isinstance(child.answer, Refused) else child.ending
        if not self._stops.asked:
            log.warning("A %s process could not start: %s; next try in %.1f s", child.post.kind, why, pause)

    def _kill_overdue(self) -> None:
        """Kill the workers whose job neither ended nor stopped in time."""
        with self._database.glance() as connection:
            held = held_jobs(connection)
        workers = {seat.worker_id: seat for seat in self._seats if seat.is_worker}
        for job in held:
            seat = workers.get(job.worker_id)
            if seat is not None and seat.child is not None:
                seat.peak_mb = processes.peak_memory_mb(seat.child.pid) or seat.peak_mb
        for verdict in self._overdue.judge(held):
            seat = workers.get(verdict.worker_id)
            if seat is not None and seat.child is not None and seat.verdict is None:
                seat.verdict = verdict
                seat.child.send(signal.SIGKILL)

    # --- stopping ---------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Let jobs finish for a while, then interrupt them, then kill; the web process last, so that visitors see
        what happens. Each further signal skips a step."""
        running = len([seat for seat in self._seats if seat.is_worker])
        log.info(
            "Stopping: waiting up to %g s for running jobs", self._settings.grace_seconds
        ) if running else None
        self._send_workers(signal.SIGTERM)
        self._wait_for_workers(self._settings.grace_seconds, signals_before=1)
        self._send_workers(signal.SIGUSR2)
        self._wait_for_workers(self._settings.kill_after_seconds, signals_before=2)
        self._kill_workers()
        self._stop_web()
        try:
            with self._database.write() as connection:
                presence.forget_supervisor(connection, self._id)
        except (DatabaseBusy, DatabaseUnusable) as error:
            # The next start finds the row, and that nobody is behind it.
            log.warning("Could not sign off: %s", error)

    def _workers(self) -> list[Seat]:
        return [seat for seat in self._seats if seat.is_worker]

    def _send_workers(self, number: signal.Signals) -> None:
        for seat in self._workers():
            assert seat.child is not None
            seat.child.send(number)

    def _wait_for_workers(self, seconds: float, signals_before: int) -> None:
        """Until all workers have ended, the time is over, or a further signal makes it urgent."""
        end = clock.monotonic() + seconds
        while self._workers() and clock.monotonic() < end and self._stops.asked <= signals_before:
            self._turn_while_stopping(min(self._tick_seconds, max(0.0, end - clock.monotonic())))

    def _turn_while_stopping(self, seconds: float) -> None:
        self._wait(seconds)
        try:
            self._bury_the_dead()
            self._kill_overdue()
        except (DatabaseBusy, DatabaseUnusable) as error:
            log.warning("Waiting for the database: %s", error)

    def _kill_workers(self) -> None:
        for seat in self._workers():
            assert seat.child is not None
            seat.killed = True
            seat.child.send(signal.SIGKILL)
        end = clock.monotonic() + START_SECONDS
        while self._workers() and clock.monotonic() < end and self._stops.asked < 4:
            self._turn_while_stopping(self._tick_seconds)

    def _stop_web(self) -> None:
        for child in self._children():
            child.send(signal.SIGTERM)
        end = clock.monotonic() + WEB_STOP_SECONDS
        while self._children() and clock.monotonic() < end and self._stops.asked < 3:
            self._turn_while_stopping(self._tick_seconds)
        for child in self._children():
            child.send(signal.SIGKILL)
        while self._children():
            self._turn_while_stopping(self._tick_seconds)
