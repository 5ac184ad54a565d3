"""Tasks that do what a test says: any code of an author's, one job after the other on one worker."""
# ruff: noqa: F401 (the code of the jobs uses them)

import _thread
import asyncio
import atexit
import contextvars
import ctypes
import decimal
import gc
import http.server
import io
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
import tempfile
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

from asyncinweb import current_job, task

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE")
# What a module keeps for all jobs.
kept: dict[str, object] = {}
spawn, forkserver = multiprocessing.get_context("spawn"), multiprocessing.get_context("forkserver")
fork = multiprocessing.get_context("fork")


def tick() -> None:
    while True:
        ticks.wait()
        ticks.clear()
        time.sleep(0.1)
        print("a tick of the module", flush=True)


ticks = threading.Event()
if "SAMPLE_INSTANCE" in os.environ:  # in a worker; the tests load this file for its tasks only
    threading.Thread(target=tick, daemon=True).start()


@task
def perform(code: str, look: str = "None") -> object:
    """Do what `code` says; the value of `look` afterwards."""
    names = {**globals()}
    exec(code, names)
    return eval(look, names)


@task
async def perform_async(code: str, look: str = "None") -> object:
    """The same with a coroutine function called `main`."""
    names = {**globals()}
    exec(code, names)
    return await names["main"]()


@task(fresh_process=True)
def perform_alone(code: str, look: str = "None") -> object:
    return perform(code, look)


def pyplot():
    from matplotlib import pyplot  # noqa: PLC0415 (as authors do who want a quick start)

    return pyplot


def umask() -> int:
    os.umask(before := os.umask(0))
    return before


def stack_size() -> int:
    threading.stack_size(before := threading.stack_size())
    return before


def whereabouts() -> str:
    try:
        return os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return "nowhere"


def limit(which: int, soft: int) -> None:
    resource.setrlimit(which, (soft, resource.getrlimit(which)[1]))


def limits() -> list[object]:
    return [resource.getrlimit(each) for each in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE)]


def timers() -> list[bool]:
    return [
        signal.getitimer(each)[0] > 0 for each in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
    ]


def hang_up() -> str:
    return str(signal.getsignal(signal.SIGHUP))


def hear_by_asyncio() -> None:
    asyncio.get_event_loop().add_signal_handler(signal.SIGUSR1, print)


def traps() -> list[str]:
    return [each.__name__ for each, is_raised in decimal.getcontext().traps.items() if is_raised]


def handler_level() -> int:
    return logging.getLogger().handlers[0].level


def loop_name() -> str:
    try:
        return f"closed: {asyncio.get_event_loop().is_closed()}"
    except RuntimeError as error:
        return str(error)


def later(seconds: float, code: str) -> None:
    """In a thread that this job does not wait for."""

    def work() -> None:
        time.sleep(seconds)
        exec(code, globals())

    threading.Thread(target=work, name="left-behind").start()


def save(name: str) -> None:
    current_job.save_file(name, "x")


def tqdm(items):
    from tqdm import tqdm  # noqa: PLC0415

    return tqdm(items)


def meet(folder: str, number: int) -> None:
    """Wait until this many jobs are here at once."""
    (Path(folder) / f"here-{os.getpid()}").touch()
    while len(list(Path(folder).glob("here-*"))) < number:
        time.sleep(0.01)


def wait_once() -> None:
    """For a long time at the first try."""
    if current_job.attempt == 1:
        time.sleep(60)


def hold_the_lock(seconds: int) -> None:
    """Unlike CDLL, PyDLL keeps the interpreter's lock during the call."""
    ctypes.PyDLL(None).sleep(seconds)


def share_an_array(joblib, numpy) -> list[int]:
    array = numpy.ones(1_000_000)
    return [
        int(each)
        for each in joblib.Parallel(n_jobs=2, max_nbytes=1000)(
            joblib.delayed(_first)(array, number) for number in (1, 2)
        )
    ]


def _first(array, number: int) -> float:
    return array[0] * number


def program_says(script: str) -> str:
    """What a Python program prints that knows nothing but its working folder and its environment."""
    hidden = ("ASYNCINWEB_TASKS", "ASYNCINWEB_WORKERS")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True).stdout
