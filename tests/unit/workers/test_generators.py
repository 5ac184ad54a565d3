"""Functions that yield, await or return something lazy, run by the real runner."""

import asyncio
import functools
import io
import itertools
import types
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from asyncinweb.errors import JobCancelled, JobInterruption, JobReleased, JobTimeout
from asyncinweb.tasks.outcome import Cancelled, Failed, Released
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.workers.running.calling import collects
from asyncinweb.workers.running.interruption import Cause, Interruption
from asyncinweb.workers.running.runner import Ending
from asyncinweb.workers.running.running_job import RunningJob

MEGABYTE = 1_000_000
RunTask = Callable[..., Ending]


def result_of(ending: Ending) -> bytes:
    assert isinstance(ending, ReturnValue), ending
    assert ending.warning == ""
    return ending.data


async def later(value: object) -> object:
    return value


# --- what comes of it -------------------------------------------------------------------------------------------


def counts(n: int = 3) -> Iterator[int]:
    number = 0
    while number < n:
        yield number
        number += 1


def says_how_it_ended() -> Generator[int, None, str]:
    yield 1
    yield 2
    return "the end"


def collects_numbers() -> list[int]:  # type: ignore[misc]  # as people write it
    yield 1
    yield 2


def collects_the_same_list() -> list[list[int]]:  # type: ignore[misc]
    rows: list[int] = []
    for number in (1, 2):
        rows.append(number)
        yield rows


def yields_nothing() -> Iterator[int]:
    yield from ()


def collects_nothing() -> list[int]:  # type: ignore[misc]
    yield from ()


def pauses() -> Iterator[int | None]:
    yield 7
    yield


def changes_what_it_yielded() -> Iterator[list[int]]:
    rows = [1]
    yield rows
    rows.append(2)


def yields_lazily() -> Iterator[object]:
    yield map(str, [1, 2])
    yield {"numbers": zip([1], [2], strict=True)}


def closes_what_it_yielded() -> Iterator[io.BytesIO]:
    with io.BytesIO(b"data") as file:
        yield file


async def counts_later() -> AsyncIterator[int]:
    for number in range(3):
        await asyncio.sleep(0)
        yield number


