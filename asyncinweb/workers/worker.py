"""One worker process: claim, run, settle and claim the next."""

import logging
import os
import socket
from multiprocessing.connection import Connection

from asyncinweb import clock
from asyncinweb.configuration import hand_on_to_programs
from asyncinweb.errors import AsyncInWebError, DatabaseBusy, DatabaseUnusable
from asyncinweb.logs import configure_log
from asyncinweb.queue import client
from asyncinweb.queue.claims import Claim, ClaimScope
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.polling import has_work
from asyncinweb.queue.process_registry import RegisteredTask, register_tasks, register_worker
from asyncinweb.queue.stores.sqlite import WORKER, Database
from asyncinweb.queue.transitions import claim
from asyncinweb.tasks.loading import load
from asyncinweb.tasks.outcome import Cancelled, Failed, Released, Unstarted
from asyncinweb.tasks.registry import Registry
from asyncinweb.workers.between_jobs.isolation import JobIsolation
from asyncinweb.workers.idle import IdleWait
from asyncinweb.workers.process import processes
from asyncinweb.workers.process.child import Ready, Refused, WorkerSpec, wait_for_go
from asyncinweb.workers.process.outage import OutageLog
from asyncinweb.workers.process.signal_handlers import leave_signals_at_fork
from asyncinweb.workers.process.working_folder import WorkingFolder, working_folder
from asyncinweb.workers.running.interruption import Interruption
from asyncinweb.workers.running.orderly_end import end_in_order
from asyncinweb.workers.running.output_capture import OutputCapture
from asyncinweb.workers.running.reporter import Reporter
from asyncinweb.workers.running.runner import Ending, run
from asyncinweb.workers.running.running_job import RunningJob
from asyncinweb.workers.running.source_lines import remember_sources
from asyncinweb.workers.settling import SETTLE_PAUSE_SECONDS, EndedRun, LostClaim, Settling
from asyncinweb.workers.supervising.schedule import schedules_of
from asyncinweb.workers.worker_signals import WorkerSignals

log = logging.getLogger(__name__)


def work(spec: WorkerSpec, wakeup_socket: socket.socket, ready: Connection) -> None:
    """The whole life of a worker process: what the supervisor starts."""
    # Jobs' child processes are out of the terminal's reach too.
    os.setsid()
    processes.adopt_orphans()
    interruption = Interruption()
    output = OutputCapture(interruption)
    configure_log(output.redirect())
    become_a_child_at_fork(interruption, output)
    try:
        registry = load(spec.settings.tasks)
        remember_sources()
        database = client.open_database(spec.settings, WORKER)
    except AsyncInWebError as error:
        ready.send(Refused(str(error), error.exit_code))
        return
    client.use(client.Client(database, spec.settings.max_queued_per_owner, spec.settings.instance))
    signals = WorkerSignals(interruption, IdleWait(wakeup_socket, spec.settings.idle_poll_seconds))
    folder = working_folder(spec.settings, spec.worker_id)
    # They would look for asyncinweb.toml in the folder that is theirs now.
    hand_on_to_programs(spec.settings)
    worker = Worker(spec, registry, database, interruption, output, signals, folder)
    ready.send(Ready("worker", tuple(registry.tasks), schedules_of(registry)))
    wait_for_go(ready)
    worker.work()
    end_in_order(output, folder, spec.settings.kill_after_seconds)


def become_a_child_at_fork(interruption: Interruption, output: OutputCapture) -> None:
    """Let a process that a job forks leave to this worker what belongs to it: the job's log, what is asked of the
    job, the supervisor's signals. (The database does the same by itself.)"""
    os.register_at_fork(before=output.flush_text, after_in_child=output.become_a_child)
    os.register_at_fork(after_in_child=interruption.disarm)
    leave_signals_at_fork()


