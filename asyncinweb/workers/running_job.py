"""The job a worker works on, as its function sees it: what `current_job` passes on to."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from asyncinweb import clock
from asyncinweb.queue.claims import Claim
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_log import LogWriter
from asyncinweb.tasks.clean_values import clean_text, finite
from asyncinweb.tasks.current import FileData
from asyncinweb.workers.interruption import Interruption
from asyncinweb.workers.progress_rate import ProgressRate

MAX_PROGRESS_TEXT = 500


@dataclass(frozen=True, eq=False)
class ProgressReport:
    """How far a job says it is. Compared by identity: each report is another one."""

    done: float | None = None
    total: float | None = None
    text: str | None = None


class RunningJob:
    """One claimed job in this worker. Implements `tasks.current.JobBackend`."""

    def __init__(self, held: Claim, folder: JobFolder, max_log_bytes: int, interruption: Interruption) -> None:
        self.held = held
        self.slug = held.slug
        self.attempt = held.attempt
        self.folder = folder
        self.log_writer = LogWriter(folder, held.claim_no, max_log_bytes)
        self.started = clock.monotonic()
        self.progress_rate = ProgressRate()
        self._interruption = interruption
        self._latest: ProgressReport | None = None
        self._written: ProgressReport | None = None

    @property
    def cancelled(self) -> bool:
        return self._interruption.asked == "cancel"

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time limit, negative behind it; None without one."""
        limit = self.held.timeout_seconds
        return None if limit is None else self.started + limit - clock.monotonic()

    def progress(self, done: float, total: float | None, text: str) -> None:
        # However often it is called, only what could run an author's code is cleaned now; the rest is cleaned when
        # the reporter writes the latest, twice a second.
        words = text[:MAX_PROGRESS_TEXT] if type(text) is str else _words(text)
        self._latest = ProgressReport(_number(done), _number(total), words)

    def unwritten_progress(self) -> ProgressReport | None:
        """The latest report, clean, if it has not been written yet. Marks it as written."""
        latest = self._latest
        if latest is self._written:
            return None
        self._written = latest
        return latest and ProgressReport(
            finite(latest.done), finite(latest.total), clean_text(latest.text, MAX_PROGRESS_TEXT)
        )

    def log(self, text: str) -> None:
        # Through print, so that it keeps its place among what the function prints.
        print(text)  # noqa: T201

    def save_file(self, name: str, data_or_path: FileData) -> None:
        self.folder.save(self.held.claim_no, name, data_or_path)

    def shield(self) -> AbstractContextManager[None]:
        return self._interruption.shield()


def _number(value: object) -> float | None:
    return value if value is None or type(value) in (int, float) else finite(value)  # type: ignore[return-value]


def _words(text: object) -> str:
    return "" if text is None else clean_text(text, MAX_PROGRESS_TEXT)
