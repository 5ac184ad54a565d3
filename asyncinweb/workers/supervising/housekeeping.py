"""What a supervisor does now and then: heartbeats, rescue, cleaning, starting tasks by the clock."""

import logging
from collections.abc import Iterator, Sequence

from asyncinweb import clock
from asyncinweb.errors import AsyncInWebError
from asyncinweb.queue import process_registry
from asyncinweb.queue.files.instance import supervisor_name
from asyncinweb.queue.maintenance.retention import WAL_BOUND_BYTES, Cleaned, clean, tidy_wal
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.settings import Settings
from asyncinweb.workers.process import processes
from asyncinweb.workers.supervising.rescue import rescue_orphans
from asyncinweb.workers.supervising.schedule import Schedule
from asyncinweb.workers.supervising.timetable import Timetable

log = logging.getLogger(__name__)

CLEAN_EVERY_SECONDS = 3600.0
# The time for one turn, and the pause until the next one while there is more to do.
CLEAN_SECONDS, CLEAN_PAUSE_SECONDS = 0.01, 0.02


class Housekeeping:
    """One supervisor's housekeeping. `turn` is called at every tick and does what is due."""

    def __init__(
        self, settings: Settings, database: Database, supervisor_id: str, workers: int, wake_port: int
    ) -> None:
        self._settings = settings
        self._database = database
        self._supervisor_id = supervisor_id
        self._workers = workers
        self._wake_port = wake_port
        self._next_beat = 0.0
        self._next_clean = clock.monotonic() + settings.heartbeat_seconds
        self._cleaning: Iterator[Cleaned] | None = None
        self._cleaned = 0
        self._wal_is_large = False
        self._last_turn = clock.monotonic()
        self._may_rescue_from = self._last_turn + settings.lease_seconds
        self._timetable = Timetable(database, supervisor_name(settings.instance))

    @property
    def pause_seconds(self) -> float:
        """The longest pause until the next turn."""
        return CLEAN_PAUSE_SECONDS if self._cleaning else self._settings.heartbeat_seconds

    def register(self) -> None:
        """Register this supervisor."""
        with self._database.write() as connection:
            process_registry.register_supervisor(
                connection,
                self._supervisor_id,
                processes.this_process(),
                self._wake_port,
                self._workers,
                self._settings.max_running_per_owner,
            )

    def turn(self, schedules: Sequence[Schedule] | None) -> None:
        """Do what is due. schedules: None until a worker has reported its own."""
        now = clock.monotonic()
        if now > self._last_turn + 2 * self._settings.heartbeat_seconds + self._settings.lease_seconds / 2:
            # This process stood still, so others may have too, and be about to send heartbeats.
            self._may_rescue_from = now + self._settings.lease_seconds
        self._last_turn = now
        if schedules is not None:
            self._timetable.keep(schedules)
        if now >= self._next_beat:
            self._next_beat = now + self._settings.heartbeat_seconds
            self._timetable.look_again()
            self._beat(now)
        if now >= self._next_clean:
            self._clean(now)

    def _beat(self, now: float) -> None:
        with self._database.write() as connection:
            is_known = process_registry.heartbeat(connection, self._supervisor_id)
            if now >= self._may_rescue_from:
                for held in process_registry.rescue(
                    connection, processes.this_host(), self._settings.lease_seconds
                ):
                    log.warning(
                        "job %s rescued: its host has sent no heartbeat for %g s",
                        held.slug,
                        self._settings.lease_seconds,
                    )
        if not is_known:
            self.register()
        rescue_orphans(self._database)
        self._watch_wal()

    def _clean(self, now: float) -> None:
        """Take a few steps. If there is more to do, the next ones follow soon, because the children need
        watching."""
        self._cleaning = self._cleaning or clean(self._database, self._settings)
        end = now + CLEAN_SECONDS
        try:
            for cleaned in self._cleaning:
                self._cleaned += cleaned.jobs
                if clock.monotonic() > end:
                    return
        except AsyncInWebError:
            self._cleaning = None
            raise
        self._cleaning, self._next_clean = None, now + CLEAN_EVERY_SECONDS
        if self._cleaned:
            log.info("Deleted %d jobs past their retention period", self._cleaned)
            self._cleaned = 0

    def _watch_wal(self) -> None:
        tidy_wal(self._database)
        was_large, self._wal_is_large = self._wal_is_large, self._database.wal_bytes > WAL_BOUND_BYTES
        if self._wal_is_large and not was_large:
            log.warning(
                "The write-ahead log has grown to %d MB because a program is holding a read transaction open. "
                "To find it: asyncinweb check",
                self._database.wal_bytes / 1e6,
            )
