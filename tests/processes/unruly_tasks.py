"""Unruly jobs, which leave behind whatever they can, and innocent ones, which report all that they find."""

import asyncio
import decimal
import gc
import locale
import logging
import logging.config
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import joblib

from asyncinweb import current_job, task

VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="")
# Keeps alive what a function leaves behind, as the variables of modules do.
kept: list[object] = []
LONG = 60.0
SLEEP = ["sleep", str(LONG)]
MEETINGS = 20


# --- innocent jobs ----------------------------------------------------------------------------------------------


@task
def look(token: str, seconds: float = 0.05) -> dict[str, object]:
    """Works like any other job, and returns what it found."""
    return {"before": found(), "rows": work(token, lambda: time.sleep(seconds / 2)), "after": found()}


@task(fresh_process=True)
def look_first(token: str, seconds: float = 0.05) -> dict[str, object]:
    """The same where no other job has run."""
    return look(token, seconds)


@task
async def look_later(token: str, seconds: float = 0.05) -> dict[str, object]:
    """The same on asyncio's loop, where callbacks of earlier jobs could run."""
    before = found()
    await asyncio.sleep(seconds / 2)
    rows = work(token, lambda: None)
    await asyncio.sleep(seconds / 2)
    return {"before": before, "rows": rows, "after": found()}


@task
def look_twice(token: str, seconds: float = 0.05) -> Iterator[dict[str, object]]:
    """The same with a partial result in between."""
    before = found()
    yield {"token": token}
    yield {"before": before, "rows": work(token, lambda: time.sleep(seconds)), "after": found()}


def work(token: str, wait: Callable[[], None]) -> str:
    """Speaks in every way, reports progress, and uses a file whose name all jobs use. What was in the file."""
    rows = Path("rows.csv")
    rows.write_text(token)
    print(f"{token} print")
    current_job.progress(3, 7, token)
    logging.getLogger("author").info("%s logging", token)
    os.write(1, f"{token} descriptor\n".encode())
    wait()
    subprocess.run(["echo", token, "program"], check=True)
    current_job.log(f"{token} log")
    current_job.save_file("words.txt", token)
    written = rows.read_text()
    rows.unlink()
    return written


def found() -> dict[str, object]:
    """What functions can find out about their process, and that should be the same for all."""
    return {
        **{name: str(look()) for name, look in LOOKS.items()},
        "environment": sorted(f"{name}={value}" for name, value in os.environ.items()),
    }


def umask() -> int:
    os.umask(before := os.umask(0o077))
    return before


def threads() -> list[str]:
    """Those that are neither the worker's own nor in a pool without work, which a module can keep."""
    known = {each.ident: each.name for each in threading.enumerate()}
    names = [known.get(ident, "without a name") for ident in sys._current_frames()]
    return sorted(each for each in names if not each.startswith(("MainThread", "asyncinweb-", "idle")))


def handlers() -> list[str]:
    all_handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    return [f"{number} {getattr(each, '__qualname__', each)}" for number, each in sorted(all_handlers.items())]


def timers() -> list[float]:
    return [signal.getitimer(each)[0] for each in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)]


def loggers() -> list[tuple[object, ...]]:
    all_loggers = [logging.getLogger(name) for name in ("", "author", "asyncinweb", "asyncinweb.workers")]
    return [[facts(part) for part in (each, *each.handlers)] for each in all_loggers]


def facts(part: logging.Logger | logging.Handler) -> tuple[object, ...]:
    is_open = isinstance(part, logging.Handler) or (part.propagate, part.isEnabledFor(logging.INFO))
    return type(part).__name__, part.name, part.level, len(part.filters), is_open


def children() -> list[str]:
    return [Path(f"/proc/{pid}/cmdline").read_text() for pid in child_pids()]


def child_pids() -> list[str]:
    listings = Path("/proc/self/task").glob("*/children")
    return [pid for each in listings for pid in each.read_text().split()]


