"""Estimates from what tasks usually take: what is left, what is late, when a waiting job starts. No database."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from asyncinweb.queue.estimates import Range, Rest, Usual, rest_of, starts_within
from asyncinweb.queue.models import Job

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FORTY = Usual([39.0, 40.0, 41.0, 40.0])


def running(seconds: float, range: Range | None = None, told_before: float = 0.0) -> Job:
    """A job that has run for so long, and has told its own pace."""
    return Job(
        started_at=NOW - timedelta(seconds=seconds),
        reported_at=NOW - timedelta(seconds=told_before) if range else None,
        seconds_left_low=range and range.low,
        seconds_left_high=range and range.high,
    )


@pytest.mark.parametrize("runs", [3, 5, 8, 20])
@pytest.mark.parametrize("scatter", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_at_least_four_in_five_further_runs_end_in_the_range(runs: int, scatter: float, share: float) -> None:
    chance, hits, shown = random.Random(1), 0, 0
    for _ in range(600):
        usual = Usual([chance.lognormvariate(3, scatter) for _ in range(runs)])
        takes = chance.lognormvariate(3, scatter)
        rest = rest_of(running(takes * share), usual, NOW)
        if rest.range:
            shown += 1
            hits += rest.range.low <= takes * (1 - share) <= rest.range.high

    assert shown > 500
    assert hits / shown >= 0.8


def test_nothing_is_known_without_evidence() -> None:
    assert rest_of(running(10), None, NOW) == Rest(None, is_late=False)
    assert rest_of(Job(), FORTY, NOW) == Rest(None, is_late=False)


def test_a_run_longer_than_all_is_late_and_has_no_time_left_that_is_known() -> None:
    assert rest_of(running(60), FORTY, NOW) == Rest(None, is_late=True)


@pytest.mark.parametrize("seconds", [[0.5, 0.4, 300.0], [1.0, 60.0, 5.0, 20.0], [0.1, 0.1, 0.1, 40.0]])
def test_no_run_is_late_where_runs_differ_widely(seconds: list[float]) -> None:
    usual = Usual(seconds)

    assert usual.differs_widely
    assert rest_of(running(100_000), usual, NOW) == Rest(None, is_late=False)


@pytest.mark.parametrize("seconds", [[39.0, 40.0, 41.0], [10.0, 14.0, 12.0, 11.0, 9.0], [0.001, 0.003, 0.002]])
def test_runs_of_much_the_same_length_do_not_differ_widely(seconds: list[float]) -> None:
    assert not Usual(seconds).differs_widely


def test_a_late_run_with_a_pace_of_its_own_is_told_by_that() -> None:
    assert rest_of(running(60, Range(10, 20), told_before=4), FORTY, NOW) == Rest(Range(6, 16), is_late=True)


def test_a_pace_that_has_run_out_says_nothing_more() -> None:
    rest = rest_of(running(30, Range(1, 5), told_before=6), None, NOW)

    assert rest.range is None


def test_pace_and_habit_together_are_what_both_say() -> None:
    rest = rest_of(running(20, Range(5, 60)), FORTY, NOW)

    assert rest.range is not None
    assert 10 < rest.range.low < rest.range.high < 30


def test_where_pace_and_habit_contradict_the_run_itself_is_believed() -> None:
    assert rest_of(running(20, Range(300, 500)), FORTY, NOW).range == Range(300, 500)


def within(workers: int, began: list[float], ahead: list[str]) -> float | None:
    usual = {"forty": FORTY, "ten": Usual([10.0, 10.0, 10.0]), "new": None}
    return starts_within(workers, [("forty", 1000.0 - each) for each in began], ahead, usual, 1000.0)


def test_a_waiting_job_starts_when_the_first_worker_is_free() -> None:
    assert within(2, [10.0, 30.0], []) == pytest.approx(FORTY.range.high - 30.0)
    assert within(2, [10.0], []) == 0.0


def test_what_is_ahead_takes_its_time_on_the_worker_that_is_free_first() -> None:
    ten = Usual([10.0, 10.0, 10.0]).range.high

    assert within(1, [30.0], ["ten", "ten"]) == pytest.approx(FORTY.range.high - 30.0 + 2 * ten)
    assert within(2, [30.0], ["ten", "ten"]) == pytest.approx(FORTY.range.high - 30.0 + ten, abs=ten)


def test_a_start_is_not_told_if_anything_before_it_is_not_known() -> None:
    assert within(1, [10.0], ["new"]) is None
    assert within(1, [100.0], []) is None
    assert within(0, [], []) is None
