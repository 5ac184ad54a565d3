"""The tables of living processes: supervisors, the tasks their workers have loaded, and workers. No verbs."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from asyncinweb.queue.columns import Base


class SupervisorRow(Base):
    """One running tree of processes. `heartbeat_at` is written by the database's clock."""

    __tablename__ = "asyncinweb_supervisors"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    host: Mapped[str]
    boot_id: Mapped[str]
    pid: Mapped[int]
    pid_started: Mapped[str]
    wake_port: Mapped[int | None]
    workers: Mapped[int]
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    # The setting of its workers.
    max_running_per_owner: Mapped[int | None]


class TaskRow(Base):
    """A task that the workers of a supervisor have loaded. Counts as long as the supervisor's heartbeat."""

    __tablename__ = "asyncinweb_tasks"

    supervisor_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    title: Mapped[str]
    concurrency: Mapped[int | None]


class WorkerRow(Base):
    """One worker process, named by (host, boot, pid, start of the process), which is never used twice."""

    __tablename__ = "asyncinweb_workers"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    supervisor_id: Mapped[str] = mapped_column(String(40))
    host: Mapped[str]
    boot_id: Mapped[str]
    pid: Mapped[int]
    pid_started: Mapped[str]
    started_at: Mapped[datetime]

    __table_args__ = (Index("asyncinweb_workers_supervisor", "supervisor_id"),)