def tasks_on_the_loop() -> int:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return len(asyncio.all_tasks(asyncio.get_event_loop()))
    # But for the one that asks.
    return len(asyncio.all_tasks(loop)) - 1


LOOKS: dict[str, Callable[[], object]] = {
    "is in its own folder": lambda: Path.cwd() == current_job.folder,
    "files in the folder": os.listdir,
    "mode of the folder": lambda: oct(current_job.folder.stat().st_mode),
    "umask": umask,
    "time zone": lambda: time.tzname,
    "locale": lambda: locale.setlocale(locale.LC_ALL),
    "threads": threads,
    "children": children,
    "children of multiprocessing": multiprocessing.active_children,
    "start method": multiprocessing.get_start_method,
    "signal handlers": handlers,
    "blocked signals": lambda: sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "timers": timers,
    "loggers": loggers,
    "logging": lambda: (logging.root.manager.disable, logging.getLogRecordFactory().__qualname__),
    "streams": lambda: [type(each).__name__ for each in (sys.stdin, sys.stdout, sys.stderr)],
    "descriptors": lambda: [str(Path(f"/proc/self/fd/{number}").readlink())[:5] for number in range(3)],
    "hooks": lambda: [sys.excepthook.__qualname__, threading.excepthook.__qualname__, sys.gettrace()],
    "warnings": lambda: (warnings.filters, warnings.showwarning.__qualname__),
    "path": lambda: (sys.path, sys.argv),
    "recursion": sys.getrecursionlimit,
    "collector": lambda: (gc.isenabled(), gc.get_threshold()),
    "limits": lambda: [resource.getrlimit(each) for each in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE)],
    "priority": lambda: os.getpriority(os.PRIO_PROCESS, 0),
    "decimals": decimal.getcontext,
    "sockets": socket.getdefaulttimeout,
    "context variable": VARIABLE.get,
    "tasks on the loop": tasks_on_the_loop,
}


# --- forks ------------------------------------------------------------------------------------------------------


def fork(child: Callable[[], object]) -> Callable[[], object]:
    """A job that forks, and does not wait. The child leaves as a function does, if it leaves at all."""

    def run() -> object:
        if os.fork():
            return "parent"
        try:
            print("LEFT by a child")
            return child()
        finally:
            current_job.progress(99, 100, "LEFT")

    return run


def fail() -> None:
    raise LookupError("the child's own mistake")


def outlive() -> None:
    """Hard to find and to end: in a session of its own, without a parent, deaf."""
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(LONG)


class ForksWhenShown:
    def __repr__(self) -> str:
        return "from the child" if os.fork() == 0 else "from the parent"


class ForksInItsWords(Exception):
    def __str__(self) -> str:
        return "from the child" if os.fork() == 0 else "from the parent"


def fork_in_an_error() -> None:
    raise ForksInItsWords


# --- threads, programs, helpers of libraries --------------------------------------------------------------------


def meddle() -> None:
    """What a thread should not do to the jobs after its own."""
    for number in range(MEETINGS):
        print("LEFT by a thread")
        logging.getLogger("author").warning("LEFT by a thread")
        current_job.progress(99, 100, "LEFT")
        current_job.save_file(f"left-{number}.txt", "LEFT")
        os.environ["LEFT"] = "1"
        time.sleep(0.1)


def start(function: Callable[..., object], *args: object, is_daemon: bool = False) -> None:
    threading.Thread(target=function, args=args, daemon=is_daemon).start()


def print_on() -> None:
    """A program that speaks for as long as it lives, and keeps a file in the job's folder."""
    kept.append(subprocess.Popen("while :; do echo LEFT | tee -a rows.csv; sleep 0.02; done", shell=True))


def keep_pool(pool: object) -> list[int]:
    kept.append(pool)
    return list(pool.map(abs, [-1, -2]))  # type: ignore[attr-defined]


def share_memory() -> str:
    memory = SharedMemory(create=True, size=10)
    kept.append(memory)
    return memory.name


