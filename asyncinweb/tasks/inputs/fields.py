"""The fields of a form: what one is, how its texts are read, and how a value is shown in it.

The pydantic model in `model` decides whether a value is valid; `type_hints` turns a hint into a field.
"""

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from asyncinweb.tasks.inputs.durations import read_duration, show_duration
from asyncinweb.tasks.inputs.json_text import read_json, show_json
from asyncinweb.tasks.inputs.moments import read_moment, show_moment
from asyncinweb.tasks.inputs.numbers import read_number
from asyncinweb.tasks.inputs.uploaded import Accept, is_stored_file, words_for

Kind = Literal[
    "text",
    "paragraph",
    "integer",
    "number",
    "checkbox",
    "date",
    "time",
    "datetime",
    "duration",
    "choice",
    "json",
    "secret",
    "file",
    "group",
]
Texts = Mapping[str, Sequence[str]]
# Files as a form or a shell gives them, not yet validated.
Files = Mapping[str, Sequence[object]]


class Absent(enum.Enum):
    """Marks a field that was not sent, because None would be a value."""

    ABSENT = enum.auto()


ABSENT = Absent.ABSENT
SECRET_SHOWN = "(secret)"
ANYTHING = Accept()
_DURATION = TypeAdapter(timedelta)
# Other characters that Python treats as line ends are part of the text.
_LINE_END = re.compile(r"\r?\n")
_EDGES = " \t\r\n\xa0"


@dataclass(frozen=True)
class Choice:
    """One of the values a Literal or an Enum allows: `text` is what a form sends for `value`."""

    text: str
    label: str
    value: Any


