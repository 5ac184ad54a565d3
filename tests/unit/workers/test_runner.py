"""Every way a function can end, as one value: the real runner with a real job in a folder."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

from asyncinweb.errors import JobCancelled
from asyncinweb.tasks.current import current_job
from asyncinweb.tasks.outcome import Cancelled, Failed, Released
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.tasks.registry import Options, Task
from asyncinweb.workers.running.interruption import Cause, Interruption
from asyncinweb.workers.running.runner import Ending, run
from asyncinweb.workers.running.running_job import RunningJob

MEGABYTE = 1_000_000


RunTask = Callable[..., Ending]


class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Hostile:
    def __repr__(self) -> str:
        raise SystemExit(7)


def raises(error: BaseException) -> Callable[[], object]:
    def function() -> object:
        raise error

    return function


def recurse() -> None:
    recurse()


async def never_awaited_twice() -> int:
    await asyncio.sleep(0)
    return 7


async def fails_later() -> None:
    await asyncio.sleep(0)
    raise ValueError("later")


@pytest.mark.parametrize(
    ("function", "reason", "error"),
    [
        (raises(ValueError("wrong")), "error", "ValueError: wrong"),
        (raises(ValueError()), "error", "ValueError"),
        (raises(ValueError("two\n  lines")), "error", "ValueError: two lines"),
        (raises(ValueError("x" * 5000)), "error", "ValueError: " + "x" * 987 + "…"),
        (raises(ValueError("\udc80")), "error", "ValueError: \\udc80"),
        (raises(KeyError("city")), "error", "KeyError: 'city'"),
        (raises(StopIteration("over")), "error", "StopIteration: over"),
        (raises(GeneratorExit()), "error", "GeneratorExit"),
        (raises(KeyboardInterrupt()), "error", "KeyboardInterrupt"),
        (raises(SystemExit(3)), "error", "The function called sys.exit(3)."),
        (raises(SystemExit()), "error", "The function called sys.exit()."),
        (raises(Broken()), "error", "Broken: (its message can't be shown)"),
        (raises(MemoryError()), "memory", "MemoryError: the job ran out of memory"),
        (
            raises(BaseExceptionGroup("both", [KeyboardInterrupt()])),
            "error",
            "BaseExceptionGroup: both (1 sub-exception)",
        ),
        (raises(JobCancelled()), "error", "JobCancelled: raised by the function itself"),
        (recurse, "error", "RecursionError: maximum recursion depth exceeded"),
        (fails_later, "error", "ValueError: later"),
        (lambda: Hostile(), "unserialisable", "The result can't be stored: The function called sys.exit(7)."),
        (
            lambda: "x" * (MEGABYTE + 1),
            "result_too_large",
            "The result is 1.0 MB, and the limit is 1 MB. "
            "Save it as a file with current_job.save_file, or raise max_result_mb.",
        ),
    ],
)
def test_a_function_that_does_not_return_has_failed(
    run_task: RunTask, function: Callable[[], object], reason: str, error: str
) -> None:
    ending = run_task(function)

    assert isinstance(ending, Failed)
    assert (ending.reason, ending.error) == (reason, error)
    assert ending.retry_after is None


@pytest.mark.parametrize(
    ("function", "shape", "data"),
    [
        (lambda: None, "none", b"null"),
        (lambda: "wörter", "text", "wörter".encode()),
        (lambda: 7, "number", b"7"),
        (lambda: True, "json", b"true"),
        (lambda: [1, 2], "json", b"[1, 2]"),
        (lambda: [{"a": 1}], "table", b'[\n{"a": 1}\n]'),
        (lambda: b"\x89PNG\r\n\x1a\n", "image", b"\x89PNG\r\n\x1a\n"),
        (lambda: b"\0", "file", b"\0"),
        (never_awaited_twice, "number", b"7"),
    ],
)
def test_a_function_that_returns_has_an_output(
    run_task: RunTask, function: Callable[[], object], shape: str, data: bytes
) -> None:
    ending = run_task(function)

    assert isinstance(ending, ReturnValue)
    assert (ending.shape, ending.data, ending.warning) == (shape, data, "")


@pytest.mark.parametrize(("cause", "expected"), [("cancel", Cancelled()), ("release", Released())])
def test_what_a_function_raises_after_it_was_asked_to_stop_is_its_way_of_stopping(
    run_task: RunTask, interruption: Interruption, job: RunningJob, cause: Cause, expected: Ending
) -> None:
    def stops_with_its_own_words() -> None:
        try:
            interruption.ask(cause, job)
        finally:
            raise ValueError("stopped")

    assert run_task(stops_with_its_own_words) == expected


def test_a_time_limit_is_a_failure_that_may_be_tried_again(
    run_task: RunTask, interruption: Interruption, job: RunningJob
) -> None:
    ending = run_task(
        lambda: interruption.ask("timeout", job), timeout=5.0, max_attempts=2, backoff=(1.0,), retry_on=(OSError,)
    )

    assert isinstance(ending, Failed)
    assert (ending.reason, ending.error) == ("timeout", "The job was stopped at its time limit (5 s).")
    assert ending.retry_after is not None
    assert 1.0 <= ending.retry_after <= 1.25


def test_a_function_that_returns_although_it_was_asked_to_stop_has_returned(
    run_task: RunTask, interruption: Interruption, job: RunningJob
) -> None:
    def finishes() -> str:
        try:
            interruption.ask("cancel", job)
        except JobCancelled:
            return "half of it"
        return "all of it"

    ending = run_task(finishes)

    assert isinstance(ending, ReturnValue)
    assert ending.data == b"half of it"


def test_arguments_that_no_longer_fit_are_a_failure_in_words(run_task: RunTask) -> None:
    def needs(number: int) -> int:
        return number

    ending = run_task(needs, '{"name": 1}')

    assert isinstance(ending, Failed)
    assert ending.reason == "bad_arguments"
    assert "number is required" in ending.error


@pytest.mark.parametrize(
    ("options", "attempt", "error", "least"),
    [
        ({"max_attempts": 1}, 1, OSError(), None),
        ({"max_attempts": 3, "backoff": (2.0,)}, 1, OSError(), 2.0),
        ({"max_attempts": 3, "backoff": (2.0, 8.0)}, 2, OSError(), 8.0),
        ({"max_attempts": 9, "backoff": (2.0, 8.0)}, 5, OSError(), 8.0),
        ({"max_attempts": 3, "backoff": lambda attempt: attempt * 10}, 2, OSError(), 20.0),
        ({"max_attempts": 3, "backoff": (2.0,)}, 3, OSError(), None),
        ({"max_attempts": 3, "backoff": (2.0,)}, 1, SystemExit(), None),
        ({"max_attempts": 3, "backoff": (2.0,), "retry_on": (SystemExit,)}, 1, SystemExit(), 2.0),
        ({"max_attempts": 3, "backoff": (2.0,), "retry_on": (OSError,)}, 1, ValueError(), None),
        ({"max_attempts": 3, "backoff": (2.0,), "retry_on": (OSError,)}, 1, ConnectionError(), 2.0),
    ],
)
def test_the_pause_before_the_next_try(
    make_job: Callable[[int], RunningJob],
    interruption: Interruption,
    options: dict[str, Any],
    attempt: int,
    error: BaseException,
    least: float | None,
) -> None:
    ending = run(Task(raises(error), Options(**options)), "{}", make_job(attempt), interruption)

    assert isinstance(ending, Failed)
    if least is None:
        assert ending.retry_after is None
    else:
        assert ending.retry_after is not None
        assert least <= ending.retry_after <= least * 1.25


@pytest.mark.parametrize(
    ("backoff", "least", "most"),
    [
        (lambda attempt: 1 / 0, None, None),
        (lambda attempt: None, None, None),
        (lambda attempt: -5.0, 0.0, 0.0),
        (lambda attempt: float("inf"), 86_400, 400 * 86_400),
        (lambda attempt: float("nan"), 0.0, 400 * 86_400),
    ],
)
def test_a_backoff_that_makes_no_sense_still_fails_the_job_for_its_own_reason(
    run_task: RunTask, backoff: Callable[[int], float], least: float | None, most: float | None
) -> None:
    ending = run_task(raises(OSError("lost")), max_attempts=3, backoff=backoff)

    assert isinstance(ending, Failed)
    assert (ending.reason, ending.error) == ("error", "OSError: lost")
    if least is None or most is None:
        assert ending.retry_after is None
    else:
        assert ending.retry_after is not None
        assert least <= ending.retry_after <= most


def test_the_traceback_begins_with_the_functions_own_line(run_task: RunTask) -> None:
    ending = run_task(raises(ValueError("wrong")))

    assert isinstance(ending, Failed)
    lines = (ending.traceback or "").splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith("in function")
    assert "raise error" in lines[2]


def test_a_very_long_traceback_loses_its_middle(run_task: RunTask) -> None:
    ending = run_task(raises(ValueError("x" * 200_000)))

    assert isinstance(ending, Failed)
    assert 49_000 < len(ending.traceback or "") < 51_000
    assert "[…]" in (ending.traceback or "")


def test_the_current_job_is_there_in_the_function_and_nowhere_else(run_task: RunTask, job: RunningJob) -> None:
    seen = []

    run_task(lambda: seen.append((current_job.slug, current_job.attempt, current_job.cancelled)))

    assert seen == [("slug", 1, False)]
    assert (current_job.slug, current_job.attempt) == ("", 0)


def test_deep_recursion_is_still_possible_behind_a_recursion_error(run_task: RunTask) -> None:
    limit = sys.getrecursionlimit()

    run_task(recurse)

    assert sys.getrecursionlimit() == limit