# --- the process ------------------------------------------------------------------------------------------------


def lose_folder() -> None:
    folder = Path.cwd()
    folder.rename(f"{folder}-2")


def empty_environment() -> None:
    os.environ.clear()
    os.environ.update({"LEFT": "1", "TZ": "Asia/Tokyo"})
    time.tzset()


def change_settings() -> None:
    os.umask(0o777)
    os.nice(1)
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    warnings.simplefilter("error")
    sys.path.insert(0, "/nowhere")
    sys.argv[:] = ["other"]
    sys.setrecursionlimit(200)
    gc.disable()
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    decimal.getcontext().prec = 3
    socket.setdefaulttimeout(0.01)
    VARIABLE.set("left")
    sys.settrace(lambda *_: None)


def ignore_signals() -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        if signal.getsignal(number) is not None:
            signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM})


def set_alarms() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 1)
    signal.setitimer(signal.ITIMER_PROF, 1)


def silence_logging() -> None:
    logging.config.dictConfig({"version": 1, "root": {"level": "CRITICAL", "handlers": []}})
    logging.disable(logging.CRITICAL)
    logging.getLogger("author").propagate = False
    logging.setLogRecordFactory(dict)


def double_logging() -> None:
    for name in ("", "author", "asyncinweb"):
        logging.getLogger(name).addHandler(logging.StreamHandler(sys.stdout))
        logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger(name).addFilter(lambda record: False)


def leave_files() -> None:
    Path("rows.csv").write_text("LEFT")
    Path("a/b").mkdir(parents=True)
    Path("a/b/c").write_text("LEFT")
    Path("root").symlink_to("/")
    os.mkfifo("pipe")
    Path("a/b").chmod(0)


def close_streams() -> None:
    sys.stdout.close()
    for number in range(3):
        os.close(number)


def replace_streams() -> None:
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    os.dup2(sys.stdout.fileno(), 1)


# --- asyncio ----------------------------------------------------------------------------------------------------


async def for_ever() -> None:
    while True:
        print("LEFT by a task")
        current_job.progress(99, 100, "LEFT")
        await asyncio.sleep(0.01)


async def refuse_to_end() -> None:
    while True:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            print("not I")


def call() -> None:
    print("LEFT by a callback")
    current_job.progress(99, 100, "LEFT")
    os.environ["LEFT"] = "1"
    os.chdir("/")


async def numbers() -> AsyncIterator[int]:
    try:
        yield 1
    finally:
        await asyncio.sleep(0)


async def use_one() -> None:
    async for _ in numbers():
        break


def close_loop() -> None:
    asyncio.get_event_loop().close()
    asyncio.set_event_loop(None)


ASYNC_WAYS: dict[str, Callable[[], object]] = {
    "a task": lambda: kept.append(asyncio.create_task(for_ever())),
    "a task that refuses to end": lambda: kept.append(asyncio.create_task(refuse_to_end())),
    "a callback": lambda: asyncio.get_running_loop().call_later(0.01, call),
    "a callback at once": lambda: asyncio.get_running_loop().call_soon(call),
    "an async generator": use_one,
    "a thread of the loop": lambda: asyncio.get_running_loop().run_in_executor(None, meddle),
    "a fork in a coroutine": fork(lambda: None),
    "a signal handler": lambda: asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print),
}


@task
async def misbehave_later(how: str) -> object:
    """Leaves something on the loop."""
    await asyncio.sleep(0)
    left = ASYNC_WAYS[how]()
    await asyncio.sleep(0)
    return await left if asyncio.iscoroutine(left) else str(left)[:6]


# --- odd values and ends ----------------------------------------------------------------------------------------


class Broken:
    def __repr__(self) -> str:
        raise SystemExit(7)


def endless() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


def raise_group() -> None:
    raise BaseExceptionGroup("several", [KeyboardInterrupt(), ValueError(os.fsdecode(b"caf\xe9"))])


