"""The folder of a job inside the instance folder: its result if that is large, and the files it saved.

File names contain the claim's number, so a worker that lost its claim writes next to its successor's files, not
over them.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from asyncinweb.errors import AsyncInWebError
from asyncinweb.file_names import fault_of_name
from asyncinweb.queue.files.instance import make_private

COPY_BYTES = 1_000_000


@dataclass(frozen=True)
class SavedFile:
    """A file that a job saved for the visitor."""

    name: str
    path: Path
    size: int


@dataclass(frozen=True)
class JobFolder:
    """The folder with the files of one job. Created with the first file."""

    instance: Path
    slug: str

    @property
    def path(self) -> Path:
        # Two levels, so that no folder has a hundred thousand entries.
        return self.instance / "jobs" / self.slug[:2] / self.slug

    def make(self) -> Path:
        """Create the folder, closed to other users of this computer."""
        make_private(self.path)
        return self.path

    def write_result(self, number: str, suffix: str, data: bytes) -> str:
        """Store a result beside the database, flushed to disk before the row names it. Its file name.

        number: the claim's; for one of several results, also its own, as in `3-1`.
        """
        name = f"result-{number}.{suffix}"
        with _written_for_good(self.make() / name) as file:
            file.write(data)
        return name

    def copy_result(self, number: str, suffix: str, source: Path) -> str:
        """Like `write_result`, for the file at `source`. AsyncInWebError if that cannot be read."""
        name = f"result-{number}.{suffix}"
        try:
            original = source.open("rb")
        except OSError as error:
            raise AsyncInWebError(f"Cannot read the returned file {source.name}: {error.strerror}.") from error
        with original, _written_for_good(self.make() / name) as file:
            shutil.copyfileobj(original, file, COPY_BYTES)
        return name

    def saved_folder(self, claim_no: int) -> Path:
        return self.path / f"files-{claim_no}"

    def save(self, claim_no: int, name: str, data_or_path: bytes | str | os.PathLike[str]) -> None:
        """Save a file: bytes, text, or a copy of the file at a path. Replaces a file of the same name."""
        folder = self.make() / f"files-{claim_no}"
        folder.mkdir(mode=0o700, exist_ok=True)
        target = folder / safe_name(name)
        # Beside the folder, where no saved file can have its name.
        partial = self.path / f".{secrets.token_hex(8)}"
        try:
            if isinstance(data_or_path, os.PathLike):
                shutil.copyfile(data_or_path, partial)
            else:
                data = data_or_path if isinstance(data_or_path, bytes) else encoded(data_or_path)
                partial.write_bytes(data)
            partial.chmod(0o600)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def saved(self, claim_no: int) -> list[SavedFile]:
        """The files this attempt saved, by name."""
        folder = self.saved_folder(claim_no)
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
        return [SavedFile(path.name, path, path.stat().st_size) for path in paths]

    def remove(self) -> None:
        """Delete everything that the job left."""
        shutil.rmtree(self.path, ignore_errors=True)


def encoded(text: str) -> bytes:
    """UTF-8; a name that Python could not decode gets its own bytes back, and other halves of characters are
    escaped."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")


def safe_name(name: str) -> str:
    """The name if it is a plain file name; otherwise AsyncInWebError says what is wrong with it."""
    if fault := fault_of_name(name):
        raise AsyncInWebError(f'The file name {name[:80]!r} {fault}. Use a plain name such as "report.csv".')
    return name


@contextmanager
def _written_for_good(path: Path) -> Iterator[BinaryIO]:
    """A new file, closed to other users of this computer, and flushed to disk when the block ends."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, for its mode
        yield file
        file.flush()
        os.fsync(descriptor)
