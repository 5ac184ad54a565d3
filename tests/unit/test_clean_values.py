"""Odd texts and numbers, made such that every store and program can take them."""

import json
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncinweb.errors import JobCancelled
from asyncinweb.tasks.clean_values import clean_text, finite, json_text


class Odd(str):
    def encode(self, *_: object) -> bytes:
        raise RuntimeError

    __str__ = __getitem__ = encode  # type: ignore[assignment]


class Leaving:
    def __str__(self) -> str:
        raise SystemExit(3)


@given(st.text(st.characters(codec=None)), st.integers(0, 50))
def test_a_clean_text_has_bytes_no_nul_and_no_more_than_asked_for(text: str, most: int) -> None:
    cleaned = clean_text(text, most)

    assert "\0" not in cleaned
    assert len(cleaned) <= most
    assert json.loads(json.dumps(cleaned).encode()) == cleaned.encode().decode()


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_a_text_that_is_clean_stays_as_it_is(text: str) -> None:
    assert clean_text(text, len(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("caf\udce9", "caf\\udce9"),
        ("a\0b", "a\\x00b"),
        pytest.param(Odd("x\udce9"), "x\\udce9", id="own text"),
        (Leaving(), "(its text can't be shown)"),
        (3, "3"),
        (b"\xff", "b'\\xff'"),
        (None, "None"),
    ],
)
def test_what_has_no_bytes_is_escaped_and_a_class_that_fails_is_named(value: object, text: str) -> None:
    assert clean_text(value, 100) == text
    assert type(clean_text(value, 100)) is str


def test_a_request_to_stop_passes_through_a_text_that_is_being_made() -> None:
    class Slow:
        def __str__(self) -> str:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        clean_text(Slow(), 100)


@pytest.mark.parametrize(
    "value", [10**400, math.inf, -math.inf, math.nan, "one", b"x", None, [1], 1j, object(), Leaving]
)
def test_what_is_no_finite_number_is_none(value: object) -> None:
    assert finite(value) is None


@pytest.mark.parametrize(
    ("value", "number"), [(1, 1.0), (True, 1.0), (Fraction(1, 2), 0.5), ("2", 2.0), (-0.0, 0.0)]
)
def test_what_can_be_a_number_is_one(value: object, number: float) -> None:
    assert finite(value) == number


@given(st.recursive(st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_never_holds_what_json_cannot_say(value: object) -> None:
    json.loads(json_text(value), parse_constant=pytest.fail)
