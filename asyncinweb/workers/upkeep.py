"""What a supervisor does now and then: signs of life, rescue, pruning, starting tasks by the clock."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from asyncinweb import clock
from asyncinweb.errors import IdempotencyConflict
from asyncinweb.queue import presence
from asyncinweb.queue.database import Database
from asyncinweb.queue.files import JobFolder
from asyncinweb.queue.submitting import enqueue
from asyncinweb.queue.transitions import PRUNE_AT_ONCE, prune
from asyncinweb.queue.uploads import remove_abandoned
from asyncinweb.settings import Settings
from asyncinweb.tasks.registry import next_cron_time
from asyncinweb.workers import processes
from asyncinweb.workers.burial import bury_orphans
from asyncinweb.workers.schedule import Schedule

log = logging.getLogger(__name__)

PRUNE_EVERY_SECONDS = 3600.0


class Upkeep:
    """One supervisor's. `turn` is called at every tick and does what has fallen due."""

    def __init__(
        self, settings: Settings, database: Database, supervisor_id: str, workers: int, bell_port: int
    ) -> None:
        self._settings = settings
        self._database = database
        self._supervisor_id = supervisor_id
        self._workers = workers
        self._bell_port = bell_port
        self._next_beat = 0.0
        self._next_prune = clock.monotonic() + settings.heartbeat_seconds
        self._last_turn = clock.monotonic()
        self._may_rescue_from = self._last_turn + settings.lease_seconds
        self._planned: dict[str, datetime] = {}

    def register(self) -> None:
        """Say that this supervisor is there."""
        with self._database.write() as connection:
            presence.register_supervisor(
                connection,
                self._supervisor_id,
                processes.this_process(),
                self._bell_port,
                self._workers,
            )

    def turn(self, schedules: Sequence[Schedule]) -> None:
        """Do what has fallen due."""
        now = clock.monotonic()
        if now > self._last_turn + 2 * self._settings.heartbeat_seconds + self._settings.lease_seconds / 2:
            # This process stood still, and others may be about to show signs of life too.
            self._may_rescue_from = now + self._settings.lease_seconds
        self._last_turn = now
        self._plan(schedules)
        if now >= self._next_beat:
            self._next_beat = now + self._settings.heartbeat_seconds
            self._beat(now)
        if now >= self._next_prune:
            self._prune(now)

    def _beat(self, now: float) -> None:
        with self._database.write() as connection:
            is_known = presence.beat(connection, self._supervisor_id)
            if now >= self._may_rescue_from:
                for held in presence.rescue(connection, processes.this_host(), self._settings.lease_seconds):
                    log.warning("job %s rescued from a computer that is silent", held.slug)
        if not is_known:
            self.register()
        bury_orphans(self._database)

    def _plan(self, schedules: Sequence[Schedule]) -> None:
        """Keep the next run of each schedule as a scheduled job. The key makes each of them once, however many
        supervisors plan it; a run that fell due while nothing ran is made up for, once."""
        now = clock.now()
        for schedule in schedules:
            run_at = next_cron_time(schedule.cron, now, schedule.job.task)
            if self._planned.get(schedule.job.task) == run_at:
                continue
            key = f"cron {schedule.job.task} {run_at:%Y-%m-%dT%H:%MZ}"
            # A conflict: it is planned already, with the defaults of an older version of the task.
            with suppress(IdempotencyConflict), self._database.write() as connection:
                enqueue(connection, replace(schedule.job, run_at=run_at, idempotency_key=key))
            self._planned[schedule.job.task] = run_at

    def _prune(self, now: float) -> None:
        """One batch; the next one at the next tick if there is more, since the children want watching."""
        pruned = prune_once(self._database, self._settings)
        remove_abandoned(self._settings.instance)
        self._next_prune = now if pruned == PRUNE_AT_ONCE else now + PRUNE_EVERY_SECONDS
        if pruned:
            log.info("Removed %d jobs whose retention was over", pruned)


def prune_once(database: Database, settings: Settings) -> int:
    """Remove at most PRUNE_AT_ONCE jobs whose retention is over, with their folders. How many they were."""
    with database.write() as connection:
        slugs = prune(connection, settings.keep_days)
    for slug in slugs:
        JobFolder(settings.instance, slug).remove()
    return len(slugs)
