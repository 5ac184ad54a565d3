"""Every way an attempt can end, as one value: what the runner returns and the queue settles."""

from dataclasses import dataclass
from pathlib import PurePath

from asyncinweb.states import Reason


@dataclass(frozen=True)
class Completed:
    """It returned. `result` is the JSON that the job row keeps."""

    result: str


@dataclass(frozen=True)
class SourceLine:
    """A line of the author's code. file: as seen from where Python imports. code: as it ran, "" if unknown."""

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
    """It raised, or could not be run. `retry_after`: seconds until another try is wanted, None for none.
    `source`: the author's line at which it failed, where there is one."""

    reason: Reason
    error: str
    traceback: str | None = None
    retry_after: float | None = None
    source: SourceLine | None = None


@dataclass(frozen=True)
class Cancelled:
    """It was stopped because somebody asked for it."""


@dataclass(frozen=True)
class Released:
    """It was stopped because the server stops; another worker takes it up later."""


Outcome = Completed | Failed | Cancelled | Released
