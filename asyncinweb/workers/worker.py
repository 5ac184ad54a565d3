"""One worker process: claim, run, settle and claim the next."""

import logging
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import FrameType
from typing import TypeVar

from asyncinweb import clock
from asyncinweb.errors import AsyncInWebError, DatabaseBusy, DatabaseUnusable
from asyncinweb.logs import configure_log
from asyncinweb.queue import client
from asyncinweb.queue.claims import Claim, ClaimScope
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.polling import has_work
from asyncinweb.queue.process_registry import register_worker
from asyncinweb.queue.results import keep_result
from asyncinweb.queue.stores.sqlite import WORKER, Database
from asyncinweb.queue.transitions import claim, finish_and_claim, report, settle
from asyncinweb.tasks.loading import load
from asyncinweb.tasks.outcome import Cancelled, Completed, Failed, Outcome, Released
from asyncinweb.tasks.outputs.shapes import ReturnValue
from asyncinweb.tasks.registry import Registry
from asyncinweb.workers import processes
from asyncinweb.workers.child import Ready, Refused, WorkerSpec, wait_for_go
from asyncinweb.workers.idle import IdleWait
from asyncinweb.workers.interruption import Interruption
from asyncinweb.workers.outage import OutageLog
from asyncinweb.workers.output_capture import OutputCapture
from asyncinweb.workers.reporter import Reporter
from asyncinweb.workers.runner import Ending, run
from asyncinweb.workers.running_job import RunningJob
from asyncinweb.workers.schedule import schedules_of

log = logging.getLogger(__name__)
T = TypeVar("T")

# Pause before a result is offered again to a database that is locked or full.
SETTLE_PAUSE_SECONDS = 1.0


def work(spec: WorkerSpec, wakeup_socket: socket.socket, ready: Connection) -> None:
    """The whole life of a worker process: what the supervisor starts."""
    # Children of jobs are not in the terminal's reach either.
    os.setsid()
    processes.adopt_orphans()
    interruption = Interruption()
    output = OutputCapture(interruption)
    configure_log(output.redirect())
    try:
        registry = load(spec.settings.tasks)
        database = client.open_database(spec.settings, WORKER)
    except AsyncInWebError as error:
        ready.send(Refused(str(error), error.exit_code))
        return
    client.use(client.Client(database, spec.settings.max_queued_per_owner, spec.settings.instance))
    worker = Worker(
        spec, registry, database, interruption, output, IdleWait(wakeup_socket, spec.settings.idle_poll_seconds)
    )
    ready.send(Ready("worker", tuple(registry.tasks), schedules_of(registry)))
    wait_for_go(ready)
    worker.work()
    output.flush_text()
    # At once: a thread that a job has left behind would keep the process, and with it its slot, for ever.
    os._exit(0)


class _WakeUp(Exception):
    """Raised out of the idle sleep by a signal that asks to stop."""


