"""Measures the times and sizes that we promise: python -m benchmarks.promises [--rounds N] [NAME ...].

Each is measured on a real `run.py` with two workers and default settings. Without names, all are measured; the
exit code is 1 if one is not kept.
"""

import argparse
import os
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from process_tree import QUICK, RUN, Tree, memory_share_mb, wait_until
from uploading import TASKS, upload
from visitor import get, submit_page, web_process

from asyncinweb.queue.maintenance.retention import prune_batch
from asyncinweb.queue.schema import ensure_schema
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.settings import Settings
from asyncinweb.workers.process.processes import peak_memory_mb
from benchmarks.crowd import open_pages
from benchmarks.findings import HEAD, Finding, Judge, Measure, Promise, machine
from benchmarks.polls import next_look, processor_seconds, running_job

DEFAULTS = {name: Settings.model_fields[name].default for name in QUICK}
LOCKED_SECONDS = 8.0
SUBMITS = 20
IDLE_SECONDS = 30.0
FINISHED_ROWS = 100_000

PROMISES: dict[str, Promise] = {}


def promise(words: str, limit: float, unit: str, judge: Judge = statistics.median) -> Callable[[Measure], Measure]:
    """Registers a promise, which the function measures."""

    def keep(measure: Measure) -> Measure:
        PROMISES[measure.__name__] = Promise(words, limit, unit, judge, measure)
        return measure

    return keep


# --- what they have in common -----------------------------------------------------------------------------------


@contextmanager
def served(folder: Path, *, port: int = 0, **settings: object) -> Iterator[Tree]:
    """A `run.py` that was just started."""
    tree = Tree(folder, program=(*RUN, "--port", str(port)), workers=2, **{**DEFAULTS, **settings})
    try:
        yield tree
    finally:
        tree._sweep()
        tree.process.wait()


@contextmanager
def started(folder: Path, **settings: object) -> Iterator[Tree]:
    """The same, once it and its workers are ready."""
    with served(folder, **settings) as tree:
        wait_until(lambda: has_said_all(tree), what="the start-up message")
        tree.wait_for_workers(2)
        yield tree


def has_said_all(tree: Tree) -> bool:
    return "Press Ctrl-C to stop" in tree.said


def seconds_until(condition: Callable[[], object]) -> float:
    """How long it takes from now until this is true."""
    began = time.perf_counter()
    while not condition():
        assert time.perf_counter() < began + 60, "not within a minute"
        time.sleep(0.002)
    return time.perf_counter() - began


