"""Stored arguments for forms and people, even if the function has changed since."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from asyncinweb.tasks.inputs.fields import FormField, label_for
from asyncinweb.tasks.inputs.json_text import show_json
from asyncinweb.tasks.inputs.uploaded import is_stored_file, words_for

Fields = Sequence[FormField]
T = TypeVar("T")


def to_texts(fields: Fields, stored: str) -> dict[str, Sequence[str]]:
    """What a form shows, by the name of the control: without files and secrets, which cannot be sent back."""
    return {
        leaf.name: shown
        for leaf, value in _leaves(fields, stored)
        if leaf.kind not in ("file", "secret")
        and (shown := _unless_misshapen(leaf.show_stored, value)) is not None
    }


def in_words(fields: Fields, stored: str) -> list[tuple[str, str]]:
    """Label and text of each argument, for a person. Secrets are not shown, files by name and size."""
    labels = {leaf.name: _label(field, leaf) for field in fields for leaf in field.leaves}
    known = [
        (labels[leaf.name], _unless_misshapen(leaf.in_words, value) or str(value if value is not None else ""))
        for leaf, value in _leaves(fields, stored)
    ]
    names = {field.name for field in fields}
    others = {name: value for name, value in json.loads(stored).items() if name not in names}
    return known + _guessed_words(others)


def in_words_without_task(stored: str) -> list[tuple[str, str]]:
    """As `in_words`, for a task that isn't loaded: as well as the values themselves can tell."""
    return _guessed_words(json.loads(stored))


def _guessed_words(arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(label_for(name), _guessed(value)) for name, value in arguments.items()]


def _guessed(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_stored_file(value):
        return words_for(value)
    if isinstance(value, list) and not any(_is_nested(each) for each in value):
        return ", ".join(_guessed(each) for each in value)
    return show_json(value) if _is_nested(value) else str(value)


def _is_nested(value: Any) -> bool:
    return isinstance(value, (list, dict)) and not is_stored_file(value)


def stored_files(fields: Fields, stored: str) -> dict[str, list[dict[str, Any]]]:
    """Name, size and digest of each file, by field name."""
    found = {}
    for leaf, value in _leaves(fields, stored):
        if leaf.kind == "file" and value:
            found[leaf.name] = value if isinstance(value, list) else [value]
    return found


def _leaves(fields: Fields, stored: str) -> Iterator[tuple[FormField, Any]]:
    arguments = json.loads(stored)
    for field in fields:
        if field.name not in arguments:
            continue
        value = arguments[field.name]
        for leaf in field.leaves:
            if leaf is field:
                yield leaf, value
            elif isinstance(value, dict) and leaf.key in value:
                yield leaf, value[leaf.key]


def _unless_misshapen(show: Callable[[Any], T], value: object) -> T | None:
    """None for a value that no field of this kind has stored: a row may have been changed by hand."""
    try:
        return show(value)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None


def _label(field: FormField, leaf: FormField) -> str:
    return leaf.label if leaf is field else f"{field.label}: {leaf.label}"