@dataclass(frozen=True)
class FormField:
    """One parameter of a task, or one member of a model that is a parameter, as a form shows it.

    Texts are in HTML's form. name: `address.street` for a member, whose own name is `key`.
    """

    name: str
    kind: Kind
    label: str
    help: str = ""
    key: str = ""
    required: bool = True
    optional: bool = False
    multiple: bool = False
    default: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    minimum: str = ""
    maximum: str = ""
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    pattern: str = ""
    accept: Accept = ANYTHING
    members: tuple["FormField", ...] = ()

    @property
    def leaves(self) -> tuple["FormField", ...]:
        """The fields that have their own control: the members of a group, otherwise the field itself."""
        return self.members if self.kind == "group" else (self,)

    @property
    def texts(self) -> tuple[str, ...]:
        """All that the form shows of this field, without its members."""
        choices = (text for choice in self.choices for text in (choice.text, choice.label))
        return (self.name, self.label, self.help, *self.default, *choices)

    def read_from(self, texts: Texts, files: Files) -> object:
        """This field's value among all sent values, still to be validated. ABSENT if it was not sent."""
        if self.kind == "group":
            return self._read_group(texts, files)
        if self.kind == "file" and self.name in files:
            found = files[self.name]
            return list(found) if self.multiple else (found[-1] if found else None)
        if self.name not in texts:
            return ABSENT
        if self.kind == "secret" and not self.optional and not any(texts[self.name]):
            return ABSENT
        return self.read(texts[self.name])

    def _read_group(self, texts: Texts, files: Files) -> object:
        read = {member.key: member.read_from(texts, files) for member in self.members}
        sent = {key: value for key, value in read.items() if value is not ABSENT}
        if self.optional and sent and not any(_is_filled(value) for value in sent.values()):
            return None
        return sent or ABSENT

    def read(self, texts: Sequence[str]) -> object:
        """The value of these submitted texts, still to be validated.

        A text that cannot be read is returned as it is, so that validation can name it.
        """
        if self.multiple:
            return [self._read_one(item) for item in self._items(texts)]
        text = texts[-1] if texts else ""
        if self.kind == "checkbox":
            return _is_ticked(text)
        if (choice := self._choice_of(text)) is not None:
            return choice.value
        text = self._tidied(text)
        if text == "" and (self.optional or self.kind not in ("text", "paragraph")):
            return None
        return self._read_one(text)

    def _items(self, texts: Sequence[str]) -> list[str]:
        """The items: the lines of a single text, or several texts. Without empty ones."""
        if self.choices:
            return [text for text in texts if text]
        is_lines = len(texts) == 1 or self.kind not in ("text", "paragraph")
        lines = [line for text in texts for line in _LINE_END.split(text)] if is_lines else texts
        return [item for line in lines if (item := line.strip(_EDGES))]

    def _choice_of(self, text: str) -> Choice | None:
        if not self.choices:
            return None
        # Browsers send each line end as \r\n, even within a choice's text.
        plain = _LINE_END.sub("\n", text)
        by_text = {choice.text: choice for choice in self.choices}
        return by_text.get(plain) or by_text.get(plain.strip(_EDGES))

    def _tidied(self, text: str) -> str:
        """A text as a browser sends it, with plain line ends; a single line without surrounding blanks."""
        if self.kind == "secret" or text in self.default:
            return text
        plain = _LINE_END.sub("\n", text)
        return plain if self.kind in ("paragraph", "json") else plain.strip(_EDGES)

    def _read_one(self, text: str) -> object:
        if (choice := self._choice_of(text)) is not None:
            return choice.value
        match self.kind:
            case "checkbox":
                return _is_ticked(text)
            case "duration":
                return read_duration(text)
            case "json":
                return read_json(text)
            case "integer" | "number":
                return read_number(text, whole=self.kind == "integer")
            case "date" | "time" | "datetime":
                return read_moment(self.kind, text)
        return _LINE_END.sub("\n", text)

    def show(self, value: object) -> tuple[str, ...]:
        """The texts a form shows for a value: one, or one for each item of a list; none for None.

        Nothing for a secret. A file is shown by its name and size, which cannot be sent back.
        """
        if value is None or self.kind in ("secret", "group"):
            return ()
        if self.kind == "json":
            return (show_json(value),)
        if self.multiple and isinstance(value, (list, tuple, set, frozenset)):
            return self._show_items([as_text(item) for item in value])
        return (as_text(value),)

    def _show_items(self, items: list[str]) -> tuple[str, ...]:
        if self.kind == "checkbox":
            # An empty line would not be an item.
            return tuple(item or "no" for item in items)
        # A single text stands for its lines, so an item of several lines gets its own text, and an empty one is
        # added.
        has_lines = not self.choices and any(has_line_end(item) for item in items)
        return (*items, "") if has_lines else tuple(items)

    def show_stored(self, value: object) -> tuple[str, ...]:
        """Like `show`, for a value from stored JSON."""
        if self.kind in ("datetime", "time", "duration"):
            is_list = self.multiple and isinstance(value, list)
            items = value if is_list and isinstance(value, list) else [value]
            read = [_from_json(self.kind, item) for item in items]
            return self.show(read if is_list else read[0])
        if self.kind == "file":
            files = value if isinstance(value, list) else [value]
            return tuple(words_for(file) for file in files if is_stored_file(file))
        return self.show(value)

    def in_words(self, value: object) -> str:
        """A stored value as a person reads it: lists in one line, yes or no, a secret not at all."""
        if value is None:
            return ""
        if self.kind == "secret":
            return SECRET_SHOWN
        if isinstance(value, bool):
            return "yes" if value else "no"
        labels = {choice.text: choice.label for choice in self.choices}
        return ", ".join(labels.get(text, text) for text in self.show_stored(value) if text)


def as_text(value: object) -> str:
    """A value in the form that HTML's controls need."""
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, bool):
        return "on" if value else ""
    if isinstance(value, (datetime, time)):
        return show_moment(value)
    return show_duration(value) if isinstance(value, timedelta) else str(value)


def label_for(name: str) -> str:
    """A parameter's name in words."""
    return name.replace("_", " ").capitalize()


def has_line_end(text: str) -> bool:
    """True for a text that a one-line control would change. Browsers treat a lone \\r as a line end too."""
    return "\n" in text or "\r" in text


def _from_json(kind: Kind, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        match kind:
            case "datetime":
                return datetime.fromisoformat(value)
            case "time":
                return time.fromisoformat(value)
            case _:
                return _DURATION.validate_python(value)
    except (ValueError, ValidationError):
        return value


def _is_filled(value: object) -> bool:
    """True unless a visitor has left the control as empty as it can be."""
    return value not in (None, "", False, [])


def _is_ticked(text: str) -> object:
    """True or False for the words a form or a shell sends; any other text as it is."""
    return {
        "on": True,
        "true": True,
        "yes": True,
        "1": True,
        "": False,
        "false": False,
        "no": False,
        "0": False,
    }.get(text.strip().lower(), text)
