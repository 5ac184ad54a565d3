"""Tasks for the tests of the pages. Made without `@task`, so that no other test finds them registered."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal

from pydantic import Field

from asyncinweb.tasks.registry import Options, Task


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


def picture(
    width: Annotated[int, Field(ge=10, le=1600, title="Width", description="In pixels.")] = 800,
    colours: Literal["fire", "ice"] = "fire",
    smooth: bool = True,
) -> bytes:
    """Draw a picture.

    The help of it.
    """
    return b""


def everything(
    name: str,
    count: int,
    ratio: float = 0.5,
    price: Decimal = Decimal("9.90"),
    note: Annotated[str, Field(max_length=5000)] = "",
    day: date = date(2026, 11, 23),
    moment: datetime | None = None,
    size: Size = Size.SMALL,
    planet: Literal["Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn"] = "Earth",
    extras: list[Literal["salt", "pepper"]] = ["salt"],  # noqa: B006 - as an author would write it
    words: list[str] = ["one", "two"],  # noqa: B006
    limit: int | None = None,
) -> str:
    """Every kind of field."""
    return ""


def hello(name: str = "visitor") -> str:
    """Say hello."""
    return "3"


TASKS = {
    each.name: each
    for each in (
        Task(picture, Options()),
        Task(everything, Options(max_attempts=4, timeout=60.0)),
        Task(hello, Options(hidden=True)),
    )
}