def answers(port: int) -> bool:
    """Request the first page, and wait until the server answers."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(100).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def port_of(tree: Tree) -> int:
    return urlsplit(tree.url).port or 0


def seconds_of(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


# --- starting ---------------------------------------------------------------------------------------------------


@promise("from the start to the first page", 1.5, "s")
def first_page(folder: Path) -> Iterator[float]:
    port = free_port()
    with served(folder, port=port, tasks="asyncinweb.tasks.demo"):
        yield seconds_until(lambda: answers(port))


@promise("from the start to the start-up message", 2.0, "s")
def start_message(folder: Path) -> Iterator[float]:
    with served(folder, tasks="asyncinweb.tasks.demo") as tree:
        yield seconds_until(lambda: has_said_all(tree))


# --- processes that die -----------------------------------------------------------------------------------------


@promise("a worker is killed: noticed", 1.0, "s")
def crash_noticed(folder: Path) -> Iterator[float]:
    with started(folder) as tree:
        slug = running_job(tree)
        os.kill(tree.worker_of(slug), signal.SIGKILL)
        yield seconds_until(lambda: tree.job(slug).crashes)


@promise("a worker is killed: replaced", 3.0, "s")
def crash_replaced(folder: Path) -> Iterator[float]:
    with started(folder) as tree:
        before = set(tree.workers())
        os.kill(min(before), signal.SIGKILL)
        yield seconds_until(lambda: len(set(tree.workers()) - {min(before)}) == 2)


@promise("the web process is killed: answers again", 3.0, "s")
def web_replaced(folder: Path) -> Iterator[float]:
    with started(folder) as tree:
        port = port_of(tree)
        os.kill(web_process(tree), signal.SIGKILL)
        yield seconds_until(lambda: answers(port))


@promise("kill -9 of the supervisor with two running jobs: no process left", 2.0, "s")
def nothing_left(folder: Path) -> Iterator[float]:
    with started(folder) as tree:
        for _ in range(2):
            running_job(tree)
        tree.kill()
        yield seconds_until(lambda: not tree.processes())


# --- many at once -----------------------------------------------------------------------------------------------


@promise("each read while another process holds the write lock for 8 s", 0.5, "s", judge=max)
def reads_under_lock(folder: Path) -> Iterator[float]:
    with started(folder) as tree:
        slug = running_job(tree)
        with tree.database.write():
            end = time.perf_counter() + LOCKED_SECONDS
            while time.perf_counter() < end:
                for path in ("/", "/jobs", f"/jobs/{slug}", "/healthz"):
                    yield seconds_of(lambda path=path: get(tree, path))
                time.sleep(0.05)


@promise("/healthz with 150 idle connections and 20 slow bodies", 1.0, "s")
def health_in_a_crowd(folder: Path) -> Iterator[float]:
    slow = b"POST /tasks/add HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\na=1"
    with started(folder) as tree, ExitStack() as stack:
        address = ("127.0.0.1", port_of(tree))
        connections = [stack.enter_context(socket.create_connection(address, 60)) for _ in range(170)]
        for each in connections[:20]:
            each.sendall(slow)
        for _ in range(SUBMITS):
            yield seconds_of(lambda: get(tree, "/healthz"))
            time.sleep(0.1)


@promise("submit while 300 pages look every 5 s", 1.0, "s")
def submit_in_a_crowd(folder: Path) -> Iterator[float]:
    yield from submits(folder, every_seconds=5)


@promise("submit while 300 pages look every second", 1.0, "s")
def submit_in_a_hurried_crowd(folder: Path) -> Iterator[float]:
    yield from submits(folder, every_seconds=1)


def submits(folder: Path, every_seconds: float) -> Iterator[float]:
    with started(folder) as tree:
        path = next_look(tree, f"/jobs/{running_job(tree)}")()
        with open_pages(port_of(tree), path, 300, every_seconds):
            for _ in range(SUBMITS):
                yield seconds_of(lambda: submit_page(tree, "add", a=1))
                time.sleep(0.25)


# --- housekeeping, memory, idleness -----------------------------------------------------------------------------


@promise("retention holds the write lock, of 100,000 finished jobs, each time", 0.05, "s")
def prune_holds_the_lock(folder: Path) -> Iterator[float]:
    database = Database(folder / "asyncinweb.db", "full")
    try:
        ensure_schema(database)
        fill(database)
        slugs = ["some"]
        while slugs:
            began = time.perf_counter()
            slugs = prune_batch(database, keep_days=30)
            yield time.perf_counter() - began
            # As retention does between two batches.
            yield seconds_of(database.checkpoint)
    finally:
        database.close()


def fill(database: Database) -> None:
    """Many jobs past their retention period."""
    with database.write() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)"
            " INSERT INTO asyncinweb_jobs (slug, task, arguments, owner, state, result, priority, created_at,"
            " started_at, finished_at, attempts, max_attempts, crashes, interruptions, claim_no, on_crash)"
            " SELECT lower(hex(randomblob(11))), 'add', '{\"a\": 1}', 'owner-' || n % 100, 'completed',"
            ' \'{"kind": "json", "value": 2}\', 0, n, n, n, 1, 1, 0, 0, 1, \'rerun\' FROM numbers',
            (FINISHED_ROWS,),
        )


@promise("memory of the web process for an upload of 100 MB", 20.0, "MB")
def memory_of_an_upload(folder: Path) -> Iterator[float]:
    (folder / "measuring.py").write_text(TASKS)
    with started(folder, tasks=folder / "measuring.py") as tree:
        upload(tree, 1)
        web = web_process(tree)
        # Reset the peak: the one of the start would hide what an upload takes (proc(5)).
        Path(f"/proc/{web}/clear_refs").write_text("5")
        before = peak_memory_mb(web) or 0.0
        assert upload(tree, 100).status == 303
        yield (peak_memory_mb(web) or 0.0) - before


@promise("idle: processor time of all processes over 30 s", 0.25, "%")
def idle_processor(folder: Path) -> Iterator[float]:
    with started(folder, tasks="asyncinweb.tasks.demo") as tree:
        # After the work that a start does once.
        time.sleep(7)
        before = sum(map(processor_seconds, tree.processes()))
        time.sleep(IDLE_SECONDS)
        yield (sum(map(processor_seconds, tree.processes())) - before) / IDLE_SECONDS * 100


@promise("memory (PSS) of all processes, with two workers", 150.0, "MB")
def memory_of_the_tree(folder: Path) -> Iterator[float]:
    with started(folder, tasks="asyncinweb.tasks.demo") as tree:
        get(tree, "/")
        yield sum(map(memory_share_mb, tree.processes()))


# --- the table --------------------------------------------------------------------------------------------------


def find_out(kept: Promise, rounds: int) -> Finding:
    """Measure it this many times, each time in a new folder."""
    figures: list[float] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="asyncinweb-promise-") as folder:
            figures += kept.measure(Path(folder))
    return Finding(kept, figures)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table as it grows. 1 if a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PROMISES))
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args(arguments)
    if unknown := set(wanted.names) - set(PROMISES):
        parser.error(f"not promised: {', '.join(sorted(unknown))}. What is: {', '.join(PROMISES)}")
    sys.stdout.write(f"{machine()}, {wanted.rounds} rounds\n\n{HEAD}\n")
    all_kept = True
    for name in wanted.names or PROMISES:
        finding = find_out(PROMISES[name], wanted.rounds)
        all_kept = all_kept and finding.is_kept
        sys.stdout.write(f"{finding.row}\n")
        sys.stdout.flush()
    return 0 if all_kept else 1


if __name__ == "__main__":
    sys.exit(main())
