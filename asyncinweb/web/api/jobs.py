"""The API's jobs: the same verbs as the pages', in JSON."""

import hashlib
import re
from urllib.parse import urlencode

from flask import Response, abort, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from asyncinweb.errors import BadArguments
from asyncinweb.queue.as_json import job_as_json, listed_job_as_json
from asyncinweb.queue.files.job_log import log_size, read_log
from asyncinweb.queue.listing import Filters, list_jobs
from asyncinweb.queue.models import Job
from asyncinweb.tasks.registry import Request, Task
from asyncinweb.web import visitors
from asyncinweb.web.api.blueprint import answer_json, operation, read_query
from asyncinweb.web.api.long_poll import wait_for_end
from asyncinweb.web.api.models import (
    LONGEST_WAIT_SECONDS,
    JobList,
    JobQuery,
    JobRequest,
    JobsQuery,
    ListedJob,
    LogPart,
    LogQuery,
    ResultQuery,
    WholeJob,
)
from asyncinweb.web.api.submissions import asked
from asyncinweb.web.body_limits import MULTIPART
from asyncinweb.web.installation import installation
from asyncinweb.web.pages import downloads
from asyncinweb.web.security import KEY_HEADER
from asyncinweb.web.shared import CANNOT_RERUN, can_run, folder_of, job_or_404, places_of, read_session

KEY = re.compile(r"[\x21-\x7e]{1,255}")
LOG_BYTES = 100_000


@operation(
    "POST", "/jobs", answer=WholeJob, status=201, body=JobRequest, takes_files=True, refusals=(409, 422, 429)
)
def submit() -> Response:
    """Submit a job. Sending the same Idempotency-Key again returns the same job."""
    key = _idempotency_key()
    with asked() as (new, task, arguments):
        job_request = Request(
            task,
            arguments,
            priority=_priority(task, new.priority),
            run_at=new.run_at,
            unique_key=None if new.unique_key is None else f"{_owner()}:{new.unique_key}",
        )
        (job,) = installation().client.submit([job_request], _owner(), key)
    return _created(job.slug)


@operation("GET", "/jobs", answer=JobList, query=JobsQuery, refusals=(422,))
def list_of_jobs() -> Response:
    """List jobs, newest first."""
    asked = read_query(JobsQuery)
    owner = visitors.listed_owner(visitors.current(), mine=asked.mine)
    page = list_jobs(read_session(), Filters(asked.state, asked.task, owner), asked.after, asked.limit)
    places = places_of(page.jobs)
    jobs = [ListedJob(**listed_job_as_json(job, places.get(job.id), _page_of(job))) for job in page.jobs]
    query = urlencode({**request.args.to_dict(), "after": page.next_after})
    next_page = f"{url_for('.list_of_jobs')}?{query}" if page.next_after else None
    return answer_json(JobList(jobs=jobs, next=next_page))


@operation("GET", "/jobs/<slug>", answer=WholeJob, query=JobQuery, refusals=(404, 422))
def show(slug: str) -> Response:
    """Get a job. With `wait`, the answer comes when the job has ended, or after that many seconds."""
    asked = read_query(JobQuery)
    job = job_or_404(slug)
    if not asked.wait or job.is_final:
        return _whole(job)
    read_session().rollback()
    has_waited = wait_for_end(slug, min(asked.wait, LONGEST_WAIT_SECONDS))
    response = _whole(job_or_404(slug))
    if not has_waited:
        response.headers["Retry-After"] = "1"
    return response


@operation("POST", "/jobs/<slug>/cancel", answer=WholeJob, refusals=(404, 409))
def cancel(slug: str) -> Response:
    """Cancel a waiting job, or ask a running one to stop."""
    job = job_or_404(slug)
    read_session().rollback()
    if installation().client.cancel(slug) == "refused":
        abort(409, f"This job has already ended: it's {job_or_404(slug).state}.")
    return _whole(job_or_404(job.slug))


@operation("POST", "/jobs/<slug>/rerun", answer=WholeJob, status=201, refusals=(404, 409, 429))
def rerun(slug: str) -> Response:
    """Start a new job with the same task and arguments."""
    if not can_run(job_or_404(slug).task):
        abort(409, CANNOT_RERUN)
    read_session().rollback()
    job = installation().client.rerun(slug, _owner())
    if job is None:
        abort(404)
    return _created(job.slug)


@operation("GET", "/jobs/<slug>/log", answer=LogPart, query=LogQuery, refusals=(404, 422))
def log(slug: str) -> Response:
    """Read what the last attempt has printed since the byte `after`."""
    asked = read_query(LogQuery)
    job = job_or_404(slug)
    folder = folder_of(job)
    after = asked.after if asked.claim in (None, job.claim_no) else 0
    piece = read_log(folder, job.claim_no, after, LOG_BYTES)
    return answer_json(
        LogPart(
            claim=job.claim_no,
            text=piece.text,
            next=piece.next_offset,
            dropped=piece.dropped,
            is_complete=job.is_final and piece.next_offset >= log_size(folder, job.claim_no),
        )
    )


@operation("GET", "/jobs/<slug>/result", answer=None, query=ResultQuery, refusals=(404, 422))
def result(slug: str) -> AnyResponse:
    """Download what the task returned. With `so_far`, what an unfinished job has so far."""
    read_query(ResultQuery)
    return downloads.result(slug)


@operation("GET", "/jobs/<slug>/files/<name>", answer=None, refusals=(404,))
def saved_file(slug: str, name: str) -> AnyResponse:
    """Download a file that the job saved."""
    return downloads.saved_file(slug, name)


def _owner() -> str:
    return visitors.current().owner


def _priority(task: Task[..., object], requested: int | None) -> int:
    own = task.options.priority
    if requested is not None and requested > own:
        raise BadArguments("request", {"priority": f"must be at most {own}, the priority of {task.name}"})
    return own if requested is None else requested


def _idempotency_key() -> str | None:
    """The key as stored: with its own prefix, so that it can never equal a form's key."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        if request.mimetype == MULTIPART:
            abort(400, f"A job with files needs an {KEY_HEADER}, such as a random UUID. Nothing was started.")
        return None
    if not KEY.fullmatch(key):
        abort(400, "An Idempotency-Key must be 1 to 255 visible ASCII characters, such as a random UUID.")
    return f"api:{hashlib.sha256(key.encode()).hexdigest()}"


def _created(slug: str) -> Response:
    read_session().rollback()
    response = _whole(job_or_404(slug), 201)
    response.headers["Location"] = url_for(".show", slug=slug)
    return response


def _whole(job: Job, status: int = 200) -> Response:
    return answer_json(WholeJob(**job_as_json(job, places_of([job]).get(job.id), _page_of(job))), status)


def _page_of(job: Job) -> str:
    return url_for("asyncinweb.show", slug=job.slug)
