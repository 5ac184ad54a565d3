"""A new job from a program: JSON alone, or a form with the same JSON first and then the job's files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import abort, request
from werkzeug.sansio.multipart import Data, Event, Field, File

from asyncinweb.errors import BadArguments, UnknownTask
from asyncinweb.queue.files.uploads import PendingUploads
from asyncinweb.tasks.inputs.arguments import Arguments
from asyncinweb.tasks.registry import Task
from asyncinweb.units import size
from asyncinweb.web import visitors
from asyncinweb.web.api.blueprint import MOST_BYTES, read_body, read_json
from asyncinweb.web.api.models import JobRequest
from asyncinweb.web.body_limits import MULTIPART
from asyncinweb.web.forms.uploads import Receiver, Sent, limit_length, parts
from asyncinweb.web.installation import installation

JOB_FIELD = "job"


@contextmanager
def asked() -> Iterator[tuple[JobRequest, Task[..., object], Arguments]]:
    """The job that this request asks for. Its uploads are deleted at the end, because a job has its own link to
    its files.

    Answers 400 and 413; raises BadArguments.
    """
    if request.mimetype != MULTIPART:
        new = read_body(JobRequest)
        task = _known(new.task)
        yield new, task, task.inputs.pack(new.arguments)
        return
    limit_length(takes_files=True)
    arriving = parts()
    new = _read_job(arriving)
    task = _known(new.task)
    receiver = Receiver(
        task.inputs.leaves, PendingUploads(installation().settings.instance, visitors.current().owner)
    )
    try:
        receiver.take(arriving)
        yield new, task, _packed(task, new.arguments, receiver.sent)
    finally:
        receiver.remove_arrived()


def _known(name: str) -> Task[..., object]:
    try:
        return installation().registry[name]
    except UnknownTask as error:
        raise BadArguments("request", {"task": str(error)}) from None


def _read_job(arriving: Iterator[Event]) -> JobRequest:
    """The first part. It names the task, so the following parts can be checked while they arrive."""
    body = bytearray()
    for data in _first_part(arriving):
        body += data
        if len(body) > MOST_BYTES:
            abort(
                413, f"The field {JOB_FIELD!r} is too large. The limit is {size(MOST_BYTES)}. Nothing was started."
            )
    return read_json(bytes(body), JobRequest, f"In the field {JOB_FIELD!r}: ")


def _first_part(arriving: Iterator[Event]) -> Iterator[bytes]:
    for event in arriving:
        if isinstance(event, Field | File) and event.name != JOB_FIELD:
            break
        if isinstance(event, Data):
            yield event.data
            if not event.more_data:
                return
    abort(400, f"The first part must be the field {JOB_FIELD!r} with the job as JSON. Nothing was started.")


def _packed(task: Task[..., object], arguments: dict[str, object], sent: Sent) -> Arguments:
    faults = _texts(sent.texts) | sent.messages | _put_files(task, arguments, sent)
    # Files for unknown parameters, so that they are refused by name.
    unknown: dict[str, object] = {name: None for name, texts in sent.texts.items() if not texts}
    try:
        packed = task.inputs.pack({**unknown, **arguments})
    except BadArguments as error:
        raise BadArguments(task.name, {**error.messages, **faults}) from None
    if faults:
        raise BadArguments(task.name, faults)
    return packed


def _texts(texts: Mapping[str, list[str]]) -> dict[str, str]:
    return {
        name: f"must be a file: only files can be sent next to the field {JOB_FIELD!r}"
        for name, sent in texts.items()
        if sent
    }


def _put_files(task: Task[..., object], arguments: dict[str, object], sent: Sent) -> dict[str, str]:
    """Put the files among the arguments. What is wrong, by field."""
    faults = {}
    for name, files in sent.uploads.items():
        parameter, _, member = name.partition(".")
        holder: object = arguments.setdefault(parameter, {}) if member else arguments
        if not isinstance(holder, dict):
            continue
        if (member or name) in holder:
            faults[name] = f"is given twice: as a file and in the field {JOB_FIELD!r}"
        holder[member or name] = list(files) if task.inputs.leaves[name].multiple else files[0]
    return faults
