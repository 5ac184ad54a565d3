"""Submitting jobs from any program: a web process, a worker, a script. Commits, then wakes a worker."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from asyncinweb.configuration import read_settings
from asyncinweb.errors import DatabaseGone, UnknownJob
from asyncinweb.queue import wakeup
from asyncinweb.queue.files.folder_lock import is_in_use
from asyncinweb.queue.files.instance import make_instance
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_inputs import job_inputs
from asyncinweb.queue.models import Job
from asyncinweb.queue.polling import has_ended
from asyncinweb.queue.process_registry import wake_ports
from asyncinweb.queue.reading import find_job
from asyncinweb.queue.removal import delete_damaged as delete_damaged_job
from asyncinweb.queue.schema import ensure_schema
from asyncinweb.queue.stores.sqlite import WEB, Database, Patience
from asyncinweb.queue.submitting import NewJob, enqueue
from asyncinweb.queue.submitting import rerun as rerun_job
from asyncinweb.queue.transitions import CancelAnswer
from asyncinweb.queue.transitions import cancel as cancel_job
from asyncinweb.settings import Settings
from asyncinweb.tasks.current import shielded
from asyncinweb.tasks.registry import Request, connect


class Client:
    """Submits to one database. `max_queued` applies to every owner except the program itself ("").

    instance: the folder that keeps the files of jobs.
    """

    def __init__(self, database: Database, max_queued: int, instance: Path) -> None:
        self._database = database
        self._max_queued = max_queued
        self._instance = instance

    def submit(
        self, requests: Sequence[Request], owner: str = "", idempotency_key: str | None = None
    ) -> list[Job]:
        """Store the requests, in order, in one transaction. `Task.enqueue` ends up here.

        Raises QuotaReached, IdempotencyConflict, DatabaseBusy, DatabaseUnusable.
        """
        with shielded(), job_inputs(self._instance) as given:
            new_jobs = [
                replace(to_new_job(request, owner, idempotency_key), slug=given.keep(request.arguments))
                for request in requests
            ]
            with self._database.write() as connection:
                jobs = [enqueue(connection, new, self._quota(owner)) for new in new_jobs]
                ports = wake_ports(connection)
            given.remove_unused(job.slug for job, _ in jobs)
            wakeup.notify(ports, sum(is_new for _, is_new in jobs))
        return [job.known_to(self) for job, _ in jobs]

    def rerun(self, slug: str, owner: str) -> Job | None:
        """Make a new job with the task and arguments of this one; None if there is no such job."""
        with job_inputs(self._instance) as given:
            new_slug = given.share(slug)
            with self._database.write() as connection:
                job = rerun_job(connection, slug, owner, self._quota(owner), new_slug)
                ports = wake_ports(connection)
            given.remove_unused([job.slug] if job else [])
        wakeup.notify(ports)
        return job

    def cancel(self, slug: str) -> CancelAnswer:
        """Cancel a waiting job, ask a running one to stop, refuse for an ended or unknown job."""
        with self._database.write() as connection:
            return cancel_job(connection, slug)

    def job(self, slug: str) -> Job:
        """The job as it is now. Raises UnknownJob."""
        with shielded(), self._database.read() as session:
            job = find_job(session, slug)
        if job is None:
            raise UnknownJob(f"There is no job {slug!r}. Finished jobs are deleted after their retention period.")
        return job.known_to(self)

    def delete_damaged(self, slug: str) -> bool:
        """Delete a job whose stored record can't be read, and its files. False for any other and while it runs."""
        with self._database.write() as connection:
            is_deleted = delete_damaged_job(connection, slug)
        if is_deleted:
            JobFolder(self._instance, slug).remove()
        return is_deleted

    def has_ended(self, slug: str) -> bool:
        """True for a job that has ended or has been deleted."""
        with shielded(), self._database.glance() as connection:
            return has_ended(connection, slug)

    def _quota(self, owner: str) -> int | None:
        return self._max_queued if owner else None


def to_new_job(request: Request, owner: str = "", idempotency_key: str | None = None) -> NewJob:
    """A request together with its task's policies, as the queue stores them."""
    options = request.task.options
    return NewJob(
        task=request.task.name,
        arguments=request.arguments.json,
        owner=owner,
        priority=request.priority,
        run_at=request.run_at,
        unique_key=request.unique_key,
        idempotency_key=idempotency_key,
        max_attempts=options.max_attempts,
        timeout_seconds=options.timeout,
        on_crash=options.on_crash,
        keep_days=options.keep_days,
    )


def open_database(settings: Settings, patience: Patience) -> Database:
    """The database of these settings, ready to use. Created if missing, but never while a server is running on
    it."""
    if not settings.database_path.exists() and is_in_use(settings.instance):
        raise DatabaseGone(
            f"The database {settings.database_path} is missing, but a server is using it. Put it back, or restart "
            "the server."
        )
    database = Database(settings.database_path, settings.durability, patience)
    ensure_schema(database)
    return database


_client: Client | None = None


def use(client: Client) -> None:
    """Let `Task.enqueue` in this process submit to this client."""
    global _client
    _client = client


def submit_from_here(requests: Sequence[Request]) -> list[Job]:
    """Submit to the database in use. In a plain script, that is the one its settings name."""
    global _client
    if _client is None:
        settings = read_settings().settings
        make_instance(settings.instance)
        _client = Client(open_database(settings, WEB), settings.max_queued_per_owner, settings.instance)
    return _client.submit(requests)


connect(submit_from_here)
