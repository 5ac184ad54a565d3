"""Settling a job under its claim, and taking the next job in the same transaction."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from asyncinweb.errors import AsyncInWebError, DatabaseBusy, DatabaseUnusable
from asyncinweb.queue.claims import Claim, ClaimScope
from asyncinweb.queue.partial_results import report_partial_result
from asyncinweb.queue.results import keep_result
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.transitions import finish_and_claim, give_back, report, settle
from asyncinweb.tasks.outcome import Completed, Failed, Outcome
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.workers.process import processes
from asyncinweb.workers.running.runner import Ending
from asyncinweb.workers.running.running_job import RunningJob

log = logging.getLogger(__name__)
T = TypeVar("T")

# Pause before a result is offered again to a database that is locked or full.
SETTLE_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class EndedRun:
    """A job that was run, and how the run ended."""

    job: RunningJob
    ending: Ending


class LostClaim(Exception):
    """The job went to another worker, so this outcome is discarded."""


class Settling:
    """Settles what one worker holds, however long the database is locked or full: no work is thrown away."""

    def __init__(self, database: Database, next_scope: Callable[[], ClaimScope | None]) -> None:
        """next_scope: called at the moment of settling. What to claim next; None for nothing."""
        self._database = database
        self._next_scope = next_scope

    def settle_and_claim(self, ended: EndedRun) -> Claim | None:
        """processing -> where the outcome leads, and queued -> processing for the next job, in one transaction:
        half the commits of two. Raises LostClaim, with no job taken."""
        held = ended.job.held
        is_settled, following = self._insist(held, lambda: self._offer(ended.job, outcome_of(ended)))
        if is_settled:
            return following
        log.warning("lost claim: job %s went to another worker, so this outcome is discarded", held.slug)
        if following is not None:
            self.give_back(following)
        raise LostClaim

    def give_back(self, held: Claim) -> None:
        """processing -> queued, for a job that has not begun."""
        self._insist(held, lambda: self._give_back(held))

    def _offer(self, job: RunningJob, outcome: Outcome) -> tuple[bool, Claim | None]:
        is_completed = isinstance(outcome, Completed)
        progress = job.unwritten_progress()
        partial = None if is_completed else job.last_partial_result()
        with self._database.write() as connection:
            if progress is not None:
                report(connection, job.held, progress.done, progress.total, progress.text)
            if partial is not None:
                report_partial_result(connection, job.held, partial.number, partial.as_json)
            settled = self._settle_and_claim(connection, job.held, outcome)
        if partial is not None:
            job.mark_written(partial)
        job.remove_partial_results(but_last=settled[0] and not is_completed)
        return settled

    def _settle_and_claim(
        self, connection: Connection, held: Claim, outcome: Outcome
    ) -> tuple[bool, Claim | None]:
        scope = self._next_scope()
        if scope is None:
            return settle(connection, held, outcome), None
        return finish_and_claim(connection, held, outcome, scope)

    def _give_back(self, held: Claim) -> None:
        with self._database.write() as connection:
            give_back(connection, held)

    def _insist(self, held: Claim, settling: Callable[[], T]) -> T:
        last_error = ""
        while True:
            try:
                return settling()
            except (DatabaseBusy, DatabaseUnusable, OSError) as error:
                if str(error) != last_error:
                    log.warning("Cannot store the outcome of job %s yet: %s", held.slug, error)
                last_error = str(error)
                processes.pause(SETTLE_PAUSE_SECONDS)


def outcome_of(ended: EndedRun) -> Outcome:
    """The ending as the queue stores it; a result too large for the row goes into a file first. Raises OSError."""
    if not isinstance(ended.ending, ReturnValue):
        return ended.ending
    try:
        return Completed(keep_result(ended.job.folder, ended.job.held.claim_no, ended.ending))
    except AsyncInWebError as error:
        return Failed("unserialisable", str(error))
