"""The form of a task, and starting it."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from flask import request, url_for
from werkzeug.wrappers import Response

from asyncinweb.errors import BadArguments
from asyncinweb.tasks.inputs.arguments import Arguments
from asyncinweb.tasks.registry import Request, Task
from asyncinweb.web import visitors
from asyncinweb.web.forms.form import KEY_FIELD, Form, blank_form, refused_form
from asyncinweb.web.forms.start_time import START_FIELD, InvalidStart, read_start
from asyncinweb.web.forms.uploads import KeptFile, Sent, kept_by_field, receiving
from asyncinweb.web.installation import installation
from asyncinweb.web.job_status.forecast import forecast_of
from asyncinweb.web.shared import job_or_404, pages, render, see_other, task_or_404

# A Python keyword cannot be a parameter's name.
FROM_JOB = "from"


@pages.get("/tasks/<name>")
def form(name: str) -> str:
    """A task's form, with the defaults, the values in the address, or those of an earlier job (`?from=`)."""
    task = task_or_404(name)
    texts: dict[str, Sequence[str]] = dict(request.args.lists())
    kept: dict[str, list[KeptFile]] = {}
    if FROM_JOB in texts:
        earlier = job_or_404(texts[FROM_JOB][-1])
        if earlier.task == name:
            texts = {**task.inputs.to_texts(earlier.arguments), **texts}
            kept = kept_by_field(earlier)
    return form_page(blank_form(task, texts, kept))


@pages.post("/tasks/<name>")
def start(name: str) -> Response | tuple[str, int]:
    """Enqueue the task with the form's values, or show the form again with its errors."""
    task = task_or_404(name)
    with receiving(task) as (sent, keep_files):
        key = sent.texts.pop(KEY_FIELD, [""])[-1]
        job_request, messages = _job_request(task, sent)
        if job_request is None:
            keep_files()
            return form_page(refused_form(task, sent.texts, sent.files, messages, key)), 422
        idempotent = idempotency_key(task, job_request.arguments, key, job_request.run_at)
        (job,) = installation().client.submit([job_request], visitors.current().owner, idempotent)
    return see_other(url_for("asyncinweb.show", slug=job.slug))


def _job_request(task: Task[..., object], sent: Sent) -> tuple[Request | None, dict[str, str]]:
    """The request in the form, or its errors by field."""
    messages, run_at = dict(sent.messages), None
    texts = {name: values for name, values in sent.texts.items() if name != START_FIELD}
    try:
        run_at = read_start(sent.texts.get(START_FIELD, [""])[-1])
    except InvalidStart as error:
        messages[START_FIELD] = str(error)
    try:
        arguments = task.inputs.pack(task.inputs.from_texts(texts, sent.uploads))
    except BadArguments as error:
        return None, {**error.messages, **messages}
    if messages:
        return None, messages
    return Request(task, arguments, task.options.priority, run_at), {}


def idempotency_key(
    task: Task[..., object], arguments: Arguments, key: str, run_at: datetime | None = None
) -> str | None:
    """The key of a form and its values: the same values sent twice are one job, other values are another."""
    if not key:
        return None
    values = json.dumps(sorted(arguments.secrets.items()))
    start = "" if run_at is None else run_at.isoformat()
    return hashlib.sha256("\0".join((key, task.name, arguments.json, values, start)).encode()).hexdigest()


def form_page(shown: Form) -> str:
    """The page with one task's form."""
    return render("tasks/form.html", form=shown, forecast=forecast_of(shown.task))
