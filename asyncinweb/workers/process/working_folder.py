"""The working folder of a worker's functions: the worker's own, in which no job finds another job's files."""

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from asyncinweb.queue.files.instance import make_private
from asyncinweb.settings import Settings

FOLDER_NAME = "working"


class WorkingFolder:
    """The folder in which the server was started. Its contents stay."""

    def __init__(self, path: Path, start: Path) -> None:
        """start: where the server was started."""
        self.path = path
        self.start = start

    def enter(self) -> None:
        """Make it this process's working folder."""
        os.chdir(self.path)

    def put_back(self) -> None:
        """Return here after a job has changed the folder."""
        if _current_folder() != str(self.path):
            self.enter()

    def empty(self) -> None:
        """Delete what a job has left. Raises OSError if something can't be deleted."""

    def leave(self) -> None:
        """The worker ends."""


class OwnFolder(WorkingFolder):
    """A folder for one worker, empty when a job starts."""

    def enter(self) -> None:
        make_private(self.path)
        self.path.chmod(stat.S_IRWXU)
        os.chdir(self.path)

    def empty(self) -> None:
        # A new folder for each job would take 280 microseconds, this check takes 5.
        for name in os.listdir(self.path):  # noqa: PTH208
            _remove(self.path / name)

    def leave(self) -> None:
        remove_quietly(self.path)


def working_folder(settings: Settings, worker_id: str) -> WorkingFolder:
    """A worker's folder, by the setting `job_folder`. Call it in the folder where the server was started."""
    own = folder_of_worker(settings.instance, worker_id)
    # The folder in which the server was started may no longer exist.
    start = Path(_current_folder() or own)
    return WorkingFolder(start, start) if settings.job_folder == "start" else OwnFolder(own, start)


def folder_of_worker(instance: Path, worker_id: str) -> Path:
    return instance / FOLDER_NAME / worker_id


def remove_quietly(folder: Path) -> None:
    """Delete a folder and its contents, as far as possible."""
    with suppress(OSError):
        if folder.exists():
            _remove(folder)


def _current_folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 (a Path takes three times as long)
    except FileNotFoundError:
        return ""


def _remove(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        _allow_everything(path)
        shutil.rmtree(path)


def _allow_everything(folder: Path) -> None:
    """A job may have made its own folders read-only."""
    folder.chmod(stat.S_IRWXU)
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            _allow_everything(each)
