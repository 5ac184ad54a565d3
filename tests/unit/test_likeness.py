"""Which jobs are so like earlier runs that those say how long they take."""

from typing import Any

import pytest

from asyncinweb.queue.likeness import are_within

FILE = {"name": "a.csv", "sha256": "0" * 64}
RUNS: list[dict[str, Any]] = [
    {
        "n": 1,
        "share": 0.5,
        "price": "1.50",
        "pause": "PT1S",
        "text": "abc",
        "kind": "fire",
        "on": True,
        "files": [],
    },
    {
        "n": 9,
        "share": 2.5,
        "price": "9.50",
        "pause": "PT5S",
        "text": "abcdef",
        "kind": "ice",
        "on": True,
        "files": [1],
    },
]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("n", 5, True),
        ("n", 10, False),
        ("n", 0, False),
        ("n", 10**400, False),
        ("share", 0.6, True),
        ("share", 3, False),
        ("price", "2.00", True),
        ("price", "10.00", False),
        ("pause", "PT5S", True),
        ("pause", "PT5M30S", False),
        ("text", "abcd", True),
        ("text", "x" * 1000, False),
        ("kind", "ice", True),
        ("on", True, True),
        ("on", False, False),
        ("files", [2], True),
        ("files", [1, 2], False),
        ("files", None, False),
        ("new", 1, False),
    ],
)
def test_an_input_is_like_those_of_earlier_runs_or_not(name: str, value: Any, expected: bool) -> None:
    assert are_within({**RUNS[0], name: value}, RUNS) == expected


def test_a_file_is_compared_by_its_size() -> None:
    runs = [{"table": {**FILE, "size": size}} for size in (100, 200)]

    assert are_within({"table": {**FILE, "size": 150, "name": "b.csv"}}, runs)
    assert not are_within({"table": {**FILE, "size": 5_000_000}}, runs)


def test_a_task_without_inputs_is_always_like_itself() -> None:
    assert are_within({}, RUNS)
