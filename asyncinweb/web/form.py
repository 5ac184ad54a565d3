"""A task's parameters as the controls of a form, filled from defaults, the address, an old job or a refusal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asyncinweb.tasks.fields import Choice, FormField
from asyncinweb.tasks.registry import Task
from asyncinweb.web.shared import new_form_key

Texts = Mapping[str, Sequence[str]]

# No parameter can have this name, so it never gets in the way of one.
KEY_FIELD = "form-key"
MOST_RADIOS = 5
INPUT_TYPES = {
    "text": "text",
    "integer": "number",
    "number": "number",
    "date": "date",
    "datetime": "datetime-local",
}


@dataclass(frozen=True)
class Control:
    """One field with what it shows now."""

    field: FormField
    texts: Sequence[str]
    error: str

    @property
    def text(self) -> str:
        return "\n".join(self.texts) if self.widget == "lines" else (self.texts[-1] if self.texts else "")

    @property
    def widget(self) -> str:
        """Which partial shows it."""
        field = self.field
        if field.kind == "checkbox" and not field.multiple:
            return "checkbox"
        if field.choices:
            if field.multiple:
                return "checkboxes"
            return "radios" if len(field.choices) <= MOST_RADIOS else "select"
        return "lines" if field.multiple else "paragraph" if field.kind == "paragraph" else "input"

    @property
    def is_group(self) -> bool:
        """True for several controls under one heading."""
        return self.widget in ("radios", "checkboxes")

    @property
    def input_type(self) -> str:
        """The type of an <input>. A number field would hide a text that is no number."""
        if self.field.kind in ("integer", "number") and not _is_number(self.text):
            return "text"
        return INPUT_TYPES.get(self.field.kind, "text")

    @property
    def limits(self) -> str:
        """What a visitor should know before typing: `32 to 1,600`."""
        field = self.field
        if field.min_length and field.kind in ("text", "paragraph") and not field.multiple:
            return f"At least {field.min_length} character{'' if field.min_length == 1 else 's'}"
        if field.minimum and field.maximum:
            return f"{_grouped(field.minimum)} to {_grouped(field.maximum)}"
        if field.minimum:
            return f"At least {_grouped(field.minimum)}"
        return f"At most {_grouped(field.maximum)}" if field.maximum else ""

    @property
    def options(self) -> Sequence[Choice]:
        """The choices, with an empty one where none need be made."""
        field = self.field
        if field.multiple or not (field.optional or (field.required and self.widget == "select")):
            return field.choices
        return (Choice("", "No choice" if field.optional else "Please choose", None), *field.choices)

    def is_chosen(self, choice: Choice) -> bool:
        return choice.text in self.texts or (choice.text == "" and not self.texts)

    @property
    def is_ticked(self) -> bool:
        return self.field.read(self.texts) is True

    @property
    def error_sentence(self) -> str:
        """The error with the field's name in front, as the summary lists it."""
        joint = " " if self.error.startswith("is ") else ": "
        return f"{self.field.label}{joint}{self.error}."


@dataclass(frozen=True)
class Form:
    """A task's form. `other_errors`: of names that are no parameter."""

    task: Task[..., object]
    controls: Sequence[Control]
    other_errors: Sequence[str]
    key: str

    @property
    def wrong(self) -> Sequence[Control]:
        return [control for control in self.controls if control.error]

    @property
    def has_errors(self) -> bool:
        return bool(self.wrong or self.other_errors)


def blank_form(task: Task[..., object], texts: Texts | None = None) -> Form:
    """A form with the defaults, or with `texts` where there are some."""
    return _form(task, texts or {}, {}, new_form_key())


def refused_form(task: Task[..., object], texts: Texts, messages: Mapping[str, str], key: str) -> Form:
    """The form again, as it was sent, with what is wrong."""
    return _form(task, texts, messages, key or new_form_key())


def _form(task: Task[..., object], texts: Texts, messages: Mapping[str, str], key: str) -> Form:
    fields = task.inputs.fields
    controls = [
        Control(field, texts.get(field.name, field.default), messages.get(field.name, "")) for field in fields
    ]
    names = {field.name for field in fields}
    others = [f"{name} {message}" for name, message in messages.items() if name not in names]
    return Form(task, controls, others, key)


def _is_number(text: str) -> bool:
    try:
        float(text or "0")
    except ValueError:
        return False
    return "_" not in text


def _grouped(number: str) -> str:
    return f"{int(number):,}" if number.lstrip("-").isdigit() else number
