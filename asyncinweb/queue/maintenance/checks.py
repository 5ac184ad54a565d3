"""The checks that `asyncinweb check` makes on the database, and the list of all checks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from asyncinweb import clock
from asyncinweb.identity import Identity
from asyncinweb.queue import process_registry
from asyncinweb.queue.columns import IS_PROCESSING, IS_SCHEDULED, IS_UNFINISHED, IS_WAITING
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_inputs import inputs_folder
from asyncinweb.queue.maintenance import check_results
from asyncinweb.queue.maintenance.backup import integrity_faults
from asyncinweb.queue.maintenance.check_results import CheckResult, doubtful, guarded, named, well, wrong
from asyncinweb.queue.maintenance.retention import folders_of_jobs, is_young
from asyncinweb.queue.models import Job
from asyncinweb.queue.process_rows import SupervisorRow, WorkerRow
from asyncinweb.queue.results import stored_result
from asyncinweb.queue.schema import HEAD, current_revision, refuse_newer
from asyncinweb.queue.snapshot import count_living_workers, living_limits
from asyncinweb.queue.stores.sqlite import WEB, Database
from asyncinweb.settings import Settings
from asyncinweb.tasks.inputs.uploaded import is_stored_file
from asyncinweb.tasks.registry import Registry
from asyncinweb.units import counted

# Jobs checked in one read, so that no read takes long.
AT_ONCE = 500
LATE = timedelta(minutes=1)
MOST_LATE = 100


@dataclass(frozen=True)
class Computer:
    """This computer's name, and how to ask whether a process is running on it."""

    name: str
    is_alive: Callable[[Identity], bool]


def check(settings: Settings, computer: Computer, load_tasks: Callable[[], Registry]) -> Iterator[CheckResult]:
    """All results, one after the other. An error raised by load_tasks becomes a result."""
    path, instance = settings.database_path, settings.instance
    yield check_results.sqlite()
    on_disk = guarded("file system", lambda: check_results.file_system(path))
    yield on_disk
    yield guarded("space", lambda: check_results.space(instance, path.parent))
    yield guarded("permissions", lambda: check_results.permissions(instance))
    if on_disk.level == "error":
        return
    database = Database(path, settings.durability, WEB)
    try:
        yield from _check_database(database, settings, computer, load_tasks)
    finally:
        database.close()


def _check_database(
    database: Database, settings: Settings, computer: Computer, load_tasks: Callable[[], Registry]
) -> Iterator[CheckResult]:
    size = database.wal_bytes
    yield guarded("write-ahead log", lambda: check_results.write_ahead_log(size, database.path))
    sound = guarded("database", lambda: _integrity(database))
    yield sound
    version = guarded("schema", lambda: _schema(database))
    yield version
    # An older schema lacks what the questions below ask for; the next start brings it up.
    if sound.level == "error" or version.level != "ok":
        return
    yield guarded("clock", lambda: check_results.clock_of(_newest_time(database), database.path))
    yield guarded("processes", lambda: _processes(database, settings, computer))
    yield guarded("jobs", lambda: _jobs(database, settings.lease_seconds))
    yield guarded("inputs", lambda: _inputs(database, settings))
    yield guarded("tasks", lambda: _tasks(load_tasks()))
    yield guarded("results", lambda: _results(database, settings))
    yield guarded("folders", lambda: _folders(database, settings))


def _integrity(database: Database) -> CheckResult:
    faults = integrity_faults(database)
    if faults:
        return wrong("database", f"damaged: {'; '.join(faults)}. Restore a backup: asyncinweb restore FILE", 3)
    return well("database", f"no damage found, {database.path.stat().st_size / 1e6:.1f} MB")


def _schema(database: Database) -> CheckResult:
    refuse_newer(database)
    revision = current_revision(database)
    if revision is None:
        return wrong("schema", f"{database.path} has no asyncinweb tables")
    if revision != HEAD:
        return doubtful("schema", f"{revision} is older than this program's {HEAD}; the next start upgrades it")
    return well("schema", revision)


def _newest_time(database: Database) -> float | None:
    with database.read() as session:
        times = [
            session.scalar(select(Job.created_at).order_by(Job.id.desc()).limit(1)),
            session.scalar(select(func.max(SupervisorRow.heartbeat_at))),
        ]
    return max((time.timestamp() for time in times if time is not None), default=None)


def _processes(database: Database, settings: Settings, computer: Computer) -> CheckResult:
    with database.read() as session:
        connection = session.connection()
        supervisors = process_registry.supervisors_on(connection, computer.name)
        workers = process_registry.workers_on(connection, computer.name)
        silent = _silent(session, settings.lease_seconds)
    dead = [f"server {identity.pid}" for _, identity in supervisors if not computer.is_alive(identity)]
    dead += [f"worker {each.identity.pid}" for each in workers if not computer.is_alive(each.identity)]
    if dead:
        return doubtful(
            "processes", f"registered but not running: {named(dead)}; the next start settles their jobs"
        )
    if silent:
        return wrong("processes", f"no heartbeat for {settings.lease_seconds:g} s: {named(silent)}")
    if not supervisors:
        return well("processes", "no server is running on this computer")
    return well("processes", f"{counted(len(supervisors), 'server')}, {counted(len(workers), 'worker')}")


