"""The partial result: the last value that a running generator has yielded. It replaces the one before, and is
stored like a result.

It exists while the job runs, and a job that failed or was stopped keeps it. A worker writes it, under its claim;
pages and programs read it.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, bindparam, update

from asyncinweb import clock
from asyncinweb.queue.claims import Claim
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.models import Job
from asyncinweb.queue.results import Stored, kept_as_json, stored_in
from asyncinweb.queue.stores.prepared import Prepared
from asyncinweb.queue.transitions import MINE
from asyncinweb.states import SHOW_PARTIAL_RESULTS
from asyncinweb.tasks.outputs.return_value import ReturnValue

# The row is rewritten with each value, so a larger one goes into a file.
MAX_PARTIAL_IN_ROW = 16_000


def keep_partial_result(folder: JobFolder, claim_no: int, number: int, value: ReturnValue) -> str:
    """The JSON for the job's row. As `keep_result`; number: grows with each value of this attempt."""
    return kept_as_json(folder, f"{_prefix(claim_no)}{number}", value, MAX_PARTIAL_IN_ROW)


def report_partial_result(connection: Connection, held: Claim, number: int, partial_result: str) -> bool:
    """Store a running job's partial result. False if this claim is no longer the live one."""
    changed = _REPORT.run(
        connection,
        job_id=held.job_id,
        mine=held.claim_no,
        number=number,
        partial_result=partial_result,
        now=clock.now(),
    )
    return changed == 1


_REPORT = Prepared(
    update(Job)
    .where(*MINE)
    .values(
        partial_no=bindparam("number"),
        partial_at=bindparam("now", type_=Job.partial_at.type),
        partial_result=bindparam("partial_result"),
    )
)


def stored_partial_result(folder: JobFolder, job: Job) -> Stored | None:
    """The partial result of a job that is not completed; None if it has none."""
    if job.state not in SHOW_PARTIAL_RESULTS or job.partial_result is None:
        return None
    return stored_in(folder, job, "partial_result")


def remove_partial_results(folder: JobFolder, claim_no: int, but: tuple[int, ...] = ()) -> None:
    """Delete the files of partial results of this and earlier claims, except those with these numbers."""
    kept = tuple(f"result-{_prefix(claim_no)}{number}" for number in but)
    for path in _files(folder):
        claim, _, number = path.stem.removeprefix("result-").partition("-p")
        if int(claim) <= claim_no and f"result-{claim}-p{number.partition('-')[0]}" not in kept:
            # A file that stays is deleted with the job.
            with suppress(OSError):
                path.unlink()


def _files(folder: JobFolder) -> Iterator[Path]:
    return folder.path.glob("result-*-p*")


def _prefix(claim_no: int) -> str:
    return f"{claim_no}-p"
