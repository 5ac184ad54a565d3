"""What every view needs: finding a job, rendering, and answering."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, abort, current_app, redirect, request
from sqlalchemy import Connection
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from asyncinweb.queue import snapshot
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.models import Job
from asyncinweb.queue.reading import find_job
from asyncinweb.settings import asset_dir
from asyncinweb.tasks.inputs.stored_arguments import in_words, in_words_without_task
from asyncinweb.tasks.registry import Task
from asyncinweb.web import visitors
from asyncinweb.web.installation import NAME, installation
from asyncinweb.web.security import is_operator

pages = Blueprint(
    NAME,
    __name__,
    template_folder=str(asset_dir("templates")),
    static_folder=str(asset_dir("static") / NAME),
    static_url_path=f"/static/{NAME}",
)
# htmx gets a different answer from a browser at the same address, and no cache may keep it.
FRAGMENT_HEADERS = {"Cache-Control": "no-store", "Vary": "HX-Request"}
pages.before_request(visitors.recognise)
pages.after_request(visitors.remember)


def read_session() -> Session:
    """A read-only session: its connections refuse every change."""
    return installation().db.session()


def read_connection() -> Connection:
    """The session's connection, for prepared queries of the same moment."""
    return read_session().connection(bind_arguments={"mapper": Job})


CANNOT_RERUN = "This task isn't available right now, so the job can't run again."


def can_run(task: str) -> bool:
    """True if a living worker has loaded this task; where none has registered any, if this process has."""
    loaded = snapshot.living_limits(read_connection(), installation().settings.lease_seconds).tasks
    return task in (loaded or installation().registry.tasks)


def places_of(jobs: Sequence[Job]) -> dict[int, int]:
    """The places of the waiting ones among these jobs, by job id."""
    return snapshot.places_of(read_connection(), jobs, installation().settings.lease_seconds)


def render(template: str, **facts: Any) -> str:
    """A page or a fragment. Uses our own environment, so that a host app's filters and leniency do not matter."""
    current_app.update_template_context(facts)
    facts.setdefault("theme", request.cookies.get("asyncinweb_theme", ""))
    facts.setdefault("is_operator", is_operator())
    return installation().templates.get_template(f"asyncinweb/{template}").render(facts)


def job_or_404(slug: str) -> Job:
    """The job with this address, if it exists and the visitor may see it."""
    job = find_job(read_session(), slug)
    if job is None or not visitors.may_see(visitors.current(), job):
        abort(404, "This job doesn't exist. It may have been deleted: finished jobs are kept for a limited time.")
    return job


def task_or_404(name: str) -> Task[..., object]:
    """The task of this name; UnknownTask becomes a 404 page that names the nearest one."""
    return installation().registry[name]


def title_of(job: Job) -> str:
    """The task's title, or its bare name if this program does not know the task."""
    registry = installation().registry
    return registry[job.task].title if job.task in registry else job.task


def inputs_of(job: Job) -> list[tuple[str, str]]:
    """Label and text of each argument, for a person; also if the task isn't loaded."""
    registry = installation().registry
    if job.task not in registry:
        return in_words_without_task(job.arguments)
    return in_words(registry[job.task].inputs.fields, job.arguments)


def folder_of(job: Job) -> JobFolder:
    """Where the files of a job are."""
    return JobFolder(installation().settings.instance, job.slug)


def fingerprint(*facts: object) -> str:
    """A short text that changes whenever what a fragment shows changes."""
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:16]


def new_form_key() -> str:
    """A key that makes a form sent twice one request."""
    return secrets.token_urlsafe(16)


def wants_fragment() -> bool:
    """True for htmx; a browser that opens the same address gets the whole page."""
    return request.headers.get("HX-Request") == "true"


def fragment(html: str) -> Response:
    """An answer for htmx, never kept by a cache."""
    return Response(html, headers=FRAGMENT_HEADERS)


def unchanged() -> Response:
    """Answer 204: htmx leaves the page as it is and asks again. (On 304, htmx 2 would empty it.)"""
    return Response(status=204, headers=FRAGMENT_HEADERS)


def see_other(url: str) -> AnyResponse:
    """Redirect the visitor. A browser gets a 303; htmx would follow that itself, so it gets a header instead."""
    if wants_fragment():
        response = unchanged()
        response.headers["HX-Redirect"] = url
        return response
    return redirect(url, code=303)
