"""The registry of processes: rows of supervisors and workers, heartbeats, and rescuing what dead workers held."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Float, delete, exists, insert, select, text, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from asyncinweb import clock
from asyncinweb.identity import Identity
from asyncinweb.queue.claims import Claim
from asyncinweb.queue.columns import IS_PROCESSING
from asyncinweb.queue.models import Job
from asyncinweb.queue.process_rows import SupervisorRow, TaskRow, WorkerRow
from asyncinweb.queue.transitions import fail_crashed


class database_now(FunctionElement[float]):  # noqa: N801 - reads as the SQL function it is
    """The database's own clock, in seconds since 1970: the one clock that all hosts share."""

    type = Float()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _sqlite_now(element: Any, compiler: Any, **options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


def register_supervisor(
    connection: Connection,
    supervisor_id: str,
    identity: Identity,
    wake_port: int | None,
    workers: int,
    max_running_per_owner: int | None = None,
) -> None:
    """Register a supervisor that will have this many workers. wake_port: its port of 127.0.0.1 for wake-ups."""
    connection.execute(
        insert(SupervisorRow).values(
            id=supervisor_id,
            **vars(identity),
            wake_port=wake_port,
            workers=workers,
            started_at=clock.now(),
            heartbeat_at=database_now(),
            max_running_per_owner=max_running_per_owner,
        )
    )


@dataclass(frozen=True)
class RegisteredTask:
    """A task as its workers know it. concurrency: how many jobs of it can run at once; None for no limit."""

    name: str
    title: str
    concurrency: int | None = None


def register_tasks(connection: Connection, supervisor_id: str, tasks: Sequence[RegisteredTask]) -> None:
    """Register the tasks that a supervisor's workers have loaded, in place of earlier ones."""
    connection.execute(delete(TaskRow).where(TaskRow.supervisor_id == supervisor_id))
    if tasks:
        rows = [{"supervisor_id": supervisor_id, **vars(task)} for task in tasks]
        connection.execute(insert(TaskRow), rows)


def heartbeat(connection: Connection, supervisor_id: str) -> bool:
    """Record a supervisor's heartbeat. False if another one has given it up for dead and deregistered it."""
    changed = connection.execute(
        update(SupervisorRow).where(SupervisorRow.id == supervisor_id).values(heartbeat_at=database_now())
    )
    return changed.rowcount == 1


def register_worker(connection: Connection, worker_id: str, supervisor_id: str, identity: Identity) -> None:
    """Register a worker, which may then claim."""
    connection.execute(
        insert(WorkerRow).values(
            id=worker_id, supervisor_id=supervisor_id, **vars(identity), started_at=clock.now()
        )
    )


def deregister_worker(connection: Connection, worker_id: str) -> None:
    """Deregister a worker that has ended and no longer holds anything."""
    connection.execute(delete(WorkerRow).where(WorkerRow.id == worker_id))


def deregister_supervisor(connection: Connection, supervisor_id: str) -> None:
    """Deregister a supervisor that has ended, with its workers."""
    connection.execute(delete(WorkerRow).where(WorkerRow.supervisor_id == supervisor_id))
    connection.execute(delete(TaskRow).where(TaskRow.supervisor_id == supervisor_id))
    connection.execute(delete(SupervisorRow).where(SupervisorRow.id == supervisor_id))


def claims_of(connection: Connection, worker_id: str) -> list[Claim]:
    """What this worker holds: at most one job."""
    rows = connection.execute(
        select(Job.id, Job.claim_no, Job.slug, Job.task).where(text(IS_PROCESSING), Job.worker_id == worker_id)
    )
    return [Claim(row.id, row.claim_no, row.slug, row.task) for row in rows]


def rescue_worker(connection: Connection, worker_id: str, error: str) -> list[Claim]:
    """Settle what a worker held whose process is proven dead, and deregister it. What it held."""
    held = claims_of(connection, worker_id)
    for each in held:
        fail_crashed(connection, each, error)
    deregister_worker(connection, worker_id)
    return held


@dataclass(frozen=True)
class RegisteredWorker:
    """A worker as it registered itself."""

    worker_id: str
    supervisor_id: str
    identity: Identity


def workers_on(connection: Connection, host: str) -> list[RegisteredWorker]:
    """All registered workers of a host."""
    rows = connection.execute(select(WorkerRow.__table__).where(WorkerRow.host == host))
    return [
        RegisteredWorker(row.id, row.supervisor_id, Identity(row.host, row.boot_id, row.pid, row.pid_started))
        for row in rows
    ]


def supervisors_on(connection: Connection, host: str) -> list[tuple[str, Identity]]:
    """All registered supervisors of a host, with their identity."""
    rows = connection.execute(select(SupervisorRow.__table__).where(SupervisorRow.host == host))
    return [(row.id, Identity(row.host, row.boot_id, row.pid, row.pid_started)) for row in rows]


def rescue_unknown_workers(connection: Connection, error: str) -> list[Claim]:
    """Settle jobs whose worker is not registered at all, as after a restored backup."""
    unknown = select(Job.worker_id).where(text(IS_PROCESSING), ~exists().where(WorkerRow.id == Job.worker_id))
    held: list[Claim] = []
    for worker_id in connection.scalars(unknown).all():
        held += rescue_worker(connection, worker_id or "", error)
    return held


def rescue(connection: Connection, my_host: str, lease_seconds: float) -> list[Claim]:
    """processing -> as `fail_crashed`, for workers of other hosts whose supervisor's heartbeat is older than the
    lease.

    Uses only the database's clock. Do not call this soon after our own clock or process stood still.
    """
    # A heartbeat from the future dates from before a clock was set back: its lease begins now.
    connection.execute(
        update(SupervisorRow)
        .where(SupervisorRow.host != my_host, SupervisorRow.heartbeat_at > database_now())
        .values(heartbeat_at=database_now())
    )
    silent = connection.execute(
        select(SupervisorRow.id, SupervisorRow.host).where(
            SupervisorRow.host != my_host, SupervisorRow.heartbeat_at < database_now() - lease_seconds
        )
    ).all()
    held: list[Claim] = []
    for supervisor_id, host in silent:
        for worker_id in connection.scalars(select(WorkerRow.id).where(WorkerRow.supervisor_id == supervisor_id)):
            held += rescue_worker(
                connection, worker_id, f"The computer that ran the job ({host}) stopped responding."
            )
        deregister_supervisor(connection, supervisor_id)
    return held


def wake_ports(connection: Connection) -> Sequence[int]:
    """Ports of 127.0.0.1 on which the supervisors of this database receive wake-ups."""
    return [port for port in connection.scalars(select(SupervisorRow.wake_port)).all() if port is not None]
