"""The verbs that make jobs: `enqueue` and `rerun`. Like all verbs they leave the commit to the caller."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, text

from asyncinweb import clock
from asyncinweb.errors import IdempotencyConflict, JobDamaged, QuotaReached
from asyncinweb.identity import new_slug
from asyncinweb.queue import ranks
from asyncinweb.queue.columns import IS_UNFINISHED, IS_WAITING
from asyncinweb.queue.models import Job, job_from
from asyncinweb.queue.stores.prepared import Prepared
from asyncinweb.states import CrashPolicy
from asyncinweb.units import counted


@dataclass(frozen=True)
class NewJob:
    """What `enqueue` stores: the task's name, validated arguments as JSON, and the policies of the task."""

    task: str
    arguments: str
    owner: str = ""
    priority: int = 0
    run_at: datetime | None = None
    unique_key: str | None = None
    idempotency_key: str | None = None
    max_attempts: int = 1
    timeout_seconds: float | None = None
    on_crash: CrashPolicy = "rerun"
    keep_days: float | None = None
    rerun_of: str | None = None
    planned_by: str | None = None
    # Set if the job's folder already exists, with its files; otherwise created.
    slug: str = ""


def enqueue(connection: Connection, new: NewJob, max_queued: int | None = None) -> tuple[Job, bool]:
    """- -> queued, or scheduled if `run_at` is in the future. The job, and True if it is new.

    False: the returned job already had this idempotency key or unique key.
    Raises IdempotencyConflict (same key, other arguments) and QuotaReached (`max_queued` of this owner wait).
    """
    known = _same_request(connection, new) or _same_unique_key(connection, new)
    if known is not None:
        return known, False
    if max_queued is not None:
        _check_quota(connection, new.owner, max_queued)
    now = clock.now()
    is_due = new.run_at is None or new.run_at <= now
    values: dict[str, Any] = {
        **vars(new),
        "slug": new.slug or new_slug(),
        "state": "queued" if is_due else "scheduled",
        "rank": ranks.for_new(connection, new.priority, new.owner) if is_due else None,
        "created_at": now,
    }
    key = _INSERT.insert(connection, **values)
    return Job(id=key, **values, **_ZEROS), True


_INSERTED = [*vars(NewJob(task="", arguments="")), "state", "rank", "created_at"]
_ZEROS = {"attempts": 0, "crashes": 0, "interruptions": 0, "claim_no": 0}
_INSERT = Prepared(insert(Job).values({**{name: bindparam(name) for name in _INSERTED}, **_ZEROS}))


def _same_request(connection: Connection, new: NewJob) -> Job | None:
    if new.idempotency_key is None:
        return None
    job = _one_job(connection, Job.owner == new.owner, Job.idempotency_key == new.idempotency_key)
    if job is not None and any(getattr(job, name) != getattr(new, name) for name in _ASKED):
        raise IdempotencyConflict(
            f"The key {new.idempotency_key!r} was already used for job {job.slug} with different arguments. "
            "Use a new key."
        )
    return job


# The parts of a request that no verb changes.
_ASKED = ("task", "arguments", "priority", "unique_key")


def _same_unique_key(connection: Connection, new: NewJob) -> Job | None:
    if new.unique_key is None:
        return None
    return _one_job(connection, Job.unique_key == new.unique_key, text(IS_UNFINISHED))


def _one_job(connection: Connection, *conditions: Any) -> Job | None:
    row = connection.execute(select(Job.__table__).where(*conditions)).one_or_none()
    return None if row is None else job_from(row._mapping)


def _check_quota(connection: Connection, owner: str, max_queued: int) -> None:
    waiting = select(Job.id).where(text(IS_WAITING), Job.owner == owner).limit(max_queued).subquery()
    if connection.scalar(select(func.count()).select_from(waiting)) == max_queued:
        raise QuotaReached(
            f"You already have {counted(max_queued, 'job')} waiting, which is the limit. Wait until one starts, "
            "or cancel one."
        )


def rerun(
    connection: Connection, slug: str, owner: str, max_queued: int | None = None, new_slug: str = ""
) -> Job | None:
    """- -> queued: a new job with the task and arguments of this one. None if there is no such job.

    Raises JobDamaged if what would be copied can't be read.
    """
    job = _one_job(connection, Job.slug == slug)
    if job is None:
        return None
    if lost := set(job.damaged) & set(_COPIED):
        raise JobDamaged(slug, lost)
    copied = {name: getattr(job, name) for name in _COPIED}
    return enqueue(connection, NewJob(**copied, owner=owner, rerun_of=slug, slug=new_slug), max_queued)[0]


_COPIED = ("task", "arguments", "priority", "max_attempts", "timeout_seconds", "on_crash", "keep_days")
