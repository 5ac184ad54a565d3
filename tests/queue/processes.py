"""What the tests of the queue let other processes do. Importable by a spawned child."""

import multiprocessing
import threading
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from queue_room import TASK, new_job
from sqlalchemy import text

from asyncinweb.queue.claims import Claiming
from asyncinweb.queue.database import Database
from asyncinweb.queue.submitting import enqueue
from asyncinweb.queue.transitions import claim, finish_and_claim
from asyncinweb.tasks.outcome import Completed

SPAWN = multiprocessing.get_context("spawn")
# Only so that a hanging child fails the test; nothing is expected to take this long.
PATIENCE_SECONDS = 60.0


class Child:
    """A spawned process that runs `function(pipe, *facts)`."""

    def __init__(self, function: Any, *facts: Any) -> None:
        self.pipe, other_end = SPAWN.Pipe()
        self.process: BaseProcess = SPAWN.Process(target=function, args=(other_end, *facts), daemon=True)
        self.process.start()
        other_end.close()

    def hear(self) -> Any:
        """What the child says next."""
        assert self.pipe.poll(PATIENCE_SECONDS), "the child says nothing"
        return self.pipe.recv()

    def say(self, word: str) -> None:
        self.pipe.send(word)

    def end(self) -> int | None:
        """Wait for its end; its exit code."""
        self.process.join(PATIENCE_SECONDS)
        return self.process.exitcode

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.process.kill()
        self.process.join(PATIENCE_SECONDS)
        self.pipe.close()


@contextmanager
def children(*made: Child) -> Any:
    try:
        yield made
    finally:
        for child in made:
            child.kill()


def work_off(pipe: Connection, path: Path, worker_id: str) -> None:
    """Claim and finish until nothing is left; tell the ids of the jobs that were accepted from here."""
    database = Database(path, durability="normal")
    claiming = Claiming([TASK], worker_id)
    pipe.send("ready")
    pipe.recv()
    done = []
    with database.write() as connection:
        held = claim(connection, claiming)
    while held is not None:
        with database.write() as connection:
            accepted, following = finish_and_claim(connection, held, Completed(f'"{worker_id}"'), claiming)
        if accepted:
            done.append(held.job_id)
        held = following
    database.close()
    pipe.send(done)


def add_one_in_two_threads(pipe: Connection, path: Path, job_id: int, times: int) -> None:
    """Read a number, then write it plus one: loses counts wherever two transactions overlap."""
    database = Database(path, durability="normal")
    pipe.send("ready")
    pipe.recv()
    failures: list[str] = []

    def add() -> None:
        try:
            for _ in range(times):
                with database.write() as connection:
                    add_one(connection, job_id)
        except Exception as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.close()
    pipe.send(failures)


def add_one(connection: Any, job_id: int) -> None:
    number = connection.scalar(text("SELECT priority FROM asyncinweb_jobs WHERE id = :id"), {"id": job_id})
    connection.execute(
        text("UPDATE asyncinweb_jobs SET priority = :number WHERE id = :id"), {"id": job_id, "number": number + 1}
    )


def stay_in_a_transaction(pipe: Connection, path: Path) -> None:
    """Write a job and never commit it: until killed, or told to go."""
    database = Database(path, durability="normal")
    try:
        with database.write() as connection:
            for _ in range(200):
                enqueue(connection, new_job(owner="lost", arguments='"' + "x" * 20_000 + '"'))
            pipe.send("inside")
            pipe.recv()
            raise KeyError("rolled back")
    except KeyError:
        database.close()
