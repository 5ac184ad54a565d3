"""Runs a job's async code on the worker's event loop, so that a stop reaches it where it waits.

A stop is never raised inside the loop's own code, because the loop also serves the next
job. While the loop waits, the job's
task is cancelled, and its function gets JobCancelled or JobTimeout at its `await` instead of CancelledError.
"""

import asyncio
import types
from collections.abc import Awaitable, Coroutine, Generator
from typing import Any

from asyncinweb.workers.running import event_loop
from asyncinweb.workers.running.interruption import Interruption


class AsyncCall:
    """One awaitable of a job."""

    def __init__(self, interruption: Interruption) -> None:
        self._interruption = interruption
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        # A stop that has not reached the task yet.
        self._is_due = False

    def run(self, awaitable: Awaitable[object]) -> object:
        """The result of the awaitable, once it has ended."""
        with self._interruption.left_to(self._deliver):
            return event_loop.run(self._ended(awaitable))

    async def _ended(self, awaitable: Awaitable[object]) -> object:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._is_due:
            raise self._interruption.error()
        return await self._stepped(_coroutine(awaitable))

    def _deliver(self) -> bool:
        """Called by the signal handler. False if the stop must be raised in the code that is running right now."""
        running = asyncio.current_task(self._loop) if self._loop is not None else None
        if running is None or running is not self._task:
            self._is_due = True
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)
        return running is None

    @types.coroutine
    def _stepped(self, coroutine: Coroutine[Any, Any, object]) -> Generator[Any, Any, object]:
        """Run a coroutine step by step, turning the cancellation that carries a stop back into the stop."""
        go_on, argument = coroutine.send, None
        while True:
            try:
                awaited = go_on(argument)
            except StopIteration as end:
                return end.value
            try:
                go_on, argument = coroutine.send, (yield awaited)
            except asyncio.CancelledError as error:
                go_on, argument = coroutine.throw, self._instead_of(error)
            except BaseException as error:
                go_on, argument = coroutine.throw, error

    def _instead_of(self, error: asyncio.CancelledError) -> BaseException:
        if not self._is_due or self._task is None:
            return error
        self._is_due = False
        self._task.uncancel()
        return self._interruption.error()


async def _coroutine(awaitable: Awaitable[object]) -> object:
    return await awaitable
