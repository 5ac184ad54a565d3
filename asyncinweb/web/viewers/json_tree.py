"""JSON on a page: lines that can be folded, and only the beginning of long values."""

import json
from dataclasses import dataclass
from typing import Any

MOST_LINES = 1_500
MOST_LEVELS = 30
MOST_CHARACTERS_IN_LINE = 2_000
# A container with a few plain values goes on one line.
FEW_ITEMS, FEW_CHARACTERS = 8, 70
# What is open at first: the upper levels, if they are short.
OPEN_LEVELS, OPEN_LINES = 3, 30


@dataclass(frozen=True)
class Line:
    """One line of JSON; for a container its first line, with its contents `inside` and its `last` line.

    `kind`: string, number, word, several on one line, or folded. `rest` is shown while it is folded.
    """

    key: str
    text: str
    kind: str
    inside: tuple["Line", ...] = ()
    last: str = ""
    rest: str = ""
    is_open: bool = False

    @property
    def length(self) -> int:
        return 1 + sum(line.length for line in self.inside)


@dataclass
class _Budget:
    """How many more lines are allowed, and whether anything was left out."""

    lines: int = MOST_LINES
    is_cut: bool = False


def tree_of(value: object) -> tuple[Line, bool]:
    """The value as lines, and whether anything was left out."""
    budget = _Budget()
    return _line("", value, "", 0, budget), budget.is_cut


def _line(key: str, value: object, comma: str, level: int, budget: _Budget) -> Line:
    budget.lines -= 1
    if not isinstance(value, (dict, list)) or not value:
        return Line(key, _cut(_dumped(value), budget) + comma, _kind(value))
    if level == MOST_LEVELS or _is_short(value):
        return Line(key, _cut(_dumped(value), budget) + comma, "several")
    first, last, one, many = _words(value)
    inside = _inside(value, level + 1, budget)
    length = sum(line.length for line in inside)
    is_open = level == 0 or (level < OPEN_LEVELS and length <= OPEN_LINES)
    rest = f"… {len(value):,} {one if len(value) == 1 else many} {last}{comma}"
    return Line(key, first, "folded", inside, last + comma, rest, is_open)


def _words(value: dict[str, Any] | list[Any]) -> tuple[str, str, str, str]:
    return ("{", "}", "entry", "entries") if isinstance(value, dict) else ("[", "]", "item", "items")


def _inside(value: dict[str, Any] | list[Any], level: int, budget: _Budget) -> tuple[Line, ...]:
    items = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    lines: list[Line] = []
    for place, (name, item) in enumerate(items, start=1):
        if budget.lines <= 0:
            budget.is_cut = True
            lines.append(Line("", f"… {len(value) - place + 1:,} more", "rest"))
            break
        key = "" if name is None else _cut(_dumped(name), budget)
        lines.append(_line(key, item, "," if place < len(value) else "", level, budget))
    return tuple(lines)


def _is_short(value: dict[str, Any] | list[Any]) -> bool:
    items = list(value.values()) if isinstance(value, dict) else value
    if len(items) > FEW_ITEMS or any(isinstance(item, (dict, list)) for item in items):
        return False
    return len(_dumped(value)) <= FEW_CHARACTERS


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "string"
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else "word"


def _cut(text: str, budget: _Budget) -> str:
    if len(text) <= MOST_CHARACTERS_IN_LINE:
        return text
    budget.is_cut = True
    return text[:MOST_CHARACTERS_IN_LINE] + "…"


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def indented(beginning: str) -> str:
    """The beginning of compact JSON text, cut anywhere, with a line for each value."""
    pieces: list[str] = []
    level, in_string, escaped = 0, False, False
    for letter in beginning:
        if in_string:
            pieces.append(letter)
            in_string, escaped = (letter != '"' or escaped), letter == "\\" and not escaped
            continue
        in_string = letter == '"'
        if letter in "]}":
            level -= 1
            pieces.append("\n" + "  " * level)
        if not letter.isspace():
            pieces.append(letter)
        if letter in "[{":
            level += 1
        if letter in "[{,":
            pieces.append("\n" + "  " * min(level, MOST_LEVELS))
        elif letter == ":":
            pieces.append(" ")
    return "".join(pieces)
