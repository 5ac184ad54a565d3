"""The form of a task, and starting it."""

import hashlib
from collections.abc import Sequence

from flask import request, url_for
from werkzeug.wrappers import Response

from asyncinweb.errors import BadArguments
from asyncinweb.queue.reading import count_workers, usual_seconds
from asyncinweb.tasks.registry import Request, Task
from asyncinweb.web import visitors
from asyncinweb.web.form import KEY_FIELD, Form, blank_form, refused_form
from asyncinweb.web.shared import here, job_or_404, pages, reading, render, see_other, task_or_404

# The name of a parameter cannot be a keyword of Python.
FROM_JOB = "from"


@pages.get("/tasks/<name>")
def form(name: str) -> str:
    """A task's form, with the defaults, with what the address says, or as an earlier job had it (`?from=`)."""
    task = task_or_404(name)
    texts: dict[str, Sequence[str]] = dict(request.args.lists())
    if FROM_JOB in texts:
        earlier = job_or_404(texts[FROM_JOB][-1])
        if earlier.task == name:
            texts = {**task.inputs.to_texts(earlier.arguments), **texts}
    return form_page(blank_form(task, texts))


@pages.post("/tasks/<name>")
def start(name: str) -> Response | tuple[str, int]:
    """Enqueue the task with what the form says, or show the form again with what is wrong."""
    task = task_or_404(name)
    texts = dict(request.form.lists())
    key = texts.pop(KEY_FIELD, [""])[-1]
    try:
        arguments = task.inputs.to_json(task.inputs.from_texts(texts))
    except BadArguments as error:
        return form_page(refused_form(task, texts, error.messages, key)), 422
    wish = Request(task, arguments, priority=task.options.priority)
    (job,) = here().client.submit([wish], visitors.current().owner, idempotency_key(task, arguments, key))
    return see_other(url_for("asyncinweb.show", slug=job.slug))


def idempotency_key(task: Task[..., object], arguments: str, key: str) -> str | None:
    """Of one form and its values: the same values sent twice are one job, other values are another."""
    if not key:
        return None
    return hashlib.sha256("\0".join((key, task.name, arguments)).encode()).hexdigest()


def form_page(shown: Form) -> str:
    """The page with one task's form."""
    session = reading()
    return render(
        "tasks/form.html",
        form=shown,
        usual=usual_seconds(session, shown.task.name),
        has_workers=count_workers(session) > 0,
    )
