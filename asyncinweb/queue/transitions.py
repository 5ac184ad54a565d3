"""The verbs: every change of a job's state, except the two that make a job (`submitting`).

Each verb guards itself and never commits: the caller owns the transaction (`Database.write`). "No row changed"
is an answer, not an error. Every verb of a worker names the `claim_no` it got from `claim`; that number only
grows, so a worker that was given up for dead and comes back changes nothing.
"""

import json
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import (
    Connection,
    Float,
    bindparam,
    func,
    literal,
    select,
    text,
    update,
)

from asyncinweb import clock
from asyncinweb.queue import ranks
from asyncinweb.queue.claims import CLAIMED, Claim, ClaimScope
from asyncinweb.queue.columns import IS_PROCESSING, IS_QUEUED, IS_SCHEDULED, IS_WAITING
from asyncinweb.queue.damaged_rows import Rule, mend
from asyncinweb.queue.estimates import Range
from asyncinweb.queue.models import JOB_RULES, Job
from asyncinweb.queue.row_changes import (
    SOUND_COUNTS,
    cancelled_at,
    end,
    live_row,
    queue_again,
    remember_attempt,
    set_held,
)
from asyncinweb.queue.stores.prepared import Prepared
from asyncinweb.tasks.outcome import Cancelled, Completed, Failed, Outcome, Released, Unstarted

# After this many stops by us, a job gets no more attempts back, so that it cannot go round for ever.
MAX_INTERRUPTIONS = 5
# How often a job whose process died runs again. Limited, so that it cannot take the pool down for ever.
MAX_CRASH_RERUNS = 1
# How many due jobs one claim promotes, so that a claim stays short when thousands fall due at once.
PROMOTE_AT_ONCE = 100
STOPPED = "The server was stopped while the job was running."

CancelAnswer = Literal["cancelled", "asked", "refused"]
QUEUED, SCHEDULED, PROCESSING = text(IS_QUEUED), text(IS_SCHEDULED), text(IS_PROCESSING)


# --- working ----------------------------------------------------------------------------------------------------


def claim(connection: Connection, scope: ClaimScope) -> Claim | None:
    """queued -> processing: the next job, or None. First promotes due scheduled jobs."""
    now = clock.now()
    promote_due(connection, now)
    row = scope.next.row(connection)
    if row is None:
        return None
    facts = dict(zip(CLAIMED, row, strict=True))
    stored_claim_no = facts["claim_no"]
    damaged = mend(facts, _CLAIM_RULES)
    held = Claim(
        facts["id"],
        facts["claim_no"] + 1,
        facts["slug"],
        facts["task"],
        facts["arguments"],
        facts["attempts"] + 1,
        facts["timeout_seconds"],
        damaged,
    )
    changed = _START.run(
        connection,
        job_id=held.job_id,
        old_claim_no=stored_claim_no,
        claim_no=held.claim_no,
        attempts=max(1, held.attempt),
        worker=scope.worker_id,
        now=now,
    )
    return held if changed else None


# What arguments mean is checked by the task that takes them.
_CLAIM_RULES = {**{name: JOB_RULES[name] for name in CLAIMED}, "arguments": Rule(str, None, "")}
_START = Prepared(
    update(Job)
    .where(Job.id == bindparam("job_id"), QUEUED, Job.claim_no == bindparam("old_claim_no"))
    .values(
        state="processing",
        worker_id=bindparam("worker"),
        claim_no=bindparam("claim_no"),
        attempts=bindparam("attempts"),
        **SOUND_COUNTS,
        reason=None,
        finished_at=None,
        started_at=bindparam("now", type_=Job.started_at.type),
        progress_done=None,
        progress_total=None,
        progress_text=None,
        reported_at=None,
        seconds_left_low=None,
        seconds_left_high=None,
        partial_no=None,
        partial_at=None,
        partial_result=None,
        rank=None,
        run_at=None,
    )
)


def promote_due(connection: Connection, now: datetime) -> None:
    """scheduled -> queued for all due jobs, in a fair order."""
    for job_id, priority, owner, attempts in _DUE.rows(connection, now=now):
        is_back = attempts > 0
        rank = ranks.now_served(connection, priority) if is_back else ranks.for_new(connection, priority, owner)
        _PROMOTE.run(connection, job_id=job_id, new_rank=rank)


_DUE = Prepared(
    select(Job.id, Job.priority, Job.owner, Job.attempts)
    .where(SCHEDULED, Job.run_at <= bindparam("now", type_=Job.run_at.type))
    .order_by(Job.run_at, Job.id)
    .limit(PROMOTE_AT_ONCE)
)
_PROMOTE = Prepared(
    update(Job).where(Job.id == bindparam("job_id"), SCHEDULED).values(state="queued", rank=bindparam("new_rank"))
)


def report(
    connection: Connection,
    held: Claim,
    done: float | None,
    total: float | None,
    words: str | None,
    left: Range | None = None,
) -> bool:
    """Store a running job's progress, and the time it still needs if that is
    known. False if this claim is no longer
    the live one."""
    changed = _REPORT.run(
        connection,
        job_id=held.job_id,
        mine=held.claim_no,
        done=done,
        total=total,
        words=words,
        low=left and left.low,
        high=left and left.high,
        now=clock.now(),
    )
    return changed == 1


# The job of a claim that is still the live one.
MINE = (Job.id == bindparam("job_id"), PROCESSING, Job.claim_no == bindparam("mine"))
_REPORT = Prepared(
    update(Job)
    .where(*MINE)
    .values(
        progress_done=bindparam("done"),
        progress_total=bindparam("total"),
        progress_text=bindparam("words"),
        seconds_left_low=bindparam("low"),
        seconds_left_high=bindparam("high"),
        reported_at=bindparam("now", type_=Job.reported_at.type),
    )
)


