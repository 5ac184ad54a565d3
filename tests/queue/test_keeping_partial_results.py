"""What a running job shows so far, in the database and in files; and asking a job for news."""

import pickle
import threading
import time
from pathlib import Path

import pytest
from queue_room import claim_next, perform, row, start

from asyncinweb.errors import UnknownJob
from asyncinweb.queue.claims import Claim
from asyncinweb.queue.client import Client
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.models import Job
from asyncinweb.queue.partial_results import (
    keep_partial_result,
    remove_partial_results,
    report_partial_result,
    stored_partial_result,
)
from asyncinweb.queue.reading import find_job
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.transitions import fail, finish, release
from asyncinweb.tasks.outcome import Failed
from asyncinweb.tasks.outputs.shapes import to_return_value
from asyncinweb.tasks.registry import Options, Request, Task

TEXT = '{"shape": "text", "media_type": "text/plain", "bytes": 4, "value": "half"}'


def test_a_value_is_written_under_the_claim(database: Database) -> None:
    held = start(database)

    assert perform(database, report_partial_result, held, 3, TEXT)

    now = row(database, held.job_id)
    assert (now["partial_no"], now["partial_result"]) == (3, TEXT)
    assert now["partial_at"] >= now["started_at"]


def test_a_worker_that_has_lost_its_claim_changes_nothing(database: Database) -> None:
    held = start(database)
    perform(database, report_partial_result, held, 1, TEXT)
    before = row(database, held.job_id)

    assert not perform(database, report_partial_result, Claim(held.job_id, held.claim_no - 1), 9, "{}")
    perform(database, finish, held, TEXT)
    ended = row(database, held.job_id)
    assert not perform(database, report_partial_result, held, 9, "{}")

    assert before["partial_no"] == 1
    assert row(database, held.job_id) == ended
    assert ended["partial_result"] is None


@pytest.mark.parametrize("how", ["fails", "released"])
def test_the_next_attempt_begins_without_it(database: Database, how: str) -> None:
    held = start(database, max_attempts=2)
    perform(database, report_partial_result, held, 1, TEXT)
    if how == "fails":
        perform(database, fail, held, Failed("error", "once more", retry_after=0.0))
    else:
        perform(database, release, held)

    again = claim_next(database)

    assert again is not None
    now = row(database, again.job_id)
    assert (now["partial_no"], now["partial_at"], now["partial_result"]) == (None, None, None)


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path, "slug-of-a-job")


def test_a_large_value_lies_in_a_file(database: Database, folder: JobFolder) -> None:
    held = start(database)
    kept = keep_partial_result(folder, held.claim_no, 7, to_return_value("x" * 16_001))
    perform(database, report_partial_result, held, 7, kept)

    with database.read() as session:
        job = find_job(session, held.slug)
        assert job is not None
        stored = stored_partial_result(folder, job)

    assert len(kept) < 500
    assert stored is not None
    assert stored.path == folder.path / "result-1-p7.txt"
    assert stored.path.read_text() == "x" * 16_001


def test_files_are_removed_when_they_are_replaced_and_no_others(folder: JobFolder) -> None:
    for claim_no, number in ((1, 1), (2, 1), (2, 2), (2, 3), (3, 1)):
        keep_partial_result(folder, claim_no, number, to_return_value({"a": b"1", "b": b"2"}))
    folder.write_result("2", "png", b"the result")
    folder.save(2, "result-9-p9.txt", "saved by the job")

    remove_partial_results(folder, 2, but=(2, 3))

    left = sorted(path.name for path in folder.path.iterdir())
    kept = [f"result-2-p{number}-{part}.bin" for number in (2, 3) for part in (1, 2)]
    assert left == sorted([*kept, "files-2", "result-2.png", "result-3-p1-1.bin", "result-3-p1-2.bin"])
    assert [file.name for file in folder.saved(2)] == ["result-9-p9.txt"]


def test_removing_from_a_job_without_files_does_nothing(folder: JobFolder) -> None:
    remove_partial_results(folder, 5)

    assert not folder.path.exists()


# --- asking for news --------------------------------------------------------------------------------------------


def report(year: int = 2026) -> int:
    return year


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Client:
    return Client(database, 1000, tmp_path)


def enqueue_report(client: Client) -> Job:
    task = Task(report, Options())
    (job,) = client.submit([Request(task, task.inputs.pack({}))])
    return job


def test_a_job_can_be_asked_how_it_is_now(client: Client, database: Database) -> None:
    job = enqueue_report(client)
    assert (job.state, job.result, job.latest().state) == ("queued", None, "queued")
    held = claim_next(database)
    perform(database, report_partial_result, held, 1, TEXT)

    now = job.latest()
    assert (now.state, now.partial_value, now.value) == ("processing", "half", None)
    perform(database, finish, held, TEXT.replace("half", "all!"))
    done = now.latest()
    assert (done.state, done.partial_value, done.value) == ("completed", None, "all!")
    assert (job.state, job.result) == ("queued", None), "the one that enqueue returned stays what it was"


def test_waiting_for_a_job_ends_with_it(client: Client, database: Database) -> None:
    job = enqueue_report(client)
    held = claim_next(database)
    ending = threading.Timer(0.3, lambda: perform(database, finish, held, TEXT))
    ending.start()

    done = job.wait(60)

    ending.join()
    assert (done.state, done.value) == ("completed", "half")
    assert job.wait(0).state == "completed"


def test_waiting_no_longer_than_was_said_names_the_job(client: Client) -> None:
    job = enqueue_report(client)
    began = time.monotonic()

    with pytest.raises(TimeoutError, match=rf"Job {job.slug} has not ended within 0\.2 s"):
        job.wait(0.2)

    assert time.monotonic() - began >= 0.2
    with pytest.raises(TimeoutError):
        job.wait(0)


def test_a_job_that_is_gone_is_named(client: Client, database: Database) -> None:
    job = enqueue_report(client)
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM asyncinweb_jobs")

    for ask in (job.latest, job.wait):
        with pytest.raises(UnknownJob, match=job.slug):
            ask()


def test_a_job_can_be_pickled_and_its_copy_says_where_to_ask(client: Client) -> None:
    job = enqueue_report(client)

    copy = pickle.loads(pickle.dumps(job))

    assert (copy.slug, copy.state) == (job.slug, "queued")
    with pytest.raises(UnknownJob, match="not on a copy"):
        copy.latest()