def plain(function: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(function)
    def wrapper(*args: object, **kwargs: object) -> object:
        return function(*args, **kwargs)

    return wrapper


def careless(function: Callable[..., object]) -> Callable[..., object]:
    def wrapper() -> object:
        return function()

    return wrapper


async def answers() -> int:
    await asyncio.sleep(0)
    return 7


async def answers_with_a_generator() -> Iterator[int]:
    return counts()


class Promise:
    def __await__(self) -> Generator[Any, None, int]:
        yield from asyncio.sleep(0).__await__()
        return 7


class Ticks:
    """An asynchronous iterator that is not a generator."""

    def __init__(self) -> None:
        self.left = 3

    def __aiter__(self) -> "Ticks":
        return self

    async def __anext__(self) -> int:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return self.left


class Machine(Generator[int, None, None]):
    """A generator by its methods alone."""

    def __init__(self) -> None:
        self.count = 0

    def send(self, value: object) -> int:
        self.count += 1
        if self.count > 3:
            raise StopIteration
        return self.count

    def throw(self, *error: Any) -> int:
        raise error[0]


@types.coroutine
def old_coroutine() -> Generator[Any, None, int]:
    yield from asyncio.sleep(0).__await__()
    return 7


@pytest.mark.parametrize(
    ("function", "result"),
    [
        (counts, b"2"),
        (says_how_it_ended, b"the end"),
        (collects_numbers, b"[1, 2]"),
        (collects_the_same_list, b"[[1], [1, 2]]"),
        (yields_nothing, b"null"),
        (collects_nothing, b"[]"),
        (pauses, b"7"),
        (changes_what_it_yielded, b"[1]"),
        (yields_lazily, b'{"numbers": [[1, 2]]}'),
        (closes_what_it_yielded, b"data"),
        (counts_later, b"2"),
        (plain(counts), b"2"),
        (careless(counts), b"2"),
        (plain(collects_numbers), b"[1, 2]"),
        (plain(counts_later), b"2"),
        (plain(answers), b"7"),
        (careless(answers), b"7"),
        (answers_with_a_generator, b"2"),
        (lambda: counts_later(), b"2"),
        (lambda: (number for number in range(3)), b"2"),
        (lambda: Promise(), b"7"),
        (lambda: Ticks(), b"0"),
        (lambda: Machine(), b"3"),
        (lambda: old_coroutine(), b"7"),
    ],
)
def test_what_a_function_gives_is_taken_to_its_end(
    run_task: RunTask, function: Callable[[], object], result: bytes
) -> None:
    assert result_of(run_task(function)) == result


@pytest.mark.parametrize(
    ("function", "result"),
    [
        (lambda: map(str, [1, 2]), b'["1", "2"]'),
        (lambda: zip([1, 2], "ab", strict=True), b'[[1, "a"], [2, "b"]]'),
        (lambda: filter(None, [0, 1]), b"[1]"),
        (lambda: {"a": 1}.keys(), b'["a"]'),
        (lambda: {"a": 1}.values(), b"[1]"),
        (lambda: {"a": 1}.items(), b'[["a", 1]]'),
        (lambda: enumerate("ab"), b'[[0, "a"], [1, "b"]]'),
        (lambda: reversed([1, 2]), b"[2, 1]"),
        (lambda: itertools.chain([1], [2]), b"[1, 2]"),
        (lambda: iter([1, 2]), b"[1, 2]"),
        (lambda: {"a": map(str, [1]), "b": 2}, b'{"a": ["1"], "b": 2}'),
        (lambda: (1, zip([1], [2], strict=True)), b"[1, [[1, 2]]]"),
        (lambda: map(dict, [[("n", 1)]]), b'[\n{"n": 1}\n]'),
        (lambda: later(map(str, [1])), b'["1"]'),
        (lambda: {"a": {"b": [map(str, [1])]}}, b'{"a": {"b": [["1"]]}}'),
    ],
)
def test_a_lazy_value_is_shown_with_what_is_in_it(
    run_task: RunTask, function: Callable[[], object], result: bytes
) -> None:
    assert result_of(run_task(function)) == result


@pytest.mark.parametrize(
    ("hint", "answer"),
    [
        ("list", True),
        ("list[int]", True),
        (list[int], True),
        (typing.List[int], True),  # noqa: UP006
        ("List[Unknown]", True),
        ("list[Unknown]", True),
        ("typing.List[Unknown]", True),
        (Annotated[list[int], "what for"], True),
        (Iterator[int], False),
        ("Iterator[list[Unknown]]", False),
        ("listing", False),
        (list[int] | None, False),
        (tuple[int, ...], False),
        (None, False),
    ],
)
def test_only_a_function_that_says_it_returns_a_list_has_all_values_collected(hint: object, answer: bool) -> None:
    def function() -> None: ...

    function.__annotations__["return"] = hint

    assert collects(function) is answer
    assert collects(plain(function)) is answer


def test_a_lazy_value_without_an_end_fails_in_words(run_task: RunTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asyncinweb.tasks.outputs.lazy_values.MOST_ITEMS", 1000)

    ending = run_task(lambda: itertools.repeat(1))

    assert isinstance(ending, Failed)
    assert "a repeat with more than 1,000 items" in ending.error


def test_a_failing_generator_says_where_it_failed(run_task: RunTask) -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise ValueError("wrong")

    async def fails_later() -> AsyncIterator[int]:
        yield 1
        raise ValueError("wrong")

    for function in (fails, fails_later):
        ending = run_task(function)

        assert isinstance(ending, Failed)
        assert (ending.reason, ending.error) == ("error", "ValueError: wrong")
        assert (ending.traceback or "").splitlines()[1].endswith(f"in {function.__name__}")


# --- stopping ---------------------------------------------------------------------------------------------------

STOPS: list[tuple[Cause, type[JobInterruption]]] = [
    ("cancel", JobCancelled),
    ("timeout", JobTimeout),
    ("release", JobReleased),
]


@dataclass
class Bomb:
    """A value that asks its job to stop while it is copied, which is when the function waits at its `yield`."""

    ask: Callable[[], None]

    def __reduce__(self) -> Any:
        self.ask()
        return str, ()


@dataclass
class BombInSight(Bomb):
    """The same while it is encoded, since it cannot be copied."""

    def __reduce__(self) -> Any:
        raise TypeError

    def __getattribute__(self, name: str) -> Any:
        if name == "__dataclass_fields__":
            self.ask()
        return super().__getattribute__(name)


BOMBS = pytest.mark.parametrize("bomb", [Bomb, BombInSight])


def ends_as(ending: Ending, cause: Cause) -> bool:
    match cause:
        case "cancel":
            return ending == Cancelled()
        case "release":
            return ending == Released()
        case _:
            return isinstance(ending, Failed) and ending.reason == "timeout"


@BOMBS
@pytest.mark.parametrize(("cause", "error"), STOPS)
def test_a_stop_reaches_a_generator_at_its_yield(
    run_task: RunTask,
    interruption: Interruption,
    job: RunningJob,
    cause: Cause,
    error: type[JobInterruption],
    bomb: type[Bomb],
) -> None:
    seen: list[object] = []

    def waits() -> Iterator[Bomb]:
        try:
            yield bomb(lambda: interruption.ask(cause, job))
            seen.append("went on")
        except error:
            seen.append("stopped")
            raise
        finally:
            seen.append("cleaned up")

    assert ends_as(run_task(waits), cause)
    assert seen == ["stopped", "cleaned up"]


@BOMBS
@pytest.mark.parametrize(("cause", "error"), STOPS)
def test_a_stop_reaches_an_async_generator_at_its_yield(
    run_task: RunTask,
    interruption: Interruption,
    job: RunningJob,
    cause: Cause,
    error: type[JobInterruption],
    bomb: type[Bomb],
) -> None:
    seen: list[object] = []

    async def waits() -> AsyncIterator[Bomb]:
        try:
            yield bomb(lambda: interruption.ask(cause, job))
            seen.append("went on")
        except error:
            seen.append("stopped")
            raise
        finally:
            await asyncio.sleep(0.01)
            seen.append("cleaned up")

    assert ends_as(run_task(waits), cause)
    assert seen == ["stopped", "cleaned up"]


@BOMBS
def test_a_lack_of_memory_reaches_a_generator_at_its_yield_and_it_can_go_on(
    run_task: RunTask, interruption: Interruption, job: RunningJob, bomb: type[Bomb]
) -> None:
    def asks_for_less() -> Iterator[object]:
        try:
            yield bomb(lambda: interruption.refuse_memory(job, "too much"))
        except MemoryError as error:
            yield f"with less, after: {error}"

    async def asks_for_less_later() -> AsyncIterator[object]:
        try:
            yield bomb(lambda: interruption.refuse_memory(job, "too much"))
        except MemoryError as error:
            yield f"with less, after: {error}"

    for function in (asks_for_less, asks_for_less_later):
        assert result_of(run_task(function)) == b"with less, after: too much"


def soon(ask: Callable[[], None]) -> None:
    """From the event loop, while nothing of the job runs."""
    asyncio.get_running_loop().call_later(0.01, ask)


@pytest.mark.parametrize(("cause", "error"), STOPS)
@pytest.mark.parametrize(
    "wait",
    [
        lambda: asyncio.sleep(60),
        lambda: asyncio.gather(asyncio.sleep(60), asyncio.sleep(60)),
        lambda: asyncio.wait_for(asyncio.sleep(60), 60),
        lambda: asyncio.create_task(asyncio.sleep(60)),
        lambda: asyncio.shield(asyncio.sleep(60)),
    ],
    ids=["sleep", "gather", "wait_for", "task", "shield"],
)
def test_a_stop_reaches_async_code_where_it_waits(
    run_task: RunTask,
    interruption: Interruption,
    job: RunningJob,
    cause: Cause,
    error: type[JobInterruption],
    wait: Callable[[], Awaitable[object]],
) -> None:
    seen: list[object] = []

    async def waits() -> AsyncIterator[int]:
        yield 1
        try:
            soon(lambda: interruption.ask(cause, job))
            await wait()
        except error:
            seen.append("stopped")
            raise
        finally:
            await asyncio.sleep(0.01)
            seen.append("cleaned up")

    async def waits_without_a_yield() -> None:
        async for _ in waits():
            pass

    for function in (waits, waits_without_a_yield):
        assert ends_as(run_task(function), cause)
        assert seen == ["stopped", "cleaned up"]
        seen.clear()


def test_a_stop_reaches_a_blocking_call_in_another_task_of_the_job(
    run_task: RunTask, interruption: Interruption, job: RunningJob
) -> None:
    seen: list[str] = []

    async def blocks() -> None:
        interruption.ask("cancel", job)
        seen.append("went on")

    async def waits() -> None:
        try:
            await asyncio.gather(blocks(), return_exceptions=True)
            await asyncio.sleep(60)
        except JobCancelled:
            seen.append("stopped")
            raise

    assert run_task(waits) == Cancelled()
    assert seen == ["stopped"]


def test_a_timeout_of_the_functions_own_stays_one(run_task: RunTask) -> None:
    async def is_slow() -> AsyncIterator[str]:
        try:
            async with asyncio.timeout(0.01):
                yield "before"
                await asyncio.sleep(60)
        except TimeoutError:
            yield "too slow"

    assert result_of(run_task(is_slow)) == b"too slow"


def test_what_a_stopped_function_yields_last_is_its_result(
    run_task: RunTask, interruption: Interruption, job: RunningJob
) -> None:
    def gives_half() -> Iterator[object]:
        try:
            yield Bomb(lambda: interruption.ask("cancel", job))
        except JobCancelled:
            yield "half of it"

    async def gives_half_later() -> AsyncIterator[object]:
        try:
            yield Bomb(lambda: interruption.ask("cancel", job))
        except JobCancelled:
            yield "half of it"

    for function in (gives_half, gives_half_later):
        assert result_of(run_task(function)) == b"half of it"


def test_what_a_generator_has_open_is_closed_when_it_is_stopped(
    run_task: RunTask, interruption: Interruption, job: RunningJob
) -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def connection() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await asyncio.sleep(0.01)
            seen.append("closed")

    async def streams() -> AsyncIterator[object]:
        async with connection(), asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(60))
            yield Bomb(lambda: interruption.ask("cancel", job))

    assert run_task(streams) == Cancelled()
    assert seen == ["closed"]


def test_a_stop_cuts_a_lazy_value_short(run_task: RunTask, interruption: Interruption, job: RunningJob) -> None:
    asked: list[int] = []

    def ask(number: int) -> int:
        asked.append(number)
        interruption.ask("cancel", job)
        return number

    assert run_task(lambda: map(ask, range(1000))) == Cancelled()
    assert asked == [0]
