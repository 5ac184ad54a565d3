"""Every way an attempt can end, as one value: what the runner returns and the queue settles."""

from dataclasses import dataclass

from asyncinweb.states import Reason


@dataclass(frozen=True)
class Completed:
    """It returned. `result` is the JSON that the job row keeps."""

    result: str


@dataclass(frozen=True)
class Failed:
    """It raised, or could not be run. `retry_after`: seconds until another try is wanted, None for none."""

    reason: Reason
    error: str
    traceback: str | None = None
    retry_after: float | None = None


@dataclass(frozen=True)
class Cancelled:
    """It was stopped because somebody asked for it."""


@dataclass(frozen=True)
class Released:
    """It was stopped because the server stops; another worker takes it up later."""


Outcome = Completed | Failed | Cancelled | Released
