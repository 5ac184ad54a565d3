"""The author's own line at which a task failed: from the real frames, and from the source as it was loaded."""

import linecache
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from asyncinweb.settings import PACKAGE
from asyncinweb.tasks.clean_values import clean_text
from asyncinweb.tasks.outcome import SourceLine

# Python's own modules, installed packages and this package are not where authors look for a mistake.
LIBRARIES = (
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    str(PACKAGE),
    "<",
)
INSTALLED = ("/site-packages/", "/dist-packages/")
LONGEST_LINE = 500
_remembered: set[str] = set()


def remember_sources() -> None:
    """Keep the source of the author's modules as it is now, right after they were loaded. Tracebacks show it even
    if a file is edited while this process runs. Modules that a task imports later are remembered then."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py") and not is_library(file):
            remember_source(file)


def remember_source(file: str) -> None:
    """Keep the source of this file as it is now, unless it is kept already."""
    if file not in _remembered:
        _remembered.add(file)
        lines = linecache.getlines(file)
        # Without a modification time, linecache never reads the file again.
        linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


def author_line(error: BaseException, own_file: str) -> SourceLine | None:
    """The innermost frame in the author's code; None if there is none. own_file: the task's, which counts as the
    author's wherever it is. The frames are those of the exception itself, not of one that led to it."""
    found = None
    for file, line, function in _frames(error.__traceback__):
        if file == own_file or not is_library(file):
            found = (file, line, function)
    if found is None:
        return None
    file, line, function = found
    remember_source(file)
    # The names of files and of functions can contain half characters, which no page can show.
    texts = (short_name(file), function, linecache.getline(file, line).strip())
    name, function, code = (clean_text(each, LONGEST_LINE) for each in texts)
    return SourceLine(name, line, function, code)


def is_library(file: str) -> bool:
    """True for Python's own files, for installed packages and for this package."""
    return file.startswith(LIBRARIES) or any(part in file for part in INSTALLED)


def short_name(file: str) -> str:
    """The file as seen from where Python imports: `reports/yearly.py`. No folder of the server is shown."""
    roots = [Path(root or os.curdir).absolute() for root in sys.path]
    path = Path(file)
    within = [path.relative_to(root) for root in roots if path.is_relative_to(root)]
    return str(min(within, key=lambda name: len(name.parts), default=path.name))


def _frames(traceback: TracebackType | None) -> Iterator[tuple[str, int, str]]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        yield code.co_filename, traceback.tb_lineno, code.co_name
        traceback = traceback.tb_next
