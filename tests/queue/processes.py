"""What the tests of the queue let other processes do. Importable by a spawned child."""

import multiprocessing
import os
import shutil
import signal
import threading
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from alembic import command
from queue_room import TASK, new_job
from sqlalchemy import event, text

from asyncinweb.queue.claims import ClaimScope
from asyncinweb.queue.files.instance import make_database_file
from asyncinweb.queue.maintenance.backup import back_up
from asyncinweb.queue.migrate import alembic_config
from asyncinweb.queue.schema import ensure_schema
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import enqueue
from asyncinweb.queue.transitions import claim, finish, finish_and_claim
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
    scope = ClaimScope([TASK], worker_id)
    pipe.send("ready")
    pipe.recv()
    done = []
    with database.write() as connection:
        held = claim(connection, scope)
    while held is not None:
        with database.write() as connection:
            accepted, following = finish_and_claim(connection, held, Completed(f'"{worker_id}"'), scope)
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


def migrate_and_die(pipe: Connection, folder: Path, start: str | None, points: int) -> None:
    """Migrate databases of revision `start`, each killed at another statement; tell their paths and signals."""
    first = folder / "first.db"
    make_database_of(first, start)
    statements = statements_of_migration(copy_of(first, folder / "whole.db"))
    deaths = []
    for point in range(points):
        path = copy_of(first, folder / f"killed-{point}.db")
        deadly = 1 + point * (len(statements) - 1) // (points - 1)
        pid = os.fork()
        if pid == 0:
            statements_of_migration(path, deadly)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        deaths.append((path, os.WTERMSIG(status)))
    pipe.send(deaths)


def make_database_of(path: Path, revision: str | None) -> None:
    make_database_file(path)
    if revision is not None:
        config = alembic_config()
        database = Database(path, durability="normal")
        with database.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
        database.close()


def copy_of(path: Path, target: Path) -> Path:
    return Path(shutil.copy(path, target))


def statements_of_migration(path: Path, deadly: int | None = None) -> list[str]:
    """What a migration says to SQLite; before it says the `deadly` one, this process is killed."""
    said: list[str] = []

    def hear(statement: str) -> None:
        said.append(statement)
        if len(said) == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    database = Database(path, durability="normal")
    event.listen(database._writer, "connect", lambda connection, _: connection.set_trace_callback(hear))
    ensure_schema(database)
    database.close()
    return said


def submit_and_finish(pipe: Connection, path: Path, worker_id: str) -> None:
    """Submit, claim and finish jobs of one's own until told to stop; tell which were finished."""
    database = Database(path, durability="normal")
    scope = ClaimScope([worker_id], worker_id)
    finished: list[str] = []
    pipe.send("ready")
    pipe.recv()
    while not pipe.poll():
        with database.write() as connection:
            enqueue(connection, new_job(task=worker_id, arguments='"' + "x" * 2_000 + '"'))
        with database.write() as connection:
            held = claim(connection, scope)
            assert held is not None
        with database.write() as connection:
            finish(connection, held, "1")
        finished.append(held.slug)
        if len(finished) == 20:
            pipe.send("writing")
    pipe.recv()
    database.close()
    pipe.send(finished)


def keep_a_backup(pipe: Connection, path: Path, instance: Path, target: Path) -> None:
    """Make a backup, over the one that is there."""
    back_up(Database(path), instance, target, overwrite=True, with_files=True)
    pipe.send("done")
