"""The line of the author's own code in a stored traceback: where to look first."""

import re
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from asyncinweb.settings import PACKAGE
from asyncinweb.tasks.registry import Task

FRAME = re.compile(
    r'^  File "(?P<file>.+)", line (?P<line>\d+), in (?P<function>.+)(?:\n    (?P<code>.+))?', re.MULTILINE
)
# Python's own modules, what is installed, and this package: nobody's mistake is looked for there.
LIBRARIES = (
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    str(PACKAGE),
    "<",
)
INSTALLED = ("/site-packages/", "/dist-packages/")


@dataclass(frozen=True)
class CodeLine:
    """A line of code. `code`: as it was when it ran, "" if the traceback does not have it."""

    file: str
    line: int
    function: str
    code: str

    @property
    def place(self) -> str:
        """`report.py:12`."""
        return f"{Path(self.file).name}:{self.line}"


def author_line(traceback: str | None, task: Task[..., object] | None) -> CodeLine | None:
    """The innermost frame that is no library's; None if there is none. Of several exceptions, the last one's."""
    own_file = task.location.rpartition(":")[0] if task else ""
    last = (traceback or "").rpartition("Traceback (most recent call last):")[2]
    frames = [each for each in FRAME.finditer(last) if each["file"] == own_file or not _is_library(each["file"])]
    if not frames:
        return None
    found = frames[-1]
    return CodeLine(found["file"], int(found["line"]), found["function"], (found["code"] or "").strip())


def _is_library(file: str) -> bool:
    return file.startswith(LIBRARIES) or any(part in file for part in INSTALLED)
