"""Tasks whose results and logs the browser tests look at."""

import time
from collections.abc import Iterator
from pathlib import Path

import pandas
from matplotlib.figure import Figure

from asyncinweb import Markdown, current_job, task

HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>"


def figure() -> Figure:
    figure = Figure(figsize=(4, 2))
    figure.subplots().plot([1, 3, 2])
    return figure


@task
def everything() -> dict[str, object]:
    """Return one of each."""
    current_job.save_file("plot.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"></svg>')
    current_job.save_file("rows.csv", "a,b\n1,2\n")
    words = f"# Done\n\n|a|b|\n|-|-:|\n|1|2|\n\n![plot](plot.svg) ![far](https://e.example/x.png)\n\n{HOSTILE}"
    return {
        "Words": Markdown(words),
        "Figure": figure(),
        "Table": pandas.DataFrame([[number] * 20 for number in range(30)]),
        "Drawing": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>',
        "JSON": {"list": list(range(100)), "deep": {"a": {"b": {"c": [HOSTILE]}}}},
        "Text": "x" * 500,
        "File": Path(__file__),
        HOSTILE: HOSTILE,
    }


@task
def talk(lines: int = 12, pause: float = 0.3) -> None:
    """Write a log with colours and a progress bar."""
    print("\x1b[1;31mred\x1b[0m and \x1b[42mgreen\x1b[0m", "x" * 300)
    for number in range(lines):
        print(f"line {number}")
        time.sleep(pause)
    for percent in range(0, 101, 10):
        print(f"\r{percent:3d}%|", end="", flush=True)
        time.sleep(pause / 3)
    print("\nthe end", HOSTILE)


@task
def talk_much(lines: int = 12_000) -> None:
    """Write a log of several pages."""
    for number in range(lines):
        print(f"line {number:06} of a long log")


def _wait_for(file: Path) -> None:
    while not file.exists():
        time.sleep(0.02)


@task
def grow(folder: str) -> Iterator[dict[str, object]]:
    """Simulate a market.

    Yields a table and a picture. Goes on when a file of that name is in the folder.
    """
    rows: list[dict[str, float]] = []
    for name in ("once", "twice"):
        rows.append({"step": len(rows) + 1, "price": 100.5 + len(rows)})
        current_job.progress(len(rows), 3)
        yield {"Prices": rows, "Curve": figure()}
        _wait_for(Path(folder, name))
    rows.append({"step": 3, "price": 99.0})
    yield {"Prices": rows, "Curve": figure()}


@task
def break_down(words: str = "half of it") -> Iterator[str]:
    """Fail with something to show."""
    yield words
    raise ValueError("The source has no more data")
