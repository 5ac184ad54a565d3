"""Tasks whose functions start processes of their own, in every way that people do."""

import asyncio
import atexit
import functools
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import joblib

from asyncinweb import current_job, task

SHARED: list[str] = []
"""What a forked process sees as its parent left it."""


def code_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# --- forked by hand ---------------------------------------------------------------------------------------------


def leave(how: str) -> object:
    """What a forked child does that does not know that it is one."""
    if how == "sys.exit":
        sys.exit(3)
    if how == "sys.exit with words":
        sys.exit("nothing to do")
    if how == "exception":
        raise LookupError("the child's own mistake")
    if how == "KeyboardInterrupt":
        raise KeyboardInterrupt
    if how == "SystemExit with an unprintable code":
        raise SystemExit(Unprintable())
    return "the child's answer"


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no words")


@task
def fork_and_leave(how: str) -> object:
    pid = os.fork()
    if pid == 0:
        print("begun by the child", end="")
        return leave(how)
    return code_of(pid)


@task
async def fork_in_a_coroutine(how: str) -> object:
    await asyncio.sleep(0)
    pid = os.fork()
    return leave(how) if pid == 0 else code_of(pid)


class ForksWhenShown:
    """A value that forks while it is turned into a result."""

    def __repr__(self) -> str:
        pid = os.fork()
        if pid == 0:
            leave("sys.exit")
        return f"code {code_of(pid)}"


@task
def fork_when_shown() -> object:
    return {"shown": ForksWhenShown()}


@task
def fork_when_a_yielded_value_is_shown() -> Iterator[object]:
    """The last value is looked at when the function has failed."""
    yield "before"
    yield {"shown": LeavesAChild()}
    raise ValueError("no more")


class LeavesAChild:
    """A value that forks while it is turned into a partial result, and leaves the child alone."""

    def __repr__(self) -> str:
        return "shown in the child" if os.fork() == 0 else "shown in the parent"


@task
def children() -> int:
    """How many this process has, also such that have ended."""
    return sum(len(each.read_text().split()) for each in Path("/proc/self/task").glob("*/children"))


class ForksInItsWords(Exception):
    def __str__(self) -> str:
        pid = os.fork()
        return "from the child" if pid == 0 else f"code {code_of(pid)}"


@task
def fork_in_the_words_of_an_error() -> None:
    raise ForksInItsWords


def fork_for_a_pause(attempt: int) -> float:
    pid = os.fork()
    if pid:
        print(f"code {code_of(pid)}")
    return 0.01


@task(max_attempts=2, backoff=fork_for_a_pause)
def fork_in_the_backoff() -> None:
    if current_job.attempt == 1:
        raise ValueError("at first")


@dataclass
class ForksWhenMade:
    how: str

    def __post_init__(self) -> None:
        # Not in the test, which makes the argument first.
        if "SAMPLE_INSTANCE" not in os.environ:
            return
        pid = os.fork()
        if pid == 0:
            leave(self.how)
        else:
            self.how = f"code {code_of(pid)}"


@task
def fork_in_the_arguments(made: ForksWhenMade) -> str:
    return made.how


@task
def fork_twice() -> int:
    pid = os.fork()
    if pid == 0:
        grandchild = os.fork()
        return leave("sys.exit") if grandchild == 0 else sys.exit(code_of(grandchild) + 1)  # type: ignore[return-value]
    return code_of(pid)


@task
def fork_with_an_open_file(path: str) -> int:
    pid = os.fork()
    if pid == 0:
        kept = Path(path).open("w")  # noqa: SIM115 - closed by nobody, as in many a script
        kept.write("written by the child")
        sys.exit(0)
    return code_of(pid)


@task
def fork_with_a_thread(path: str) -> int:
    pid = os.fork()
    if pid == 0:
        threading.Thread(target=write_later, args=(path,)).start()
        return 0
    return code_of(pid)


def write_later(path: str) -> None:
    time.sleep(0.3)
    Path(path).write_text("written by the child's thread")