FORKS: dict[str, Callable[[], object]] = {
    "a child that returns": fork(lambda: "the child's answer"),
    "a child that raises": fork(fail),
    "a child that leaves": fork(lambda: sys.exit(3)),
    "a child that outlives": fork(lambda: time.sleep(LONG)),
    "a daemon": fork(outlive),
    "a child that submits a job": fork(lambda: look.enqueue(token="from a child")),
    "a value that forks": ForksWhenShown,
    "an error that forks": fork_in_an_error,
}
THREADS: dict[str, Callable[[], object]] = {
    "a thread": lambda: start(meddle),
    "a daemon thread": lambda: start(meddle, is_daemon=True),
    "a thread that ends soon": lambda: start(time.sleep, 0.03),
    "a timer": lambda: threading.Timer(0.2, meddle).start(),
    "a busy pool": lambda: kept.append(ThreadPoolExecutor(1).submit(meddle)),
    "an idle pool": lambda: keep_pool(ThreadPoolExecutor(2, "idle")),
}
PROGRAMS: dict[str, Callable[[], object]] = {
    "a program": lambda: subprocess.Popen(SLEEP).pid,
    "a program in a session": lambda: subprocess.Popen(SLEEP, start_new_session=True).pid,
    "a program that speaks": print_on,
    "a shell in the background": lambda: os.system("(while :; do echo LEFT; sleep 0.02; done) &"),
}
HELPERS: dict[str, Callable[[], object]] = {
    "a pool": lambda: keep_pool(multiprocessing.get_context("fork").Pool(2)),
    "a pool of the fork server": lambda: keep_pool(multiprocessing.get_context("forkserver").Pool(1)),
    "an executor": lambda: keep_pool(ProcessPoolExecutor(1)),
    "a manager": lambda: kept.append(multiprocessing.Manager()),
    "a queue": lambda: kept.append(multiprocessing.Queue()),
    "shared memory": share_memory,
    "joblib": lambda: joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(each) for each in (-1, -2)),
}
PROCESS: dict[str, Callable[[], object]] = {
    "another folder": lambda: os.chdir("/"),
    "no folder": lose_folder,
    "another environment": empty_environment,
    "other settings": change_settings,
    "no signals": ignore_signals,
    "alarms": set_alarms,
    "silent logging": silence_logging,
    "double logging": double_logging,
    "files": leave_files,
    "no streams": close_streams,
    "other streams": replace_streams,
    "asyncio.run": lambda: asyncio.run(use_one()),
    "a closed loop": close_loop,
}
VALUES: dict[str, Callable[[], object]] = {
    "an object": object,
    "a broken object": Broken,
    "an endless list": endless,
    "half a character": lambda: os.fsdecode(b"caf\xe9"),
    "not a number": lambda: {"nan": float("nan"), b"\xff": {1, 2}, None: lambda: 0},
    "an open file": lambda: Path("/etc/hostname").open(),  # noqa: SIM115
    "a lock": threading.Lock,
    "an exit": lambda: sys.exit(3),
    "a group of errors": raise_group,
    "a large error": lambda: fail_with("x" * 1_000_000),
}
# These also cost the worker.
DEATHS: dict[str, Callable[[], object]] = {
    "os._exit": lambda: os._exit(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "a group of processes": lambda: os.killpg(0, signal.SIGKILL),
}


def fail_with(words: str) -> None:
    raise ValueError(words)


WAYS = {**FORKS, **THREADS, **PROGRAMS, **HELPERS, **PROCESS, **VALUES, **DEATHS}
# What can differ for a function that yields.
YIELDING_WAYS = [*FORKS, "a thread", "an executor", "other settings", "files", "no streams", "a broken object"]


@task
def misbehave(how: str) -> object:
    """Leaves something behind, in the way that `how` names."""
    return WAYS[how]()


@task
def misbehave_and_yield(how: str) -> Iterator[object]:
    """The same between partial results; fails afterwards, so that the last one of them is kept."""
    yield "before"
    yield WAYS[how]()
    raise ValueError("no more")
