"""What a request and an option of a task may say: refused where no queue, calendar or page could keep it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from asyncinweb.errors import BadArguments, TaskDefinitionError
from asyncinweb.tasks.inputs.arguments import Arguments
from asyncinweb.tasks.registry import Options, Request, Task, task


def report() -> None:
    """Nothing."""


def request(**facts: Any) -> Request:
    return Request(Task(report, Options()), Arguments("{}"), **facts)


@pytest.mark.parametrize(
    "moment",
    [
        datetime.max.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=23))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=23, minutes=59))),
        datetime(3000, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2027, 1, 1),
        "2027-01-01T00:00:00Z",
        1e300,
    ],
)
def test_a_start_that_no_calendar_shows_is_refused_by_name(moment: object) -> None:
    with pytest.raises(BadArguments, match="run_at must be"):
        request(run_at=moment)


@pytest.mark.parametrize("priority", [2**63, -(2**70), 1.5, float("nan"), "high", None, True, 10**400])
def test_a_priority_that_no_queue_can_keep_is_refused_by_name(priority: object) -> None:
    with pytest.raises(BadArguments, match="priority must be a whole number"):
        request(priority=priority)


@pytest.mark.parametrize("key", ["", "caf\udce9", "a\0b", b"key", 7, "x" * 1_001])
def test_a_unique_key_that_no_queue_can_keep_is_refused_by_name(key: object) -> None:
    with pytest.raises(BadArguments, match="unique_key "):
        request(unique_key=key)


@pytest.mark.parametrize(
    "options",
    [
        {"keep_days": 1e300},
        {"keep_days": float("inf")},
        {"timeout": float("nan")},
        {"timeout": 1e300},
        {"max_attempts": 10**30},
        {"memory_mb": float("inf")},
        {"priority": 2**63},
        {"priority": "high"},
    ],
)
def test_an_option_that_no_queue_can_keep_is_refused_by_name(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(TaskDefinitionError, match=f"@task on report: {name}="):
        task(**options)(report)


def test_the_first_and_the_last_moment_are_taken() -> None:
    for moment in (datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)):
        assert request(run_at=moment).run_at == moment
