"""Uploads that wait for their job: while they are received, and while the visitor corrects the form.

Each has a random name in a folder of its visitor, so a name alone never opens another visitor's file. A job shares
the file by a link of its own; abandoned uploads are deleted after a day.
"""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from asyncinweb import clock
from asyncinweb.errors import DatabaseUnusable
from asyncinweb.file_names import clean_name
from asyncinweb.queue.files.instance import make_private, private
from asyncinweb.tasks.inputs.uploaded import UploadedFile

KEPT_SECONDS = 86_400.0
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


class IncomingFile:
    """A file that is being received. `finish` or `remove` ends it. DatabaseUnusable if there is no room for it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.token = secrets.token_urlsafe(16)
        self.name = clean_name(name)
        self.size = 0
        self._path = folder / self.token
        self._digest = hashlib.sha256()
        with _keeping(folder):
            make_private(folder)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = open(descriptor, "wb")  # noqa: PTH123, SIM115 - a descriptor, open across calls

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self._digest.update(data)
        with _keeping(self._path.parent):
            self._file.write(data)

    def finish(self) -> UploadedFile:
        """The whole file has been received: flush it to disk."""
        file = UploadedFile(self._path, self.name, self.size, self._digest.hexdigest())
        with _keeping(self._path.parent):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            with open(_facts_of(self._path), "x", encoding="utf-8", opener=private) as facts:
                json.dump(file.facts, facts)
        return file

    def remove(self) -> None:
        """Delete the file, which is not or no longer needed."""
        # Closed even if the disk has no room for the last bytes.
        with suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)
        _facts_of(self._path).unlink(missing_ok=True)


@contextmanager
def _keeping(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatabaseUnusable(f"An upload cannot be kept in {folder}: {error}") from None


@dataclass(frozen=True)
class PendingUploads:
    """The waiting uploads of one visitor."""

    instance: Path
    owner: str

    @property
    def folder(self) -> Path:
        # By a digest: an owner may be a name that cannot be a file name.
        return uploads_folder(self.instance) / hashlib.sha256(self.owner.encode()).hexdigest()[:32]

    def receive(self, name: str) -> IncomingFile:
        """Begin to receive a file called `name`."""
        return IncomingFile(self.folder, name)

    def find(self, token: str) -> UploadedFile | None:
        """The file that waits under this token, if it belongs to this visitor and still exists."""
        if TOKEN.fullmatch(token) is None:
            return None
        path = self.folder / token
        try:
            facts = json.loads(_facts_of(path).read_text(encoding="utf-8"))
            # Its day starts over: the visitor is still working on the form.
            os.utime(path)
        except FileNotFoundError:
            return None
        return replace(UploadedFile(path, "", 0, ""), **facts)


def uploads_folder(instance: Path) -> Path:
    """The folder in which all uploads wait, with one folder per visitor."""
    return instance / "uploads"


def remove_abandoned(instance: Path, kept_seconds: float = KEPT_SECONDS) -> int:
    """Delete uploads that have waited longer than this. How many there were."""
    oldest, removed = clock.now().timestamp() - kept_seconds, 0
    for folder in _entries(uploads_folder(instance)):
        for path in _entries(folder):
            with suppress(FileNotFoundError):
                if path.suffix != ".json" and path.stat().st_mtime < oldest:
                    _facts_of(path).unlink(missing_ok=True)
                    path.unlink()
                    removed += 1
        with suppress(OSError):
            # Not a recently used one: a file may be about to arrive.
            if folder.stat().st_mtime < oldest:
                folder.rmdir()
    return removed


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _facts_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
