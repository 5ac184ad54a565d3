"""Tasks for the tests of the process tree: every way a function can behave, and some in which it must not."""

import asyncio
import ctypes
import fcntl
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from asyncinweb import JobInterruption, current_job, task, track

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]


@task
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@task
def say_nothing(words: str) -> None:
    """Takes much and leaves nothing."""


@task
async def add_slowly(a: int, b: int) -> int:
    await asyncio.sleep(0.01)
    return a + b


@task
def look_around() -> dict[str, object]:
    """What a task finds out about the program that runs it."""
    started_with = Path("/proc/self/environ").read_text(encoding="utf-8", errors="replace")
    # The listing itself has one open, too, that is gone by now.
    opened = [os.readlink(each) for each in list(Path("/proc/self/fd").iterdir()) if each.exists()]  # noqa: PTH115
    # Not through subprocess, which would close descriptors itself.
    listing = Path(os.environ["SAMPLE_INSTANCE"]).parent / "descriptors"
    os.system(f"for each in /proc/self/fd/*; do readlink $each; done > {listing}")
    return {
        "environment": {**os.environ},
        "started_with": started_with,
        "command": Path("/proc/self/cmdline").read_text(),
        "opened": opened,
        "child": listing.read_text().splitlines(),
    }


@task
def speak_to_a_terminal() -> None:
    """What must not reach a terminal as it is."""
    print("red \x1b[31m back\r \u202egnp.exe \x9b2J tab\there")
    raise ValueError("\x1b]0;title\x07 \u202e no\n12:00:00  Processing job: forged")


@task
def give(what: str) -> object:
    return {
        "none": None,
        "text": "häßlich\n",
        "number": 2.5,
        "json": {"a": [1, True, None]},
        "table": [{"city": "Ulm", "people": 126_000}, {"city": "Bonn", "people": 336_000}],
        "image": b"\x89PNG\r\n\x1a\n" + b"\0" * 8,
        "svg": "<svg xmlns='http://www.w3.org/2000/svg'></svg>",
        "no svg": "<svg xmlns='x'></svg>",
        "file": b"\0\1\2",
        "large": "x" * 300_000,
        "odd": {"a": object},
    }[what]


@dataclass
class WithLock:
    lock: object = field(default_factory=threading.Lock)


@task
def give_lock() -> object:
    return WithLock()


@task
def speak() -> None:
    print("1 print")
    logging.getLogger("author").info("2 logging")
    print("3 stderr", file=sys.stderr)
    os.write(2, b"4 descriptor 2\n")
    subprocess.run([sys.executable, "-S", "-c", "print('5 child process')"], check=True)
    current_job.log("6 current_job.log")
    ctypes.CDLL(None).puts(b"7 C library")
    ctypes.CDLL(None).fflush(None)


@task
def speak_in_turns(times: int) -> None:
    """With descriptor 1, where programs write, and with print."""
    for number in range(times):
        os.write(1, b"program %d\n" % number)
        print(f"python {number}")


@task
def speak_with_forks(processes: int, lines: int) -> None:
    """Each in a process of its own, as multiprocessing makes them."""
    children = [multiprocessing.get_context("fork").Process(target=say, args=(n, lines)) for n in range(processes)]
    for child in children:
        child.start()
    say(processes, lines)
    for child in children:
        child.join()


def say(speaker: int, lines: int) -> None:
    for number in range(lines):
        print(f"{speaker} {number} " + "x" * 90)


def job_folder() -> Path:
    instance = Path(os.environ["SAMPLE_INSTANCE"])
    return instance / "jobs" / current_job.slug[:2] / current_job.slug


@task
def flood_progress(seconds: float) -> int:
    end, calls = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        calls += 1
        current_job.progress(calls, None, f"call {calls}")
    return calls


@task
def count_to(number: int) -> None:
    for _ in track(range(number), text="counting"):
        pass


@task(max_attempts=2, backoff=0.05)
def fail_then_count(seconds: float) -> None:
    """Fails at first; then reports progress for a while."""
    if current_job.attempt == 1:
        raise ValueError("at first")
    for _ in track(range(int(seconds * 10))):
        time.sleep(0.1)


@task
def nap(seconds: float = 1.0) -> str:
    time.sleep(seconds)
    return "rested"


@task(timeout=0.15)
def nap_to_the_limit(seconds: float) -> str:
    time.sleep(seconds)
    return "rested"


@task
def hold(until: str) -> int:
    """Busy until there is a file at this path."""
    print("holding", flush=True)
    while not Path(until).exists():
        time.sleep(0.01)
    return current_job.attempt


@task
def hold_then_give(until: str) -> bytes:
    hold(until)
    return b"x" * 2_000_000


