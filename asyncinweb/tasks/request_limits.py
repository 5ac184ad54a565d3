"""The limits of a request, from any source: a form, a program, the API, the shell."""

from datetime import datetime

from asyncinweb import clock
from asyncinweb.tasks.inputs.json_text import text_fault

MOST_PRIORITY = 1_000_000_000
LONGEST_KEY = 1_000


def faults_of(priority: object, run_at: object, unique_key: object) -> dict[str, str]:
    """What is wrong with the values, by name, in words that follow the name; empty for a valid request."""
    faults = {
        "priority": _priority_fault(priority),
        "run_at": "" if run_at is None else _time_fault(run_at),
        "unique_key": "" if unique_key is None else _key_fault(unique_key),
    }
    return {name: fault for name, fault in faults.items() if fault}


def _priority_fault(priority: object) -> str:
    if type(priority) is int and abs(priority) <= MOST_PRIORITY:
        return ""
    return f"must be a whole number from {-MOST_PRIORITY:,} to {MOST_PRIORITY:,}"


def _time_fault(time: object) -> str:
    if not isinstance(time, datetime) or time.tzinfo is None:
        return "must be a datetime with a time zone, such as datetime.now(UTC) + timedelta(hours=1)"
    if clock.EARLIEST <= time < clock.LATEST:
        return ""
    return f"must be between the years {clock.EARLIEST.year} and {clock.LATEST.year - 1}, not {time.isoformat()}"


def _key_fault(key: object) -> str:
    if not isinstance(key, str):
        return "must be text"
    if not 0 < len(key) <= LONGEST_KEY:
        return f"must have 1 to {LONGEST_KEY:,} characters"
    return text_fault(key)
