"""A type hint as a form field: which control shows it, with which limits, and how its text is read.

Only describes and reads text; whether a value is right is decided by the pydantic model in `inputs`.
"""

import enum
import types
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

Kind = Literal["text", "paragraph", "integer", "number", "checkbox", "date", "datetime", "choice"]

# bool before int: a bool is an int.
SCALARS: dict[type, Kind] = {
    bool: "checkbox",
    str: "text",
    int: "integer",
    float: "number",
    Decimal: "number",
    date: "date",
    datetime: "datetime",
}
SUPPORTED = "str, int, float, Decimal, bool, date, datetime, Literal, Enum, Optional and list of those"
# Longer texts get a box of several lines.
LINE_LENGTH = 200


class UnsupportedHint(Exception):
    """No form field shows this type hint."""


@dataclass(frozen=True)
class Choice:
    """One of the values a Literal or an Enum allows: `text` is what a form sends for `value`."""

    text: str
    label: str
    value: Any


@dataclass(frozen=True)
class FormField:
    """One parameter of a task, as a form shows it. Texts are as HTML wants them."""

    name: str
    kind: Kind
    label: str
    help: str = ""
    required: bool = True
    optional: bool = False
    multiple: bool = False
    default: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    minimum: str = ""
    maximum: str = ""
    min_length: int | None = None
    max_length: int | None = None
    pattern: str = ""

    def read(self, texts: Sequence[str]) -> object:
        """The value that these submitted texts mean, still to be validated.

        A text that cannot be read is returned as it is, so that validation can name it.
        """
        if self.kind == "checkbox":
            return _is_ticked(texts[-1]) if texts else False
        if self.multiple:
            lines = texts if self.choices else [line for text in texts for line in text.splitlines()]
            return [self._read_one(line.strip()) for line in lines if line.strip()]
        text = texts[-1] if texts else ""
        text = text.replace("\r\n", "\n") if self.kind == "paragraph" else text.strip()
        if text == "" and (self.optional or self.kind not in ("text", "paragraph")):
            return None
        return self._read_one(text)

    def _read_one(self, text: str) -> object:
        for choice in self.choices:
            if choice.text == text:
                return choice.value
        if self.kind in ("integer", "number") and "_" in text:
            # Python's own notation for thousands is no number to a visitor.
            return text.replace("_", " _ ")
        return text

    def show(self, value: object) -> tuple[str, ...]:
        """The texts a form shows for a value: one, or one for each item of a list; none for None."""
        if value is None:
            return ()
        if self.multiple and isinstance(value, (list, tuple)):
            return tuple(_as_text(item) for item in value)
        return (_as_text(value),)


def form_field(name: str, hint: object, default: object, required: bool) -> FormField:
    """Describe a parameter. Raises UnsupportedHint."""
    described = _described(hint)
    base, optional = _without_none(_bare(hint))
    base, described = _bare(base), described + _described(base)
    multiple = get_origin(base) is list
    if multiple:
        (item,) = get_args(base) or (str,)
        base, described_item = _bare(item), _described(item)
    else:
        described_item = described
    kind, choices = _kind(base)
    limits = _limits(described_item)
    if kind == "text" and ((limits.get("max_length") or 0) > LINE_LENGTH or "\n" in str(default)):
        kind = "paragraph"
    info = {key: value for each in described for key, value in _words(each).items() if value}
    made = FormField(
        name=name,
        kind=kind,
        label=info.get("title") or name.replace("_", " ").capitalize(),
        help=info.get("description", ""),
        required=required and not optional and kind != "checkbox" and not multiple,
        optional=optional,
        multiple=multiple,
        choices=choices,
        **limits,
    )
    return made if required else FormField(**{**vars(made), "default": made.show(default)})


def _kind(base: object) -> tuple[Kind, tuple[Choice, ...]]:
    if get_origin(base) is Literal:
        return "choice", tuple(Choice(_as_text(value), _as_text(value), value) for value in get_args(base))
    if isinstance(base, type) and issubclass(base, enum.Enum):
        return "choice", tuple(
            Choice(_as_text(member), member.name.replace("_", " ").capitalize(), member) for member in base
        )
    if isinstance(base, type) and base in SCALARS:
        return SCALARS[base], ()
    raise UnsupportedHint(f"{getattr(base, '__name__', None) or base}")


def _bare(hint: object) -> object:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _described(hint: object) -> tuple[object, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _without_none(hint: object) -> tuple[object, bool]:
    """`X | None` as (X, True); anything else as it is. Other unions are refused."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    members = [each for each in get_args(hint) if each is not type(None)]
    if len(members) != 1 or len(members) == len(get_args(hint)):
        raise UnsupportedHint(str(hint))
    return members[0], True


def _words(metadata: object) -> dict[str, str]:
    if not isinstance(metadata, FieldInfo):
        return {}
    return {"title": metadata.title or "", "description": metadata.description or ""}


def _limits(described: Sequence[object]) -> dict[str, Any]:
    """Limits from `Field(...)` and from bare annotated-types such as `Ge(1)`, told by attribute."""
    parts = [part for each in described for part in getattr(each, "metadata", [each])]
    limits: dict[str, Any] = {}
    for part in parts:
        for attribute, key in (("ge", "minimum"), ("gt", "minimum"), ("le", "maximum"), ("lt", "maximum")):
            value = getattr(part, attribute, None)
            if value is not None:
                limits[key] = _as_text(value)
        for attribute in ("min_length", "max_length", "pattern"):
            value = getattr(part, attribute, None)
            if value is not None:
                limits[attribute] = value
    return limits


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


def _as_text(value: object) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, bool):
        return "on" if value else ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    return str(value)