class Worker:
    """The loop of a worker process and what it keeps between jobs."""

    def __init__(
        self,
        spec: WorkerSpec,
        registry: Registry,
        database: Database,
        interruption: Interruption,
        output: OutputCapture,
        signals: WorkerSignals,
        folder: WorkingFolder,
    ) -> None:
        self._spec = spec
        self._settings = spec.settings
        self._registry = registry
        self._database = database
        self._interruption = interruption
        self._output = output
        self._signals = signals
        self._outage = OutageLog()
        self._reporter = Reporter(
            database, interruption, output, signals.children, self._settings.kill_after_seconds
        )
        self._settling = Settling(database, lambda: None if self._is_done() else self._scope)
        self._folder = folder
        # The tasks are loaded: whatever their modules have set up stays for all jobs.
        self._isolation = JobIsolation(folder)
        self._jobs_done = 0
        self._needs_replacing = False
        self._scope_fresh, self._scope_used = claim_scopes(spec, registry)

    def work(self) -> None:
        """Claim, run, settle and claim the next, until asked to stop or due to be replaced."""
        self._register()
        self._reporter.start()
        held = self._claim_if_any()
        while not self._is_done():
            if held is None:
                # After a wake-up there is most likely a job, so looking before the claim would only cost time.
                held = (self._signals.wait_for_work() and self._claim()) or self._claim_if_any()
                continue
            ended = self._run(held)
            held = self._settle_and_claim(ended)
        if held is not None:
            self._settling.give_back(held)

    def _register(self) -> None:
        """Register this worker and its tasks, as soon as its folder and the database can be written to."""
        while not self._signals.stop_asked:
            try:
                self._folder.enter()
                with self._database.write() as connection:
                    me = processes.this_process()
                    register_tasks(connection, self._spec.supervisor_id, registered_tasks(self._registry))
                    register_worker(connection, self._spec.worker_id, self._spec.supervisor_id, me)
                return
            except (DatabaseBusy, DatabaseUnusable, OSError) as error:
                self._outage.note(error)
                processes.pause(SETTLE_PAUSE_SECONDS)

    def _is_done(self) -> bool:
        return self._signals.stop_asked or self._needs_replacing or self._is_used_up()

    def _is_used_up(self) -> bool:
        """True if a fresh process should take this one's place."""
        settings = self._settings
        if (settings.max_jobs_per_worker or self._jobs_done + 1) <= self._jobs_done:
            return True
        if settings.max_worker_mb is None or not self._jobs_done:
            return False
        return (processes.memory_mb(os.getpid()) or 0.0) > settings.max_worker_mb

    @property
    def _scope(self) -> ClaimScope:
        """A process that has run a job no longer takes tasks that ask for a fresh one."""
        return self._scope_used if self._jobs_done else self._scope_fresh

    def _claim_if_any(self) -> Claim | None:
        """Like `_claim`, but without taking the write lock if there is nothing to claim."""
        try:
            with self._database.glance() as connection:
                has_found = has_work(connection, self._scope, clock.now())
                # The waiting jobs need a process that has not run anything yet: make way for one.
                if not has_found and self._jobs_done:
                    self._needs_replacing = has_work(connection, self._scope_fresh, clock.now())
        except (DatabaseBusy, DatabaseUnusable) as error:
            self._outage.note(error)
            return None
        self._outage.is_over()
        return self._claim() if has_found else None

    def _claim(self) -> Claim | None:
        try:
            with self._database.write() as connection:
                held = claim(connection, self._scope)
        except (DatabaseBusy, DatabaseUnusable) as error:
            self._outage.note(error)
            return None
        self._outage.is_over()
        return held

    def _run(self, held: Claim) -> EndedRun:
        task = self._registry[held.task]
        folder = JobFolder(self._settings.instance, held.slug)
        settings = self._settings
        limits = settings.max_log_bytes, settings.max_result_bytes
        job = RunningJob(held, folder, self._folder, self._interruption, *limits, self._spec.started)
        log.info("Processing job: %s… task=%s attempt=%d", held.slug, held.task, held.attempt)
        self._jobs_done += 1
        self._needs_replacing = task.options.fresh_process
        self._output.begin(held.slug, job.log_writer)
        self._reporter.attend(job)
        self._signals.children.begin()
        try:
            ending = self._isolation.run(run, task, held.arguments, job, self._interruption)
            ending = self._signals.children.judge(ending)
        finally:
            self._reporter.dismiss()
            self._signals.listen()
            self._make_way_for_a_fresh_process(held, self._isolation.put_back())
            self._output.end()
        seconds = clock.monotonic() - job.started
        log.info("Processing job: %s… %s after %.1f seconds", held.slug, in_words(ending), seconds)
        return EndedRun(job, ending)

    def _make_way_for_a_fresh_process(self, held: Claim, remains: list[str]) -> None:
        """If anything of a job remains that the next one would find."""
        if remains:
            self._needs_replacing = True
            facts = (held.slug, held.task, ", ".join(remains))
            log.warning("Replacing this worker after job %s… task=%s: %s", *facts)

    def _settle_and_claim(self, ended: EndedRun) -> Claim | None:
        # Again: a child may have been told to stop before this process was.
        ended = EndedRun(ended.job, self._signals.children.judge(ended.ending))
        try:
            following = self._settling.settle_and_claim(ended)
        except LostClaim:
            self._needs_replacing = True
            return None
        self._empty_folder(ended.job.held)
        return following

    def _empty_folder(self, held: Claim) -> None:
        """Not before the job is settled: its result may be a file in there."""
        try:
            self._folder.empty()
        except OSError as error:
            self._make_way_for_a_fresh_process(held, [f"its working folder cannot be emptied ({error})"])


def claim_scopes(spec: WorkerSpec, registry: Registry) -> tuple[ClaimScope, ClaimScope]:
    """What a fresh process may claim, and what one that has run a job may."""
    options = {task.name: task.options for task in registry.tasks.values()}
    limits = {name: each.concurrency for name, each in options.items() if each.concurrency is not None}
    used = [name for name, each in options.items() if not each.fresh_process]
    limit_of_owner = spec.settings.max_running_per_owner
    return (
        ClaimScope(list(options), spec.worker_id, limits, limit_of_owner),
        ClaimScope(used, spec.worker_id, limits, limit_of_owner),
    )


def registered_tasks(registry: Registry) -> list[RegisteredTask]:
    """The tasks of this worker as every reader of the queue sees them."""
    return [RegisteredTask(task.name, task.title, task.options.concurrency) for task in registry.tasks.values()]


def in_words(ending: Ending) -> str:
    """How a job ended, for the server's log."""
    match ending:
        case Failed(reason=reason, error=error, retry_after=None):
            return f"failed ({reason}: {error})"
        case Failed(reason=reason, error=error):
            return f"failed, will try again ({reason}: {error})"
        case Cancelled():
            return "cancelled"
        case Released():
            return "interrupted"
        case Unstarted():
            return "not started"
        case _:
            return "done"
