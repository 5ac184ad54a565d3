"""The second thread of a worker: writes progress, watches the time limit, checks for stop requests."""

import threading

from asyncinweb import clock
from asyncinweb.errors import AsyncInWebError
from asyncinweb.queue.partial_results import report_partial_result
from asyncinweb.queue.polling import live_claim
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.transitions import report
from asyncinweb.workers.process.background import start_background_thread
from asyncinweb.workers.process.outage import OutageLog
from asyncinweb.workers.running.children_at_stop import ChildrenAtStop
from asyncinweb.workers.running.interruption import Interruption
from asyncinweb.workers.running.output_capture import OutputCapture
from asyncinweb.workers.running.running_job import RunningJob

# At most two writes a second for each job, whatever the function does.
PAUSE_SECONDS = 0.5


class Reporter:
    """Attends to the running job of this process. Costs nothing while there is none."""

    def __init__(
        self,
        database: Database,
        interruption: Interruption,
        output: OutputCapture,
        children: ChildrenAtStop,
        kill_after_seconds: float,
    ) -> None:
        # Often enough that a cancelled function has most of that time before it is killed.
        self._pause_seconds = min(PAUSE_SECONDS, kill_after_seconds / 4)
        self._next_write = 0.0
        self._database = database
        self._interruption = interruption
        self._output = output
        self._children = children
        self._outage = OutageLog()
        self._job: RunningJob | None = None
        self._nudge = threading.Event()
        self._asleep = False

    def start(self) -> None:
        """Begin to attend to jobs."""
        start_background_thread("asyncinweb-reporter", self._turn)

    def attend(self, job: RunningJob) -> None:
        """A job begins."""
        self._job = job
        # Waking a thread for each of thousands of short jobs would cost more than the jobs do.
        if self._asleep or job.held.timeout_seconds is not None:
            self._nudge.set()

    def dismiss(self) -> None:
        """The job has ended."""
        self._job = None

    def _turn(self) -> None:
        """Sleep until a job begins, or attend to the running one once."""
        job = self._job
        if job is None:
            return self._sleep()
        self._nudge.wait(self._pause(job))
        self._nudge.clear()
        return self._attend_once(job) if self._job is job else None

    def _sleep(self) -> None:
        self._asleep = True
        # Checked again after setting the flag: `attend` sets the job first and checks the flag second.
        if self._job is None:
            self._nudge.wait()
        self._asleep = False
        self._nudge.clear()

    def _attend_once(self, job: RunningJob) -> None:
        left = job.seconds_left
        if left is not None and left <= 0:
            self._interruption.ask("timeout", job)
        self._output.flush_waiting_text()
        self._children.remember()
        try:
            self._write_progress(job)
            self._look_for_cancel(job)
        except (AsyncInWebError, OSError) as error:
            # Busy or full: the next turn tries again, and the job continues.
            self._outage.note(error)
        else:
            self._outage.is_over()

    def _write_progress(self, job: RunningJob) -> None:
        now = clock.monotonic()
        if now < self._next_write:
            return
        progress, partial = job.unwritten_progress(), job.newest_partial_result()
        if progress is None and partial is None:
            return
        self._next_write = now + PAUSE_SECONDS
        with self._database.write() as connection:
            if progress is not None:
                left = job.progress_rate.left(now - job.started, progress.done, progress.total)
                report(connection, job.held, progress.done, progress.total, progress.text, left)
            if partial is not None:
                report_partial_result(connection, job.held, partial.number, partial.as_json)
        if partial is not None:
            job.mark_written(partial)

    def _look_for_cancel(self, job: RunningJob) -> None:
        with self._database.glance() as connection:
            claim = live_claim(connection, job.held.job_id, job.held.claim_no)
        if claim is None:
            # Another worker has the job now, so this function's work is no longer of use.
            self._interruption.ask("release", job)
        elif claim.cancel_requested:
            self._interruption.ask("cancel", job)

    def _pause(self, job: RunningJob) -> float:
        left = job.seconds_left
        return self._pause_seconds if left is None or left <= 0 else min(self._pause_seconds, left)
