"""The instance folder: created for this user alone, whatever the umask. Other modules know its contents."""

import os
import secrets
import stat
from pathlib import Path

from asyncinweb.errors import DatabaseUnusable

# What we put into it ourselves. If it holds anything else, we leave the folder's mode alone.
OWN_NAMES = (
    *(
        "asyncinweb.db",
        "jobs",
        "working",
        "supervisor.lock",
        "supervisor.id",
        "secret.key",
        "replaced-",
        "uploads",
        "incoming",
    ),
    ".",
)


def make_instance(folder: Path) -> None:
    """Create the folder for database and files, or close an existing one to other users of this computer.

    One that holds more than our own files, such as a home folder, keeps its mode. Raises DatabaseUnusable.
    """
    try:
        make_private(folder)
        if is_open_to_others(folder) and _is_ours(folder):
            folder.chmod(0o700)
    except OSError as error:
        raise unwritable(folder, error) from None


def supervisor_name(instance: Path) -> str:
    """The planner's name for any supervisor that runs on this folder: unique to the folder, and kept over
    restarts.

    The first supervisor creates it, holding the folder's lock.
    """
    path = instance / "supervisor.id"
    if not path.exists():
        partial = instance / f".{secrets.token_hex(8)}"
        with open(partial, "x", encoding="ascii", opener=private) as file:
            file.write(secrets.token_hex(16))
        partial.replace(path)
    return path.read_text(encoding="ascii").strip()


def unwritable(folder: Path, error: OSError) -> DatabaseUnusable:
    """The error to raise if the instance folder cannot be used."""
    return DatabaseUnusable(
        f"Cannot write to the folder {folder} ({error.strerror}). Make it writable, or choose another folder: "
        "--instance DIR"
    )


def make_private(folder: Path) -> None:
    """Create a folder, and missing ones above it, for this user alone."""
    # pathlib sets the mode of the last folder only.
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)


def make_database_file(path: Path) -> None:
    """Create the database file if it is missing. An existing one is not even opened."""
    make_private(path.parent)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def private(path: str, flags: int) -> int:
    """An opener for `open`, so that a created file is readable by this user alone."""
    return os.open(path, flags, 0o600)


def is_open_to_others(path: Path) -> bool:
    """True if other users of this computer may read or write it."""
    return bool(stat.S_IMODE(path.lstat().st_mode) & 0o077)


def _is_ours(folder: Path) -> bool:
    is_own = not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
    return is_own and all(each.name.startswith(OWN_NAMES) for each in folder.iterdir())
