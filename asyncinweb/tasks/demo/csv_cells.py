"""What the cells of a column are: numbers, dates or text. Decided per column, because one cell rarely tells."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

Value = float | str
# The share of filled cells that must be numbers, or dates, for the others to count as mistakes rather than text.
MOST = 0.75
# Longer numbers are identifiers, and shorter ones cannot overflow a sum.
LARGEST = 1e100
CODE = re.compile(r"0[0-9]+")


@dataclass(frozen=True)
class Reading:
    """A way to read cells: `read` returns a float for a number, an ISO text for a date, None for neither."""

    type: str
    how: str
    read: Callable[[str], Value | None]


def choose_reading(cells: Sequence[str]) -> tuple[Reading | None, list[Reading]]:
    """How to read these filled cells (None for text), and other ways that would fit but mean something else."""
    readings = READINGS
    if any(CODE.fullmatch(cell) for cell in cells):
        # 00423 is a code: reading it as a number would lose the zeros.
        readings = [each for each in READINGS if each.type != "number"]
    values = {each: [each.read(cell) for cell in cells] for each in readings}
    best = min(readings, key=lambda each: values[each].count(None))
    missed = values[best].count(None)
    if not cells or len(cells) - missed < MOST * len(cells):
        return None, []
    rivals = [each for each in readings if values[each].count(None) == missed and values[each] != values[best]]
    return best, rivals


def _number_reader(point: str, group: str) -> Callable[[str], float | None]:
    shape = re.compile(
        rf"[+-]?(?:0|[1-9][0-9]*|[1-9][0-9]{{0,2}}(?:\{group}[0-9]{{3}})+)(?:\{point}[0-9]+)?(?:[eE][+-]?[0-9]{{1,3}})?"
    )

    def read(cell: str) -> float | None:
        if not shape.fullmatch(cell):
            return None
        number = float(cell.replace(group, "").replace(point, "."))
        return number if abs(number) < LARGEST else None

    return read


def _date_reader(form: str) -> Callable[[str], str | None]:
    def read(cell: str) -> str | None:
        # Parsing is slow, and most cells that are not dates can be ruled out at once.
        if not cell[:1].isdigit() or len(cell) > 19:
            return None
        try:
            moment = datetime.strptime(cell, form)
        except ValueError:
            return None
        return moment.isoformat(" ", "seconds") if "%H" in form else moment.date().isoformat()

    return read


READINGS = [
    Reading("number", "numbers with a decimal point", _number_reader(".", ",")),
    Reading("number", "numbers with a decimal comma", _number_reader(",", ".")),
    Reading("date", "dates written year-month-day", _date_reader("%Y-%m-%d")),
    Reading("date", "dates written day.month.year", _date_reader("%d.%m.%Y")),
    Reading("date", "dates written day/month/year", _date_reader("%d/%m/%Y")),
    Reading("date", "dates written month/day/year", _date_reader("%m/%d/%Y")),
    Reading("date", "dates with hours and minutes", _date_reader("%Y-%m-%d %H:%M")),
    Reading("date", "dates with hours, minutes and seconds", _date_reader("%Y-%m-%d %H:%M:%S")),
    Reading("date", "dates with T, hours and minutes", _date_reader("%Y-%m-%dT%H:%M")),
    Reading("date", "dates with T, hours, minutes and seconds", _date_reader("%Y-%m-%dT%H:%M:%S")),
]
