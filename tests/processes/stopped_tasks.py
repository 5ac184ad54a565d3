"""Tasks that are stopped together with what they have started, or before they have begun."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import joblib

from asyncinweb import task

PYTHON = [sys.executable, "-S", "-c"]
UNTIL = """
import pathlib, signal, sys, time
{first}
print("begun", flush=True)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.01)
"""
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
FAILING = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))"
TIDY = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"
FORK = multiprocessing.get_context("fork")


def run_program(until: str, first: str = "", check: bool = True) -> int:
    return subprocess.run([*PYTHON, UNTIL.format(first=first), until], check=check).returncode


def run_in_executor(until: str) -> object:
    with ProcessPoolExecutor(1, FORK) as executor:
        return executor.submit(begin_and_wait, until).result()


def run_in_pool(until: str) -> object:
    with FORK.Pool(1) as pool:
        return pool.apply(begin_and_wait, (until,))


def run_in_process(until: str) -> object:
    process = FORK.Process(target=begin_and_wait, args=(until,))
    process.start()
    process.join()
    return process.exitcode


def run_in_joblib(until: str) -> object:
    return joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(begin_and_wait)(until) for _ in range(2))


def run_forked(until: str) -> int:
    pid = os.fork()
    if pid == 0:
        begin_and_wait(until)
        return 0
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def begin_and_wait(until: str) -> str:
    print("begun", flush=True)
    while not Path(until).exists():
        time.sleep(0.01)
    return "done"


async def run_async(until: str) -> int | None:
    program = await asyncio.create_subprocess_exec(*PYTHON, UNTIL.format(first=""), until)
    return await program.wait()


WAYS: dict[str, Callable[[str], object]] = {
    "a program, checked": run_program,
    "a program, not checked": lambda until: run_program(until, check=False),
    "a shell": lambda until: os.system(f"echo begun; while [ ! -e {until} ]; do sleep .05; done"),
    "a program that fails in its handler": lambda until: run_program(until, FAILING),
    "a forked child": run_forked,
    "an executor": run_in_executor,
    "a pool": run_in_pool,
    "a process": run_in_process,
    "joblib": run_in_joblib,
    "a program that is deaf": lambda until: run_program(until, DEAF),
    "a program that tidies up": lambda until: run_program(until, TIDY),
    "nothing": begin_and_wait,
}


@task
def wait_for(what: str, until: str) -> object:
    return WAYS[what](until)


@task(on_crash="fail")
def wait_once_for(what: str, until: str) -> object:
    return WAYS[what](until)


@task
async def wait_for_a_program_async(until: str) -> int | None:
    return await run_async(until)


# --- stopped before the start -----------------------------------------------------------------------------------


@dataclass
class SignalsWhenMade:
    """Sends its worker a signal when it makes the arguments of the job, just before it calls the function."""

    number: int
    once: str

    def __post_init__(self) -> None:
        # The test makes it first, elsewhere.
        if "SAMPLE_INSTANCE" in os.environ and not Path(self.once).exists():
            Path(self.once).touch()
            os.kill(os.getpid(), self.number)
            # Python acts on the signal in this thread.
            time.sleep(0.01)


@task(on_crash="fail")
def start_once(made: SignalsWhenMade, diary: str) -> None:
    write(diary)


@task(on_crash="fail")
def write_once(diary: str) -> None:
    write(diary)


@task(on_crash="fail")
def write_once_and_die(diary: str) -> None:
    write(diary)
    os.kill(os.getpid(), signal.SIGKILL)


def write(diary: str) -> None:
    with Path(diary).open("a") as file:
        file.write("started\n")
