"""One job: its page, the fragment that updates it, stopping it and running it again."""

from typing import Any

from flask import Response, abort, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from asyncinweb.queue.models import Attempt, Job
from asyncinweb.queue.reading import attempts_of, peek, source_line_of
from asyncinweb.web import visitors
from asyncinweb.web.installation import installation
from asyncinweb.web.job_status.status import Status, status_of
from asyncinweb.web.job_status.timeline import timeline
from asyncinweb.web.pages.downloads import files_of
from asyncinweb.web.pages.logs import log_start
from asyncinweb.web.security import POLICY
from asyncinweb.web.shared import (
    CANNOT_RERUN,
    can_run,
    fragment,
    inputs_of,
    job_or_404,
    pages,
    read_connection,
    read_session,
    render,
    see_other,
    title_of,
    unchanged,
    wants_fragment,
)
from asyncinweb.web.viewers.results import result_of


@pages.get("/jobs/<slug>")
def show(slug: str) -> Response:
    """A job's page. Only this page may contain frames, and only ours, because a result can be an interactive
    figure."""
    job = job_or_404(slug)
    address = url_for("asyncinweb.show", slug=slug, _external=True)
    facts = _facts(job, _status(job))
    page = render("jobs/show.html", **facts, log=log_start(job), inputs=inputs_of(job), address=address)
    response = Response(page)
    response.headers["Content-Security-Policy"] = f"{POLICY}; frame-src 'self'"
    return response


@pages.get("/jobs/<slug>/status")
def status(slug: str) -> Response:
    """The part of a job's page that changes; 204 if nothing has changed."""
    if not wants_fragment():
        return show(slug)
    seen = request.args.get("v", "")
    if seen == _version(slug):
        return unchanged()
    job = job_or_404(slug)
    current = _status(job)
    announce = not current.was_mood(seen)
    return fragment(render("jobs/changed.html", **_facts(job, current), announce=announce))


@pages.post("/jobs/<slug>/cancel")
def cancel(slug: str) -> AnyResponse:
    """Stop a job. If it has already ended, its page says so."""
    job_or_404(slug)
    installation().client.cancel(slug)
    return see_other(url_for("asyncinweb.show", slug=slug))


@pages.post("/jobs/<slug>/rerun")
def rerun(slug: str) -> AnyResponse:
    """A new job with the same task and arguments, if there is such a task any more."""
    if not can_run(job_or_404(slug).task):
        abort(409, CANNOT_RERUN)
    job = installation().client.rerun(slug, visitors.current().owner)
    if job is None:
        abort(404)
    return see_other(url_for("asyncinweb.show", slug=job.slug))


@pages.post("/jobs/<slug>/delete")
def delete(slug: str) -> AnyResponse:
    """Delete a job whose stored record is damaged. Other jobs are deleted after their retention period."""
    job_or_404(slug)
    if not installation().client.delete_damaged(slug):
        abort(409, "Only a damaged job that isn't running can be deleted. Cancel it first.")
    return see_other(url_for("asyncinweb.jobs"))


def _version(slug: str) -> str | None:
    """What a fragment would show now, read in the cheapest way; None if the job does not exist or may not be
    seen."""
    with installation().database.glance() as connection:
        job = peek(connection, slug)
        if job is None or not visitors.may_see(visitors.current(), job):
            return None
        return status_of(connection, installation(), job).version


def _status(job: Job) -> Status:
    """What the page says about a job, read at the same moment as the job itself."""
    return status_of(read_connection(), installation(), job)


def _facts(job: Job, current: Status) -> dict[str, Any]:
    """What the changing part of the page needs. Result and files exist only once the job has ended."""
    is_known_task = job.task in installation().registry
    return {
        "status": current,
        "job": job,
        "title": title_of(job),
        "is_known_task": is_known_task,
        "can_rerun": job.is_final and can_run(job.task),
        "is_mine": job.owner == visitors.current().owner,
        "steps": timeline(job),
        "code": source_line_of(job),
        "result": result_of(job),
        "files": files_of(job) if job.is_final else None,
        "earlier": earlier_attempts(job),
        "memory_mb": installation().registry[job.task].options.memory_mb if is_known_task else None,
    }


def earlier_attempts(job: Job) -> list[Attempt]:
    """Earlier attempts. The job itself describes the last one once it has ended."""
    attempts = attempts_of(read_session(), job)
    return [each for each in attempts if not (job.is_final and each.claim_no == job.claim_no)]
