"""One task for each thing a page can show. The tests look at all of them, with the eyes of a browser."""

import os
import time
from dataclasses import dataclass
from datetime import date, timedelta
from datetime import time as clock_time
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from asyncinweb import Accept, Markdown, UploadedFile, current_job, task

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> \u202egnp.exe \x1b[31mred\x1b[0m"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080600000"
    "01f15c4890000000d49444154789c6360f8cf50cf0000040201012a1b9c3a0000000049454e44ae426082"
)
WORDS = """# A report

Some *words*, a [link](https://example.org), `code`, and a list:

1. one
2. two

| month | orders |
|-------|-------:|
| May   |     31 |

> <b>A tag</b> stays text.
"""


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass(frozen=True)
class Address:
    street: str
    city: str


HOME = Address("", "Ulm")
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2


@task
def every_field(
    name: Annotated[str, Field(min_length=1, max_length=40, description="As on the invoice.")],
    count: Annotated[int, Field(ge=1, le=10)] = 3,
    ratio: float = 0.5,
    agree: bool = False,
    day: date = date(2026, 11, 24),
    size: Size = Size.SMALL,
    planet: Literal["Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn"] = "Earth",
    extras: list[Literal["salt", "pepper"]] = ["salt"],  # noqa: B006 - as an author would write it
    note: Annotated[str, Field(max_length=5000)] = "",
    limit: int | None = None,
    at: clock_time = clock_time(12, 30),
    lasting: timedelta = timedelta(minutes=90),
    address: Address = HOME,
    more: dict[str, int] | None = None,
    key: SecretStr | None = None,
    papers: Annotated[list[UploadedFile], Accept(".txt", ".csv", max_mb=5), Field(max_length=3)] = [],  # noqa: B006
) -> str:
    """Order something with every field there is.

    The help, which explains what happens with it.
    """
    return f"{name}: {count} of {planet}"


@task
def show(shape: str) -> object:
    """Show a result."""
    shapes: dict[str, object] = {
        "text": "A line of text.\n" + "A long line. " * 40,
        "number": 1234567.5,
        "json": {"name": "Anna", "orders": [1, 2, 3], "address": {"city": "Ulm", "zip": "89073"}},
        "table": [{"month": month, "orders": month * 97 % 41, "note": "fine" * month} for month in range(1, 13)],
        "image": PIXEL,
        "svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10"><rect width="20" height="10" /></svg>',
        "file": b"\x00\x01 something else",
        "none": None,
        "markdown": Markdown(WORDS),
        "several": {
            "Orders a month": [{"month": month, "orders": month * 97 % 41} for month in range(1, 6)],
            "Picture": PIXEL,
            "Remarks": Markdown("**Fine**, on the whole."),
            "Sum": 1234,
        },
        "long table": [{f"column {number}": number * row for number in range(12)} for row in range(600)],
        "long json": {f"key {number}": [number] * 5 for number in range(200)},
        "odd": {"numbers": {3, 1, 2}, "endless": float("inf")},
        "hostile": [{HOSTILE: HOSTILE, "b": HOSTILE}],
    }
    return shapes[shape]


@task
def save_some() -> str:
    """Save some files."""
    current_job.save_file("picture.png", PIXEL)
    current_job.save_file("table.csv", "month,orders\n1,20\n2,30\n")
    current_job.save_file("a very long name of a file that nobody would have chosen " * 2 + ".txt", "words")
    return "There are files."


@task
def speak_hostile(text: str = HOSTILE) -> None:
    """Say something that should never be markup."""
    print(text)
    current_job.progress(1, 2, text)
    raise ValueError(text)


@task
def run_on(until: str, steps: bool = True) -> str:
    """Work on something for a while."""
    print("\x1b[32mbegun\x1b[0m with the first of many steps")
    if steps:
        current_job.progress(3, 8, "reading the third part")
    while not Path(until).exists():
        time.sleep(0.05)
    return "done"


@task(title=LONG_WORD)
def use_long_words(
    until: Annotated[str, Field(title=LONG_WORD, description=LONG_WORD)],
    some: Literal["Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamte", "few"] = "few",
    paper: Annotated[UploadedFile | None, Field(title=LONG_WORD)] = None,
) -> None:
    """Say everything in one word."""
    print(LONG_WORD)
    current_job.progress(123_456_789, 987_654_321, LONG_WORD)
    while not Path(until).exists():
        time.sleep(0.05)


@task
def refuse_to_stop(until: str) -> str:
    """Work on, whatever anybody asks."""
    print("begun")
    while not Path(until).exists():
        try:
            time.sleep(0.05)
        except BaseException:
            continue
    return "done"


@task(max_attempts=4, backoff=3600)
def fail_and_wait() -> None:
    """Import over an unreliable connection."""
    print("connecting")
    raise ConnectionError("the line is dead")


@task
def fail() -> None:
    """Fail with an error."""
    raise ValueError("month 13 does not exist")


@task(timeout=0.2)
def take_too_long() -> None:
    """Take longer than allowed."""
    time.sleep(60)


@task
def die() -> None:
    """Lose its process."""
    os._exit(3)


@task(concurrency=1)
def one_at_a_time(until: str) -> None:
    """Work where only one may."""
    print("begun")
    while not Path(until).exists():
        time.sleep(0.05)
