"""The contents of a form: its texts, and its files, streamed to disk while they are counted and checked.

Werkzeug would keep files in the system's temporary folder and has no limit for a single field, so we read the
parts here. If the form must come back, received files stay under a token of their visitor.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import abort, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from asyncinweb.file_names import clean_name
from asyncinweb.queue.files.job_inputs import inputs_folder
from asyncinweb.queue.files.uploads import IncomingFile, PendingUploads
from asyncinweb.queue.models import Job
from asyncinweb.queue.reading import find_job
from asyncinweb.tasks.inputs.fields import FormField
from asyncinweb.tasks.inputs.stored_arguments import stored_files
from asyncinweb.tasks.inputs.uploaded import UploadedFile
from asyncinweb.tasks.registry import Task
from asyncinweb.units import size as size_in_words
from asyncinweb.web import visitors
from asyncinweb.web.body_limits import MAX_TEXT_BYTES as MAX_TEXT_BYTES
from asyncinweb.web.body_limits import MOST_PARTS, MULTIPART, UNREADABLE, is_whole_text
from asyncinweb.web.installation import installation
from asyncinweb.web.shared import folder_of, read_session

CHUNK = 64 * 1024
# Holds the tokens of kept files that are not to be sent. No parameter can have this name.
REMOVE_FIELD = "form-remove"


@dataclass(frozen=True)
class KeptFile:
    """A file that need not be chosen again. Only its visitor can use the token."""

    token: str
    file: UploadedFile


@dataclass
class Sent:
    """A form as it was sent. messages: what is wrong with its files, by field name."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[KeptFile]] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)

    @property
    def uploads(self) -> Mapping[str, Sequence[UploadedFile]]:
        return {name: [kept.file for kept in files] for name, files in self.files.items()}


@contextmanager
def receiving(task: Task[..., object]) -> Iterator[tuple[Sent, Callable[[], None]]]:
    """Read the form that was sent for a task. Returns it, and a function to call if the form must come back.

    Otherwise the files are deleted at the end, because a job has its own link to them. Answers 400 and 413 in
    plain words, and raises DatabaseUnusable if there is no room for a file.
    """
    limit_length(takes_files=task.inputs.takes_files)
    pending = PendingUploads(installation().settings.instance, visitors.current().owner)
    receiver = Receiver(task.inputs.leaves, pending)
    stays: list[bool] = []
    try:
        receiver.receive()
        yield receiver.sent, lambda: stays.append(True)
    finally:
        if not stays:
            receiver.remove_arrived()


def limit_length(*, takes_files: bool) -> None:
    """Refuse with 413 before reading anything, if the length is known."""
    files = installation().settings.max_upload_bytes if takes_files else 0
    # With some room for what the encoding adds.
    request.max_content_length = files + MAX_TEXT_BYTES
    length = request.content_length or 0
    if length > request.max_content_length:
        _refuse_size("files" if files else "inputs", files or MAX_TEXT_BYTES)


