"""`current_job` and `track`: harmless outside a job, passed on inside one."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from asyncinweb.tasks.current import FileData, current_job, running_as, shielded, track


class Listener:
    """A job of a worker that only listens."""

    slug, attempt, cancelled = "abc", 2, False

    def __init__(self) -> None:
        self.heard: list[object] = []

    def progress(self, done: float, total: float | None, text: str) -> None:
        self.heard.append((done, total, text))

    def log(self, text: str) -> None:
        self.heard.append(text)

    def save_file(self, name: str, data_or_path: FileData) -> None:
        self.heard.append((name, data_or_path))

    @contextmanager
    def _shield(self) -> Iterator[None]:
        self.heard.append("shield up")
        yield
        self.heard.append("shield down")

    def shield(self) -> AbstractContextManager[None]:
        return self._shield()


@pytest.fixture
def listener() -> Iterator[Listener]:
    running = Listener()
    with running_as(running):
        yield running


def test_outside_a_job_everything_is_harmless(tmp_path: Path) -> None:
    current_job.progress(1, 2, "drawing")
    current_job.log("a line")
    current_job.save_file("a.txt", b"data")
    with shielded():
        inside = (current_job.slug, current_job.attempt, current_job.cancelled)

    assert inside == ("", 0, False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("items", [[1, 2, 3], range(4), "abc", {1, 2}, []])
def test_track_outside_a_job_yields_the_same_items(items: object) -> None:
    assert list(track(items)) == list(items)


def test_inside_a_job_everything_is_passed_on(listener: Listener) -> None:
    current_job.progress(1)
    current_job.log("a line")
    current_job.save_file("a.txt", Path("b.txt"))
    with shielded():
        current_job.log("safe")

    assert (current_job.slug, current_job.attempt, current_job.cancelled) == ("abc", 2, False)
    assert listener.heard == [
        (1, None, ""),
        "a line",
        ("a.txt", Path("b.txt")),
        "shield up",
        "safe",
        "shield down",
    ]


def test_track_reports_each_finished_item_after_its_work(listener: Listener) -> None:
    for item in track(["a", "b"], text="drawing"):
        listener.heard.append(item)

    assert listener.heard == [(0, 2, "drawing"), "a", (1, 2, "drawing"), "b", (2, 2, "drawing")]


def test_track_of_something_without_a_length_has_no_total_unless_it_is_told(listener: Listener) -> None:
    list(track(iter("a")))
    list(track(iter("a"), total=5))

    assert listener.heard == [(0, None, ""), (1, None, ""), (0, 5, ""), (1, 5, "")]


def test_an_item_whose_work_failed_is_not_reported(listener: Listener) -> None:
    with pytest.raises(ZeroDivisionError):
        list(1 / item for item in track([1, 0]))

    assert listener.heard == [(0, 2, ""), (1, 2, "")]


def test_a_job_that_has_ended_is_no_longer_the_current_one() -> None:
    running = Listener()
    with pytest.raises(KeyError), running_as(running):
        raise KeyError

    current_job.log("nobody hears this")

    assert current_job.slug == ""
    assert running.heard == []
