"""`asyncinweb check`: each thing that can be wrong is found and named, and nothing else is."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from queue_room import TASK, change, claim_next, new_job, perform, start, submit
from sqlalchemy import text

from asyncinweb.errors import TaskDefinitionError
from asyncinweb.identity import Identity
from asyncinweb.queue import process_registry
from asyncinweb.queue.client import Client
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_inputs import inputs_folder
from asyncinweb.queue.maintenance import check_results
from asyncinweb.queue.maintenance.check_results import CheckResult, file_system, programs_with, space
from asyncinweb.queue.maintenance.checks import Computer, check
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import enqueue
from asyncinweb.queue.transitions import finish
from asyncinweb.settings import Settings
from asyncinweb.tasks.inputs.uploaded import UploadedFile
from asyncinweb.tasks.registry import Options, Registry, Request, Task

HERE = Identity("here", "boot", 100, "1")
GONE = Identity("here", "boot", 101, "2")
THIS_COMPUTER = Computer("here", lambda identity: identity == HERE)


@pytest.fixture
def settings(database_file: Path) -> Settings:
    database_file.chmod(0o600)
    database_file.parent.chmod(0o700)
    return Settings(instance=database_file.parent, durability="normal")


def report(table: UploadedFile | None = None, more: list[UploadedFile] = []) -> None:  # noqa: B006
    """Takes files."""


TASKS = Registry({TASK: Task(report, Options())})


def look(settings: Settings) -> dict[str, CheckResult]:
    return {each.subject: each for each in check(settings, THIS_COMPUTER, lambda: TASKS)}


def serve(database: Database, identity: Identity = HERE) -> None:
    perform(database, process_registry.register_supervisor, f"server-{identity.pid}", identity, None, 1)
    server = f"server-{identity.pid}"
    perform(database, process_registry.register_worker, f"worker-{identity.pid}", server, identity)
    loaded = [process_registry.RegisteredTask(name, name) for name in (TASK, "read")]
    perform(database, process_registry.register_tasks, server, loaded)


def finish_with_file(database: Database, settings: Settings) -> Path:
    held = start(database)
    folder = JobFolder(settings.instance, held.slug)
    name = folder.write_result(held.claim_no, "txt", b"result")
    result = f'{{"shape": "text", "media_type": "text/plain", "bytes": 6, "file": "{name}"}}'
    perform(database, finish, held, result)
    return folder.path / name


def submit_with_files(database: Database, settings: Settings) -> Path:
    """A job that was given two files. The folder where they lie."""
    paths = [settings.instance / name for name in ("a.csv", "b.csv")]
    for path in paths:
        path.write_text(path.name)
        path.chmod(0o600)
    arguments = TASKS[TASK].inputs.pack({"table": paths[0], "more": [paths[1]]})
    (job,) = Client(database, 1000, settings.instance).submit([Request(TASKS[TASK], arguments)])
    return inputs_folder(JobFolder(settings.instance, job.slug))


def make_older(folder: Path) -> None:
    then = time.time() - 7200
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))


def test_a_healthy_installation_has_only_good_results(database: Database, settings: Settings) -> None:
    serve(database)
    finish_with_file(database, settings)
    submit(database)
    submit_with_files(database, settings)

    found = look(settings)

    assert {each.level for each in found.values()} == {"ok"}
    assert {each.exit_code for each in found.values()} == {0}
    assert list(found) == [
        "sqlite",
        "file system",
        "space",
        "permissions",
        "write-ahead log",
        "database",
        "schema",
        "clock",
        "processes",
        "jobs",
        "inputs",
        "tasks",
        "results",
        "folders",
    ]


@pytest.mark.parametrize(
    ("version", "note"), [((3, 51, 2), " (versions before 3.51.3 have a rare bug"), ((3, 51, 3), "")]
)
def test_an_old_sqlite_is_a_note_and_not_a_warning(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], note: str
) -> None:
    monkeypatch.setattr("asyncinweb.queue.stores.driver_errors.sqlite3.sqlite_version_info", version)

    found = check_results.sqlite()

    assert found.level == "ok"
    assert found.words.startswith(".".join(map(str, version)) + note)
    assert ("asyncinweb[sqlite]" in found.words) == bool(note)


def lose_a_result(database: Database, settings: Settings) -> None:
    finish_with_file(database, settings).unlink()


def lose_an_input(database: Database, settings: Settings) -> None:
    max(submit_with_files(database, settings).iterdir()).unlink()


def lose_all_inputs_of_a_running_job(database: Database, settings: Settings) -> None:
    folder = submit_with_files(database, settings)
    claim_next(database)
    shutil.rmtree(folder.parent)


def lose_a_job(database: Database, settings: Settings) -> None:
    make_older(finish_with_file(database, settings).parent)
    change(database, "DELETE FROM asyncinweb_jobs")


def wait_without_workers(database: Database, settings: Settings) -> None:
    submit(database)


def wait_for_an_unknown_task(database: Database, settings: Settings) -> None:
    serve(database)
    perform(database, enqueue, new_job(task="gone"))


def run_in_nobodys_hands(database: Database, settings: Settings) -> None:
    start(database)


def fall_due_in_vain(database: Database, settings: Settings) -> None:
    serve(database)
    job = submit(database)
    change(
        database,
        "UPDATE asyncinweb_jobs SET state = 'scheduled', rank = NULL, run_at = 1.0 WHERE id = :id",
        id=job.id,
    )


def leave_a_dead_server(database: Database, settings: Settings) -> None:
    serve(database, GONE)


def fall_silent(database: Database, settings: Settings) -> None:
    serve(database)
    change(database, "UPDATE asyncinweb_supervisors SET heartbeat_at = heartbeat_at - 3600")


def set_the_clock_back(database: Database, settings: Settings) -> None:
    submit(database)
    serve(database)
    change(database, "UPDATE asyncinweb_jobs SET created_at = created_at + 3600")


def let_others_read(database: Database, settings: Settings) -> None:
    (settings.instance / "secret.key").write_text("k")
    (settings.instance / "secret.key").chmod(0o644)


def keep_an_older_schema(database: Database, settings: Settings) -> None:
    change(database, "UPDATE asyncinweb_version SET version_num = '0001'")


def use_a_newer_schema(database: Database, settings: Settings) -> None:
    change(database, "UPDATE asyncinweb_version SET version_num = '9999'")


@pytest.mark.parametrize(
    ("spoil", "subject", "level", "words", "exit_code"),
    [
        (lose_a_result, "results", "error", "result files are missing for", 1),
        (lose_an_input, "inputs", "error", "uploaded files are missing for", 1),
        (lose_all_inputs_of_a_running_job, "inputs", "error", "uploaded files are missing for", 1),
        (lose_a_job, "folders", "warning", "without a job: ", 0),
        (wait_without_workers, "jobs", "warning", "1 waiting, but no worker is running", 0),
        (wait_for_an_unknown_task, "jobs", "warning", "a task that no worker has loaded: gone (1)", 0),
        (run_in_nobodys_hands, "jobs", "warning", "held by no worker: ", 0),
        (fall_due_in_vain, "jobs", "warning", "more than a minute overdue: ", 0),
        (leave_a_dead_server, "processes", "warning", "registered but not running: server 101, worker 101", 0),
        (fall_silent, "processes", "error", "no heartbeat for 30 s: server 100 on here", 1),
        (set_the_clock_back, "clock", "warning", "s behind times in the database", 0),
        (let_others_read, "permissions", "warning", "secret.key; to fix: chmod -R go= ", 0),
        (keep_an_older_schema, "schema", "warning", "the next start upgrades it", 0),
        (use_a_newer_schema, "schema", "error", "9999", 5),
    ],
)
def test_what_is_wrong_is_found(
    database: Database,
    settings: Settings,
    spoil: Callable[[Database, Settings], None],
    subject: str,
    level: str,
    words: str,
    exit_code: int,
) -> None:
    spoil(database, settings)

    found = look(settings)[subject]

    assert (found.level, found.exit_code) == (level, exit_code)
    assert words in found.words


def test_a_damaged_database_is_found_and_what_needs_a_sound_one_is_left_out(
    database: Database, settings: Settings
) -> None:
    for _ in range(100):
        submit(database, arguments='"' + "x" * 3_000 + '"')
    database.close()
    with database.path.open("r+b") as file:
        file.seek(database.path.stat().st_size // 2)
        file.write(b"\xa5" * 8_000)

    found = look(settings)

    assert (found["database"].level, found["database"].exit_code) == ("error", 3)
    assert "jobs" not in found


def test_tasks_that_cannot_be_loaded_are_a_finding(database: Database, settings: Settings) -> None:
    def load() -> Registry:
        raise TaskDefinitionError("no such file")

    found = {each.subject: each for each in check(settings, THIS_COMPUTER, load)}

    assert (found["tasks"].level, found["tasks"].exit_code) == ("error", 1)
    assert found["jobs"].level == found["inputs"].level == "ok"
    assert "folders" in found


def test_a_task_that_a_worker_runs_is_known_whatever_the_check_has_loaded(
    database: Database, settings: Settings
) -> None:
    serve(database)
    submit(database)

    found = {each.subject: each for each in check(settings, THIS_COMPUTER, Registry)}

    assert found["jobs"].level == "ok"


def test_the_inputs_of_jobs_that_have_ended_are_not_missed(database: Database, settings: Settings) -> None:
    lose_an_input(database, settings)
    change(database, "UPDATE asyncinweb_jobs SET state = 'cancelled', rank = NULL, finished_at = created_at")

    assert look(settings)["inputs"].level == "ok"


def test_a_check_changes_nothing(database: Database, settings: Settings) -> None:
    leave_a_dead_server(database, settings)
    lose_a_job(database, settings)
    before = {path: path.stat().st_mtime_ns for path in settings.instance.rglob("*")}

    look(settings)

    after = {path: path.stat().st_mtime_ns for path in settings.instance.rglob("*")}
    assert {path.name for path in after if after[path] != before.get(path)} <= {"asyncinweb.db-shm"}


def test_a_log_that_a_reader_keeps_large_is_found_with_who_has_it_open(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_results, "WAL_BOUND_BYTES", 1_000_000)
    with database.read() as session:
        session.execute(text("SELECT slug FROM asyncinweb_jobs")).all()
        while database.wal_bytes <= 1_000_000:
            submit(database, arguments='"' + "x" * 50_000 + '"')

        found = look(settings)["write-ahead log"]

    assert found.level == "warning"
    assert f"(process {os.getpid()})" in found.words


def test_programs_that_have_the_database_open_are_named(database: Database) -> None:
    submit(database)

    assert any(f"(process {os.getpid()})" in each for each in programs_with(database.path))


def test_a_full_disk_is_an_error_and_little_room_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = []
    for least, little in ((10**18, 10**18), (0, 10**18), (0, 0)):
        monkeypatch.setattr(check_results, "NO_SPACE", least)
        monkeypatch.setattr(check_results, "LITTLE_SPACE", little)
        levels.append(space(tmp_path).level)

    assert levels == ["error", "warning", "ok"]


@pytest.mark.parametrize(("kind", "level"), [("nfs4", "error"), ("tmpfs", "warning"), ("ext4", "ok"), ("", "ok")])
def test_a_file_system_is_judged_by_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, level: str
) -> None:
    monkeypatch.setattr(check_results, "file_system_of", lambda path: kind)

    assert file_system(tmp_path / "asyncinweb.db").level == level
