"""A number is read as the person who typed it meant it, or refused with the way to write it."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inputs_room import from_form, inputs_with

from asyncinweb.errors import BadArguments


def read(hint: Any, text: str) -> object:
    """What the function gets for this text in a form, or the message beside the field."""
    try:
        return from_form(inputs_with(hint), value=[text])["value"]
    except BadArguments as refused:
        return refused.messages["value"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,5", "1.5"),
        ("−5", "-5"),
        ("– 5", "-5"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1.234.567,89", "1234567.89"),
        ("1,234,567", "1234567"),
        ("12,34,567.5", "1234567.5"),
        ("1 234,5", "1234.5"),
        ("1\u202f234\u202f567,5", "1234567.5"),
        ("1\xa0234", "1234"),
        ("1'234.50", "1234.50"),
        ("1’234", "1234"),
        ("0,125", "0.125"),
        (",5", "0.5"),
        ("1234,567", "1234.567"),
        ("1,5e3", "1500"),
        ("１２,５", "12.5"),
        ("١٢٫٥", "12.5"),
        ("1.234", "1.234"),
    ],
)
@pytest.mark.parametrize("kind", [Decimal, float])
def test_a_decimal_field_reads_what_people_write(kind: Callable[[str], object], text: str, number: str) -> None:
    assert read(kind, text) == kind(number)


@pytest.mark.parametrize("text", ["1 000", "1\u202f000", "1'000", "+1000", " 1000 ", "1000,0", "１０００"])
def test_a_whole_number_field_reads_what_people_write(text: str) -> None:
    assert read(int, text) == 1000


@pytest.mark.parametrize(
    ("hint", "text", "message"),
    [
        (Decimal, "1,234", "'1,234' could mean 1234 or 1.234. Write 1234 or 1.234"),
        (float, "-12,500", "'-12,500' could mean 12500 or 12.500. Write 12500 or 12.500"),
        (int, "1.000", "'1.000' could mean 1000 or 1.000. Write 1000 without a separator"),
        (int, "1,000", "'1,000' could mean 1000 or 1.000. Write 1000 without a separator"),
        (Decimal | None, "1,234", "'1,234' could mean 1234 or 1.234. Write 1234 or 1.234"),
        (list[float], "1.5\n1,234", "'1,234' could mean 1234 or 1.234. Write 1234 or 1.234"),
    ],
)
def test_a_number_with_two_meanings_is_refused_with_both(hint: Any, text: str, message: str) -> None:
    assert read(hint, text) == message


@pytest.mark.parametrize(
    "text", ["1,5", "1.5", "12 34", "1,2,3", "1.2.3", "5²", "½", "--5", "5-", "(5)", "5 %", "1 2"]
)
def test_what_is_no_whole_number_is_refused_and_named(text: str) -> None:
    message = read(int, text)

    assert isinstance(message, str)
    assert text in message


@pytest.mark.parametrize("text", ["12 34,5", "1,2,3", "1.2,3.4", "1,,5", "5²", "$5", "1 2,5", "1.5 kg", "1,234,5"])
def test_what_is_no_number_is_refused_and_named(text: str) -> None:
    for hint in (Decimal, float):
        message = read(hint, text)

        assert isinstance(message, str)
        assert text in message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1,5 h", 5400), ("−2 min", -120), ("0,5", 0.5), ("1 h, 30 min", 5400), ("0:01:30,5", 90.5)],
)
def test_a_duration_reads_a_decimal_comma_and_a_real_minus(text: str, seconds: float) -> None:
    assert read(timedelta, text) == timedelta(seconds=seconds)


def test_a_duration_with_two_meanings_is_refused() -> None:
    assert "1,500 s" in str(read(timedelta, "1,500 s"))


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_field_reads_every_number_that_it_shows(number: Decimal) -> None:
    inputs = inputs_with(Decimal)
    (shown,) = inputs.to_texts(inputs.to_json({"value": number}))["value"]

    assert read(Decimal, shown) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_field_reads_every_number_that_it_shows(number: float) -> None:
    inputs = inputs_with(float)
    (shown,) = inputs.to_texts(inputs.to_json({"value": number}))["value"]

    assert read(float, shown) == number


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2), st.sampled_from([".", " ", "\u202f", "'"]))
def test_groups_and_a_decimal_comma_change_no_number(number: Decimal, group: str) -> None:
    written = f"{number:,.2f}".replace(",", "G").replace(".", ",").replace("G", group).replace("-", "−")

    assert read(Decimal, written) == number
