"""A job as programs read it: the one JSON shape of the shell and of the API."""

from datetime import datetime
from typing import Any

from asyncinweb.queue.excerpts import excerpt_of
from asyncinweb.queue.models import Job


def job_as_json(job: Job, place: int | None, url: str | None = None) -> dict[str, Any]:
    """Plain values only; times in UTC, ending in Z. place: see `snapshot.places_of`."""
    results = {"result": job.value, "partial_result": job.partial_value}
    # What is damaged is known only once it has been read.
    return {**_facts(job, place, url), "arguments": job.arguments_by_name, **results}


def listed_job_as_json(job: Job, place: int | None, url: str | None = None) -> dict[str, Any]:
    """As `job_as_json` without the result, which lists leave unread, and with the beginning of long arguments."""
    arguments, is_cut = excerpt_of(job.arguments)
    return {**_facts(job, place, url), "arguments": arguments, "arguments_cut": is_cut}


def _facts(job: Job, place: int | None, url: str | None) -> dict[str, Any]:
    return {
        "slug": job.slug,
        "task": job.task,
        "arguments": {},
        "state": job.state,
        "reason": job.reason,
        "error": job.error,
        "progress": {"done": job.progress_done, "total": job.progress_total, "text": job.progress_text},
        "attempts": job.attempts,
        "priority": job.priority,
        "place": place,
        "created_at": in_utc(job.created_at),
        "run_at": in_utc(job.run_at),
        "started_at": in_utc(job.started_at),
        "finished_at": in_utc(job.finished_at),
        "owner": job.owner,
        "rerun_of": job.rerun_of,
        "damaged": list(job.damaged),
        "url": url,
    }


def in_utc(time: datetime | None) -> str | None:
    """ISO 8601 with a Z, or None."""
    return None if time is None else time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
