"""Signs of life of a running job: when it last reported or printed something, and whether its process is alive."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from asyncinweb import clock
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_log import log_written_at
from asyncinweb.queue.models import Job
from asyncinweb.queue.snapshot import is_worker_alive
from asyncinweb.web.installation import Installation

SILENT_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class Liveness:
    """A job has been silent since then. `is_alive`: its process is still running."""

    since: datetime
    is_alive: bool


def liveness_of(connection: Connection, installation: Installation, job: Job) -> Liveness | None:
    """None for a job that is not running, or has reported or printed something within the last minute."""
    latest = max(filter(None, (job.started_at, job.reported_at, job.partial_at)), default=None)
    if job.state != "processing" or latest is None or not _is_long_ago(latest):
        return None
    printed = log_written_at(JobFolder(installation.settings.instance, job.slug), job.claim_no)
    since = max(filter(None, (latest, printed)))
    if not _is_long_ago(since):
        return None
    return Liveness(since, is_worker_alive(connection, job.worker_id or "", installation.settings.lease_seconds))


def _is_long_ago(time: datetime) -> bool:
    return clock.now() - time > SILENT_AFTER