class Receiver:
    """Parses a form. `sent`: its contents so far."""

    def __init__(self, leaves: Mapping[str, FormField], pending: PendingUploads) -> None:
        self.sent = Sent()
        self._leaves = leaves
        self._pending = pending
        self._received: list[IncomingFile] = []
        self._incoming: IncomingFile | None = None
        self._field = ""
        self._is_file = False
        self._text = bytearray()
        self._texts_size = 0
        self._files_size = 0

    def receive(self) -> None:
        """Read the whole request."""
        if _was_read() or request.mimetype == MULTIPART:
            self.take(parts())
        else:
            request.max_form_memory_size = MAX_TEXT_BYTES
            self.sent.texts = dict(request.form.lists())
        if sum(map(len, self.sent.texts.values())) > MOST_PARTS:
            _refuse_parts()
        self._find_kept()

    def remove_arrived(self) -> None:
        """Delete the files of this request."""
        for incoming in self._received:
            incoming.remove()

    def take(self, events: Iterable[Event]) -> None:
        """Process the parts, or the remaining ones, as they arrive."""
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case Field():
                self._field, self._is_file = event.name, False
                self._text.clear()
            case File():
                self._field, self._is_file = event.name, True
                self._begin_file(event.filename)
            case Data():
                self._take_data(event.data)
                if not event.more_data:
                    self._end_part()

    def _take_data(self, data: bytes) -> None:
        if not self._is_file:
            self._texts_size += len(data)
            if self._texts_size > MAX_TEXT_BYTES:
                _refuse_size("inputs", MAX_TEXT_BYTES)
            self._text += data
        elif self._incoming is not None:
            self._files_size += len(data)
            if self._files_size > installation().settings.max_upload_bytes:
                _refuse_size("files", installation().settings.max_upload_bytes)
            self._incoming.write(data)
            self._refuse_file(self._incoming.name, self._incoming.size)

    def _end_part(self) -> None:
        if not self._is_file:
            if not is_whole_text(self._text):
                abort(400, UNREADABLE)
            self.sent.texts.setdefault(self._field, []).append(self._text.decode())
        elif self._incoming is not None:
            self._put(self._field, KeptFile(self._incoming.token, self._incoming.finish()))

    def _begin_file(self, filename: str | None) -> None:
        self._incoming = None
        if self._field not in self._leaves:
            self.sent.texts.setdefault(self._field, [])
        # A file without a name: none was chosen.
        if not filename or self._refuse_file(clean_name(filename), 0):
            return
        self._incoming = self._pending.receive(filename)
        self._received.append(self._incoming)

    def _refuse_file(self, name: str, size: int) -> bool:
        """True if the field does not accept the file. The received part is deleted, and the rest is not kept."""
        leaf = self._leaves.get(self._field)
        is_file_field = leaf is not None and leaf.kind == "file"
        fault = leaf.accept.fault_of(name, size) if leaf and is_file_field else "doesn't take a file"
        if leaf and not leaf.multiple and self.sent.files.get(self._field):
            fault = "takes only one file"
        if fault and leaf:
            self.sent.messages[self._field] = fault
        if fault and self._incoming is not None:
            self._incoming.remove()
            self._incoming = None
        return bool(fault)

    def _put(self, name: str, kept: KeptFile) -> None:
        """Add a file to a field: in a list beside other files, otherwise in their place. The same file counts
        once."""
        others = self.sent.files.setdefault(name, [])
        if not self._leaves[name].multiple:
            others.clear()
        if all((each.file.name, each.file.sha256) != (kept.file.name, kept.file.sha256) for each in others):
            others.append(kept)

    def _find_kept(self) -> None:
        """Texts of a file field are tokens of kept files. New files take precedence."""
        removed = self.sent.texts.pop(REMOVE_FIELD, [])
        for name, leaf in self._leaves.items():
            if leaf.kind != "file":
                continue
            tokens, arrived = self.sent.texts.pop(name, []), self.sent.files.pop(name, [])
            found = [(token, self._find(token)) for token in tokens if token and token not in removed]
            for token, file in found:
                if file is not None:
                    self._put(name, KeptFile(token, file))
            for kept in arrived:
                self._put(name, kept)
            if any(file is None for _, file in found) and not arrived:
                self.sent.messages[name] = "is no longer available; choose the file again"
            self.sent.files.setdefault(name, [])

    def _find(self, token: str) -> UploadedFile | None:
        slug, slash, digest = token.partition("/")
        if not slash:
            return self._pending.find(token)
        job = find_job(read_session(), slug)
        if job is None or not visitors.may_see(visitors.current(), job):
            return None
        return next((kept.file for kept in kept_of_job(job) if kept.file.sha256 == digest), None)


def kept_of_job(job: Job) -> Iterator[KeptFile]:
    """A job's uploaded files that still exist."""
    for files in kept_by_field(job).values():
        yield from files


def kept_by_field(job: Job) -> dict[str, list[KeptFile]]:
    """A job's uploaded files, by field."""
    registry = installation().registry
    if job.task not in registry:
        return {}
    folder = inputs_folder(folder_of(job))
    return {
        name: [
            KeptFile(f"{job.slug}/{facts['sha256']}", UploadedFile(folder / facts["sha256"], **facts))
            for facts in files
            if (folder / facts["sha256"]).is_file()
        ]
        for name, files in stored_files(registry[job.task].inputs.fields, job.arguments).items()
    }


def parts() -> Iterator[Event]:
    """The parts of this request, parsed while they are read. Answers 400 and 413 in plain words."""
    if _was_read():
        yield from _what_was_read()
        return
    boundary = request.mimetype_params.get("boundary", "").encode("ascii", "replace")
    yield from _events(MultipartDecoder(boundary, max_form_memory_size=MAX_TEXT_BYTES, max_parts=MOST_PARTS))


def _was_read() -> bool:
    """True if the host app has already read the form, so that Werkzeug has stored its files."""
    return "form" in vars(request._get_current_object())  # type: ignore[attr-defined]


def _what_was_read() -> Iterator[Event]:
    for name, text in request.form.items(multi=True):
        yield Field(name=name, headers=Headers())
        yield Data(data=text.encode(), more_data=False)
    for name, file in request.files.items(multi=True):
        yield File(headers=file.headers, name=name, filename=file.filename or "")
        while data := file.stream.read(CHUNK):
            yield Data(data=data, more_data=True)
        yield Data(data=b"", more_data=False)


def _events(decoder: MultipartDecoder) -> Iterator[Event]:
    event: Event = NeedData()
    while not isinstance(event, Epilogue):
        try:
            if isinstance(event, NeedData):
                decoder.receive_data(request.stream.read(CHUNK) or None)
            event = decoder.next_event()
        except RequestEntityTooLarge:
            _refuse_parts()
        except ValueError:
            abort(400, "The form arrived incomplete. Nothing was started. Send it again.")
        yield event


def _refuse_size(things: str, limit: int) -> None:
    abort(413, f"The {things} are too large. The limit is {size_in_words(limit)} in total. Nothing was started.")


def _refuse_parts() -> None:
    abort(413, f"The form has more than {MOST_PARTS:,} fields, or a very long one. Nothing was started.")