def _silent(session: Session, lease_seconds: float) -> list[str]:
    silent = SupervisorRow.heartbeat_at < process_registry.database_now() - lease_seconds
    rows = session.execute(select(SupervisorRow.pid, SupervisorRow.host).where(silent))
    return [f"server {pid} on {host}" for pid, host in rows]


def _jobs(database: Database, lease_seconds: float) -> CheckResult:
    held_by_nobody = select(Job.slug).where(
        text(IS_PROCESSING), Job.worker_id.not_in(select(WorkerRow.id).scalar_subquery())
    )
    late = clock.now() - LATE
    overdue = select(Job.slug).where(text(IS_SCHEDULED), Job.run_at <= late).order_by(Job.run_at)
    with database.read() as session:
        waiting = session.execute(select(Job.task, func.count()).where(text(IS_WAITING)).group_by(Job.task)).all()
        workers = count_living_workers(session.connection(), lease_seconds)
        known = living_limits(session.connection(), lease_seconds).tasks
        orphaned = list(session.scalars(held_by_nobody))
        forgotten = list(session.scalars(overdue.limit(MOST_LATE)))
    unknown = [f"{task} ({number})" for task, number in waiting if workers and task not in known]
    total = sum(number for _, number in waiting)
    if unknown:
        return doubtful("jobs", f"waiting for a task that no worker has loaded: {named(unknown)}")
    if orphaned:
        return doubtful("jobs", f"held by no worker: {named(orphaned)}; the next start settles them")
    if total and not workers:
        return doubtful("jobs", f"{total} waiting, but no worker is running")
    if forgotten:
        return doubtful("jobs", f"more than a minute overdue: {named(forgotten)}")
    return well("jobs", f"{total} waiting")


def _inputs(database: Database, settings: Settings) -> CheckResult:
    """Uploaded files of unfinished jobs. Those of ended jobs are only needed to run them again."""
    lost = []
    # Only those that may name a file.
    for job in _each(database, select(Job).where(text(IS_UNFINISHED), Job.arguments.like('%"sha256"%'))):
        folder = inputs_folder(JobFolder(settings.instance, job.slug))
        if not all((folder / digest).is_file() for digest in _digests(job.arguments_by_name)):
            lost.append(job.slug)
    if lost:
        return wrong("inputs", f"uploaded files are missing for {named(lost)}; a backup may have them")
    return well("inputs", "no uploaded files missing for unfinished jobs")


def _digests(value: object) -> Iterator[str]:
    """The digests of all files that stored arguments name, at any depth."""
    if is_stored_file(value):
        yield value["sha256"]
    elif isinstance(value, dict):
        for each in value.values():
            yield from _digests(each)
    elif isinstance(value, list):
        for each in value:
            yield from _digests(each)


def _tasks(tasks: Registry) -> CheckResult:
    """Load the tasks, as a start would."""
    return well("tasks", f"{len(tasks)} loaded")


def _each(database: Database, query: Select[Any]) -> Iterator[Job]:
    """The jobs that a query finds, in the order of their ids, in many short reads."""
    last = 0
    while True:
        with database.read() as session:
            jobs = session.scalars(query.where(Job.id > last).order_by(Job.id).limit(AT_ONCE)).all()
        yield from jobs
        if len(jobs) < AT_ONCE:
            return
        last = jobs[-1].id


def _results(database: Database, settings: Settings) -> CheckResult:
    lost = []
    # Only jobs whose result may name a file; the others have their result in the row.
    for job in _each(database, select(Job).where(Job.state == "completed", Job.result.like('%"file"%'))):
        stored = stored_result(JobFolder(settings.instance, job.slug), job)
        if stored is not None and not all(path.is_file() for path in stored.files()):
            lost.append(job.slug)
    if lost:
        return wrong("results", f"result files are missing for {named(lost)}; a backup may have them")
    return well("results", "no result files missing")


def _folders(database: Database, settings: Settings) -> CheckResult:
    orphans = []
    for folder in folders_of_jobs(settings.instance):
        with database.read() as session:
            if session.scalar(select(Job.id).where(Job.slug == folder.name)) is None and not is_young(folder):
                orphans.append(folder.name)
    if orphans:
        words = f"without a job: {named(orphans)}; deleted once they are {settings.keep_days:g} days old"
        return doubtful("folders", words)
    return well("folders", "every folder belongs to a job")
