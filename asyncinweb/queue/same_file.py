"""Staying with one database file.

A connection goes on writing to a file that was moved or removed, where nobody will look for the jobs again; and
for whoever opens the path SQLite would make a new, empty one. So no connection makes a file, and each one is asked
at every use whether its file is still the one under the path: a stat of 2 us.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, event

from asyncinweb.errors import DatabaseGone


def stay_with_file(engine: Engine) -> None:
    """Let connections of this engine open an existing file only, and only the one that is there now or at the
    first of them.

    DatabaseGone is raised where a connection is asked for, and no longer once the file is back.
    """
    path = Path(engine.url.database or "")
    known = _file_at(path)

    def compare(*_: object) -> None:
        nonlocal known
        found = _file_at(path)
        known = known or found
        if found != known:
            raise DatabaseGone(_words(path, is_there=found is not None))

    @event.listens_for(engine, "do_connect")
    def open_existing(_: object, __: object, arguments: list[Any], options: dict[str, Any]) -> None:
        compare()
        if not str(arguments[0]).startswith("file:"):
            arguments[0] = f"file:{quote(os.fsencode(path))}?mode=rw"
            options["uri"] = True

    event.listen(engine, "checkout", compare)


def _words(path: Path, is_there: bool) -> str:
    if is_there:
        return (
            f"The database {path} was replaced by another file while it was in use. Put the first one back, or "
            "stop the server and start it again."
        )
    return f"The database {path} is gone. Put it back, or stop the server and start it again."


def _file_at(path: Path) -> tuple[int, int] | None:
    """Device and number of the file; None if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - the path is never opened
    except OSError:
        return None
    return found.st_dev, found.st_ino
