"""Keeping to one database file.

A connection keeps writing to a file that was moved or deleted, where those jobs are lost; and whenever a program
opens the path, SQLite would create a new, empty file. So no connection creates a file, and every use of one checks
whether its file is still the one at the path: a stat of 2 us.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, event

from asyncinweb.errors import DatabaseGone


class SameFile:
    """The file at this path now, or at the first check that finds one."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._known = _file_at(self.path)

    def check(self) -> None:
        """Raise DatabaseGone if the file is not at its path. Once it is back, everything works as before."""
        found = _file_at(self.path)
        self._known = self._known or found
        if found != self._known:
            raise DatabaseGone(_words(self.path, is_there=found is not None))


def open_existing(engine: Engine) -> None:
    """Let connections of this engine open the existing file, and never create one."""
    file = SameFile(Path(engine.url.database or ""))

    @event.listens_for(engine, "do_connect")
    def say_so(_: object, __: object, arguments: list[Any], options: dict[str, Any]) -> None:
        file.check()
        if not str(arguments[0]).startswith("file:"):
            arguments[0] = f"file:{quote(os.fsencode(file.path))}?mode=rw"
            options["uri"] = True


def check_at_every_use(engine: Engine) -> None:
    """For an engine whose connections other code checks out: DatabaseGone if the file is not at its path."""
    file = SameFile(Path(engine.url.database or ""))
    event.listen(engine, "checkout", lambda *_: file.check())


def _words(path: str, *, is_there: bool) -> str:
    if is_there:
        return (
            f"The database {path} was replaced by another file while in use. Put the original back, or restart "
            "the server."
        )
    return f"The database {path} is missing. Put it back, or restart the server."


def _file_at(path: str) -> tuple[int, int] | None:
    """Device and number of the file; None if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - the path is never opened
    except OSError:
        return None
    return found.st_dev, found.st_ino
