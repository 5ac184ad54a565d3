"""JSON from strangers, read so that it has only one meaning: no duplicate names, no NaN, no half characters."""

import json
from collections.abc import Sequence
from typing import Any

from asyncinweb.tasks.inputs.json_text import first_fault, text_fault, too_deep

# A request adds levels around those of an argument.
MOST_LEVELS = 64


class NotJson(ValueError):
    """The body is not valid JSON, or programs could read it differently. Says where and why."""


def strict_json(body: bytes) -> object:
    """The value of a JSON text in UTF-8. Raises NotJson."""
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_without_repetition,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise NotJson(f"The body isn't valid UTF-8 (byte {error.start}).") from None
    except RecursionError:
        raise NotJson(f"The body {too_deep(MOST_LEVELS)}.") from None
    except NotJson:
        raise
    # A number with thousands of digits raises this too.
    except ValueError as error:
        raise NotJson(f"The body isn't valid JSON: {error}.") from None
    if fault := first_fault(value, _own_fault, MOST_LEVELS):
        raise NotJson(f"The body {fault}.")
    return value


def _without_repetition(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotJson(f"The name {twice[:80]!r} appears twice in one object.")
    return found


def _refuse_constant(name: str) -> None:
    raise NotJson(f"{name} isn't a valid JSON number.")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise NotJson(f"The number {text[:40]} is too large.")
    return number


def _own_fault(value: object) -> str:
    return text_fault(value) if isinstance(value, str) else ""
