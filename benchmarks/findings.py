"""A promise, its measurements, and a table that says which promises are kept."""

import os
import platform
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

Measure = Callable[[Path], Iterable[float]]
Judge = Callable[[Sequence[float]], float]


@dataclass(frozen=True)
class Promise:
    """A limit, and how to check it. measure: takes an empty folder, and returns the one or more figures of a
    round. judge: picks the figure of all rounds that must be within the limit."""

    words: str
    limit: float
    unit: str
    judge: Judge
    measure: Measure

    @property
    def name(self) -> str:
        return self.measure.__name__


@dataclass(frozen=True)
class Finding:
    """The measurements of a promise, in all rounds."""

    promise: Promise
    figures: Sequence[float]

    @property
    def is_kept(self) -> bool:
        return self.promise.judge(self.figures) <= self.promise.limit

    @property
    def row(self) -> str:
        """A line of a table in Markdown."""
        kept, judge = self.promise, " each" if self.promise.judge is max else ""
        p99 = sorted(self.figures)[max(0, round(len(self.figures) * 0.99) - 1)]
        shown = [min(self.figures), statistics.median(self.figures), p99, max(self.figures)]
        cells = [f"`{kept.name}`", kept.words, f"{kept.limit:g} {kept.unit}{judge}", str(len(self.figures))]
        cells += [f"{each:.3f}" if each < 10 else f"{each:.1f}" for each in shown]
        return f"| {' | '.join([*cells, 'ok' if self.is_kept else 'NOT KEPT'])} |"


HEAD = (
    "| name | promise | limit | figures | minimum | median | p99 | maximum | |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def machine() -> str:
    """Where and when, in one line."""
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, load {os.getloadavg()[0]:.1f}"
    )
