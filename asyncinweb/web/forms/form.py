"""A task's parameters as the controls of a form, filled from defaults, the address, an earlier job or a refused
form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from asyncinweb import clock
from asyncinweb.tasks.inputs.fields import Choice, FormField, has_line_end
from asyncinweb.tasks.inputs.moments import fits_control
from asyncinweb.tasks.registry import Task
from asyncinweb.units import counted, listed, size
from asyncinweb.validation_messages import about, alone
from asyncinweb.web.forms.start_time import START_FIELD, earliest_start, zone_of
from asyncinweb.web.forms.uploads import KeptFile
from asyncinweb.web.installation import installation
from asyncinweb.web.shared import new_form_key

Texts = Mapping[str, Sequence[str]]
Kept = Mapping[str, Sequence[KeptFile]]

# No parameter can have this name, so it never collides with one.
KEY_FIELD = "form-key"
MOST_RADIOS = 5
INPUT_TYPES = {
    "text": "text",
    "date": "date",
    "time": "time",
    "datetime": "datetime-local",
    "secret": "password",
}
# The kinds for which a browser checks the limits itself.
TYPES_WITH_LIMITS = ("date", "time", "datetime-local")


@dataclass(frozen=True)
class Control:
    """A field and its current contents.

    kept: files that need not be chosen again. must_be_typed_again: a secret was sent, and we never send it back.
    """

    field: FormField
    texts: Sequence[str]
    error: str
    kept: Sequence[KeptFile] = ()
    must_be_typed_again: bool = False

    @property
    def id(self) -> str:
        """The end of its element's id."""
        return self.field.name.replace(".", "-")

    @property
    def text(self) -> str:
        return "\n".join(self.texts) if self.widget == "lines" else (self.texts[-1] if self.texts else "")

    @property
    def widget(self) -> str:
        """The partial that shows it."""
        field = self.field
        if field.choices:
            if field.multiple:
                return "checkboxes"
            return "radios" if len(field.choices) <= MOST_RADIOS else "select"
        if field.kind == "file":
            return "file"
        if field.multiple:
            return "items" if len(self.texts) > 1 and any(map(has_line_end, self.texts)) else "lines"
        if field.kind == "text" and any(map(has_line_end, self.texts)):
            return "paragraph"
        return {"checkbox": "checkbox", "paragraph": "paragraph", "json": "paragraph", "secret": "secret"}.get(
            field.kind, "input"
        )

    @property
    def is_group(self) -> bool:
        """True for several controls with a common heading."""
        return self.widget in ("radios", "checkboxes", "items")

    @property
    def may_stay_empty(self) -> bool:
        """True for a field that may be empty and starts out empty."""
        field = self.field
        if field.optional:
            return True
        if field.multiple:
            return not field.required and not field.default and not field.min_items
        return field.default == ("",) and not field.min_length and not field.pattern

    @property
    def input_type(self) -> str:
        """The type of an <input>. A typed control would hide a text that it cannot show.

        Numbers use a text control: <input type=number> drops what it does not understand, so 1,5 would become 15.
        """
        kind = self.field.kind
        if kind in ("date", "time", "datetime") and not fits_control(kind, self.text):
            return "text"
        return INPUT_TYPES.get(kind, "text")

    @property
    def keyboard(self) -> str:
        """Which keys a phone shows. "" for all, because number keypads may lack the minus."""
        if (
            self.field.kind not in ("integer", "number")
            or self.field.minimum.startswith("-")
            or not self.field.minimum
        ):
            return ""
        return "numeric" if self.field.kind == "integer" else "decimal"

    @property
    def has_limits(self) -> bool:
        """True if the browser can check the smallest and largest value."""
        return self.input_type in TYPES_WITH_LIMITS

    @property
    def step(self) -> str:
        """The step between values for the browser; "" for its default."""
        # A time with seconds: by default, browsers use minutes.
        return "any" if self.input_type in ("time", "datetime-local") and self.text.count(":") > 1 else ""

    @property
    def limits(self) -> str:
        """What a visitor should know before typing: `32 to 1,600`."""
        if self.field.kind == "file":
            return _file_limits(self.field, self.max_bytes)
        parts = [_items(self.field), _lengths(self.field), _bounds(self.field)]
        if self.widget in ("lines", "items"):
            parts.insert(0, "One per line" if self.widget == "lines" else "One per box")
        if self.field.kind == "duration" and not self.texts:
            parts.append("For example 1 h 30 min")
        if self.field.kind == "json":
            parts.append('JSON, for example {"size": 3}')
        if self.widget in ("paragraph", "items") and any("\r" in text for text in self.texts):
            # A browser sends every line end as the same two characters.
            parts.append("Unusual line breaks become ordinary ones")
        return ". ".join(part for part in parts if part)

    @property
    def options(self) -> Sequence[Choice]:
        """The choices, with an empty one if the field is optional."""
        field = self.field
        if field.multiple or not (field.optional or (field.required and self.widget == "select")):
            return field.choices
        empty = "Choose…" if not field.optional else "Not set" if field.kind == "checkbox" else "None"
        return (Choice("", empty, None), *field.choices)

    @property
    def max_bytes(self) -> int:
        """The largest size of a file, by its own limit or that of the whole form."""
        together = installation().settings.max_upload_bytes
        return min(self.field.accept.max_bytes or together, together)

    def is_chosen(self, choice: Choice) -> bool:
        return choice.text in self.texts or (choice.text == "" and not self.texts)

    @property
    def is_ticked(self) -> bool:
        return self.field.read(self.texts) is True

    @property
    def error_sentence(self) -> str:
        """The error with the field's name, for the summary."""
        return about(self.field.label, self.error)

    @property
    def error_alone(self) -> str:
        """The error as shown beside the field."""
        return alone(self.error)


