"""The one asyncio loop of a worker process. Async tasks run on it one after another, so that a client kept in a
module stays usable. Asyncio tasks and callbacks that a job leaves behind are cancelled when it ends."""

import asyncio
import inspect
import signal
from collections.abc import Callable, Collection, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from asyncinweb import clock

T = TypeVar("T")

# Time for cancelled tasks to end; they may start others while they do.
CANCEL_SECONDS = 2.0
# For callbacks that are due, such as those that close a connection, and for what they call in turn.
LAST_TURNS = 3

_loop: asyncio.AbstractEventLoop | None = None
_executor = ThreadPoolExecutor()


def loop() -> asyncio.AbstractEventLoop:
    """This process's loop; a new one if a job has closed it."""
    global _loop
    if _loop is None or _loop.is_closed():
        _loop = asyncio.new_event_loop()
        _loop.set_default_executor(_executor)
        asyncio.set_event_loop(_loop)
    return _loop


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result. If an exception arrives from outside, the coroutine is cancelled first."""
    task = loop().create_task(coroutine)
    try:
        return loop().run_until_complete(task)
    except BaseException:
        if not task.done():
            task.cancel()
            _run_until_done([task], None)
        raise


@contextmanager
def tasks_of_job(say: Callable[[str], None], shield: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """At the end, cancel what the function has left on the loop, and name it."""
    try:
        yield
    finally:
        # Nothing may interrupt the loop's own code, because the loop is used again.
        with shield():
            names = cancel_leftovers()
        if names:
            say(f"Cancelled asyncio tasks that were still running: {', '.join(names)}")


def cancel_leftovers() -> list[str]:
    """Cancel the tasks that a job has left on the loop and let them end. Their names."""
    names: dict[str, None] = {}
    end = clock.monotonic() + CANCEL_SECONDS
    while (left := asyncio.all_tasks(loop())) and (seconds := end - clock.monotonic()) > 0:
        # The other tasks close generators that were not exhausted.
        own = [each for each in left if inspect.iscoroutine(each.get_coro())]
        names.update(dict.fromkeys(map(_name, own)))
        for each in own:
            each.cancel()
        _run_until_done(left, seconds)
    _cancel_callbacks()
    return sorted(names)


def _cancel_callbacks() -> None:
    """Run what is due, and cancel what waits for its time: it would run in the middle of a later job."""
    for _ in range(LAST_TURNS):
        if _due_callbacks():
            loop().run_until_complete(asyncio.sleep(0))
    for each in list(getattr(loop(), "_scheduled", ())):
        each.cancel()


def _due_callbacks() -> Collection[asyncio.Handle]:
    return getattr(loop(), "_ready", ())


def _run_until_done(tasks: Collection[asyncio.Task[Any]], seconds: float | None) -> None:
    loop().run_until_complete(asyncio.wait(tasks, timeout=seconds))
    for each in tasks:
        if each.done() and not each.cancelled() and each.exception() is not None:
            context = {"message": f"{_name(each)} failed while it was cancelled", "exception": each.exception()}
            loop().call_exception_handler(context)


def _name(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", task.get_name())


def put_back() -> list[str]:
    """Make the loop ready for the next job. What of this one still runs, in words."""
    mine = loop()
    # `asyncio.run` leaves none.
    asyncio.set_event_loop(mine)
    mine.set_debug(False)
    mine.set_exception_handler(None)
    mine.set_task_factory(None)
    _remove_signal_handlers(mine)
    _renew_executor(mine)
    remains = [f"asyncio task {_name(each)!r} is still running" for each in asyncio.all_tasks(mine)]
    return remains + [f"an asyncio callback is still due: {each}" for each in _due_callbacks()]


def _remove_signal_handlers(mine: asyncio.AbstractEventLoop) -> None:
    # asyncio's loop receives signals only through this descriptor.
    if signal.set_wakeup_fd(-1) != -1:
        for each in signal.valid_signals():
            handler = signal.getsignal(each)
            # That sets the default handler, even where the worker's own has been set again.
            if mine.remove_signal_handler(each) and not _is_of_asyncio(handler):
                signal.signal(each, handler)


def _is_of_asyncio(handler: object) -> bool:
    return getattr(handler, "__module__", "").startswith("asyncio.")


def _renew_executor(mine: asyncio.AbstractEventLoop) -> None:
    """Let the threads of `asyncio.to_thread` end with their job."""
    global _executor
    if getattr(_executor, "_threads", True):
        _executor.shutdown(wait=False, cancel_futures=True)
        _executor = ThreadPoolExecutor()
        mine.set_default_executor(_executor)
