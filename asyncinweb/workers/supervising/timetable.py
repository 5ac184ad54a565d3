"""Keeps the next run of each schedule planned, and withdraws runs that are no longer in the plan."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from asyncinweb import clock
from asyncinweb.queue.planned_runs import plan, waiting_runs, withdraw
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.tasks.registry import next_cron_time
from asyncinweb.workers.supervising.schedule import Schedule

log = logging.getLogger(__name__)


class Timetable:
    """One supervisor's timetable. planner: names its instance folder, and stays the same after a restart."""

    def __init__(self, database: Database, planner: str) -> None:
        self._database = database
        self._planner = planner
        self._schedules: Sequence[Schedule] | None = None
        self._planned: dict[str, datetime] = {}

    def keep(self, schedules: Sequence[Schedule]) -> None:
        """Plan what is missing. A run that fell due while no server was running is made up for, once."""
        if schedules != self._schedules:
            self._withdraw_others(schedules)
            self._schedules = schedules
        now = clock.now()
        for schedule in schedules:
            run_at = next_cron_time(schedule.cron, now, schedule.job.task)
            if self._planned.get(schedule.job.task) != run_at:
                with self._database.write() as connection:
                    plan(connection, self._planner, schedule.job, run_at)
                self._planned[schedule.job.task] = run_at

    def look_again(self) -> None:
        """Another supervisor may have withdrawn a run that it had planned for both."""
        self._planned.clear()

    def _withdraw_others(self, schedules: Sequence[Schedule]) -> None:
        self._planned.clear()
        with self._database.write() as connection:
            obsolete = [
                run
                for run in waiting_runs(connection, self._planner)
                if not any(_is_run_of(each, run) for each in schedules)
            ]
            withdrawn = [run.slug for run in obsolete if withdraw(connection, run.id)]
        for slug in withdrawn:
            log.info("job %s cancelled: its schedule was changed or removed", slug)


# What identifies a run. Its time is looked up in the schedule.
_SAME = ("task", "arguments", "priority", "max_attempts", "timeout_seconds", "on_crash", "keep_days")


def _is_run_of(schedule: Schedule, run: Row[Any]) -> bool:
    """True if the schedule would plan this run today."""
    if any(getattr(run, name) != getattr(schedule.job, name) for name in _SAME):
        return False
    return (
        run.run_at is None
        or next_cron_time(schedule.cron, run.run_at - timedelta(seconds=1), run.task) == run.run_at
    )
