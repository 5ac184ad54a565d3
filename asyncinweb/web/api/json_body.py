"""JSON from strangers, read so that it means one thing only: no name twice, no NaN, no half characters."""

import json
from collections.abc import Sequence
from typing import Any

MOST_LEVELS = 64


class NotJson(ValueError):
    """The body is no JSON, or JSON that different programs would read differently. Says where and why."""


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
        raise NotJson(_TOO_DEEP) from None
    except NotJson:
        raise
    # Also what a number with thousands of digits raises.
    except ValueError as error:
        raise NotJson(f"The body isn't valid JSON: {error}.") from None
    _check(value)
    return value


_TOO_DEEP = f"The JSON is nested more than {MOST_LEVELS} levels deep."


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


def _check(value: object) -> None:
    """Without recursion, since the value may be nested as deep as Python's own reader goes."""
    level: list[object] = [value]
    for _ in range(MOST_LEVELS):
        deeper: list[object] = []
        for each in level:
            if isinstance(each, dict):
                deeper += [*each.keys(), *each.values()]
            elif isinstance(each, list):
                deeper += each
            elif isinstance(each, str):
                _check_text(each)
        level = deeper
        if not level:
            return
    raise NotJson(_TOO_DEEP)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise NotJson("A text contains the character U+0000, which isn't allowed.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotJson(f"A text contains half a character ({text[error.start]!a}).") from None
