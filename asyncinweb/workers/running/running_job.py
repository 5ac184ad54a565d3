"""The job that a worker is running, as its function sees it: `current_job` passes calls on to it."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from asyncinweb import clock
from asyncinweb.queue.claims import Claim
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_inputs import input_files
from asyncinweb.queue.files.job_log import LogWriter
from asyncinweb.queue.partial_results import keep_partial_result, remove_partial_results
from asyncinweb.server_paths import HiddenPaths
from asyncinweb.tasks.clean_values import clean_text, finite
from asyncinweb.tasks.current import FileData
from asyncinweb.workers.process.started_claim import StartedClaim
from asyncinweb.workers.process.working_folder import WorkingFolder
from asyncinweb.workers.running.interruption import Interruption
from asyncinweb.workers.running.partial_results import PartialResults, Yielded
from asyncinweb.workers.running.progress_rate import ProgressRate
from asyncinweb.workers.running.snapshots import Encoder

MAX_PROGRESS_TEXT = 500


@dataclass(frozen=True, eq=False)
class ProgressReport:
    """A job's report of its progress. Compared by identity: each report is a new one."""

    done: float | None = None
    total: float | None = None
    text: str | None = None


@dataclass(frozen=True)
class KeptPartialResult:
    """A yielded value as the database stores it. `number` grows with each value."""

    number: int
    as_json: str


class RunningJob:
    """One claimed job in this worker. Implements `tasks.current.JobBackend`."""

    def __init__(
        self,
        held: Claim,
        folder: JobFolder,
        working_folder: WorkingFolder,
        interruption: Interruption,
        max_log_bytes: int,
        max_result_bytes: int,
        started_claim: StartedClaim,
    ) -> None:
        self.held = held
        self.slug = held.slug
        self.attempt = held.attempt
        self.folder = folder
        self.working_folder = working_folder
        self.hidden_paths = HiddenPaths(folder.instance, input_files(folder, held.arguments))
        self.log_writer = LogWriter(folder, held.claim_no, max_log_bytes, self.hidden_paths.in_log)
        self.started = clock.monotonic()
        self.progress_rate = ProgressRate()
        # Set if the function yields.
        self.partial_results: PartialResults | None = None
        self.encoder = Encoder(max_result_bytes, self.hidden_paths)
        self.has_started = False
        self._started_claim = started_claim
        self._interruption = interruption
        self._latest: ProgressReport | None = None
        self._written: ProgressReport | None = None

    def start(self) -> None:
        """Its function is about to be called."""
        self.has_started = True
        self._started_claim.mark(self.held.job_id, self.held.claim_no)

    @property
    def cancelled(self) -> bool:
        return self._interruption.asked == "cancel"

    @property
    def working_path(self) -> Path:
        return self.working_folder.path

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time limit, negative after it; None without one."""
        limit = self.held.timeout_seconds
        return None if limit is None else self.started + limit - clock.monotonic()

    def progress(self, done: float, total: float | None, text: str) -> None:
        # Cheap, because it may be called often: only values that could run the author's code are cleaned now. The
        # rest is cleaned when the reporter writes the latest report, twice a second.
        words = text[:MAX_PROGRESS_TEXT] if type(text) is str else _words(text)
        self._latest = ProgressReport(_number(done), _number(total), words)

    def unwritten_progress(self) -> ProgressReport | None:
        """The latest report, clean, if it has not been written yet. Marks it as written."""
        latest = self._latest
        if latest is self._written:
            return None
        self._written = latest
        if latest is None:
            return None
        words = self.hidden_paths.in_text(clean_text(latest.text, MAX_PROGRESS_TEXT))
        return ProgressReport(finite(latest.done), finite(latest.total), words)

    def begin_partial_results(self, *, collects: bool) -> PartialResults:
        """The function has returned a generator. That may return another one at its end."""
        if self.partial_results is None:
            self.partial_results = PartialResults(self.slug, self.encoder, collects=collects)
        return self.partial_results

    def newest_partial_result(self) -> KeptPartialResult | None:
        """The last yielded value, kept for the database, if it is new and it is time. Raises OSError."""
        return None if self.partial_results is None else self._kept(self.partial_results.newest())

    def finish_partial_results(self, *, is_stopped: bool) -> None:
        """The function has ended without a result."""
        if self.partial_results is not None:
            self.partial_results.finish(is_stopped=is_stopped)

    def last_partial_result(self) -> KeptPartialResult | None:
        """The last yielded value, kept for the database, if it isn't there yet. Raises OSError."""
        return self._kept(None if self.partial_results is None else self.partial_results.unwritten())

    def _kept(self, yielded: Yielded | None) -> KeptPartialResult | None:
        if yielded is None or yielded.return_value is None:
            return None
        number = yielded.number
        as_json = keep_partial_result(self.folder, self.held.claim_no, number, yielded.return_value)
        return KeptPartialResult(number, as_json)

    def mark_written(self, partial_result: KeptPartialResult) -> None:
        """The value is in the database. A reader may still be about to open the files of the one before."""
        if self.partial_results is not None:
            kept = (self.partial_results.written, partial_result.number)
            self.partial_results.written = partial_result.number
            remove_partial_results(self.folder, self.held.claim_no, but=kept)

    def remove_partial_results(self, *, but_last: bool) -> None:
        """The job has been settled: delete what is no longer shown, from earlier attempts too."""
        written = self.partial_results.written if self.partial_results is not None else 0
        if written or self.held.claim_no > 1:
            remove_partial_results(self.folder, self.held.claim_no, but=(written,) if but_last else ())

    def log(self, text: str) -> None:
        # Through print, so that the line keeps its place among the function's own output.
        print(text)  # noqa: T201

    def save_file(self, name: str, data_or_path: FileData) -> None:
        self.folder.save(self.held.claim_no, name, data_or_path)

    def shield(self) -> AbstractContextManager[None]:
        return self._interruption.shield()


def _number(value: object) -> float | None:
    return value if value is None or type(value) in (int, float) else finite(value)  # type: ignore[return-value]


def _words(text: object) -> str:
    return "" if text is None else clean_text(text, MAX_PROGRESS_TEXT)
