"""The time left, told from a run's own rate: simulated runs, and whether their real ends lie in the range."""

import random
import statistics
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise

import pytest

from asyncinweb.queue.estimates import Range
from asyncinweb.workers.running.progress_rate import ProgressRate

RUNS = 80
REPORT_SECONDS = 0.5


def steady(steps: int, chance: random.Random) -> list[float]:
    return [max(0.05, chance.gauss(1, 0.05)) for _ in range(steps)]


def accelerating(steps: int, chance: random.Random) -> list[float]:
    faster = chance.uniform(1.5, 4)
    return [1 / (1 + (faster - 1) * step / steps) for step in range(steps)]


def slowing(steps: int, chance: random.Random) -> list[float]:
    slower = chance.uniform(1.5, 4)
    return [1 + (slower - 1) * step / steps for step in range(steps)]


def growing(steps: int, chance: random.Random) -> list[float]:
    """Each step longer than the one before, as in a quadratic algorithm."""
    return [step + 1.0 for step in range(steps)]


def noisy(steps: int, chance: random.Random) -> list[float]:
    deviation = chance.uniform(0.3, 1.0)
    return [chance.lognormvariate(0, deviation) for _ in range(steps)]


def bursty(steps: int, chance: random.Random) -> list[float]:
    """Stretches five times as slow as the others, each up to a sixth of the run."""
    longest, weights = chance.randint(max(2, steps // 20), max(3, steps // 6)), []
    while len(weights) < steps:
        weights += [chance.choice((1.0, 5.0))] * chance.randint(1, longest)
    return weights[:steps]


KINDS = (steady, accelerating, slowing, growing, noisy, bursty)


def reports(kind: Callable[[int, random.Random], list[float]], chance: random.Random) -> list[tuple]:
    """(seconds, done, total, seconds really left) of one run, as the reporter sees it: at most twice a second."""
    steps, whole = chance.choice((20, 50, 100, 400)), chance.choice((10, 30, 60, 300))
    weights = kind(steps, chance)
    scale, done, ends, seen = whole / sum(weights), 0, 0.0, []
    for turn in range(int(whole / REPORT_SECONDS)):
        before, now = done, turn * REPORT_SECONDS
        while done < steps and ends + weights[done] * scale <= now:
            ends += weights[done] * scale
            done += 1
        if done > before or turn == 0:
            seen.append((now, done, steps, whole - now))
    return seen


def told(kind: Callable[[int, random.Random], list[float]], seed: int) -> list[tuple[Range, float]]:
    """What was told at about twenty moments of one run, beside the truth."""
    rate, found = ProgressRate(), []
    run = reports(kind, random.Random(seed))
    for turn, (seconds, done, total, left) in enumerate(run):
        estimate = rate.left(seconds, done, total)
        if estimate and turn % max(1, len(run) // 20) == 0:
            found.append((estimate, left))
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_at_least_four_real_ends_in_five_lie_in_the_range(kind: Callable) -> None:
    answers = [each for seed in range(RUNS) for each in told(kind, seed)]

    hits = sum(estimate.low <= left <= estimate.high for estimate, left in answers)

    assert len(answers) > 10 * RUNS
    assert hits / len(answers) >= 0.8


def test_the_range_of_a_steady_run_is_narrow_and_does_not_jump() -> None:
    runs = [told(steady, seed) for seed in range(RUNS)]

    assert statistics.median(estimate.high / estimate.low for run in runs for estimate, _ in run) < 1.8
    for (before, _), (after, left) in (pair for run in runs for pair in pairwise(run)):
        assert middle(after) < middle(before) * 1.3
        assert left / 2 - 1 < middle(after) < left * 2 + 1


def middle(estimate: Range) -> float:
    return (estimate.low * estimate.high) ** 0.5


def test_little_of_a_run_says_nothing() -> None:
    early, few = ProgressRate(), ProgressRate()

    assert [early.left(second / 10, second, 1000) for second in range(25)] == [None] * 25
    assert [few.left(second, 1, 100) for second in range(60)] == [None] * 60


def test_the_time_before_the_first_report_is_no_part_of_the_pace() -> None:
    rate = ProgressRate()

    estimates = [rate.left(600.0 + second, second, 100) for second in range(51)]

    assert estimates[-1] is not None
    assert estimates[-1].low < 50 < estimates[-1].high < 100


def test_reports_of_the_same_figure_use_the_time_left_up() -> None:
    rate = ProgressRate()
    before = [rate.left(float(second), second, 100) for second in range(61)][-1]

    later = [rate.left(60.0 + second, 60, 100) for second in range(1, 200)]

    assert before is not None
    assert later[19] is not None
    assert later[19].high < before.high - 15
    assert later[-1] is None


def test_another_total_or_a_step_back_begins_anew() -> None:
    for following in ((10, 200), (5, 100)):
        rate = ProgressRate()
        for second in range(20):
            rate.left(float(second), second, 100)

        assert rate.left(21.0, *following) is None


@pytest.mark.parametrize(
    ("done", "total"),
    [(1, None), (None, None), (-1, 10), (11, 10), (1, 0), ("a", "b"), (float("nan"), 10), (1, float("inf"))],
)
def test_what_makes_no_sense_says_nothing(done: object, total: object) -> None:
    assert ProgressRate().left(5.0, done, total) is None


def test_numbers_of_any_kind_are_understood() -> None:
    rate = ProgressRate()

    estimates = [rate.left(float(second), Decimal(second), Decimal(40)) for second in range(20)]

    assert estimates[-1] is not None
    assert estimates[-1].low < 21 < estimates[-1].high