@task
def fork_and_submit(times: int) -> list[int]:
    """Each child stores a job, and so does the parent meanwhile."""
    pids = []
    for number in range(times):
        pid = os.fork()
        if pid == 0:
            write_diary.enqueue(diary="", words=f"child {number}")
            return []
        pids.append(pid)
        write_diary.enqueue(diary="", words=f"parent {number}")
    return [code_of(pid) for pid in pids]


@task(timeout=30)
def fork_while_threads_print(children: int) -> list[int]:
    """A lock of a stream that a thread holds at the fork would be held in the child for ever."""
    is_over = threading.Event()

    def print_on() -> None:
        while not is_over.is_set():
            print("from a thread")

    thread = threading.Thread(target=print_on)
    thread.start()
    codes = []
    for _ in range(children):
        pid = os.fork()
        if pid == 0:
            is_over.set()
            print("from a child", flush=True)
            os._exit(0)
        codes.append(code_of(pid))
    is_over.set()
    thread.join()
    return codes


@task
def fork_and_clean_up(folder: str) -> int:
    """Exit handlers of the parent are the parent's."""
    atexit.register(Path(folder, "handled").touch)
    pid = os.fork()
    if pid == 0:
        sys.exit(0)
    return code_of(pid)


@task
def write_diary(diary: str, words: str) -> None:
    if diary:
        with Path(diary).open("a") as file:
            file.write(f"{words} {os.getpid()}\n")


# --- signals ----------------------------------------------------------------------------------------------------


def dispositions() -> dict[str, object]:
    names = ("SIGTERM", "SIGINT", "SIGUSR1", "SIGUSR2", "SIGHUP", "SIGALRM")
    return {
        **{name: in_words(signal.getsignal(getattr(signal, name))) for name in names},
        "timer": signal.getitimer(signal.ITIMER_REAL)[0],
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    }


def in_words(handler: object) -> str:
    return getattr(handler, "__name__", None) or str(handler)


@task
def signals_of_a_child(how: str) -> object:
    """What a process finds that this job starts."""
    if how == "fork by hand":
        return of_a_fork(dispositions)
    with ProcessPoolExecutor(1, multiprocessing.get_context(how)) as pool:
        return pool.submit(dispositions).result()


def of_a_fork(function: Callable[[], object]) -> object:
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(into, pickle.dumps(function()))
        os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as stream:
        answer = pickle.load(stream)
    code_of(pid)
    return answer


def own_handler(number: int, frame: object) -> None:
    """What the author has set."""


@task
def own_handlers_in_a_fork() -> object:
    signal.signal(signal.SIGTERM, own_handler)
    signal.signal(signal.SIGALRM, own_handler)
    signal.setitimer(signal.ITIMER_REAL, 60)
    return of_a_fork(dispositions)


IGNORED = "print([line for line in open('/proc/self/status') if line[:6] in ('SigIgn', 'SigBlk')])"


@task
def signals_of_a_program(how: str) -> str:
    """Which signals a program finds ignored and blocked."""
    command = [sys.executable, "-S", "-c", IGNORED]
    if how == "subprocess":
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if how == "os.popen":
        with os.popen(f'{sys.executable} -S -c "{IGNORED}"') as stream:
            return stream.read()
    out, into = os.pipe()
    code_of(os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, into, 1)]))
    os.close(into)
    with os.fdopen(out) as stream:
        return stream.read()


@task
def interrupt_a_program(how: str) -> int:
    """With what Ctrl-C sends."""
    commands = {
        "shell": ["sh", "-c", "kill -INT $$; echo survived"],
        "sleep": ["sleep", "60"],
        "python": [sys.executable, "-S", "-c", "print('ready', flush=True); import time; time.sleep(60)"],
    }
    child = subprocess.Popen(commands[how], stdout=subprocess.PIPE)
    assert child.stdout is not None
    if how == "python":
        child.stdout.readline()
    if how != "shell":
        child.send_signal(signal.SIGINT)
    return child.wait(20)


# --- standard input ---------------------------------------------------------------------------------------------


