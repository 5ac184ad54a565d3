"""Which yielded values are shown, and as what: the newest, as it was at its `yield`; the others cost no work."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_until

from asyncinweb.server_paths import HiddenPaths
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.tasks.outputs.texts import Markdown
from asyncinweb.workers.running import partial_results, snapshots
from asyncinweb.workers.running.partial_results import PartialResults, Yielded
from asyncinweb.workers.running.snapshots import Encoder

NO_PATHS = HiddenPaths(Path("instance"), {})
ENCODER = Encoder(10_000_000, NO_PATHS)
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def results() -> PartialResults:
    return PartialResults("slug", ENCODER)


@pytest.fixture
def encodings(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every value that is encoded."""
    encoded: list[object] = []
    original = snapshots.to_return_value

    def to_return_value(value: object, most_bytes: int) -> ReturnValue:
        encoded.append(value)
        return original(value, most_bytes)

    monkeypatch.setattr(snapshots, "to_return_value", to_return_value)
    return encoded


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time for copies, so that each takes too long."""
    monkeypatch.setattr(partial_results, "MOST_COPYING_SECONDS", 0.0)
    monkeypatch.setattr(partial_results, "MOST_DRAWING_SECONDS", 0.0)
    monkeypatch.setattr(partial_results, "BUDGET_SECONDS", 0.0)
    monkeypatch.setattr(partial_results, "BUDGET_SHARE", 0.0)


def shown(results: PartialResults) -> Any:
    """What would be written now."""
    yielded = results.newest()
    if yielded is None:
        return None
    results.written = yielded.number
    return content(yielded)


def content(yielded: Yielded) -> Any:
    assert yielded.return_value is not None
    if yielded.return_value.parts:
        return [part.data.decode() for _, part in yielded.return_value.parts]
    data = yielded.return_value.data
    return json.loads(data) if yielded.return_value.media_type == "application/json" else data


def shown_soon(results: PartialResults) -> Any:
    """What is written next, asked for as the reporter does."""

    def look() -> list[Any]:
        found = shown(results)
        return [] if found is None else [found]

    return wait_until(look, what="something to be shown")[0]


class Figure:
    """Something that can draw itself, and changes."""

    def __init__(self) -> None:
        self.drawn = b"1"

    def savefig(self, target: Any, **kwargs: Any) -> None:
        target.write(PNG + self.drawn)


@dataclass
class Report:
    title: str
    rows: list[int] = field(default_factory=list)


class Table:
    """What cannot be copied because it holds something that is open."""

    def __init__(self) -> None:
        self.rows = [1]
        self.connection = (number for number in range(3))

    def __repr__(self) -> str:
        return f"Table{self.rows}"


def change_figure(figure: Figure) -> None:
    figure.drawn = b"2"


def change_file(path: Path) -> None:
    path.write_text("new and longer")


def make_buffer() -> io.BytesIO:
    buffer = io.BytesIO()
    buffer.write(b"one")
    return buffer


CHANGES: dict[str, tuple[Callable[[Path], Any], Callable[[Any], Any], Any]] = {
    "list": (lambda _: [1], lambda value: value.append(2), [1]),
    "nested": (lambda _: {"a": {"b": [1]}}, lambda value: value["a"]["b"].append(2), {"a": {"b": [1]}}),
    "rows": (lambda _: [{"n": 1}], lambda value: value[0].update(n=2), [{"n": 1}]),
    "set": (lambda _: {1}, lambda value: value.add(2), [1]),
    "bytearray": (lambda _: bytearray(b"a"), lambda value: value.extend(b"b"), b"a"),
    "date": (lambda _: [date(2026, 1, 1)], lambda value: value.clear(), ["2026-01-01"]),
    "markdown": (lambda _: [Markdown("# A")], lambda value: value.clear(), ["# A"]),
    "dataclass": (lambda _: Report("A"), lambda value: value.rows.append(2), {"title": "A", "rows": []}),
    "figure": (lambda _: Figure(), change_figure, PNG + b"1"),
    "buffer": (lambda _: make_buffer(), lambda value: value.write(b"two"), b"one"),
    "tuple": (lambda _: ([1], 2), lambda value: value[0].append(2), [[1], 2]),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_value_counts_as_it_was_at_its_yield(results: PartialResults, tmp_path: Path, kind: str) -> None:
    make, change, expected = CHANGES[kind]
    for _ in range(2):  # one that is encoded at its `yield`, and one that comes too early for that
        value = make(tmp_path)
        results.note(value)
        change(value)

        assert shown_soon(results) == expected
        yielded = results.result().return_value(ENCODER)
        assert yielded.data == results.result().return_value(ENCODER).data


def test_a_yielded_file_counts_as_it_was_at_its_yield(results: PartialResults, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    for _ in range(2):
        path.write_text("old")
        results.note(path)
        change_file(path)

        assert shown_soon(results) == b"old"
        assert results.result().return_value(ENCODER).name == "table.csv"


def test_a_function_goes_on_writing_where_it_was_in_a_file_that_it_yields(results: PartialResults) -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(4)

    results.note(file)

    assert file.tell() == 4
    assert shown(results) == b"0123456789"


def test_what_cannot_be_copied_is_encoded_at_its_yield(results: PartialResults) -> None:
    for _ in range(2):
        value = Table()
        results.note(value)
        value.rows.append(2)

        assert shown_soon(results) == "Table[1]"


def test_values_that_are_not_shown_are_not_encoded(results: PartialResults, encodings: list[object]) -> None:
    rows: list[dict[str, object]] = []
    for number in range(1000):
        rows.append({"number": number, "text": "x" * 5000})  # 5 MB at the end
        results.note(rows)
    taken = len(encodings)
    rows.append({"number": -1, "text": "never yielded"})

    while shown_soon(results)[-1]["number"] != 999:
        pass
    assert taken < 100
    assert shown(results) is None


def test_the_newest_value_is_shown_although_nothing_follows(results: PartialResults) -> None:
    for number in range(50):
        results.note({"number": number})

    assert shown_soon(results) == {"number": 0}
    assert shown_soon(results) == {"number": 49}
    assert shown(results) is None


def test_a_value_is_not_shown_twice_and_a_bare_yield_shows_nothing(results: PartialResults) -> None:
    results.note(1)
    assert shown(results) == 1
    results.note(None)

    results.finish(is_stopped=False)
    assert results.unwritten() is None
    assert content_of(results.result().return_value(ENCODER)) == 1


def content_of(value: ReturnValue) -> Any:
    return json.loads(value.data)


def test_collected_values_are_shown_together_as_far_as_they_have_come() -> None:
    results = PartialResults("slug", ENCODER, collects=True)
    row = {"n": 0}
    for number in range(3):
        row["n"] = number
        results.note(row)

    assert shown_soon(results) == [{"n": 0}]
    assert shown_soon(results) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert content_of(results.result().return_value(ENCODER)) == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_a_value_that_is_too_large_is_not_shown_and_the_one_before_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    results = PartialResults("slug", Encoder(1000, NO_PATHS))
    results.note("small")
    assert shown(results) == b"small"
    for _ in range(3):
        results.note("x" * 1001)
        results.finish(is_stopped=False)
        assert results.unwritten() is None

    warnings = [record.getMessage() for record in caplog.records if "partial result" in record.getMessage()]
    assert len(warnings) <= 1


class Hostile:
    def __reduce__(self) -> Any:
        raise SystemExit(7)

    def __repr__(self) -> str:
        raise SystemExit(7)


def test_a_value_that_nobody_can_look_at_is_left_out(results: PartialResults) -> None:
    results.note("before")
    results.note(Hostile())
    assert shown(results) == b"before"
    results.finish(is_stopped=False)
    assert results.unwritten() is None
    results.note("after")

    assert shown_soon(results) == b"after"


@pytest.mark.usefixtures("no_time")
def test_copies_that_take_long_are_made_only_now_and_then(results: PartialResults) -> None:
    drawn: list[int] = []

    class Slow:
        def savefig(self, target: Any, **kwargs: Any) -> None:
            drawn.append(1)
            target.write(PNG)

    for _ in range(100):
        results.note(Slow())

    assert len(drawn) < 10


@pytest.mark.usefixtures("no_time")
def test_a_large_value_that_was_not_copied_is_shown_when_the_function_is_silent(results: PartialResults) -> None:
    for number in range(100):
        results.note([number])

    assert shown_soon(results) == [0]
    assert shown_soon(results) == [99]
