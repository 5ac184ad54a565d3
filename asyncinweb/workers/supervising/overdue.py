"""Which jobs have not stopped in time. The supervisor's view, for functions that do not respond."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from asyncinweb import clock
from asyncinweb.queue.polling import HeldJob
from asyncinweb.workers.running.interruption import Cause

Key = tuple[int, int]


@dataclass(frozen=True)
class KillReason:
    """A claim whose process must be killed, and why."""

    job_id: int
    claim_no: int
    worker_id: str
    cause: Cause


@dataclass
class Overdue:
    """Remembers when each claim, and each request to stop it, was first seen: in monotonic time, which does not
    change when the clock is set."""

    kill_after_seconds: float
    _running_since: dict[Key, float] = field(default_factory=dict)
    _cancelled_since: dict[Key, float] = field(default_factory=dict)

    def judge(self, held: Sequence[HeldJob]) -> list[KillReason]:
        """The claims that are `kill_after_seconds` past their time. Call this at every look at the database."""
        now = clock.monotonic()
        self._running_since = {_key(job): self._running_since.get(_key(job), now) for job in held}
        self._cancelled_since = {
            _key(job): self._cancelled_since.get(_key(job), now) for job in held if job.cancel_requested
        }
        kill_reasons = [(job, self._cause(job, now)) for job in held]
        return [KillReason(*_key(job), job.worker_id, cause) for job, cause in kill_reasons if cause is not None]

    def _cause(self, job: HeldJob, now: float) -> Cause | None:
        asked = self._cancelled_since.get(_key(job))
        if asked is not None and now > asked + self.kill_after_seconds:
            return "cancel"
        limit = job.timeout_seconds
        if limit is not None and now > self._running_since[_key(job)] + limit + self.kill_after_seconds:
            return "timeout"
        return None


def _key(job: HeldJob) -> Key:
    return job.job_id, job.claim_no
