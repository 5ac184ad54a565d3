"""What happens to the database file under a running server, and that it goes on when that is over."""

import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from process_tree import RUN, Tree, run_once, running, wait_until
from visitor import get, health, post, slug_of, submit_page, web_process

Start = Callable[..., Tree]
WHOLE = (*RUN, "--port", "0")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A server whose database is put back after each test."""
    tree = Tree(tmp_path_factory.mktemp("served"), program=WHOLE, workers=2)
    with running(tree):
        yield tree


def submission(tree: Tree) -> int:
    """The status of a try to submit a job."""
    return post(tree, "/tasks/add", a=1).status


def wait_for_health(tree: Tree, status: int, words: str = "") -> None:
    def is_so() -> bool:
        found, problem = health(tree)
        return found == status and words in problem

    wait_until(is_so, what=f"/healthz to say {status} {words}")


# --- the file ---------------------------------------------------------------------------------------------------


def test_a_database_that_is_moved_away_is_not_made_anew_and_used_again_once_back(
    served: Tree,
) -> None:
    path, door = served.instance / "asyncinweb.db", served.folder / "open-moved"
    slug = served.begin("hold", "holding", until=str(door))
    (idle,) = [pid for pid in served.wait_for_workers(2) if pid != served.worker_of(slug)]

    path.rename(served.folder / "moved.db")
    wait_for_health(served, 503, "The database is missing.")
    submitted = submission(served)
    os.kill(idle, signal.SIGKILL)
    shell = run_once("submit", "add", "a=1", folder=served.folder, settings=served.settings)
    door.touch()
    wait_until(lambda: f"Cannot store the outcome of job {slug} yet" in served.server_log)
    was_made_anew = path.exists()
    (served.folder / "moved.db").rename(path)
    wait_for_health(served, 200)

    assert (submitted, was_made_anew) == (503, False)
    assert (shell.returncode, "is missing, but a server is using it" in shell.stderr) == (2, True)
    job = served.wait_for(slug, "completed")
    assert (job.attempts, job.claim_no) == (1, 1)
    served.wait_for(submit_page(served, "add", a=1), "completed")
    served.wait_for_workers(2, without=idle)


def test_a_database_that_replaces_another_is_not_written_to(
    served: Tree,
) -> None:
    path, first = served.instance / "asyncinweb.db", served.folder / "first.db"
    with sqlite3.connect(path) as other:
        other.execute(f"VACUUM INTO '{served.folder}/copy.db'")
    other.close()
    before = (served.folder / "copy.db").read_bytes()
    slug = served.submit("add", a=1)
    served.wait_for(slug)

    path.rename(first)
    shutil.copy(served.folder / "copy.db", path)
    wait_for_health(served, 503, "The database was replaced by another file")
    submitted = submission(served)
    wait_until(lambda: "was replaced by another file" in served.server_log)
    after = path.read_bytes()
    first.rename(path)
    wait_for_health(served, 200)

    assert (submitted, after == before) == (503, True)
    served.wait_for(submit_page(served, "add", a=1), "completed")
    assert served.job(slug).state == "completed"


def test_a_database_damaged_under_a_server_is_named_and_the_next_start_ends_with_3(
    start: Start, tmp_path: Path
) -> None:
    tree = start(program=WHOLE).wait_until_started()
    tree.run("add", a=1)
    tree.is_sound = False
    before = set(tree.processes())

    overwrite(tree)
    wait_for_health(tree, 503, "The database is damaged")
    submitted = submission(tree)
    wait_until(lambda: "is damaged" in tree.server_log)
    after = set(tree.processes())
    tree.signal(signal.SIGTERM)

    assert (submitted, after) == (503, before), "nobody died, nobody was started"
    assert tree.wait(10) == 0
    again = run_once("--port", "0", folder=tmp_path, program=RUN, settings=tree.settings)
    assert again.returncode == 3
    assert "asyncinweb.db is damaged" in again.stderr
    assert again.stderr.count("\n") == 1


def overwrite(tree: Tree) -> None:
    """Garbage in all pages but the first."""
    tree.write_into_database(
        "size = file.seek(0, 2); file.seek(4096); file.write(b'garbage.' * ((size - 4096) // 8))"
    )


# --- the disk ---------------------------------------------------------------------------------------------------


def test_a_full_disk_is_named_and_costs_no_job_and_all_goes_on_when_there_is_room(
    start: Start, tmp_path: Path, mount: Callable[..., None]
) -> None:
    (tmp_path / "instance").mkdir()
    mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", at=tmp_path / "instance")
    tree = start(program=WHOLE, workers=2).wait_until_started()
    door = tmp_path / "open"
    running = [
        tree.begin("hold", "holding", until=str(door)),
        tree.begin("hold_then_give", "holding", until=str(door)),
    ]

    fill(tmp_path / "instance" / "ballast")
    wait_for_health(tree, 503, "The disk is full: 0.0 MB left.")
    accepted, answer = [], post(tree, "/tasks/add", a=1)
    while answer.status == 303:
        accepted.append(slug_of(answer))
        answer = post(tree, "/tasks/add", a=1)
    page = get(tree, f"/jobs/{running[0]}")[0]
    door.touch()
    wait_until(lambda: "Cannot store the outcome of job " in tree.server_log)
    (tmp_path / "instance" / "ballast").unlink()
    wait_for_health(tree, 200)

    assert (answer.status, page) == (503, 200)
    for slug in [*running, *accepted, submit_page(tree, "add", a=1)]:
        job = tree.wait_for(slug, "completed")
        assert (job.attempts, job.claim_no) == (1, 1)
    assert len((tree.job_folder(running[1]).path / "result-1.bin").read_bytes()) == 2_000_000


def fill(path: Path) -> None:
    """Take all the room that is left."""
    with path.open("wb", buffering=0) as file:
        for size in (1_000_000, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


def test_a_database_that_becomes_read_only_is_named_and_written_again_when_it_may_be(
    start: Start, tmp_path: Path, mount: Callable[..., None]
) -> None:
    tree = start(program=WHOLE, workers=1).wait_until_started()
    (worker,) = tree.wait_for_workers(1)
    path = tree.instance / "asyncinweb.db"

    mount("--bind", str(path), at=path)
    mount("-o", "remount,bind,ro", at=path)
    wait_for_health(tree, 503, "The database is read-only.")
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: "attempt to write a readonly database" in tree.server_log)
    subprocess.run(["umount", "-l", str(path)], check=True)
    wait_for_health(tree, 200)

    tree.wait_for(submit_page(tree, "add", a=1), "completed")
    assert tree.server_log.count("attempt to write a readonly database") == 1


def test_a_start_on_a_read_only_database_ends_with_2(
    start: Start, tmp_path: Path, mount: Callable[..., None]
) -> None:
    first = run_once("submit", "hello", folder=tmp_path, settings={"instance": tmp_path / "instance"})
    path = tmp_path / "instance" / "asyncinweb.db"
    mount("--bind", str(path), at=path)
    mount("-o", "remount,bind,ro", at=path)

    done = run_once("--port", "0", folder=tmp_path, program=RUN, settings={"instance": tmp_path / "instance"})

    assert (first.returncode, done.returncode) == (0, 2)
    assert "attempt to write a readonly database" in done.stderr
    assert done.stderr.count("\n") == 1


# --- the write lock ---------------------------------------------------------------------------------------------

HELD_SECONDS = 8


def test_a_write_lock_held_elsewhere_for_8_seconds_costs_no_job_and_no_read(served: Tree) -> None:
    door, workers = served.folder / "open-locked", served.wait_for_workers(2)
    slug, web = served.begin("hold", "holding", until=str(door)), web_process(served)
    statuses: list[int] = []

    with sqlite3.connect(served.database.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        door.touch()
        submitting = [threading.Thread(target=lambda: statuses.append(submission(served))) for _ in range(3)]
        for each in submitting:
            each.start()
        read_during(served, slug, HELD_SECONDS)
        state_then = served.job(slug).state
        other.execute("ROLLBACK")
    other.close()
    for each in submitting:
        each.join()
    job = served.wait_for(slug)

    assert state_then == "processing"
    assert (job.state, job.attempts, job.crashes, job.claim_no) == ("completed", 1, 0, 1)
    assert served.server_log.count(f"Processing job: {slug}… done") == 1
    assert set(statuses) <= {303, 503}
    assert (served.workers(), web_process(served)) == (workers, web)
    assert "database is locked" not in served.server_log


def read_during(tree: Tree, slug: str, seconds: float) -> None:
    """Read pages over and over for that long: each is answered although the lock is held, so none waits for it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for path in ("/healthz", "/jobs", f"/jobs/{slug}"):
            assert get(tree, path)[0] == 200
        time.sleep(0.1)