@task
def run_alone(diary: str, seconds: float) -> int:
    """Leave a line; and a file where another process runs the same job at this moment."""
    with (Path(diary) / current_job.slug).open("a") as file:
        try:
            # The kernel frees it when this process ends, however it does.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            (Path(diary) / f"twice-{current_job.slug}").touch()
        file.write(f"{current_job.attempt}\n")
        file.flush()
        time.sleep(seconds)
    return current_job.attempt


@task
def flood(megabytes: int) -> None:
    """Half of it printed in lines, half of it written past Python."""
    print("the beginning")
    for _ in range(megabytes * 500):
        print("x" * 999)
    block = (b"y" * 999 + b"\n") * 50
    for _ in range(megabytes * 10):
        written = 0
        while written < len(block):
            written += os.write(1, block[written:])
    print("the end")


@task
def give_large(megabytes: int) -> bytes:
    return b"\0" * (megabytes * 1_000_000)


@task
def save_noise(megabytes: int) -> None:
    """What no ZIP makes smaller."""
    current_job.save_file("noise.bin", os.urandom(megabytes * 1_000_000))


@task
def give_table(megabytes: int) -> list[dict[str, str]]:
    return [{"words": "x" * 10_000}] * (megabytes * 100)


@task
def fail(words: str) -> None:
    raise ValueError(words)  # the author's line


