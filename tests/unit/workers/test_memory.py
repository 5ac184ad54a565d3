"""A memory limit counts what the function holds, and is a MemoryError that the function can catch."""

import asyncio
import errno
import mmap
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from asyncinweb.tasks.outcome import Failed
from asyncinweb.tasks.outputs.shapes import ReturnValue
from asyncinweb.workers.running.runner import Ending

resource = pytest.importorskip("resource")
RunTask = Callable[..., Ending]
TOO_MUCH = "MemoryError: The job exceeded its memory limit (60 MB)."


def hold(megabytes: int) -> list[bytes]:
    """Take memory and write to it, as slowly as somebody can look: 10 MB in 10 ms."""
    held = []
    for _ in range(megabytes // 10):
        held.append(os.urandom(1) * 10_000_000)
        time.sleep(0.01)
    return held


def wrap(error: type[Exception]) -> int:
    try:
        return len(hold(300))
    except MemoryError as reason:
        raise error("cannot read the table") from reason


def hide() -> int:
    try:
        return len(hold(300))
    except MemoryError:
        raise ValueError("wrong input") from None


async def hold_in_a_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(time.sleep, 0))
        hold(300)


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda: hold(300), TOO_MUCH),
        (lambda: b"x" * 10**11, "MemoryError: the job ran out of memory"),
        (lambda: wrap(RuntimeError), "RuntimeError: cannot read the table"),
        (hide, "ValueError: wrong input"),
        (hold_in_a_group, None),
    ],
    ids=["slowly", "far too much at once", "wrapped", "hidden", "in a group"],
)
def test_more_than_the_limit_fails_for_memory(
    run_task: RunTask, function: Callable[[], object], error: str | None
) -> None:
    ending = run_task(function, memory_mb=60)

    assert isinstance(ending, Failed)
    assert ending.reason == "memory"
    assert error in (ending.error, None)


def test_memory_that_the_system_refuses_is_a_reason_too(run_task: RunTask) -> None:
    def fork_in_vain() -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    ending = run_task(fork_in_vain, memory_mb=60)

    assert isinstance(ending, Failed)
    assert ending.reason == "memory"


@pytest.fixture
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def idle_threads() -> int:
    stop = threading.Event()
    threads = [threading.Thread(target=stop.wait) for _ in range(64)]
    for thread in threads:
        thread.start()
    stop.set()
    for thread in threads:
        thread.join()
    return len(threads)


def reserve() -> int:
    with mmap.mmap(-1, 2_000_000_000) as reserved:
        return len(reserved) // 2_000_000_000


def map_a_file() -> int:
    with Path("large").open("w+b") as file:
        file.truncate(300_000_000)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return sum(mapped[place] for place in range(0, 300_000_000, 4096))


def catch_and_go_on() -> str:
    try:
        hold(300)
    except MemoryError as error:
        return str(error)
    return "never refused"


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (idle_threads, b"64"),
        (reserve, b"1"),
        (map_a_file, b"0"),
        (catch_and_go_on, TOO_MUCH.removeprefix("MemoryError: ").encode()),
        (lambda: len(hold(20)), b"2"),
    ],
    ids=["idle threads", "reserved addresses", "a mapped file", "caught", "less than the limit"],
)
def test_what_holds_no_memory_is_no_reason_to_fail(
    run_task: RunTask, in_a_folder: None, function: Callable[[], object], value: bytes
) -> None:

    ending = run_task(function, memory_mb=60)

    assert isinstance(ending, ReturnValue), ending
    assert ending.data == value


def test_what_the_process_held_before_the_job_does_not_count(run_task: RunTask) -> None:
    before = hold(120)

    ending = run_task(lambda: len(hold(20)), memory_mb=60)

    assert isinstance(ending, ReturnValue), ending
    assert len(before) == 12


def test_a_function_that_goes_on_growing_is_refused_again(run_task: RunTask) -> None:
    refusals: list[str] = []

    def grow() -> None:
        held: list[bytes] = []
        while len(refusals) < 3:
            try:
                held += hold(10)
            except MemoryError as error:
                refusals.append(str(error))

    assert isinstance(run_task(grow, memory_mb=60), ReturnValue)
    assert refusals == [TOO_MUCH.removeprefix("MemoryError: ")] * 3


def test_nothing_of_a_limit_is_left_when_the_job_has_ended(run_task: RunTask) -> None:
    before, threads = resource.getrlimit(resource.RLIMIT_DATA), threading.active_count()

    within = run_task(lambda: resource.getrlimit(resource.RLIMIT_DATA)[0], memory_mb=60)
    run_task(lambda: hold(300), memory_mb=60)

    assert isinstance(within, ReturnValue)
    # Far above the limit.
    assert int(within.data) > 4_000_000_000
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert threading.active_count() == threads
    assert isinstance(run_task(lambda: len(hold(120))), ReturnValue)