# --- settling ---------------------------------------------------------------------------------------------------


def finish_and_claim(
    connection: Connection, held: Claim, outcome: Outcome, scope: ClaimScope
) -> tuple[bool, Claim | None]:
    """Settle one job and take the next, in one transaction: half the commits of two."""
    return settle(connection, held, outcome), claim(connection, scope)


def settle(connection: Connection, held: Claim, outcome: Outcome) -> bool:
    """processing -> where this outcome leads. False if this claim is no longer the live one."""
    match outcome:
        case Completed(result):
            return finish(connection, held, result)
        case Failed():
            return fail(connection, held, outcome)
        case Cancelled():
            return honour_cancel(connection, held)
        case Released():
            return release(connection, held)
        case Unstarted():
            return give_back(connection, held)


def finish(connection: Connection, held: Claim, result: str) -> bool:
    """processing -> completed. False if this claim is no longer the live one."""
    now = clock.now()
    changed = _FINISH.run(
        connection,
        job_id=held.job_id,
        mine=held.claim_no,
        result=result,
        now=now,
        now_seconds=now.timestamp(),
    )
    return changed == 1


_FINISH = Prepared(
    update(Job)
    .where(*MINE)
    .values(
        state="completed",
        worker_id=None,
        result=bindparam("result"),
        partial_result=None,
        error=None,
        traceback=None,
        finished_at=bindparam("now", type_=Job.finished_at.type),
        expires_at=bindparam("now_seconds", type_=Float) + Job.keep_days * 86_400,
    )
)


def fail(connection: Connection, held: Claim, failure: Failed) -> bool:
    """processing -> scheduled if another try is wanted and left, else failed; cancelled if that was requested.

    False if this claim is no longer the live one.
    """
    job = live_row(connection, held)
    if job is None:
        return False
    if job.cancel_requested_at is not None:
        return end(connection, job, "cancelled", error=None)
    if failure.retry_after is None or job.attempts >= job.max_attempts:
        return end(
            connection,
            job,
            "failed",
            reason=failure.reason,
            error=failure.error,
            traceback=failure.traceback,
            source_line=None if failure.source is None else json.dumps(vars(failure.source)),
        )
    remember_attempt(connection, job, failure.reason, failure.error, failure.traceback)
    run_at = clock.now() + timedelta(seconds=failure.retry_after)
    return set_held(connection, job, state="scheduled", worker_id=None, run_at=run_at, error=failure.error)


def release(connection: Connection, held: Claim, why: str = STOPPED) -> bool:
    """processing -> queued: we stopped it. Gives the attempt back, at most MAX_INTERRUPTIONS times; after that
    it counts as a crash. A task that must never start twice fails. False if the claim is no longer live.

    why: remembered with the attempt, for people.
    """
    job = live_row(connection, held)
    if job is None:
        return False
    if job.cancel_requested_at is not None:
        return end(connection, job, "cancelled", error=None)
    if job.on_crash == "fail" or job.interruptions >= MAX_INTERRUPTIONS:
        return fail_crashed(connection, held, why)
    remember_attempt(connection, job, "interrupted", why, None)
    return queue_again(
        connection, job, attempts=max(0, job.attempts - 1), interruptions=job.interruptions + 1, started_at=None
    )


def give_back(connection: Connection, held: Claim) -> bool:
    """processing -> queued: it never started, so it keeps everything; cancelled if that was requested.

    False if this claim is no longer the live one.
    """
    job = live_row(connection, held)
    if job is None:
        return False
    if job.cancel_requested_at is not None:
        return end(connection, job, "cancelled", error=None)
    return queue_again(connection, job, attempts=job.attempts - 1, started_at=None)


def fail_crashed(connection: Connection, held: Claim, error: str, *, has_started: bool = True) -> bool:
    """processing -> queued once, then failed(crashed); cancelled if that was requested.

    Only for a claim whose process is proven dead. `error` says what is known, in plain words. A job that has not
    started is queued once even with on_crash="fail". False if this claim is no longer the live one.
    """
    job = live_row(connection, held)
    if job is None:
        return False
    if job.cancel_requested_at is not None:
        return end(connection, job, "cancelled", error=None)
    remember_attempt(connection, job, "crashed", error, None)
    may_start = job.on_crash == "rerun" or not has_started
    if may_start and job.crashes < MAX_CRASH_RERUNS:
        return queue_again(connection, job, crashes=job.crashes + 1, error=error)
    return end(connection, job, "failed", reason="crashed", error=error, crashes=job.crashes + 1)


def honour_cancel(connection: Connection, held: Claim, how: str | None = None) -> bool:
    """processing -> cancelled, after `cancel` asked for it. False if it did not, or the claim is not live.

    how: what a visitor should know about how the job ended, in plain words.
    """
    job = live_row(connection, held)
    if job is None or job.cancel_requested_at is None:
        return False
    return end(connection, job, "cancelled", error=how)


def cancel(connection: Connection, slug: str) -> CancelAnswer:
    """scheduled or queued -> cancelled at once; processing: asks its worker to stop it; final: refused."""
    now = clock.now()
    ended = connection.execute(
        update(Job).where(Job.slug == slug, text(IS_WAITING)).values(**cancelled_at(now), error=None)
    )
    if ended.rowcount:
        return "cancelled"
    asked = connection.execute(
        update(Job)
        .where(Job.slug == slug, PROCESSING)
        .values(
            cancel_requested_at=func.coalesce(Job.cancel_requested_at, literal(now, Job.cancel_requested_at.type))
        )
    )
    return "asked" if asked.rowcount else "refused"