class BrokenWords(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def recurse(depth: int) -> int:
    return recurse(depth + 1) + 1


@task
def leave(how: str) -> None:
    print(f"leaving by {how}", flush=True)
    ways = {
        "sys.exit": lambda: sys.exit(3),
        "os._exit": lambda: os._exit(0),
        "segfault": lambda: ctypes.string_at(0),
        "abort": os.abort,
        "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "recursion": lambda: recurse(0),
    }
    ways[how]()


@task
def leave_wordless() -> None:
    raise BrokenWords


@task(on_crash="fail")
def leave_once() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@task(memory_mb=100)
def hog(megabytes: int) -> int:
    kept_for_now = []
    for _ in range(megabytes // 10):
        # Not bytearray(n): the kernel gives pages of zeros only when something is written to them.
        kept_for_now.append(b"x" * 10_000_000)
        time.sleep(0.01)
    return len(kept_for_now)


@task(max_attempts=3, backoff=0.05)
def succeed_at(attempt: int) -> int:
    print(f"attempt {current_job.attempt}")
    if current_job.attempt < attempt:
        raise OSError("not yet")
    return current_job.attempt


@task(max_attempts=3, backoff=0.05, retry_on=ConnectionError)
def retry_some(lost_connection: bool) -> None:
    raise ConnectionResetError("lost") if lost_connection else ValueError("wrong")


@task
def save() -> None:
    current_job.save_file("words.txt", "größer")
    current_job.save_file("bytes.bin", b"\0\1")


@task
def save_wrongly(name: str) -> None:
    current_job.save_file(name, "x")


@task
def pid() -> int:
    return os.getpid()


@task(fresh_process=True)
def pid_of_fresh() -> int:
    return os.getpid()


@task
def grow(megabytes: int) -> int:
    kept.append(b"x" * (megabytes * 1_000_000))
    return os.getpid()


kept: list[bytes] = []


@task(concurrency=1)
def take_turns(diary: str) -> None:
    with Path(diary).open("a") as file:
        file.write("begin\n")
        file.flush()
        time.sleep(0.05)
        file.write("end\n")


@task
def make_more(number: int) -> list[str]:
    return [job.slug for job in add.enqueue_many([{"a": each} for each in range(number)])]


@task(cron="0 3 1 1 *", hidden=True)
def new_year(number: int = 1) -> int:
    return number


# --- odd values -------------------------------------------------------------------------------------------------

HALF = os.fsdecode(b"caf\xe9")


class Silent(str):
    """A text whose own methods fail."""

    def encode(self, *_: object) -> bytes:
        raise RuntimeError("no bytes")

    __str__ = __format__ = __getitem__ = encode  # type: ignore[assignment]


class NoNumber:
    def __float__(self) -> float:
        raise RuntimeError("no number")

    __str__ = __repr__ = __float__  # type: ignore[assignment]


REPORTS: dict[str, tuple[Any, ...]] = {
    "surrogate": (1, 2, HALF),
    "nul": (1, 2, "a\0b"),
    "huge": (10**400, 1, "x"),
    "huge total": (1, 10**400, "x"),
    "inf": (float("inf"), 10, "x"),
    "nan": (float("nan"), float("nan"), "x"),
    "decimal": (Decimal("sNaN"), Decimal("Infinity"), "x"),
    "text": ("one", "two", "x"),
    "none": (None, None, None),
    "bytes": (b"1", bytearray(b"2"), b"x"),
    "own": (NoNumber(), NoNumber(), NoNumber()),
    "silent": (1, 2, Silent("x")),
    "complex": (1j, [1], {"a": 1}),
    "large": (1, 2, "ä" * 10_000_000),
    "fraction": (Fraction(1, 3), True, "x"),
    "bidi": (1, 2, "\u202egnp.exe"),
}


@task
def report_oddly(what: str, seconds: float) -> str:
    """Reports the value for long enough that it is written meanwhile, too."""
    end = time.monotonic() + seconds
    current_job.progress(*REPORTS[what])
    while time.monotonic() < end:
        current_job.progress(*REPORTS[what])
        time.sleep(0.02)
    return "done"


class Nested(Exception):
    def __str__(self) -> str:
        raise SystemExit(7)


def grouped() -> BaseException:
    return ExceptionGroup(HALF, [ValueError(HALF), ValueError("a\0b")])


def noted() -> BaseException:
    error = ValueError("noted")
    error.add_note(HALF)
    return error


ODD_ERRORS: dict[str, Callable[[], BaseException]] = {
    "surrogate": lambda: ValueError("cannot read " + HALF),
    "high surrogate": lambda: ValueError("\ud83d"),
    "nul": lambda: ValueError("a\0b"),
    "leaving": Nested,
    "group": grouped,
    "note": noted,
    "file": lambda: FileNotFoundError(2, HALF, HALF),
    "exit": lambda: SystemExit(HALF),
}


@task
def raise_oddly(what: str) -> None:
    print(f"started {what}", flush=True)
    raise ODD_ERRORS[what]()


def fail_oddly(odd: object) -> None:
    raise ValueError(odd)


def log_oddly(odd: Any) -> None:
    current_job.log(odd)
    logging.getLogger(__name__).warning(odd)


def print_oddly(odd: object) -> None:
    print(odd)
    sys.stderr.write(str(odd))


ODD_USES: dict[str, Callable[[Any], object]] = {
    "progress": lambda odd: current_job.progress(odd, odd, odd),
    "progress text": lambda odd: current_job.progress(1, 2, odd),
    "error": fail_oddly,
    "log": log_oddly,
    "file name": lambda odd: current_job.save_file(odd, "x"),
    "file": lambda odd: current_job.save_file("x.txt", odd),
    "result": lambda odd: odd,
    "key of a result": lambda odd: {odd: 1},
    "print": print_oddly,
}


@task
def be_odd(where: str, value: str) -> object:
    """Uses an odd value, which is written in Python, where a function can."""
    return ODD_USES[where](eval(value))


@task
def echo(words: str = "", number: int = 0, share: float = 0.5, when: datetime | None = None) -> dict[str, object]:
    return {"words": words, "number": number, "share": share, "when": when}


@task
def save_oddly(name: str, text: str) -> None:
    current_job.save_file(name, f"{text} {HALF}")


@task
def end_reporter(how: str) -> str:
    """Ends the library's own threads, as an author's code may do by mistake."""
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            raised = SystemExit if how == "exit" else MemoryError
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(raised))
    print("begun", flush=True)
    try:
        for number in range(600):
            current_job.progress(number, 600, "after the end")
            time.sleep(0.1)
    finally:
        print("tidied up")
    return "done"


# --- stopping ---------------------------------------------------------------------------------------------------


def sleep_tidily() -> None:
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        print(f"tidied up, cancelled={current_job.cancelled}")


def sleep_stubbornly() -> None:
    print("begun", flush=True)
    while True:
        try:
            time.sleep(60)
        except BaseException:
            print("not I", flush=True)


def sleep_in_c() -> None:
    print("begun", flush=True)
    # Unlike CDLL, PyDLL keeps the interpreter's lock during the call.
    ctypes.PyDLL(None).sleep(60)


WAYS = {"tidy": sleep_tidily, "stubborn": sleep_stubbornly, "in_c": sleep_in_c}


@task
def last(how: str) -> None:
    WAYS[how]()


@task(timeout=0.3)
def last_too_long(how: str) -> None:
    WAYS[how]()


@task
async def last_async() -> None:
    try:
        print("begun", flush=True)
        await asyncio.sleep(60)
    finally:
        print("tidied up")


@task
def print_for_ever() -> None:
    number = 0
    while True:
        number += 1
        print(f"line {number}")


@task
def ignore_signals(then: str) -> None:
    """As a library may do that wants all signals for itself, and an alarm that comes when the job is over."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    signal.alarm(1)
    if then == "stay":
        signal.alarm(0)
        print("begun", flush=True)
        time.sleep(60)


@task
def chain(step: int) -> int:
    time.sleep(0.01)
    return step


# --- processes and threads of a job -----------------------------------------------------------------------------


@task
def start_others(pids: str, then: str) -> None:
    """Start a child, one in a session of its own, and one whose parent is gone; write their numbers to a file."""
    children = [subprocess.Popen(SLEEP), subprocess.Popen(SLEEP, start_new_session=True)]
    daemon = int(
        subprocess.run(
            [
                *(sys.executable, "-S", "-c"),
                "import os, sys, time\n"
                "if os.fork(): os._exit(0)\n"
                "os.setsid()\n"
                "if os.fork(): os._exit(0)\n"
                "print(os.getpid(), flush=True); os.close(1); time.sleep(60)",
            ],
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    )
    Path(pids).write_text(" ".join(str(each) for each in [*[child.pid for child in children], daemon]))
    Path(pids).rename(f"{pids}.done")
    if then == "return":
        return
    if then == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


@task
def leave_thread() -> int:
    threading.Thread(target=time.sleep, args=(60,)).start()
    return os.getpid()


@task
def close_stdout() -> None:
    print("before", flush=True)
    sys.stdout.close()


@task
def close_descriptors() -> None:
    os.close(1)
    os.close(2)


@task
def count_up(until: str, numbers: int = 3) -> Iterator[dict[str, int]]:
    """Yields some numbers at once, then says nothing until the file is there."""
    count = {"number": 0}
    for number in range(numbers):
        count["number"] = number
        yield count
    count["number"] = -1
    while not Path(until).exists():
        time.sleep(0.01)


@task
async def count_up_later(until: str, numbers: int = 3) -> AsyncIterator[dict[str, int]]:
    count = {"number": 0}
    for number in range(numbers):
        count["number"] = number
        yield count
    count["number"] = -1
    while not Path(until).exists():
        await asyncio.sleep(0.01)


@task(max_attempts=2, backoff=0.01)
def count_up_in_two_attempts(until: str) -> Iterator[str]:
    """The first attempt yields and fails; the second waits for the file before it yields."""
    if current_job.attempt == 1:
        yield "from the first attempt"
        raise ValueError("once more")
    print("second attempt", flush=True)
    while not Path(until).exists():
        time.sleep(0.01)
    yield "from the second attempt"


@task
def draw_large(until: str, times: int = 3) -> Iterator[bytes]:
    """Yields values that are too large for a row."""
    for number in range(times):
        yield bytes([number]) * 300_000
        until_shown = time.monotonic() + 0.6
        while time.monotonic() < until_shown:
            time.sleep(0.01)
    while not Path(until).exists():
        time.sleep(0.01)


@task
def yield_for(seconds: float) -> Iterator[str]:
    """Yields values that are too large for a row, each of which names its attempt."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield str(current_job.attempt) * 20_000
        time.sleep(0.05)


@task
def yield_then(how: str) -> Iterator[str]:
    """Yields and ends badly at once."""
    yield "all there was"
    if how == "fail":
        raise ValueError("no more")
    if how == "die":
        time.sleep(0.8)
        os.kill(os.getpid(), signal.SIGKILL)


def _yield_tidily(said: list[int]) -> Iterator[list[int]]:
    """Suspended at a `yield` most of the time; says what it was stopped by, and that it has cleaned up."""
    try:
        print("begun", flush=True)
        while True:
            yield said
    except JobInterruption as error:
        print(type(error).__name__, flush=True)
        raise
    finally:
        time.sleep(0.05)
        print("cleaned up", flush=True)


@task
def yield_for_ever() -> Iterator[list[int]]:
    """What it yields takes long to copy and to encode, so that a stop mostly finds it at its `yield`."""
    return _yield_tidily([*range(10_000)])


@task(timeout=0.7)
def yield_to_the_limit() -> Iterator[list[int]]:
    return _yield_tidily([*range(10_000)])


@task
async def yield_for_ever_later() -> AsyncIterator[list[int]]:
    try:
        print("begun", flush=True)
        while True:
            yield [*range(10_000)]
    except JobInterruption as error:
        print(type(error).__name__, flush=True)
        raise
    finally:
        await asyncio.sleep(0.05)
        print("cleaned up", flush=True)


@task(timeout=0.7)
async def wait_to_the_limit() -> AsyncIterator[str]:
    try:
        yield "begun"
        print("begun", flush=True)
        await asyncio.sleep(60)
    except JobInterruption as error:
        print(type(error).__name__, flush=True)
        raise
    finally:
        await asyncio.sleep(0.05)
        print("cleaned up", flush=True)