class Worker:
    """The loop of a worker process and what it keeps between jobs."""

    def __init__(
        self,
        spec: WorkerSpec,
        registry: Registry,
        database: Database,
        interruption: Interruption,
        output: OutputCapture,
        idle_wait: IdleWait,
    ) -> None:
        self._spec = spec
        self._settings = spec.settings
        self._registry = registry
        self._database = database
        self._interruption = interruption
        self._output = output
        self._idle_wait = idle_wait
        self._outage = OutageLog()
        self._reporter = Reporter(database, interruption, output, self._settings.kill_after_seconds)
        self._jobs_done = 0
        self._stopping = False
        self._asleep = False
        self._ran_alone = False
        self._scope_fresh = self._scope_of(list(registry.tasks))
        # A process that has run a job no longer takes tasks that ask for a fresh one.
        self._scope_used = self._scope_of(
            [task.name for task in registry.tasks.values() if not task.options.fresh_process]
        )
        self._listen()

    def _listen(self) -> None:
        """Hear the supervisor, and it alone; again after each job, which may have done anything to signals."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGUSR2, self._on_stop_now)
        self._interruption.listen()

    def work(self) -> None:
        """Claim, run, settle and claim the next, until asked to stop or due to be replaced."""
        self._register()
        self._reporter.start()
        job = self._look_for_work(is_woken=False)
        while not self._is_done():
            if job is None:
                job = self._look_for_work(self._sleep())
                continue
            ending = self._run(job)
            job = self._settle_and_claim(job, ending)
        if job is not None:
            unstarted = job
            self._insist(unstarted, lambda: self._settle(unstarted, Released()))

    def _register(self) -> None:
        """Say that this worker is there, as soon as the database can be written to."""
        while not self._stopping:
            try:
                with self._database.write() as connection:
                    me = processes.this_process()
                    register_worker(connection, self._spec.worker_id, self._spec.supervisor_id, me)
                return
            except (DatabaseBusy, DatabaseUnusable) as error:
                self._outage.note(error)
                processes.pause(SETTLE_PAUSE_SECONDS)

    def _is_done(self) -> bool:
        return self._stopping or self._is_used_up()

    def _is_used_up(self) -> bool:
        """True if a fresh process should take this one's place."""
        settings = self._settings
        if self._ran_alone or (settings.max_jobs_per_worker or self._jobs_done + 1) <= self._jobs_done:
            return True
        if settings.max_worker_mb is None or not self._jobs_done:
            return False
        return (processes.memory_mb(os.getpid()) or 0.0) > settings.max_worker_mb

    # --- waiting and claiming ---------------------------------------------------------------------------------

    @property
    def _scope(self) -> ClaimScope:
        return self._scope_used if self._jobs_done else self._scope_fresh

    def _scope_of(self, tasks: list[str]) -> ClaimScope:
        limits = {
            task.name: task.options.concurrency
            for task in self._registry.tasks.values()
            if task.options.concurrency is not None
        }
        return ClaimScope(tasks, self._spec.worker_id, limits, self._settings.max_running_per_owner)

    def _look_for_work(self, is_woken: bool) -> Claim | None:
        """A job, or None. After a wake-up there most likely is one: looking before the claim costs time."""
        try:
            job = (self._claim() if is_woken else None) or self._claim_if_any()
        except (DatabaseBusy, DatabaseUnusable) as error:
            self._outage.note(error)
            return None
        self._outage.is_over()
        return job

    def _claim_if_any(self) -> Claim | None:
        """As `_claim`, without taking the write lock when there is nothing to claim."""
        with self._database.glance() as connection:
            if not has_work(connection, self._scope, clock.now()):
                # What is left wants a process that has not run anything yet: make way for one.
                self._ran_alone = bool(self._jobs_done) and has_work(connection, self._scope_fresh, clock.now())
                return None
        return self._claim()

    def _claim(self) -> Claim | None:
        with self._database.write() as connection:
            return claim(connection, self._scope)

    def _sleep(self) -> bool:
        """Until there may be work: True if somebody said so. A signal that asks to stop ends it."""
        try:
            self._asleep = True
            try:
                return not self._stopping and self._idle_wait.sleep()
            finally:
                self._asleep = False
        except _WakeUp:
            self._asleep = False
            return False

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        """SIGTERM: finish the job at hand, then end."""
        was_stopping, self._stopping = self._stopping, True
        if self._asleep and not was_stopping:
            raise _WakeUp

    def _on_stop_now(self, number: int, frame: FrameType | None) -> None:
        """SIGUSR2: stop the job at hand and give it back."""
        self._interruption.stop_now()
        self._on_stop(number, frame)

    # --- running ----------------------------------------------------------------------------------------------

    def _run(self, held: Claim) -> "EndedRun":
        task = self._registry[held.task]
        folder = JobFolder(self._settings.instance, held.slug)
        job = RunningJob(held, folder, self._settings.max_log_bytes, self._interruption)
        log.info("Processing job: %s… task=%s attempt=%d", held.slug, held.task, held.attempt)
        self._jobs_done += 1
        self._ran_alone = task.options.fresh_process
        self._output.begin(job.log_writer)
        self._reporter.attend(job)
        try:
            ending = run(task, held.arguments, job, self._interruption, self._settings.max_result_bytes)
        finally:
            self._reporter.dismiss()
            self._listen()
            if processes.has_children():
                processes.kill_children()
            self._output.end()
        seconds = clock.monotonic() - job.started
        log.info("Processing job: %s… %s after %.1f seconds", held.slug, _in_words(ending), seconds)
        return EndedRun(job, ending)

    # --- settling ---------------------------------------------------------------------------------------------

    def _settle_and_claim(self, held: Claim, run: "EndedRun") -> Claim | None:
        return self._insist(held, lambda: self._offer(held, run.job, self._keep(run)))

    def _insist(self, held: Claim, settling: Callable[[], T]) -> T:
        """Bring an outcome home, however long the database is locked or full: work is not thrown away."""
        told = ""
        while True:
            try:
                return settling()
            except (DatabaseBusy, DatabaseUnusable, OSError) as error:
                if str(error) != told:
                    log.warning("The outcome of %s cannot be stored yet: %s", held.slug, error)
                told = str(error)
                processes.pause(SETTLE_PAUSE_SECONDS)

    def _offer(self, held: Claim, job: RunningJob, outcome: Outcome) -> Claim | None:
        progress, following = job.unwritten_progress(), None
        with self._database.write() as connection:
            if progress is not None:
                report(connection, held, progress.done, progress.total, progress.text)
            if self._is_done():
                settled = settle(connection, held, outcome)
            else:
                settled, following = finish_and_claim(connection, held, outcome, self._scope)
        if not settled:
            log.warning("lost claim: job %s went to another worker; this outcome is dropped", held.slug)
            self._stopping = True
        return following

    def _settle(self, held: Claim, outcome: Outcome) -> None:
        with self._database.write() as connection:
            settle(connection, held, outcome)

    def _keep(self, run: "EndedRun") -> Outcome:
        """The ending as the queue stores it; a result too large for the row goes into a file first."""
        if not isinstance(run.ending, ReturnValue):
            return run.ending
        try:
            return Completed(keep_result(run.job.folder, run.job.held.claim_no, run.ending))
        except AsyncInWebError as error:
            return Failed("unserialisable", str(error))


@dataclass(frozen=True)
class EndedRun:
    """A job that has been run, and what came of it."""

    job: RunningJob
    ending: Ending


def _in_words(ending: Ending) -> str:
    match ending:
        case Failed(reason=reason, error=error, retry_after=None):
            return f"failed ({reason}: {error})"
        case Failed(reason=reason, error=error):
            return f"failed for this time ({reason}: {error})"
        case Cancelled():
            return "cancelled"
        case Released():
            return "interrupted"
        case _:
            return "done"
