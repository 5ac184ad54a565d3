"""Arguments from programs and forms: validated, refused in words, and stored so that they come back unchanged."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs_room import Colour, from_form, inputs_of, inputs_with, messages, refused
from pydantic import Field

from asyncinweb.errors import BadArguments

# --- validation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (int, "twelve", "must be a whole number, such as 12, not 'twelve'"),
        (int, 1.5, "must be a whole number, such as 12, not 1.5"),
        (int, None, "is required"),
        (float, "x", "must be a number, such as 3.5, not 'x'"),
        (float, "nan", "must be a finite number, not 'nan'"),
        (float, "-inf", "must be a finite number, not '-inf'"),
        (float, "1e999", "must be a finite number, not '1e999'"),
        (Decimal, "NaN", "must be a finite number, not 'NaN'"),
        (Annotated[int, Field(ge=1)], "0", "must be at least 1, not 0"),
        (Annotated[int, Field(le=5)], "6", "must be at most 5, not 6"),
        (Annotated[int, Field(gt=1)], 1, "must be more than 1, not 1"),
        (Annotated[int, Field(lt=5)], 5, "must be less than 5, not 5"),
        (Annotated[str, Field(max_length=3)], "long", "must be at most 3 characters, not 4"),
        (Annotated[str, Field(min_length=3)], "ab", "must be at least 3 characters"),
        (Annotated[str, Field(pattern="^a+$")], "b", "must match the pattern ^a+$, not 'b'"),
        (Literal["fire", "ice"], "snow", "must be 'fire' or 'ice', not 'snow'"),
        (Colour, "green", "must be 'red' or 'blue', not 'green'"),
        (bool, "perhaps", "must be yes or no, not 'perhaps'"),
        (date, "23.11.2026", "must be a date, such as 2026-11-23, not '23.11.2026'"),
        (
            datetime,
            "today",
            "must be a date and time, such as 2026-11-23T18:30, not 'today'",
        ),
    ],
)
def test_a_wrong_value_is_answered_in_words_with_the_value_and_the_cure(
    hint: Any, value: object, message: str
) -> None:
    inputs = inputs_with(hint)

    assert messages(inputs, value=value) == {"value": message}


MOST, LEAST = "9,223,372,036,854,775,807", "-9,223,372,036,854,775,808"


@pytest.mark.parametrize("hint", [int, int | None, list[int], set[int]])
def test_a_whole_number_without_a_limit_of_its_own_has_64_bits(hint: Any) -> None:
    inputs = inputs_with(hint)
    several = hint not in (int, int | None)

    for number in (2**63 - 1, -(2**63)):
        assert inputs.pack({"value": [number] if several else number})
    for number, wish in [
        (2**63, f"must be at most {MOST}"),
        (10**30, f"must be at most {MOST}"),
        (-(2**63) - 1, f"must be at least {LEAST}"),
    ]:
        for value in (number, str(number)):
            found = messages(inputs, value=[1, value] if several else value)
            assert found == {"value": f"{wish}, not {number}"}


def test_a_huge_whole_number_is_shortened_in_the_message() -> None:
    for number in (10**100, -(10**100), 10**5000):
        for hint in (int, Annotated[int, Field(ge=0, le=5)]):
            (message,) = messages(inputs_with(hint), value=number).values()
            assert len(message) < 130


def test_a_limit_of_the_author_takes_the_place_of_the_64_bits_on_its_side() -> None:
    positive = inputs_with(Annotated[int, Field(ge=0)])
    large = inputs_with(Annotated[int, Field(le=10**40)])

    assert large.from_json(large.to_json({"value": 10**30})) == {"value": 10**30}
    assert messages(large, value=10**41).keys() == {"value"}
    assert LEAST in messages(large, value=-(10**30))["value"]
    assert MOST in messages(positive, value=10**30)["value"]


def test_a_missing_argument_is_named() -> None:
    assert messages(inputs_with(int)) == {"value": "is required"}


def test_every_wrong_parameter_is_named_at_once() -> None:
    def report(year: int, month: int, day: int = 1): ...

    assert messages(inputs_of(report), year="x", day="y").keys() == {"year", "month", "day"}


def test_a_long_wrong_value_is_cut_in_the_message() -> None:
    (message,) = messages(inputs_with(int), value="9" * 50 + "x" * 10_000).values()

    assert len(message) < 200
    assert "…" in message


def test_an_unknown_parameter_is_refused_and_the_nearest_offered() -> None:
    def report(year: int = 1, month: int = 1): ...

    found = messages(inputs_of(report), yaer=2026, zzz=1)

    assert found == {
        "yaer": "isn't a parameter of report. Did you mean 'year'?",
        "zzz": "isn't a parameter of report.",
    }


def test_the_inner_name_of_a_parameter_is_no_way_in() -> None:
    assert "field_0" in messages(inputs_with(int, 5), field_0=6)


@pytest.mark.parametrize("text", ["1_000", "1_0", "_1", "nan", "inf", "-Infinity"])
def test_pythons_own_numbers_are_no_numbers_to_a_visitor(text: str) -> None:
    for hint in (int, float, Decimal):
        inputs = inputs_with(hint)

        found = messages(inputs, **inputs.from_texts({"value": [text]}))

        assert "number" in found["value"]


def test_numbers_may_have_spaces_around_them() -> None:
    inputs = inputs_with(int)

    assert inputs.to_json(inputs.from_texts({"value": [" 12 "]})) == '{"value":12}'


def test_parameters_may_be_called_like_what_a_model_has_for_itself() -> None:
    def report(copy: int, json: str, schema: int = 3, _x: int = 4, model_config: int = 5, self: int = 6): ...

    inputs = inputs_of(report)
    stored = inputs.to_json({"copy": 1, "json": "two", "_x": 7})

    expected = {"copy": 1, "json": "two", "schema": 3, "_x": 7, "model_config": 5, "self": 6}
    assert json.loads(stored) == expected
    assert inputs.from_json(stored) == expected
    assert messages(inputs, copy="x", json="two", _x="y").keys() == {"copy", "_x"}


def test_a_default_written_in_another_type_is_stored_as_the_hint_says() -> None:
    def report(price: Decimal = 3, share: float = 1, is_new: bool = 1, year: int = "5"): ...  # type: ignore[assignment]

    inputs = inputs_of(report)

    stored = inputs.to_json({})

    assert inputs.from_json(stored) == {"price": Decimal(3), "share": 1.0, "is_new": True, "year": 5}
    assert json.loads(stored)["is_new"] is True
    assert json.loads(stored)["year"] == 5


def test_bind_takes_arguments_as_a_call_would() -> None:
    def report(year: int, month: int = 1, *, day: int = 1): ...

    assert inputs_of(report).bind(2026, day=3) == {"year": 2026, "day": 3}


def test_bind_refuses_what_a_call_would_refuse() -> None:
    def report(year: int): ...

    for args, kwargs in [((1, 2), {}), ((1,), {"year": 2}), ((), {"yaer": 1})]:
        with pytest.raises(BadArguments, match="report: arguments"):
            inputs_of(report).bind(*args, **kwargs)


def test_a_set_is_stored_the_same_whatever_its_order() -> None:
    inputs = inputs_with(set[str])

    assert inputs.to_json({"value": {"b", "a", "c"}}) == inputs.to_json({"value": ["c", "a", "b"]})
    assert inputs.to_json({"value": {"b", "a"}}) == '{"value":["a","b"]}'


def test_the_number_of_items_is_limited() -> None:
    inputs = inputs_with(Annotated[list[int], Field(min_length=1, max_length=2)])

    assert refused(inputs, {"value": ["1\n2\n3"]}) == {"value": "must have at most 2 values, not 3"}
    assert refused(inputs, {"value": [""]}) == {"value": "must have at least 1 value"}


# --- forms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hint", "texts", "value"),
    [
        (bool, ["on"], True),
        (bool, ["", "on"], True),
        (bool, [], False),
        (bool, ["No"], False),
        (int | None, [""], None),
        (str, [""], ""),
        (str | None, ["  "], None),
        (str, ["  a  "], "a"),
        (list[int], ["1\n2\r\n\n3"], [1, 2, 3]),
        (list[int], ["1", "2"], [1, 2]),
        (list[Literal["a", "b"]], ["a", "b"], ["a", "b"]),
        (datetime, ["2026-11-23T18:30"], datetime(2026, 11, 23, 18, 30)),
        (Colour, ["red"], Colour.DARK_RED),
        (Annotated[str, Field(max_length=999)], ["  a\r\nb  "], "  a\nb  "),
        (time, ["18:30"], time(18, 30)),
        (time, ["18:30:05"], time(18, 30, 5)),
        (timedelta, ["1 h 30 min"], timedelta(minutes=90)),
        (timedelta, ["90"], timedelta(seconds=90)),
        (timedelta, ["1:30:00"], timedelta(minutes=90)),
        (timedelta, ["PT45S"], timedelta(seconds=45)),
        (timedelta | None, [""], None),
        (set[int], ["1\n2\n2"], {1, 2}),
        (set[Literal["a", "b"]], ["b", "a"], {"a", "b"}),
        (list[bool], ["yes\nno"], [True, False]),
        (bool | None, ["on"], True),
        (bool | None, ["false"], False),
        (bool | None, [""], None),
        (dict[str, int], ['{"a": 1}'], {"a": 1}),
        (Any, ["[1, null, 2.5]"], [1, None, 2.5]),
    ],
)
def test_what_a_form_sends_means_a_value(hint: Any, texts: list[str], value: object) -> None:
    assert from_form(inputs_with(hint), value=texts) == {"value": value}


def test_an_empty_number_is_missing_and_an_absent_one_keeps_its_default() -> None:
    inputs = inputs_with(int, 5)

    assert messages(inputs, **inputs.from_texts({"value": [""]})) == {"value": "is required"}
    assert inputs.to_json(inputs.from_texts({})) == '{"value":5}'


def test_an_unknown_field_of_a_form_is_refused_by_name() -> None:
    inputs = inputs_with(int, 5)

    assert messages(inputs, **inputs.from_texts({"valeu": ["1"]})) == {
        "valeu": "isn't a parameter of report. Did you mean 'value'?"
    }


def test_stored_arguments_of_a_changed_function_are_refused_and_shown_as_defaults() -> None:
    inputs = inputs_with(int, 5)
    stored = '{"other": 1}'

    with pytest.raises(BadArguments, match="other"):
        inputs.from_json(stored)

    assert inputs.to_texts(stored) == {"value": ("5",)}


def everything(
    text: str,
    count: int,
    share: float,
    price: Decimal,
    is_new: bool,
    day: date,
    moment: datetime,
    colour: Colour,
    kind: Literal["a", 2],
    numbers: list[int],
    maybe: int | None,
) -> None: ...


EVERYTHING = inputs_of(everything)
lines = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1, max_size=20)
whole_numbers = st.integers(-(2**63), 2**63 - 1)

arguments = st.fixed_dictionaries(
    {
        "text": lines,
        "count": whole_numbers,
        "share": st.floats(allow_nan=False, allow_infinity=False),
        "price": st.decimals(allow_nan=False, allow_infinity=False, places=2),
        "is_new": st.booleans(),
        "day": st.dates(),
        # Forms know minutes.
        "moment": st.datetimes(timezones=st.none() | st.just(UTC)).map(
            lambda m: m.replace(second=0, microsecond=0)
        ),
        "colour": st.sampled_from(Colour),
        "kind": st.sampled_from(["a", 2]),
        "numbers": st.lists(whole_numbers),
        "maybe": st.none() | whole_numbers,
    }
)


@given(arguments)
def test_arguments_come_back_from_json_as_they_were(values: dict[str, Any]) -> None:
    assert EVERYTHING.from_json(EVERYTHING.to_json(values)) == values


@given(arguments)
def test_arguments_come_back_from_a_form_as_they_were_shown(values: dict[str, Any]) -> None:
    stored = EVERYTHING.to_json(values)

    shown = EVERYTHING.to_texts(stored)

    assert EVERYTHING.from_json(EVERYTHING.to_json(EVERYTHING.from_texts(shown))) == values


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from([field.name for field in EVERYTHING.fields]), st.lists(st.text())))
def test_whatever_texts_are_sent_the_answer_is_arguments_or_messages(texts: dict[str, list[str]]) -> None:
    answer: dict[str, object]
    try:
        answer = EVERYTHING.from_json(EVERYTHING.to_json(EVERYTHING.from_texts(texts)))
    except BadArguments as refused:
        answer = dict(refused.messages)

    assert answer
    assert "" not in answer


def test_an_aware_time_keeps_its_moment() -> None:
    inputs = inputs_with(datetime)
    moment = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)

    (read,) = inputs.from_json(inputs.to_json({"value": moment})).values()

    assert isinstance(read, datetime)
    assert read - moment == timedelta(0)
