"""Turns a type hint into a form field: its control, limits, label and help."""

import dataclasses
import enum
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from asyncinweb.tasks.inputs.fields import Choice, FormField, Kind, as_text, label_for
from asyncinweb.tasks.inputs.uploaded import Accept, UploadedFile

# bool before int: a bool is an int.
SCALARS: dict[type, Kind] = {
    bool: "checkbox",
    str: "text",
    int: "integer",
    float: "number",
    Decimal: "number",
    date: "date",
    time: "time",
    datetime: "datetime",
    timedelta: "duration",
    SecretStr: "secret",
    UploadedFile: "file",
}
SUPPORTED = (
    "str, int, float, Decimal, bool, date, time, datetime, timedelta, Literal, Enum, Optional, list and set of "
    "those, SecretStr, UploadedFile and list of it, dict, Any, or a dataclass or pydantic model with members of "
    "such types"
)
# Longer texts get a box with several lines.
LINE_LENGTH = 200
YES_OR_NO = (Choice("on", "Yes", value=True), Choice("off", "No", value=False))


class UnsupportedHint(Exception):
    """No form field shows this type hint."""


@dataclass(frozen=True)
class Parameter:
    """A parameter, or a member of a model. default: also None if there is none."""

    name: str
    hint: object
    default: object
    required: bool


@dataclass(frozen=True)
class HintParts:
    """A hint taken apart: `Annotated[list[Annotated[int, Ge(1)]] | None, ...]` and the like."""

    base: object
    optional: bool
    collection: type | None
    described: tuple[object, ...]
    described_item: tuple[object, ...]


def form_field(parameter: Parameter) -> FormField:
    """Describe a parameter. Raises UnsupportedHint."""
    parts = _take_apart(parameter.hint)
    if is_model(parts.base) and parts.collection is None:
        return _group(parameter, parts)
    return _leaf(parameter, parts)


def is_model(base: object) -> bool:
    """True for a dataclass or a pydantic model, which a form shows as a group of fields."""
    if not isinstance(base, type) or base is UploadedFile:
        return False
    return dataclasses.is_dataclass(base) or issubclass(base, BaseModel)


def is_set(hint: object) -> bool:
    """True for a set of something, optional or not."""
    return _take_apart(hint).collection in (set, frozenset)


def _take_apart(hint: object) -> HintParts:
    described = _described(hint)
    base, optional = _without_none(_bare(hint))
    base, described = _bare(base), described + _described(base)
    collection = get_origin(base)
    if collection not in (list, set, frozenset):
        return HintParts(base, optional, None, described, described)
    (item,) = get_args(base)
    return HintParts(_bare(item), optional, collection, described, _described(item))


def _leaf(parameter: Parameter, parts: HintParts) -> FormField:
    kind, choices = _kind(parts.base)
    if parts.collection is not None and (
        kind in ("secret", "json") or (kind == "file" and parts.collection is not list)
    ):
        raise UnsupportedHint(_name_of(parameter.hint))
    if kind == "checkbox" and parts.optional and parts.collection is None:
        kind, choices = "choice", YES_OR_NO
    made = FormField(
        name=parameter.name,
        key=parameter.name,
        kind=kind,
        choices=choices,
        label=_label(parameter.name, parts),
        help=_words(parts)[1],
        optional=parts.optional,
        multiple=parts.collection is not None,
        **_limits(parts.described_item),
        **(_item_limits(parts.described) if parts.collection else {}),
        **_accepted((*parts.described, *parts.described_item)),
    )
    return _with_default(_as_paragraph(made, parameter.default), parameter)


def _with_default(field: FormField, parameter: Parameter) -> FormField:
    may_be_empty = field.optional or field.kind == "checkbox" or (field.multiple and not field.min_items)
    default = () if parameter.required else field.show(parameter.default)
    return replace(field, required=parameter.required and not may_be_empty, default=default)


def _as_paragraph(field: FormField, default: object) -> FormField:
    is_long = (field.max_length or 0) > LINE_LENGTH or "\n" in str(default)
    return replace(field, kind="paragraph") if field.kind == "text" and is_long else field


