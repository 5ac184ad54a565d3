"""Backup and restore: what is kept comes back, whoever works meanwhile, and nothing is replaced by less."""

import json
import os
import stat
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from processes import Child, children, keep_a_backup, submit_and_finish
from queue_room import all_rows, change, claim_next, perform, start, submit

from asyncinweb.errors import AsyncInWebError, CannotStart, DatabaseDamaged, SchemaTooNew
from asyncinweb.queue import process_registry
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.maintenance.backup import Backup, back_up
from asyncinweb.queue.maintenance.restore import restore
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.transitions import finish


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where backups go: another folder."""
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere" / "backup.zip"


def finish_with_files(database: Database, instance: Path, words: bytes) -> str:
    """A job that has a result in a file, a log and a saved file."""
    held = start(database)
    folder = JobFolder(instance, held.slug)
    name = folder.write_result(held.claim_no, "txt", words)
    folder.save(held.claim_no, "saved.txt", words)
    perform(database, finish, held, json.dumps({"shape": "text", "file": name}))
    return held.slug


def keep(database: Database, instance: Path, target: Path, **facts: Any) -> Backup:
    return back_up(database, instance, target, **{"overwrite": False, "with_files": True, **facts})


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    """The file that is there now, as a program that starts finds it."""
    database = Database(path)
    yield database
    database.close()


def rows_in(path: Path) -> dict[int, dict[str, Any]]:
    with opened(path) as database:
        return all_rows(database)


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- a round trip -----------------------------------------------------------------------------------------------


def test_what_was_kept_comes_back_with_its_files_and_what_was_there_is_put_aside(
    database: Database, instance: Path, target: Path
) -> None:
    finish_with_files(database, instance, b"first")
    kept_rows, kept_files = all_rows(database), content_of(instance / "jobs")

    kept = keep(database, instance, target)
    later = finish_with_files(database, instance, b"second")
    database.close()
    restored = restore(database.path, instance, target)

    assert (kept.jobs, kept.files, kept.size) == (1, 2, target.stat().st_size)
    assert (restored.jobs, restored.files) == (1, 2)
    assert rows_in(database.path) == kept_rows
    assert content_of(instance / "jobs") == kept_files
    assert restored.replaced is not None
    assert len(rows_in(restored.replaced / "asyncinweb.db")) == 2
    assert JobFolder(restored.replaced, later).saved(1)[0].path.read_bytes() == b"second"


@pytest.mark.parametrize("name", [".hidden", "字" * 80 + ".csv", "a\u202fb.txt"])
def test_a_saved_file_comes_back_whatever_its_name(
    database: Database, instance: Path, target: Path, name: str
) -> None:
    slug = finish_with_files(database, instance, b"words")
    JobFolder(instance, slug).save(1, name, b"data")
    (JobFolder(instance, slug).path / ".0123456789abcdef").write_bytes(b"half")
    files = content_of(instance / "jobs")

    keep(database, instance, target)
    database.close()
    restore(database.path, instance, target)

    assert files.keys() - content_of(instance / "jobs").keys() == {f"{slug[:2]}/{slug}/.0123456789abcdef"}


def test_a_backup_of_the_database_alone_leaves_the_files_where_they_are(
    database: Database, instance: Path, target: Path
) -> None:
    finish_with_files(database, instance, b"first")
    files = content_of(instance / "jobs")

    kept = keep(database, instance, target, with_files=False)
    database.close()
    restore(database.path, instance, target)

    assert kept.files == 0
    assert zipfile.ZipFile(target).namelist() == ["asyncinweb.db"]
    assert content_of(instance / "jobs") == files


def test_a_backup_is_restored_where_nothing_was(database: Database, instance: Path, target: Path) -> None:
    slug = finish_with_files(database, instance, b"first")
    keep(database, instance, target)
    elsewhere = instance / "another"
    elsewhere.mkdir()

    restored = restore(elsewhere / "asyncinweb.db", elsewhere, target)

    assert restored.replaced is None
    assert JobFolder(elsewhere, slug).saved(1)[0].path.read_bytes() == b"first"
    assert [path.name for path in elsewhere.iterdir() if path.name.startswith(".")] == []


def test_a_job_that_ran_when_the_backup_was_made_is_held_by_nobody_after_it(
    database: Database, instance: Path, target: Path
) -> None:
    held = start(database)
    keep(database, instance, target)
    database.close()
    restore(database.path, instance, target)

    with opened(database.path) as found:
        settled = perform(
            found, process_registry.rescue_unknown_workers, "The job's process is no longer known here."
        )

        assert [each.slug for each in settled] == [held.slug]
        assert claim_next(found) is not None


@pytest.mark.parametrize("mask", [0, 0o077])
def test_nobody_else_may_read_a_backup_or_what_comes_out_of_it(
    database: Database, instance: Path, target: Path, mask: int
) -> None:
    finish_with_files(database, instance, b"first")
    before = os.umask(mask)
    try:
        keep(database, instance, target)
        database.close()
        restored = restore(database.path, instance, target)
    finally:
        os.umask(before)

    assert restored.replaced is not None
    made = [target, restored.replaced, database.path, *(instance / "jobs").rglob("*"), instance / "jobs"]
    assert {path.name for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077} == set()


# --- while others work ------------------------------------------------------------------------------------------


def test_a_backup_made_while_four_processes_write_is_one_moment_of_the_database(
    database: Database, instance: Path, target: Path
) -> None:
    with children(
        *(Child(submit_and_finish, database.path, f"worker-{number}") for number in range(4))
    ) as writers:
        for writer in writers:
            assert writer.hear() == "ready"
            writer.say("go")
            assert writer.hear() == "writing"
        kept = [keep(database, instance, target.with_name(f"{number}.zip")) for number in range(3)]
        for writer in writers:
            writer.say("stop")
        finished = {slug for writer in writers for slug in writer.hear()}

    database.close()
    for each in kept:
        restore(database.path, instance, each.path)
        jobs = rows_in(database.path)
        # Each writer has at most one job that is not finished; ids without a gap: it is one moment.
        assert sum(job["state"] != "completed" for job in jobs.values()) <= 4
        assert sorted(jobs) == list(range(1, len(jobs) + 1))
        assert {job["slug"] for job in jobs.values() if job["state"] == "completed"} <= finished
    assert kept[0].jobs < kept[-1].jobs


def test_a_backup_that_is_killed_leaves_nothing_under_its_name(
    database: Database, instance: Path, target: Path
) -> None:
    finish_with_files(database, instance, os.urandom(30_000_000))
    target.write_bytes(b"the one before")
    with children(Child(keep_a_backup, database.path, instance, target)) as (child,):
        while not list(target.parent.glob(".backup.zip.*")):
            assert child.process.is_alive()
        child.kill()

    assert target.read_bytes() == b"the one before"
    assert keep(database, instance, target, overwrite=True).jobs == 1


# --- refusals ---------------------------------------------------------------------------------------------------


def existing(target: Path) -> None:
    target.write_bytes(b"the one before")


def a_folder(target: Path) -> None:
    target.mkdir()


def nowhere(target: Path) -> None:
    target.parent.rmdir()


@pytest.mark.parametrize(
    ("make", "words"),
    [(existing, "already exists.*--overwrite"), (a_folder, "is a folder"), (nowhere, "does not exist. Create it")],
)
def test_a_target_that_cannot_be_is_refused(
    database: Database, instance: Path, target: Path, make: Callable[[Path], None], words: str
) -> None:
    make(target)
    before = content_of(target.parent)

    with pytest.raises(AsyncInWebError, match=words):
        keep(database, instance, target)

    assert content_of(target.parent) == before


def test_a_damaged_database_makes_no_backup(database_file: Path, instance: Path, target: Path) -> None:
    database = Database(database_file)
    for _ in range(50):
        submit(database, arguments='"' + "x" * 5_000 + '"')
    database.close()
    damage(database_file)

    with pytest.raises(DatabaseDamaged):
        keep(Database(database_file), instance, target)

    assert list(target.parent.iterdir()) == []
    assert [path.name for path in instance.iterdir() if path.name.startswith(".")] == []


def damage(path: Path) -> None:
    """Overwrite what is in the middle of a file."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xa5" * 6_000)


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def words_instead(path: Path) -> None:
    path.write_text("not an archive")


