"""The beginning of a job's arguments, for lists: a page of jobs stays small however large the arguments are."""

import json
from typing import Any

# How many characters of each argument a list shows, counted as JSON.
MOST_CHARACTERS = 300
MORE = "…"


def excerpt(arguments: dict[str, Any]) -> dict[str, Any]:
    """The same names, each with its value or the beginning of it: a cut text ends in `MORE`, a cut list or object
    lacks its last items."""
    return {name: _Cutting(MOST_CHARACTERS).cut(value) for name, value in arguments.items()}


def excerpt_of(stored: str) -> tuple[dict[str, Any], bool]:
    """The beginning of each stored argument, and True if anything was cut."""
    arguments: dict[str, Any] = json.loads(stored)
    if len(stored) <= MOST_CHARACTERS:
        return arguments, False
    shown = excerpt(arguments)
    return shown, shown != arguments


class _Cutting:
    """Copies a value until `room` characters are used up."""

    def __init__(self, room: int) -> None:
        self._room = room

    def cut(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        self._room -= 2 if isinstance(value, (list, dict)) else len(str(value))
        match value:
            case list():
                return [self.cut(each) for each in value if self._room > 0]
            case dict():
                return {self._text(name): self.cut(each) for name, each in value.items() if self._room > 0}
        return value

    def _text(self, text: str) -> str:
        room, self._room = max(0, self._room), self._room - len(text) - 2
        return text if len(text) <= room else text[:room] + MORE