@task
def read_stdin(how: str) -> object:
    if how == "cat":
        return subprocess.run(["cat"], check=True, stdout=subprocess.PIPE, text=True, timeout=20).stdout
    if how == "os.system":
        return os.system("read word")
    if how == "sys.stdin":
        return sys.stdin.read()
    if how == "input":
        try:
            return input("Who? ")
        except EOFError:
            return "EOFError"
    return os.readlink("/proc/self/fd/0")  # noqa: PTH115


@task
def close_stdin() -> None:
    os.close(0)


# --- pools ------------------------------------------------------------------------------------------------------


@task
def square(number: int) -> int:
    return number * number


def plain_square(number: int) -> int:
    return number * number


def numbers_squared(how: str, method: str) -> list[int]:
    context = multiprocessing.get_context(method)
    if how == "Pool":
        with context.Pool(2) as pool:
            return pool.map(plain_square, range(8))
    if how == "ProcessPoolExecutor":
        with ProcessPoolExecutor(2, context) as executor:
            return list(executor.map(plain_square, range(8)))
    queue = context.SimpleQueue()
    processes = [context.Process(target=put_square, args=(queue, number)) for number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return sorted(queue.get() for _ in processes)


def put_square(queue: "multiprocessing.SimpleQueue[int]", number: int) -> None:
    queue.put(number * number)


@task(timeout=120)
def square_with_a_pool(how: str, method: str) -> list[int]:
    return numbers_squared(how, method)


@task(timeout=120)
def square_with_joblib(backend: str) -> list[int]:
    return list(joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(plain_square)(n) for n in range(8)))


@task(timeout=120)
def map_a_task(how: str, method: str = "fork") -> list[int]:
    """A task is given to other processes as the function it is."""
    if how == "joblib":
        return list(joblib.Parallel(n_jobs=2, backend=method)(joblib.delayed(square)(n) for n in range(4)))
    if how == "Pool":
        with multiprocessing.get_context(method).Pool(2) as pool:
            return pool.map(square, range(4))
    if how == "partial":
        with multiprocessing.get_context(method).Pool(2) as pool:
            return [pool.apply(functools.partial(square, n)) for n in range(4)]
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as executor:
        return list(executor.map(square, range(4)))


@task(timeout=30)
def end_a_process(number: int, method: str) -> int | None:
    """With this signal, once it has begun."""
    context = multiprocessing.get_context(method)
    begun = context.Event()
    process = context.Process(target=begin_and_wait, args=(begun,))
    process.start()
    begun.wait()
    os.kill(process.pid or 0, number)
    process.join()
    return process.exitcode


def begin_and_wait(begun: "multiprocessing.synchronize.Event") -> None:
    begun.set()
    time.sleep(60)


# --- multiprocessing as in a script -----------------------------------------------------------------------------


@task
def what_multiprocessing_says() -> dict[str, object]:
    return {
        "method": multiprocessing.get_start_method(),
        "name": multiprocessing.current_process().name,
        "parent": multiprocessing.parent_process() is not None,
        "daemon": multiprocessing.current_process().daemon,
    }


@task(timeout=30)
def share_globals() -> list[str]:
    """With the default start method, and a function that no other process could import."""
    SHARED[:] = ["set by the job"]
    queue = multiprocessing.SimpleQueue()

    def put() -> None:
        queue.put(list(SHARED))

    process = multiprocessing.Process(target=put)
    process.start()
    answer = queue.get()
    process.join()
    return answer


# --- output of programs -----------------------------------------------------------------------------------------

PRINT_AND_WAIT = "import time; print('printed by the program'); time.sleep(60)"


@task
def print_from_a_program(how: str) -> None:
    run_a_program(how)


@task(timeout=2)
def print_from_a_program_to_the_limit(how: str) -> None:
    run_a_program(how)


def print_and_wait() -> None:
    exec(PRINT_AND_WAIT, {})


def run_a_program(how: str) -> None:
    if how == "subprocess":
        subprocess.run([sys.executable, "-S", "-c", PRINT_AND_WAIT], check=True)
    elif how == "os.system":
        os.system(f'{sys.executable} -S -c "{PRINT_AND_WAIT}"')
    else:
        process = multiprocessing.get_context(how).Process(target=print_and_wait)
        process.start()
        process.join()
