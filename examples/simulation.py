"""A simulation that shows what it has so far: each `yield` is a partial result.

Needs: pip install matplotlib
Start it with: python run.py --tasks examples/simulation.py
"""

import random
import time
from collections.abc import Iterator
from typing import Annotated

from matplotlib.figure import Figure
from pydantic import Field

from asyncinweb import task, track


@task(timeout=600, title="Estimate pi")
def estimate_pi(
    rounds: Annotated[int, Field(ge=1, le=500)] = 20,
    points: Annotated[int, Field(ge=100, le=1_000_000, description="In each round.")] = 20_000,
) -> Iterator[dict[str, object]]:
    """Estimate pi by throwing darts.

    The page shows the estimate after each round. If you stop the job, it keeps what it has so far.
    """
    chance = random.Random(1)
    inside, estimates = 0, []
    for number in track(range(1, rounds + 1), text="rounds"):
        inside += sum(chance.random() ** 2 + chance.random() ** 2 <= 1 for _ in range(points))
        estimates.append(4 * inside / (number * points))
        time.sleep(0.2)
        yield {"Estimate": estimates[-1], "Rounds": drawn(estimates)}


def drawn(estimates: list[float]) -> Figure:
    figure = Figure(figsize=(8, 3))
    axes = figure.subplots()
    axes.plot(range(1, len(estimates) + 1), estimates, marker="o")
    axes.axhline(3.14159265, linestyle="--", color="grey")
    axes.set_xlabel("round")
    return figure
