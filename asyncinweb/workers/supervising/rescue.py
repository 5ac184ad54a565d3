"""Settling what dead workers held: our own, and those of dead supervisors on this computer."""

import logging

from sqlalchemy import Connection

from asyncinweb import clock
from asyncinweb.identity import Identity
from asyncinweb.queue import process_registry
from asyncinweb.queue.claims import Claim
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.transitions import STOPPED, fail, fail_crashed, give_back, honour_cancel, release
from asyncinweb.tasks.outcome import Failed
from asyncinweb.workers.process import processes
from asyncinweb.workers.process.child import WorkerSpec
from asyncinweb.workers.supervising.overdue import KillReason

log = logging.getLogger(__name__)

KILLED_FOR_ANOTHER = "We ended the job's process because of the job before it."


def rescue_own(
    connection: Connection, worker: WorkerSpec, kill_reason: KillReason | None, ending: str, *, killed_by_us: bool
) -> list[str]:
    """Settle what a dead worker of ours held: by its kill reason, otherwise as interrupted if we killed it,
    otherwise as a crash. What happened, for the log."""
    words = []
    for held in process_registry.claims_of(connection, worker.worker_id):
        has_started = worker.started.is_of(held.job_id, held.claim_no)
        if kill_reason is not None and (held.job_id, held.claim_no) == (kill_reason.job_id, kill_reason.claim_no):
            words.append(f"job {held.slug} killed: {_settle_killed(connection, held, kill_reason)}")
        elif kill_reason is not None or killed_by_us:
            # Killed because of the job before it, or because the server is stopping: not this job's fault.
            if has_started:
                release(connection, held, STOPPED if kill_reason is None else KILLED_FOR_ANOTHER)
            else:
                give_back(connection, held)
            words.append(f"job {held.slug} interrupted")
        else:
            fail_crashed(connection, held, f"The job's process {ending}.", has_started=has_started)
            words.append(f"job {held.slug} crashed: its process {ending}")
    process_registry.deregister_worker(connection, worker.worker_id)
    return words


def _settle_killed(connection: Connection, held: Claim, kill_reason: KillReason) -> str:
    if kill_reason.cause == "cancel":
        honour_cancel(connection, held, "The task didn't respond, so we ended its process.")
        return "it did not stop when asked"
    fail(connection, held, Failed("timeout", "The task didn't stop at its time limit, so we ended its process."))
    return "it did not stop at its time limit"


def rescue_leftovers(database: Database) -> None:
    """At a start: settle what earlier starts left, before anything new is accepted."""
    rescue_orphans(database)
    with database.write() as connection:
        for held in process_registry.rescue_unknown_workers(
            connection, "The job's process is no longer known here."
        ):
            log.warning("job %s rescued: it was held by an unknown worker", held.slug)


def rescue_orphans(database: Database) -> None:
    """Settle what workers on this computer held whose supervisor is dead. Kills workers that still run."""
    host = processes.this_host()
    with database.read() as session:
        supervisors = process_registry.supervisors_on(session.connection(), host)
        workers = process_registry.workers_on(session.connection(), host)
    gone = [supervisor_id for supervisor_id, identity in supervisors if not processes.is_alive(identity)]
    orphans = [worker for worker in workers if worker.supervisor_id in gone]
    if not gone:
        return
    for worker in orphans:
        _make_sure_it_is_dead(worker.identity)
    with database.write() as connection:
        for worker in orphans:
            held = process_registry.rescue_worker(
                connection, worker.worker_id, "The server was killed while the job was running."
            )
            for each in held:
                log.warning("job %s rescued: it was running when the server was killed", each.slug)
        for supervisor_id in gone:
            process_registry.deregister_supervisor(connection, supervisor_id)


def _make_sure_it_is_dead(worker: Identity) -> None:
    # The kernel kills workers with their supervisor; this waits for the moment that takes.
    end = clock.monotonic() + 2.0
    while processes.is_alive(worker) and clock.monotonic() < end:
        processes.kill_exactly(worker)
        processes.pause(0.01)