@dataclass(frozen=True)
class Group:
    """A model as a fieldset: a field whose members each have a control. error: about the whole."""

    field: FormField
    controls: Sequence[Control]
    error: str

    @property
    def error_sentence(self) -> str:
        return about(self.field.label, self.error)

    @property
    def error_alone(self) -> str:
        return alone(self.error)


@dataclass(frozen=True)
class StartTime:
    """Whether the job starts now or at a time, in the server's time zone."""

    text: str = ""
    error: str = ""
    now: datetime = field(default_factory=lambda: clock.now().astimezone())

    @property
    def zone(self) -> str:
        return zone_of(self.now)

    @property
    def earliest(self) -> str:
        return f"{earliest_start(self.now):%Y-%m-%dT%H:%M}"

    @property
    def error_sentence(self) -> str:
        return about("Start at", self.error)

    @property
    def error_alone(self) -> str:
        return alone(self.error)


@dataclass(frozen=True)
class Form:
    """A task's form. parts: its controls and groups. other_errors: for names that are not parameters."""

    task: Task[..., object]
    parts: Sequence[Control | Group]
    other_errors: Sequence[str]
    key: str
    when: StartTime

    @property
    def has_files(self) -> bool:
        return self.task.inputs.takes_files

    @cached_property
    def errors(self) -> Sequence[tuple[str, str]]:
        """Id and message of each error, from top to bottom; without an id if it belongs to no field."""
        found = []
        for part in self.parts:
            if isinstance(part, Group):
                found += [(control.id, control.error_sentence) for control in part.controls if control.error]
                found += [(part.field.name, part.error_sentence)] if part.error else []
            elif part.error:
                found.append((part.id, part.error_sentence))
        if self.when.error:
            found.append((START_FIELD, self.when.error_sentence))
        return [*found, *(("", each) for each in self.other_errors)]


def blank_form(task: Task[..., object], texts: Texts | None = None, kept: Kept | None = None) -> Form:
    """A form with the defaults, or with `texts` and kept files if there are any."""
    return _form(task, texts or {}, kept or {}, {}, new_form_key())


def refused_form(task: Task[..., object], texts: Texts, kept: Kept, messages: Mapping[str, str], key: str) -> Form:
    """The form again, as it was sent, with its errors."""
    # Browsers send every line end as these two characters.
    plain = {name: [text.replace("\r\n", "\n") for text in sent] for name, sent in texts.items()}
    return _form(task, plain, kept, messages, key or new_form_key())


def _form(task: Task[..., object], texts: Texts, kept: Kept, messages: Mapping[str, str], key: str) -> Form:
    def control(field: FormField) -> Control:
        error, files = messages.get(field.name, ""), kept.get(field.name, ())
        if field.kind == "secret":
            was_typed = bool(messages) and any(texts.get(field.name, ()))
            return Control(field, (), error, must_be_typed_again=was_typed)
        shown = () if field.kind == "file" else texts.get(field.name, field.default)
        return Control(field, shown, error, files)

    parts: list[Control | Group] = [
        Group(field, [control(member) for member in field.members], messages.get(field.name, ""))
        if field.kind == "group"
        else control(field)
        for field in task.inputs.fields
    ]
    names = {*task.inputs.leaves, *(field.name for field in task.inputs.fields), START_FIELD}
    others = [about(name, message) for name, message in messages.items() if name not in names]
    when = StartTime((texts.get(START_FIELD) or [""])[-1], messages.get(START_FIELD, ""))
    return Form(task, parts, others, key, when)


def _items(field: FormField) -> str:
    return _range(field.min_items, field.max_items, "value")


def _lengths(field: FormField) -> str:
    if field.kind not in ("text", "paragraph", "secret"):
        return ""
    return _range(field.min_length, field.max_length, "character")


def _bounds(field: FormField) -> str:
    low, high = _grouped(field.minimum), _grouped(field.maximum)
    if low and high:
        return f"{low} to {high}"
    return f"At least {low}" if low else f"At most {high}" if high else ""


def _file_limits(field: FormField, max_bytes: int) -> str:
    """`.csv or .txt, up to 5 MB`"""
    parts = [
        listed(field.accept.suffixes),
        f"up to {size(max_bytes)}",
        f"at most {counted(field.max_items, 'file')}" if field.max_items else "",
    ]
    words = ", ".join(part for part in parts if part)
    return words[:1].upper() + words[1:]


def _range(least: int | None, most: int | None, thing: str) -> str:
    """`2 to 40 characters`, or with only one limit."""
    if least and most:
        return f"{least:,} to {counted(most, thing)}"
    if least:
        return f"At least {counted(least, thing)}"
    return f"At most {counted(most, thing)}" if most else ""


def _grouped(number: str) -> str:
    return f"{int(number):,}" if number.lstrip("-").isdigit() else number.replace("T", " ")