def of_others(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "something else")


def with_member(name: str) -> Callable[[Path], None]:
    def add(path: Path) -> None:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, "escaped")

    return add


def empty_database(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("asyncinweb.db", "")


@pytest.mark.parametrize(
    "spoil",
    [
        damage,
        half,
        words_instead,
        of_others,
        empty_database,
        with_member("../escaped"),
        with_member("/escaped"),
        with_member("jobs/../../escaped"),
        with_member("jobs/ab/../../../escaped"),
        with_member("secret.key"),
    ],
)
def test_what_is_no_sound_backup_is_refused_and_nothing_changes(
    database: Database, instance: Path, target: Path, spoil: Callable[[Path], None]
) -> None:
    for number in range(20):
        finish_with_files(database, instance, os.urandom(3_000) + bytes([number]))
    keep(database, instance, target)
    spoil(target)
    before = all_rows(database), content_of(instance / "jobs")
    database.close()

    with pytest.raises(DatabaseDamaged):
        restore(database.path, instance, target)

    assert (rows_in(database.path), content_of(instance / "jobs")) == before
    assert not list(instance.glob("replaced-*"))
    assert not list(instance.parent.rglob("escaped"))


def test_a_backup_of_a_newer_program_is_refused(database: Database, instance: Path, target: Path) -> None:
    keep(database, instance, target)
    with zipfile.ZipFile(target) as archive:
        archive.extract("asyncinweb.db", target.parent)
    newer = Database(target.parent / "asyncinweb.db")
    change(newer, "UPDATE asyncinweb_version SET version_num = '9999'")
    newer.close()
    with zipfile.ZipFile(target, "w") as archive:
        archive.write(newer.path, "asyncinweb.db")
    database.close()

    with pytest.raises(SchemaTooNew, match="9999"):
        restore(database.path, instance, target)


def test_nothing_is_restored_while_a_program_has_the_database_open(
    database: Database, instance: Path, target: Path
) -> None:
    keep(database, instance, target)
    job = submit(database)

    with pytest.raises(CannotStart, match="First stop the server"):
        restore(database.path, instance, target)

    assert [each["slug"] for each in all_rows(database).values()] == [job.slug]


def test_a_damaged_database_is_put_aside_with_its_log(database: Database, instance: Path, target: Path) -> None:
    finish_with_files(database, instance, b"first")
    keep(database, instance, target)
    database.close()
    database.path.write_bytes(b"this is no database " * 500)
    database.path.with_name("asyncinweb.db-wal").write_bytes(b"its log")

    restored = restore(database.path, instance, target)

    assert restored.replaced is not None
    assert (restored.replaced / "asyncinweb.db-wal").read_bytes() == b"its log"
    assert len(rows_in(database.path)) == 1


# --- a full disk ------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    # Lazily: this process never closes the lock file beside a database.
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_too_small_for_a_backup_is_named_and_left_as_it_was(
    database: Database, instance: Path, small_disk: Path
) -> None:
    finish_with_files(database, instance, os.urandom(1_000_000))

    with pytest.raises(AsyncInWebError, match=r"Cannot create the backup .*: the disk is full"):
        keep(database, instance, small_disk / "backup.zip")

    assert list(small_disk.iterdir()) == []


def test_a_disk_too_small_for_the_copy_of_the_database_is_named(
    database: Database, target: Path, small_disk: Path
) -> None:
    for _ in range(20):
        submit(database, arguments='"' + "x" * 50_000 + '"')

    with pytest.raises(AsyncInWebError, match=r"Cannot create the backup .*: the disk is full"):
        keep(database, small_disk, target)

    assert [*small_disk.iterdir(), *target.parent.iterdir()] == []


def test_a_disk_too_small_to_restore_to_is_named_and_left_as_it_was(
    database: Database, instance: Path, target: Path, small_disk: Path
) -> None:
    finish_with_files(database, instance, os.urandom(1_000_000))
    keep(database, instance, target)

    with pytest.raises(AsyncInWebError, match=r"Cannot restore the backup .*: the disk is full"):
        restore(small_disk / "asyncinweb.db", small_disk, target)

    assert list(small_disk.iterdir()) == []