def _group(parameter: Parameter, parts: HintParts) -> FormField:
    """A model as one field with members. A model inside a model is refused."""
    assert isinstance(parts.base, type)
    members = []
    for member in _members(parts.base, None if parameter.required else parameter.default):
        taken = _take_apart(member.hint)
        if is_model(taken.base):
            raise UnsupportedHint(
                f"{_name_of(parts.base)} with {_name_of(taken.base)} inside (forms show only one level)"
            )
        name = f"{parameter.name}.{member.name}"
        members.append(replace(_leaf(member, taken), name=name))
    if not members:
        raise UnsupportedHint(f"{_name_of(parts.base)}, which has no members")
    required = parameter.required and not parts.optional
    if not required:
        # If the whole can be left out, its parts must not be required.
        members = [replace(member, required=False) for member in members]
    return FormField(
        name=parameter.name,
        key=parameter.name,
        kind="group",
        label=_label(parameter.name, parts),
        help=_words(parts)[1],
        required=required,
        optional=parts.optional,
        members=tuple(members),
    )


def _members(model: type, default: object) -> Iterator[Parameter]:
    """The members of a dataclass or pydantic model, with the values that `default`, one of them, has."""
    for member in _own_members(model):
        if default is None:
            yield member
        else:
            yield replace(member, default=getattr(default, member.name), required=False)


def _own_members(model: Any) -> Iterator[Parameter]:
    if issubclass(model, BaseModel):
        for name, info in model.model_fields.items():
            if info.alias or info.validation_alias:
                raise UnsupportedHint(f"{_name_of(model)}, whose member {name!r} has an alias")
            can_be_made = not info.default_factory_takes_validated_data
            default = info.get_default(call_default_factory=True) if can_be_made else None
            yield Parameter(name, Annotated[info.annotation, info], default, info.is_required())
        return
    try:
        hints = get_type_hints(model, include_extras=True)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise UnsupportedHint(f"{_name_of(model)}, with a member whose own hint can't be read ({error})") from None
    for field in dataclasses.fields(model):
        if field.init:
            has_factory = field.default_factory is not dataclasses.MISSING
            default = field.default_factory() if callable(field.default_factory) and has_factory else field.default
            required = default is dataclasses.MISSING
            yield Parameter(field.name, hints[field.name], None if required else default, required)


def _kind(base: object) -> tuple[Kind, tuple[Choice, ...]]:
    if get_origin(base) is Literal:
        return "choice", tuple(Choice(as_text(value), as_text(value), value) for value in get_args(base))
    if base is Any or base is dict or get_origin(base) is dict:
        return "json", ()
    if isinstance(base, type) and issubclass(base, enum.Enum):
        return "choice", tuple(
            Choice(as_text(member), member.name.replace("_", " ").capitalize(), member) for member in base
        )
    if isinstance(base, type) and base in SCALARS:
        return SCALARS[base], ()
    raise UnsupportedHint(_name_of(base))


def _name_of(hint: object) -> str:
    return str(hint) if get_args(hint) else f"{getattr(hint, '__name__', None) or hint}"


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


def _label(name: str, parts: HintParts) -> str:
    return _words(parts)[0] or label_for(name)


def _words(parts: HintParts) -> tuple[str, str]:
    """Title and description; the last ones if there are several."""
    infos = [each for each in parts.described if isinstance(each, FieldInfo)]
    titles = [info.title for info in infos if info.title]
    helps = [info.description for info in infos if info.description]
    return titles[-1] if titles else "", helps[-1] if helps else ""


def _metadata(described: Sequence[object]) -> list[object]:
    return [part for each in described for part in getattr(each, "metadata", [each])]


def _limits(described: Sequence[object]) -> dict[str, Any]:
    """Limits from `Field(...)` and from bare annotated-types such as `Ge(1)`, recognised by their attributes."""
    limits: dict[str, Any] = {}
    for part in _metadata(described):
        for attribute, key in (("ge", "minimum"), ("gt", "minimum"), ("le", "maximum"), ("lt", "maximum")):
            value = getattr(part, attribute, None)
            if value is not None:
                limits[key] = as_text(value)
        for attribute in ("min_length", "max_length", "pattern"):
            value = getattr(part, attribute, None)
            if value is not None:
                limits[attribute] = value
    return limits


def _item_limits(described: Sequence[object]) -> dict[str, Any]:
    """How many items a list may have."""
    found = _limits(described)
    return {"min_items": found.get("min_length"), "max_items": found.get("max_length")}


def _accepted(described: Sequence[object]) -> dict[str, Any]:
    accepts = [part for part in _metadata(described) if isinstance(part, Accept)]
    return {"accept": accepts[-1]} if accepts else {}
