"""Every way an attempt can end, as one value: what the runner returns and the queue settles."""

from dataclasses import dataclass
from pathlib import PurePath

from asyncinweb.states import Reason


@dataclass(frozen=True)
class Completed:
    """The function returned. `result` is the JSON that the job's row stores."""

    result: str


@dataclass(frozen=True)
class SourceLine:
    """A line of the author's code. file: relative to where Python imports it from. code: as it ran, "" if
    unknown."""

    file: str
    line: int
    function: str
    code: str

    @property
    def place(self) -> str:
        """`report.py:12`."""
        return f"{PurePath(self.file).name}:{self.line}"


@dataclass(frozen=True)
class Failed:
    """The function raised, or could not be run. `retry_after`: seconds until the next try, None for no further
    try. `source`: the author's line at which it failed, if there is one."""

    reason: Reason
    error: str
    traceback: str | None = None
    retry_after: float | None = None
    source: SourceLine | None = None


@dataclass(frozen=True)
class Cancelled:
    """The job was stopped because someone asked for it."""


@dataclass(frozen=True)
class Released:
    """The job was stopped because the server is stopping; another worker takes it up later."""


@dataclass(frozen=True)
class Unstarted:
    """It was stopped before its function was called; another worker takes it up later."""


Outcome = Completed | Failed | Cancelled | Released | Unstarted
