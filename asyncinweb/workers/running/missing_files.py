"""Files that a function can't find because jobs run in their own folder: advice for the author."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

from asyncinweb.workers.process.working_folder import OwnFolder, WorkingFolder


def cure_for(error: BaseException, folder: WorkingFolder, code: Path) -> str:
    """Where a missing relative name would have led, and how to name the file instead; "" if unknown.

    code: the file with the function.
    """
    if not isinstance(folder, OwnFolder):
        return ""
    for name in _missing_names(error):
        at_start, beside = _found(name, folder.start), _found(name, code.parent)
        if at_start or beside:
            return _words(str(at_start or beside), is_at_start=bool(at_start), is_beside=bool(beside))
    return ""


def _words(name: str, *, is_at_start: bool, is_beside: bool) -> str:
    where = "where the server was started" if is_at_start else "of the task's file"
    by_path = f"Write Path(__file__).parent / {name!r}" if is_beside else "Give its full path"
    by_setting = ', or set job_folder = "start"' if is_at_start else ""
    return f"{name!r} is in the folder {where}, but jobs run in an empty folder. {by_path}{by_setting}."


def _missing_names(error: BaseException) -> Iterator[PurePath]:
    """The relative names that were not found, in this error and in those that led to it."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        if isinstance(each, FileNotFoundError) and isinstance(each.filename, (str, bytes, os.PathLike)):
            name = PurePath(os.fsdecode(each.filename))
            if not name.is_absolute():
                yield name
        each = each.__cause__ or each.__context__


def _found(name: PurePath, folder: Path) -> PurePath | None:
    """The name in this folder, if it exists; otherwise its parent folder, which a file to be written needs."""
    return next((each for each in (name, name.parent) if each != PurePath() and (folder / each).exists()), None)
