"""One result for each thing that an operator would check. Nothing is created, changed or repaired."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from asyncinweb import clock
from asyncinweb.errors import AsyncInWebError
from asyncinweb.queue.files.instance import is_open_to_others
from asyncinweb.queue.maintenance.retention import WAL_BOUND_BYTES
from asyncinweb.queue.stores.driver_errors import sqlite_fault, sqlite_version
from asyncinweb.queue.stores.file_system import NETWORK_FILE_SYSTEMS, file_system_of

Level = Literal["ok", "warning", "error"]

LITTLE_SPACE, NO_SPACE = 1_000_000_000, 100_000_000
# A clock that shows an earlier year than this program was written in must be wrong.
FIRST_POSSIBLE_YEAR = 2025
GONE_AT_RESTART = {"tmpfs", "ramfs"}
MOST_NAMED = 3


@dataclass(frozen=True)
class CheckResult:
    """One line of `asyncinweb check`. `exit_code`: the exit code that this result asks for."""

    subject: str
    level: Level
    words: str
    exit_code: int = 0


def well(subject: str, words: str) -> CheckResult:
    return CheckResult(subject, "ok", words)


def doubtful(subject: str, words: str) -> CheckResult:
    return CheckResult(subject, "warning", words)


def wrong(subject: str, words: str, exit_code: int = 1) -> CheckResult:
    return CheckResult(subject, "error", words, exit_code)


def guarded(subject: str, look: Callable[[], CheckResult]) -> CheckResult:
    """The result of a check; an error while checking is a result too."""
    try:
        return look()
    except AsyncInWebError as error:
        # Exit code 2 means that a command was used wrongly.
        return wrong(subject, str(error), error.exit_code if error.exit_code != 2 else 1)
    except OSError as error:
        return wrong(subject, f"{error.filename}: {error.strerror}")


def named(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


# --- the computer -----------------------------------------------------------------------------------------------


def sqlite() -> CheckResult:
    version = ".".join(map(str, sqlite_version()))
    # A note: the write lock keeps clear of the bug.
    note = sqlite_fault()
    return well("sqlite", f"{version} ({note})" if note else version)


def file_system(database_path: Path) -> CheckResult:
    kind = file_system_of(database_path)
    if kind in NETWORK_FILE_SYSTEMS:
        return wrong("file system", f"{kind} is a network file system, where SQLite can lose data")
    if kind in GONE_AT_RESTART:
        return doubtful("file system", f"{kind}: its contents are lost when the computer restarts")
    return well("file system", kind or "unknown")


def space(*folders: Path) -> CheckResult:
    free = min(shutil.disk_usage(folder).free for folder in folders)
    words = f"{free / 1e6:,.0f} MB free"
    if free < NO_SPACE:
        return wrong("space", f"{words}; new jobs will soon be refused")
    return doubtful("space", words) if free < LITTLE_SPACE else well("space", words)


def permissions(instance: Path) -> CheckResult:
    open_to_others = [str(path) for path in _everything_in(instance) if is_open_to_others(path)]
    foreign = [str(path) for path in _everything_in(instance) if not os.access(path, os.R_OK | os.W_OK)]
    if foreign:
        return wrong("permissions", f"this user cannot read and write {named(foreign)}")
    if open_to_others:
        cure = f"chmod -R go= {instance}"
        return doubtful("permissions", f"other users can read {named(open_to_others)}; to fix: {cure}")
    return well("permissions", "only this user can read the folder and its contents")


def _everything_in(instance: Path) -> Iterator[Path]:
    yield instance
    for folder, folders, files in os.walk(instance):
        for name in (*folders, *files):
            path = Path(folder, name)
            # In a checkout, git keeps one here.
            if name != ".gitignore" and not path.is_symlink() and path.exists():
                yield path


def write_ahead_log(size: int, database_path: Path) -> CheckResult:
    words = f"{size / 1e6:.1f} MB"
    if size <= WAL_BOUND_BYTES:
        return well("write-ahead log", words)
    readers = ", ".join(programs_with(database_path)) or "unknown"
    return doubtful(
        "write-ahead log", f"{words}, because a program is holding a read transaction open; in use by {readers}"
    )


def programs_with(path: Path) -> list[str]:
    """The processes on this computer that have the file open, as far as this user can see."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(_leads_to(each, path) for each in (process / "fd").iterdir()):
                found.append(f"{(process / 'comm').read_text().strip()} (process {process.name})")
    return found


def _leads_to(descriptor: Path, path: Path) -> bool:
    try:
        return descriptor.readlink() == path
    except OSError:  # already closed
        return False


def clock_of(newest: float | None, database_path: Path) -> CheckResult:
    """newest: the latest time stored in the database, in seconds since 1970."""
    now = clock.now()
    if now.year < FIRST_POSSIBLE_YEAR:
        return wrong("clock", f"{now:%Y-%m-%d} can't be right")
    ahead = max(newest or 0.0, database_path.stat().st_mtime) - now.timestamp()
    if ahead > 60:
        return doubtful(
            "clock", f"{ahead:.0f} s behind times in the database: the clock was set back, or is wrong now"
        )
    return well("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")
