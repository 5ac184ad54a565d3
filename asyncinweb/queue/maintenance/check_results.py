"""Is all well? A result for each thing an operator would look at. Nothing is made, changed or mended."""

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
# Before this program was written no clock can have been right.
FIRST_POSSIBLE_YEAR = 2025
GONE_AT_RESTART = {"tmpfs", "ramfs"}
MOST_NAMED = 3


@dataclass(frozen=True)
class CheckResult:
    """One line of `asyncinweb check`. `exit_code`: what the command ends with for it."""

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
    """What a look finds; an error in looking is a result too."""
    try:
        return look()
    except AsyncInWebError as error:
        # 2 is for a command that is used wrongly.
        return wrong(subject, str(error), error.exit_code if error.exit_code != 2 else 1)
    except OSError as error:
        return wrong(subject, f"{error.filename}: {error.strerror}")


def named(names: list[str]) -> str:
    """The first few of them, and how many there are besides."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


# --- the computer -----------------------------------------------------------------------------------------------


def sqlite() -> CheckResult:
    version = ".".join(map(str, sqlite_version()))
    fault = sqlite_fault()
    return doubtful("sqlite", f"{version}: {fault}") if fault else well("sqlite", version)


def file_system(database_path: Path) -> CheckResult:
    kind = file_system_of(database_path)
    if kind in NETWORK_FILE_SYSTEMS:
        return wrong("file system", f"{kind} is a network file system, where SQLite loses data")
    if kind in GONE_AT_RESTART:
        return doubtful("file system", f"{kind}: everything is gone when the computer starts again")
    return well("file system", kind or "unknown to this system")


def space(*folders: Path) -> CheckResult:
    free = min(shutil.disk_usage(folder).free for folder in folders)
    words = f"{free / 1e6:,.0f} MB are free"
    if free < NO_SPACE:
        return wrong("space", f"{words}: jobs will soon be refused")
    return doubtful("space", words) if free < LITTLE_SPACE else well("space", words)


def permissions(instance: Path) -> CheckResult:
    open_to_others = [str(path) for path in _everything_in(instance) if is_open_to_others(path)]
    foreign = [str(path) for path in _everything_in(instance) if not os.access(path, os.R_OK | os.W_OK)]
    if foreign:
        return wrong("permissions", f"this user may not read and write {named(foreign)}")
    if open_to_others:
        cure = f"chmod -R go= {instance}"
        return doubtful("permissions", f"other users may read {named(open_to_others)}; close it: {cure}")
    return well("permissions", "only this user can read the folder and what is in it")


def _everything_in(instance: Path) -> Iterator[Path]:
    yield instance
    for folder, folders, files in os.walk(instance):
        for name in (*folders, *files):
            path = Path(folder, name)
            # A checkout has one of git's.
            if name != ".gitignore" and not path.is_symlink() and path.exists():
                yield path


def write_ahead_log(size: int, database_path: Path) -> CheckResult:
    words = f"{size / 1e6:.1f} MB"
    if size <= WAL_BOUND_BYTES:
        return well("write-ahead log", words)
    readers = ", ".join(programs_with(database_path)) or "unknown"
    return doubtful("write-ahead log", f"{words}: a program does not stop reading; it is open in {readers}")


def programs_with(path: Path) -> list[str]:
    """The processes of this computer that have the file open, as far as this user may know."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(_leads_to(each, path) for each in (process / "fd").iterdir()):
                found.append(f"{(process / 'comm').read_text().strip()} (process {process.name})")
    return found


def _leads_to(descriptor: Path, path: Path) -> bool:
    try:
        return descriptor.readlink() == path
    except OSError:  # closed by now
        return False


def clock_of(newest: float | None, database_path: Path) -> CheckResult:
    """newest: the latest time that stands in the database, in seconds since 1970."""
    now = clock.now()
    if now.year < FIRST_POSSIBLE_YEAR:
        return wrong("clock", f"it says {now:%Y-%m-%d}, which cannot be")
    ahead = max(newest or 0.0, database_path.stat().st_mtime) - now.timestamp()
    if ahead > 60:
        return doubtful("clock", f"it is {ahead:.0f} s behind what was stored: it was set back, or is wrong now")
    return well("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")
