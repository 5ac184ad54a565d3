"""The lock on an instance folder: the supervisor that runs its workers holds it, and the kernel frees it however
the supervisor ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asyncinweb.errors import CannotStart
from asyncinweb.queue.files.instance import private

try:
    import fcntl
except ImportError:  # this system has no such lock
    fcntl = None  # type: ignore[assignment]

NAME = "supervisor.lock"


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the folder. Raises CannotStart if another process does."""
    if fcntl is None:
        yield
        return
    with open(folder / NAME, "a+", encoding="utf-8", opener=private) as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise CannotStart(
                f"The folder {folder} is already in use by process {file.read().strip() or '?'}. Stop "
                "that process first, or choose another folder: --instance DIR"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def is_in_use(folder: Path) -> bool:
    """True if another process holds the folder. The holder must not call this: closing the file frees its lock."""
    if fcntl is None or not (folder / NAME).exists():
        return False
    with (folder / NAME).open("rb") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
