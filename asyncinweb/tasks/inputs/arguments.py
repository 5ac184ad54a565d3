"""Validated arguments of one job, and the parts stored beside the database: files and secrets.

The job's row names a file by its digest and shows a secret as stars, so nothing that reads the database (a list,
the API, a search, a backup) can reveal either. Both are in the job's own folder, and are deleted with it.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from asyncinweb.tasks.inputs.secrets import SECRETS
from asyncinweb.tasks.inputs.uploaded import UploadedFile


@dataclass(frozen=True)
class Arguments:
    """What `Inputs.pack` returns. json: for the row. secrets: by field name."""

    json: str
    files: tuple[UploadedFile, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_all_in_row(self) -> bool:
        """True if there is nothing to keep beside the row."""
        return not self.files and not self.secrets

    def keep_in(self, folder: Path, instance: Path) -> None:
        """Create this folder and put files and secrets into it, flushed to disk. Raises OSError.

        A file that is already in the instance folder is shared, not copied.
        """
        folder.mkdir(mode=0o700)
        for file in self.files:
            kept = folder / file.sha256
            if kept.exists():
                continue
            if file.path.is_relative_to(instance):
                share(file.path, kept)
            else:
                _copy(file.path, kept)
        if self.secrets:
            with open(folder / SECRETS, "w", encoding="utf-8", opener=_private) as to:
                json.dump(dict(self.secrets), to)
                to.flush()
                os.fsync(to.fileno())
        sync_folder(folder)


def share(source: Path, target: Path) -> None:
    """Give a file a second name; copy it if the file system does not support that."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        _copy(source, target)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as file, open(target, "wb", opener=_private) as copy:
        shutil.copyfileobj(file, copy, 256 * 1024)
        copy.flush()
        os.fsync(copy.fileno())


def _private(path: str, flags: int) -> int:
    """An opener for files closed to other users of this computer."""
    return os.open(path, flags | os.O_EXCL, 0o600)
