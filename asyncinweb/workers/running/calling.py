"""Calling a task's function and running what it returns to its end: awaitables, generators, lazy values.

Everything here runs the author's code, so it belongs where a stop can reach it. A function that waits at a `yield`
is not on the stack: a stop that comes then is thrown into it there, and its `finally` has ended when this returns.
"""

import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Generator,
)
from typing import get_origin, get_type_hints

from asyncinweb.errors import JobInterruption
from asyncinweb.tasks.outputs.lazy_values import filled
from asyncinweb.workers.running.async_calls import AsyncCall
from asyncinweb.workers.running.interruption import Interruption
from asyncinweb.workers.running.running_job import RunningJob
from asyncinweb.workers.running.snapshots import Original, Snapshot

# How deep lazy values are looked for. Not far in a value that is one of thousands: copying it takes less time.
RESULT_LEVELS, YIELD_LEVELS = 5, 1
# What is raised in the function's thread from outside.
INTERRUPTIONS = (JobInterruption, MemoryError)
Note = Callable[[object], None]


def call(
    function: Callable[..., object], values: dict[str, object], job: RunningJob, interruption: Interruption
) -> Snapshot:
    """Call the function. What it returned, or the last value that it yielded if it returned None."""
    returned = function(**values)
    while True:
        if inspect.isawaitable(returned):
            returned = AsyncCall(interruption).run(returned)
        elif isinstance(returned, Generator):
            returned = run_generator(returned, _note_of(function, job, interruption))
        elif isinstance(returned, AsyncIterator):
            note = _note_of(function, job, interruption)
            returned = AsyncCall(interruption).run(run_async_generator(_generator(returned), note))
        elif returned is None and job.partial_results is not None:
            return job.partial_results.result()
        else:
            return Original(filled(returned, RESULT_LEVELS))


def _note_of(function: Callable[..., object], job: RunningJob, interruption: Interruption) -> Note:
    partial_results = job.begin_partial_results(collects=collects(function))

    def note(value: object) -> None:
        with interruption.looking():
            partial_results.note(value)

    return note


def collects(function: Callable[..., object]) -> bool:
    """True if the function is annotated to return a list: then all values that it yields are its result."""
    written = inspect.unwrap(function)
    try:
        hint = get_type_hints(written).get("return")
    except Exception:  # a name that only a type checker knows
        hint = written.__annotations__.get("return")
    if isinstance(hint, str):
        return hint.removeprefix("typing.").partition("[")[0].strip() in ("list", "List")
    return hint is list or get_origin(hint) is list


def run_generator(generator: Generator[object, None, object], note: Note) -> object:
    """Run a generator to its end, noting each value. What it returned.

    What is raised here from outside while the generator waits at its `yield` is thrown into the generator.
    """
    stop: BaseException | None = None
    try:
        while True:
            try:
                value = generator.throw(stop) if stop else next(generator)
                stop = None
                note(filled(value, YIELD_LEVELS))
            except INTERRUPTIONS as error:
                if error is stop or not _is_waiting(generator, "gi_frame"):
                    raise
                stop = error
    except StopIteration as end:
        return end.value
    finally:
        generator.close()


async def run_async_generator(generator: AsyncGenerator[object, None], note: Note) -> None:
    """Like `run_generator`. It stays in one asyncio task, so a context entered before a `yield` can be left after
    it."""
    stop: BaseException | None = None
    try:
        while True:
            try:
                value = await (generator.athrow(stop) if stop else anext(generator))
                stop = None
                note(filled(value, YIELD_LEVELS))
            except INTERRUPTIONS as error:
                if error is stop or not _is_waiting(generator, "ag_frame"):
                    raise
                stop = error
    except StopAsyncIteration:
        return
    finally:
        await generator.aclose()


def _is_waiting(generator: object, frame: str) -> bool:
    """True if the generator has not ended, so the exception cannot have come from it."""
    return getattr(generator, frame, None) is not None


def _generator(iterator: AsyncIterator[object]) -> AsyncGenerator[object, None]:
    return iterator if isinstance(iterator, AsyncGenerator) else _each_of(iterator)


async def _each_of(iterator: AsyncIterator[object]) -> AsyncGenerator[object, None]:
    async for value in iterator:
        yield value
