"""A short round trip through many cities, by simulated annealing: the demo of a steady search.

The method: Kirkpatrick, Gelatt and Vecchi, "Optimization by Simulated Annealing" (Science 220, 1983), with the
2-opt move: run through one part of the trip the other way round.
"""

from itertools import combinations, pairwise
from math import dist, exp, sqrt
from random import Random, SystemRandom
from typing import Annotated, Literal

from pydantic import Field

from asyncinweb.tasks.current import current_job
from asyncinweb.tasks.demo.route_drawing import HEIGHT_KM, WIDTH_KM, City, draw_route, percent_shorter
from asyncinweb.tasks.registry import task

Effort = Literal["quick", "good", "thorough"]
TRIES: dict[Effort, int] = {"quick": 500_000, "good": 4_000_000, "thorough": 16_000_000}
ROUNDS = 400
# By how much a change may make the trip longer, at first and at the end, as a share of the distance between
# neighbours. The best of six pairs tried on maps of 90 and 250 cities: about 2 % shorter trips than the worst.
HOT, COLD = 0.5, 0.04

Distances = list[list[float]]


@task(timeout=900)
def round_trip(
    cities: Annotated[int, Field(ge=5, le=300, title="Cities", description="How many cities to visit.")] = 90,
    effort: Annotated[
        Effort, Field(title="Effort", description="More effort takes longer and usually finds a shorter trip.")
    ] = "good",
    seed: Annotated[
        int | None,
        Field(
            ge=0,
            le=999_999,
            title="Map number",
            description="The same number gives the same map. Leave it empty for a new one.",
        ),
    ] = None,
) -> str:
    """Find a short round trip.

    Places cities on a map at random and looks for a short trip that visits each of them once and returns home.
    Trying every trip would take longer than the age of the universe. So the search starts with a random trip and
    makes millions of small changes. At first it accepts almost any change, later only those that help. The
    result is a drawing of the trip.
    """
    seed = SystemRandom().randrange(1_000_000) if seed is None else seed
    chance = Random(seed)
    places = _places(cities, chance)
    distances = [[dist(one, other) for other in places] for one in places]
    trip = chance.sample(range(cities), cities)
    print(
        f"Map {seed} has {cities} cities. Visiting them in random order takes {_length(trip, distances):,.0f} km."
    )
    lengths = _anneal(trip, distances, TRIES[effort], chance)
    print(f"After trying {TRIES[effort]:,} changes: {lengths[-1]:,.0f} km.")
    _straighten(trip, distances)
    lengths.append(_length(trip, distances))
    print(f"After removing the last detours: {lengths[-1]:,.0f} km, {percent_shorter(lengths)}% shorter.")
    return draw_route([places[city] for city in trip], lengths)


def _places(count: int, chance: Random) -> list[City]:
    """Cities that keep some distance: each is the loneliest of twelve candidates (Mitchell, 1991)."""
    places: list[City] = []
    for _ in range(count):
        candidates = [
            (round(chance.uniform(0, WIDTH_KM), 1), round(chance.uniform(0, HEIGHT_KM), 1)) for _ in range(12)
        ]
        places.append(max(candidates, key=lambda here: min((dist(here, there) for there in places), default=0)))
    return places


def _length(trip: list[int], distances: Distances) -> float:
    return sum(distances[a][b] for a, b in pairwise([*trip, trip[0]]))


def _anneal(trip: list[int], distances: Distances, tries: int, chance: Random) -> list[float]:
    """Change the trip in place while it cools down. Returns its lengths in km, at first and after each round."""
    apart = sqrt(WIDTH_KM * HEIGHT_KM / len(trip))
    lengths = [_length(trip, distances)]
    for done in range(ROUNDS):
        current_job.progress(done, ROUNDS, f"{lengths[-1]:,.0f} km")
        temperature = apart * HOT * (COLD / HOT) ** (done / ROUNDS)
        _try_changes(trip, distances, tries // ROUNDS, temperature, chance)
        lengths.append(_length(trip, distances))
    current_job.progress(ROUNDS, ROUNDS, f"{lengths[-1]:,.0f} km")
    return lengths


def _try_changes(trip: list[int], distances: Distances, tries: int, temperature: float, chance: Random) -> None:
    """Reverse random parts: always if that makes the trip shorter, otherwise less likely the longer it gets."""
    # Written out instead of calling `_added`: the task spends all its time in this loop, and a call would double
    # it.
    random, last = chance.random, len(trip) - 1
    for _ in range(tries):
        start, end = 1 + int(random() * last), 1 + int(random() * last)
        if start > end:
            start, end = end, start
        # `end - last` is one beyond `end`, counted from the end of the list, so the first follows the last.
        a, b, c, d = trip[start - 1], trip[start], trip[end], trip[end - last]
        added = distances[a][c] + distances[b][d] - distances[a][b] - distances[c][d]
        if added < 0 or random() < exp(-added / temperature):
            trip[start : end + 1] = trip[end : start - 1 : -1]


def _straighten(trip: list[int], distances: Distances) -> None:
    """Reverse parts as long as that makes the trip shorter; in the end no two roads cross."""
    improved = True
    while improved:
        improved = False
        for start, end in combinations(range(1, len(trip)), 2):
            if _added(trip, distances, start, end) < -1e-9:
                trip[start : end + 1] = trip[end : start - 1 : -1]
                improved = True


def _added(trip: list[int], distances: Distances, start: int, end: int) -> float:
    """How many km longer the trip gets if the part from position `start` to `end` is reversed."""
    a, b, c, d = trip[start - 1], trip[start], trip[end], trip[(end + 1) % len(trip)]
    return distances[a][c] + distances[b][d] - distances[a][b] - distances[c][d]
