"""Whether a job's inputs resemble those of earlier runs, so that their durations are evidence for it."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select

from asyncinweb.queue.models import Job
from asyncinweb.queue.stores.prepared import Prepared

RECENT_JOBS = 200
# Runs with longer arguments are not read.
MOST_CHARACTERS = 20_000
_DURATION = re.compile(r"-?P[0-9T].*")


def is_like_earlier_runs(connection: Connection, job_id: int, task: str, runs: int) -> bool:
    """True if each input of the job is within the range of the task's last completed runs, or equals one of
    theirs."""
    rows = _ARGUMENTS.rows(connection, job_id=job_id, task=task)
    own = [arguments for each, _, arguments in rows if each == job_id]
    earlier = [arguments for each, state, arguments in rows if each != job_id and state == "completed"]
    texts = [each for each in (*own, *earlier[:runs]) if len(each) < MOST_CHARACTERS]
    return (
        bool(own) and own[0] in texts and are_within(json.loads(own[0]), [json.loads(each) for each in texts[1:]])
    )


_RECENT = select(Job.id).where(Job.task == bindparam("task")).order_by(Job.id.desc()).limit(RECENT_JOBS)
# The job itself, and the task's last jobs.
_ARGUMENTS = Prepared(
    select(Job.id, Job.state, func.substr(Job.arguments, 1, MOST_CHARACTERS))
    .where(
        or_(
            Job.id == bindparam("job_id"),
            Job.id.in_(_RECENT),
        )
    )
    .order_by(Job.id.desc())
)


def are_within(arguments: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> bool:
    """Numbers, and the sizes of texts, lists and files, must be between the smallest and the largest; other values
    must equal one."""
    return all(
        _is_within(value, [each[name] for each in earlier if name in each]) for name, value in arguments.items()
    )


def _is_within(value: Any, seen: Sequence[Any]) -> bool:
    if value in seen:
        return True
    size = _size(value)
    sizes = [each for each in map(_size, seen) if each is not None]
    return size is not None and bool(sizes) and min(sizes) <= size <= max(sizes)


def _size(value: Any) -> float | None:
    """The size that a duration may depend on; None for a value without one."""
    match value:
        case bool() | None:
            return None
        case int() | float():
            return float(value) if abs(value) < 1e300 else None
        case str():
            return _size_of_text(value)
        case {"sha256": _, "size": int(size)}:
            return float(size)
        case list() | dict():
            return float(len(value))
    return None


def _size_of_text(text: str) -> float | None:
    """A Decimal is stored as a text, and a duration as `PT5M30S`, whose length says nothing."""
    if _DURATION.fullmatch(text):
        return None
    try:
        return float(text)
    except ValueError:
        return float(len(text))
