"""How long a job still needs, from its own progress reports in this run and nothing else.

The rate (seconds for one part in a hundred, say) is fitted as a straight line in its logarithm over the share that
is done, so it follows a job that slows down or speeds up; a prior keeps the slope small, because the first part of
a run says little about its rest. The range is what that line and the scatter around it leave open (Bayesian linear
regression; Bishop, Pattern Recognition and Machine Learning, 2006, section 3.3). The constants were chosen on
simulated runs (tests/unit/workers/test_progress_rate.py): about nine ends in ten are within the range, and eight
in ten for bursty runs.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

from asyncinweb.queue.estimates import Range
from asyncinweb.tasks.clean_values import finite

# Less than this says nothing about the rest.
FIRST_SECONDS = 3.0
FIRST_SHARE = 0.03
FIRST_REPORTS = 5
MOST_SAMPLES = 128
# How many parts of equal work the run is divided into.
PARTS = 6
# Standard deviation of the change of rate over a whole run, as a power of e, before anything is known.
SLOPE_BEFORE = 0.7
# The assumed scatter of the rate between two parts, and how many parts this assumption weighs.
SCATTER_BEFORE, WEIGHT_BEFORE = 0.08, 2
# The width of the range: in standard deviations, and as an allowance for a rate that does not follow a line.
DEVIATIONS, SLACK = 1.5, 0.1


class ProgressRate:
    """The reports of one run, thinned out as they become many."""

    def __init__(self) -> None:
        self._total: float | None = None
        self._samples: list[tuple[float, float]] = []
        self._told: tuple[float, Range] | None = None

    def left(self, seconds: float, done: object, total: object) -> Range | None:
        """Note that `done` of `total` was reached `seconds` after the start. How long the rest takes, if that is
        known. Accepts any value, because it comes from the author of a task."""
        reached, whole = finite(done), finite(total)
        if reached is None or whole is None or not 0 <= reached <= whole:
            self._begin_anew()
            return None
        if whole != self._total or (self._samples and reached < self._samples[-1][1]):
            # A new count has begun.
            self._begin_anew()
            self._total = whole
        self._note(seconds, reached)
        estimate = self._estimate(whole) if reached < whole else None
        if estimate is None:
            return None
        # Reporting the same figure again does not restart the estimate; once it is used up, nothing is known.
        rest = estimate.after(seconds - self._samples[-1][0])
        if rest.high <= 0:
            self._told = None
            return None
        return self._calmed(seconds, rest)

    def _begin_anew(self) -> None:
        self._samples.clear()
        self._told = None

    def _calmed(self, seconds: float, estimate: Range) -> Range:
        """Halfway between the new estimate and the last one, so that the page does not jump between reports."""
        if self._told is not None:
            passed, before = seconds - self._told[0], self._told[1]
            low = math.sqrt(estimate.low * max(before.low - passed, estimate.low / 4))
            estimate = Range(low, math.sqrt(estimate.high * max(before.high - passed, estimate.high / 4)))
        self._told = seconds, estimate
        return estimate

    def _note(self, seconds: float, done: float) -> None:
        if not self._samples or done > self._samples[-1][1]:
            self._samples.append((seconds, done))
        if len(self._samples) > MOST_SAMPLES:
            self._samples = [*self._samples[:-1:2], self._samples[-1]]

    def _estimate(self, total: float) -> Range | None:
        # From the first report on, because what comes before it, such as loading, does not count.
        (begin, first), (end, last) = self._samples[0], self._samples[-1]
        covered = (last - first) / total
        if end - begin < FIRST_SECONDS or covered < FIRST_SHARE or len(self._samples) < FIRST_REPORTS:
            return None
        parts = min(PARTS, len(self._samples) - 1)
        marks = [first + (last - first) * part / parts for part in range(parts + 1)]
        seconds = [max(1e-6, later - earlier) for earlier, later in pairwise(map(self._time_of, marks))]
        paces = [math.log(each * parts / covered) for each in seconds]
        return _rest(paces, covered / parts, first / total, last / total)

    def _time_of(self, mark: float) -> float:
        """When `mark` was reached. Between two reports, we assume steady work."""
        index = bisect_left(self._samples, mark, key=lambda each: each[1])
        index = max(1, min(index, len(self._samples) - 1))
        (earlier, less), (later, more) = self._samples[index - 1], self._samples[index]
        return earlier + (later - earlier) * (mark - less) / (more - less)


def _rest(paces: Sequence[float], width: float, first: float, share: float) -> Range:
    """Seconds for the rest, from the logarithms of the rate in parts of this width between two shares of the
    work."""
    count = len(paces)
    middle, ahead = (first + share) / 2, (1 + share) / 2
    offsets = [first + width * (part + 0.5) - middle for part in range(count)]
    mean, spread = fmean(paces), sum(each * each for each in offsets)
    product = sum(offset * (rate - mean) for offset, rate in zip(offsets, paces, strict=True))
    scatter = SCATTER_BEFORE
    for _ in range(3):
        slope = product / (spread + (scatter / SLOPE_BEFORE) ** 2)
        squares = sum((rate - mean - slope * offset) ** 2 for offset, rate in zip(offsets, paces, strict=True))
        scatter = math.sqrt((squares + WEIGHT_BEFORE * SCATTER_BEFORE**2) / (count - 1 + WEIGHT_BEFORE))
    slope_variance = 1 / (spread / scatter**2 + 1 / SLOPE_BEFORE**2)
    parts_ahead = max(1.0, (1 - share) / width)
    variance = scatter**2 * (1 / count + 1 / parts_ahead) + (ahead - middle) ** 2 * slope_variance
    centre = mean + slope * (ahead - middle) + scatter**2 / 2 * (1 - 1 / count) + math.log(1 - share)
    reach = DEVIATIONS * math.sqrt(variance)
    return Range(math.exp(centre - reach) * (1 - SLACK), math.exp(centre + reach) * (1 + SLACK))
