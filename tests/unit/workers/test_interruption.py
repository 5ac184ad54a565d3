"""Raising in the main thread by a real signal: only in the function, never in the library's own work."""

import signal
import threading
from collections.abc import Iterator

import pytest

from asyncinweb.errors import JobCancelled, JobReleased, JobTimeout
from asyncinweb.workers.running.interruption import Cause, Interruption


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    before = signal.getsignal(signal.SIGUSR1)
    yield Interruption()
    signal.signal(signal.SIGUSR1, before)


JOB = object()


def ask_from_a_thread(interruption: Interruption, cause: Cause = "cancel", job: object = JOB) -> None:
    thread = threading.Thread(target=interruption.ask, args=(cause, job))
    thread.start()
    thread.join()


@pytest.mark.parametrize(
    ("cause", "expected"), [("cancel", JobCancelled), ("timeout", JobTimeout), ("release", JobReleased)]
)
def test_a_request_raises_in_the_blocked_function(
    interruption: Interruption, cause: Cause, expected: type[BaseException]
) -> None:
    interruption.begin(JOB)
    timer = threading.Timer(0.05, interruption.ask, (cause, JOB))
    timer.start()

    with pytest.raises(expected), interruption.armed():
        threading.Event().wait(30)

    timer.join()
    assert interruption.asked == cause


def test_a_request_before_the_function_begins_raises_as_it_begins(interruption: Interruption) -> None:
    interruption.begin(JOB)
    ask_from_a_thread(interruption)
    ran = False

    with pytest.raises(JobCancelled), interruption.armed():
        ran = True

    assert not ran


def test_a_request_behind_the_function_raises_nowhere(interruption: Interruption) -> None:
    interruption.begin(JOB)
    with interruption.armed():
        pass

    ask_from_a_thread(interruption)

    assert interruption.asked == "cancel"


def test_a_shield_puts_the_exception_off_to_its_end(interruption: Interruption) -> None:
    interruption.begin(JOB)
    steps = []

    def function() -> None:
        with interruption.shield():
            with interruption.shield():
                ask_from_a_thread(interruption)
                steps.append("inner")
            steps.append("outer")
        steps.append("behind")

    with pytest.raises(JobCancelled), interruption.armed():
        function()

    assert steps == ["inner", "outer"]


def test_a_shield_of_another_thread_does_not_hold_the_function_s_back(interruption: Interruption) -> None:
    interruption.begin(JOB)
    entered, leave = threading.Event(), threading.Event()

    def hold_a_shield() -> None:
        with interruption.shield():
            entered.set()
            leave.wait(30)

    other = threading.Thread(target=hold_a_shield)
    other.start()
    entered.wait(30)
    try:
        with pytest.raises(JobCancelled), interruption.armed():
            ask_from_a_thread(interruption)
    finally:
        leave.set()
        other.join()


def test_an_exception_of_the_shielded_work_itself_comes_first(interruption: Interruption) -> None:
    interruption.begin(JOB)

    def shielded_work() -> None:
        with interruption.shield():
            ask_from_a_thread(interruption)
            raise OSError("disk full")

    with pytest.raises((OSError, JobCancelled)), interruption.armed():
        shielded_work()

    # Nothing is left over for the next job.
    interruption.begin("another")
    with interruption.armed(), interruption.shield():
        pass
    assert interruption.asked is None


def test_the_first_cause_stands(interruption: Interruption) -> None:
    interruption.begin(JOB)

    ask_from_a_thread(interruption, "timeout")
    ask_from_a_thread(interruption, "cancel")

    assert interruption.asked == "timeout"


def test_a_request_for_an_earlier_job_leaves_the_present_one_alone(interruption: Interruption) -> None:
    interruption.begin(JOB)
    interruption.begin("the next job")

    with interruption.armed():
        ask_from_a_thread(interruption, "cancel", JOB)

    assert interruption.asked is None


def test_a_function_is_asked_once_and_may_go_on(interruption: Interruption) -> None:
    interruption.begin(JOB)
    swallowed = 0

    with interruption.armed():
        for _ in range(3):
            try:
                ask_from_a_thread(interruption)
            except JobCancelled:
                swallowed += 1

    assert swallowed == 1


def test_stop_now_raises_in_the_function(interruption: Interruption) -> None:
    interruption.begin(JOB)

    with pytest.raises(JobReleased), interruption.armed():
        interruption.stop_now()


def test_stop_now_keeps_an_earlier_cause(interruption: Interruption) -> None:
    interruption.begin(JOB)
    ask_from_a_thread(interruption, "cancel", JOB)

    interruption.stop_now()

    assert interruption.asked == "cancel"


def test_stop_now_holds_for_a_job_that_begins_after_it(interruption: Interruption) -> None:
    interruption.stop_now()
    interruption.begin(JOB)

    with pytest.raises(JobReleased), interruption.armed():
        pytest.fail("the function was called")
