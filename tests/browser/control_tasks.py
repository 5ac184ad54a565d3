"""A task whose defaults are hard to show, for the tests of what a real browser makes of them."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal

from asyncinweb import task

TEXTS = ["one\nitem", "x\x1cy", "x\x85y", "x\u2028y", "plain"]


@task
def tell(
    moment: datetime | None = datetime(2026, 3, 1, 2, 30, 15, 123456),
    to_the_millisecond: datetime = datetime(2026, 3, 1, 2, 30, 15, 120000),
    clock: time | None = time(18, 30, 0, 1),
    to_the_second: time = time(18, 30, 59),
    first_day: date = date(1, 1, 1),
    price: Decimal = Decimal("1234.560"),
    share: float = 1e-7,
    large: int = 123_456_789_012,
    lines: str = "a\nb\x0bc",
    lookalikes: list[str] = ["x\x1cy", "x\x0cy", "x\u2028y"],  # noqa: B006 - as an author would write it
    items: list[str] = TEXTS,
    separator: Literal["\t", ",", ";"] = "\t",
    answers: list[bool] = [True, False],  # noqa: B006
    pause: timedelta = timedelta(milliseconds=1500),
) -> str:
    """Tell what arrived."""
    return ascii(tuple(locals().values()))
