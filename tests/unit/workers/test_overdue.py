"""Which jobs the supervisor kills: by the time it has itself seen pass."""

import pytest

from asyncinweb import clock
from asyncinweb.queue.polling import HeldJob
from asyncinweb.workers.supervising.overdue import KillReason, Overdue


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time; change its only item to let time pass."""
    time = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: time[0])
    return time


def held(timeout: float | None = None, cancel: bool = False, claim_no: int = 1) -> HeldJob:
    return HeldJob(1, claim_no, "worker", timeout, cancel)


def test_a_job_without_limit_or_request_is_left_alone(now: list[float]) -> None:
    overdue = Overdue(2.0)
    overdue.judge([held()])
    now[0] += 1e6

    assert overdue.judge([held()]) == []


def test_a_request_is_enforced_some_time_after_it_was_first_seen(now: list[float]) -> None:
    overdue = Overdue(2.0)
    overdue.judge([held()])
    now[0] += 100
    assert overdue.judge([held(cancel=True)]) == []
    now[0] += 2.0
    assert overdue.judge([held(cancel=True)]) == []

    now[0] += 0.1

    assert overdue.judge([held(cancel=True)]) == [KillReason(1, 1, "worker", "cancel")]


def test_a_limit_is_enforced_some_time_behind_it(now: list[float]) -> None:
    overdue = Overdue(2.0)
    overdue.judge([held(timeout=10)])
    now[0] += 12.0
    assert overdue.judge([held(timeout=10)]) == []

    now[0] += 0.1

    assert overdue.judge([held(timeout=10)]) == [KillReason(1, 1, "worker", "timeout")]


def test_another_claim_of_the_same_job_has_its_own_time(now: list[float]) -> None:
    overdue = Overdue(2.0)
    overdue.judge([held(timeout=10)])
    now[0] += 100

    assert overdue.judge([held(timeout=10, claim_no=2)]) == []


def test_what_is_no_longer_held_is_forgotten(now: list[float]) -> None:
    overdue = Overdue(2.0)
    overdue.judge([held(timeout=10)])
    overdue.judge([])
    now[0] += 100

    assert overdue.judge([held(timeout=10)]) == []
