"""How long things take: what a task usually needs, and what is left of a run. From evidence only; None without."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Between so many seconds and so many."""

    low: float
    high: float
