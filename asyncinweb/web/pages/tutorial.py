"""The tutorial's rows: /hello shows a slow function's result once it exists, /query answers programs."""

from collections.abc import Iterator
from itertools import count, repeat

from flask import Response, abort, jsonify, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from asyncinweb.queue.models import Job
from asyncinweb.queue.reading import find_job
from asyncinweb.queue.results import Stored
from asyncinweb.tasks.registry import Request, Task
from asyncinweb.web import visitors
from asyncinweb.web.installation import installation
from asyncinweb.web.job_status.status import every, mood_of
from asyncinweb.web.pages.tasks import idempotency_key
from asyncinweb.web.security import is_operator
from asyncinweb.web.shared import (
    fragment,
    job_or_404,
    new_form_key,
    pages,
    read_session,
    render,
    see_other,
    unchanged,
    wants_fragment,
)
from asyncinweb.web.viewers.results import address_of, stored_result

TASK = "hello"


@pages.get("/hello")
def hello() -> str:
    """The page requests its result by a POST when it is opened, so that no crawler queues jobs."""
    _hello_task()
    return render("hello.html", job=None, key=new_form_key())


@pages.post("/hello")
def visit() -> str | AnyResponse:
    """Enqueue the visit."""
    task = _hello_task()
    arguments = task.inputs.pack({})
    owner, key = visitors.current().owner, request.values.get("key", "")
    job_request = Request(task, arguments, priority=task.options.priority)
    (job,) = installation().client.submit([job_request], owner, idempotency_key(task, arguments, key))
    if wants_fragment():
        return fragment(render("hello_visit.html", **_facts(job)))
    return see_other(url_for("asyncinweb.visited", slug=job.slug))


@pages.get("/hello/<slug>")
def visited(slug: str) -> str | Response:
    """How far the visit is: a page, or for htmx the part that changes."""
    job = job_or_404(slug)
    if job.task != TASK:
        abort(404)
    if not wants_fragment():
        return render("hello.html", **_facts(job))
    if request.args.get("v") == mood_of(job):
        return unchanged()
    return fragment(render("hello_visit.html", **_facts(job)))


def _facts(job: Job) -> dict[str, object]:
    return {
        "job": job,
        "mood": mood_of(job),
        # In the tutorial's own words: queued, processing, completed.
        "word": job.state,
        "result": result_value(job),
        "poll": "" if job.is_final else every(installation().settings.poll_seconds),
    }


def _hello_task() -> Task[..., object]:
    registry = installation().registry
    if TASK not in registry:
        hint = " The demo tasks include one: --tasks asyncinweb.tasks.demo" if is_operator() else ""
        abort(404, f"This server has no task called hello.{hint}")
    return registry[TASK]


@pages.post("/query")
def query() -> Response | tuple[Response, int]:
    """State and result of the job `id`, as JSON. The result is null until there is one."""
    job = find_job(read_session(), request.form.get("id", ""))
    if job is None or not visitors.may_see(visitors.current(), job):
        return jsonify(error="This job doesn't exist."), 404
    return jsonify(state=job.state, result=result_value(job))


def result_value(job: Job) -> object:
    """What the task returned, or the address if the result is a file; None until it exists."""
    stored = stored_result(job)
    if stored is None:
        return None
    return _value(stored, job, count(1) if stored.parts else repeat(0))


def _value(stored: Stored, job: Job, numbers: Iterator[int]) -> object:
    if stored.parts:
        values = {name: _value(part, job, numbers) for name, part in stored.parts}
        return list(values.values()) if stored.is_numbered else values
    number = next(numbers)
    return stored.value if stored.path is None else {"url": address_of(job, number)}
