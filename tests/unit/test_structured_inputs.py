"""Inputs that have parts: models, shown as groups of fields, and JSON."""

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inputs_room import from_form, inputs_with, messages, refused
from pydantic import BaseModel, Field

from asyncinweb.errors import BadArguments, TaskDefinitionError
from asyncinweb.tasks.inputs.stored_arguments import in_words

DEEP = "[" * 10_000 + "]" * 10_000


@dataclass
class Address:
    street: Annotated[str, Field(min_length=1, description="With the number.")]
    city: str = "Bremen"
    since: date | None = None
    is_business: bool = False


class Limits(BaseModel):
    low: float = 0.5
    all: list[float] = Field(default_factory=list)
    count: int = 0
    options: dict[str, Any] = Field(default_factory=dict)


# --- models ---------------------------------------------------------------------------------------------------


def test_a_model_is_a_group_of_fields_with_their_own_limits_and_help() -> None:
    (group,) = inputs_with(Annotated[Address, Field(title="Where to")]).fields

    assert (group.kind, group.label, group.required) == ("group", "Where to", True)
    assert [(leaf.name, leaf.kind, leaf.required) for leaf in group.members] == [
        ("value.street", "text", True),
        ("value.city", "text", False),
        ("value.since", "date", False),
        ("value.is_business", "checkbox", False),
    ]
    assert group.members[0].help == "With the number."
    assert group.members[1].default == ("Bremen",)


def test_the_function_gets_the_object() -> None:
    texts = {"value.street": ["Main St 1"], "value.city": ["Ulm"], "value.since": ["2026-01-02"]}
    expected = Address("Main St 1", "Ulm", date(2026, 1, 2))

    assert from_form(inputs_with(Address), **texts) == {"value": expected}
    assert from_form(inputs_with(Limits), **{"value.low": ["2"], "value.options": ['{"a": 1}']}) == {
        "value": Limits(low=2, options={"a": 1})
    }


def test_a_model_given_from_a_program_is_stored_like_one_from_a_form() -> None:
    inputs = inputs_with(Address)

    assert inputs.to_json({"value": Address("A")}) == inputs.to_json(inputs.from_texts({"value.street": ["A"]}))


def test_an_optional_model_left_empty_is_none() -> None:
    inputs = inputs_with(Address | None, None)
    empty = {"value.street": [""], "value.city": [""], "value.since": [""], "value.is_business": [""]}

    assert from_form(inputs, **empty) == {"value": None}
    assert from_form(inputs) == {"value": None}


def test_errors_in_a_model_name_the_member() -> None:
    inputs = inputs_with(Address)

    assert refused(inputs, {"value.street": [""], "value.since": ["soon"]}) == {
        "value.street": "is required",
        "value.since": "must be a date, such as 2026-11-23, not 'soon'",
    }


def test_a_default_object_fills_the_members() -> None:
    inputs = inputs_with(Address, Address("Main St 1", is_business=True))

    assert inputs.defaults() == {
        "value.street": ("Main St 1",),
        "value.city": ("Bremen",),
        "value.since": (),
        "value.is_business": ("on",),
    }


def test_a_model_comes_back_into_its_form_as_it_was() -> None:
    inputs = inputs_with(Address)
    stored = inputs.to_json({"value": Address("A", "B", date(2026, 1, 2), True)})

    assert inputs.to_json(inputs.from_texts(inputs.to_texts(stored))) == stored
    assert ("Value: Street", "A") in in_words(inputs.fields, stored)


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_number_in_a_model_is_an_ordinary_one(number: str) -> None:
    for name in ("value.low", "value.all"):
        assert "must be a finite number" in refused(inputs_with(Limits), {name: [number]})[name]


def test_a_whole_number_in_a_model_has_64_bits() -> None:
    found = refused(inputs_with(Limits), {"value.count": [str(10**30)]})

    assert found == {
        "value.count": f"must be at most 9,223,372,036,854,775,807, not {10**30}",
    }


def test_a_model_inside_a_model_is_refused_at_the_start() -> None:
    @dataclass
    class Order:
        to: Address
        notes: list[str] = field(default_factory=list)

    with pytest.raises(TaskDefinitionError, match=r"report\(\).*'value'.*Order with Address inside.*tasks.py:7"):
        inputs_with(Order)


# --- JSON -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "isn't valid JSON (line 1, column 2): property names need double quotes"),
        ("[1,\n2", "isn't valid JSON (line 2, column 2): a comma is missing"),
        (DEEP, "nested too deeply"),
        ("[" * 51 + "]" * 51, "nested too deeply"),
        ("[NaN]", "NaN"),
        ("[-Infinity]", "-Infinity"),
        ("[1e999]", "contains infinity or NaN"),
        (f"[{10**30}]", "beyond 9,223,372,036,854,775,807"),
        ("9" * 5000, "digits"),
        ('"\\ud800"', "lone surrogate"),
        ('{"\\ud800": 1}', "lone surrogate"),
        ('["\\u0000"]', "NUL"),
    ],
)
def test_json_that_could_not_be_kept_is_refused_in_words(text: str, words: str) -> None:
    for hint in (Any, dict[str, Any]):
        message = refused(inputs_with(hint), {"value": [text]})["value"]
        assert words in message
        assert len(message) < 200


@pytest.mark.parametrize(
    "value", [float("nan"), 10**30, "\ud800", "a\0b", object(), json.loads("[" * 60 + "]" * 60)]
)
def test_json_from_a_program_is_refused_by_the_same_rules(value: object) -> None:
    messages(inputs_with(Any), value=value)


def test_json_of_the_wrong_shape_is_refused() -> None:
    assert "JSON object" in refused(inputs_with(dict[str, int]), {"value": ["[1]"]})["value"]
    assert "value" in refused(inputs_with(dict[str, int]), {"value": ['{"a": "b"}']})


def test_json_is_shown_as_it_was() -> None:
    inputs = inputs_with(dict[str, Any])
    stored = inputs.to_json({"value": {"name": "Zoë", "list": list(range(40))}})

    assert inputs.to_json(inputs.from_texts(inputs.to_texts(stored))) == stored


@pytest.mark.parametrize("hint", [str, list[str], Annotated[str, Field(max_length=5000)], Address])
def test_a_text_with_nul_or_half_a_character_is_refused_in_words(hint: Any) -> None:
    name = "value.street" if hint is Address else "value"
    for text in ("a\0b", "\ud800"):
        (message,) = refused(inputs_with(hint), {name: [text]}).values()
        assert "NUL" in message or "surrogate" in message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_any_json_is_kept_exactly_or_refused(value: object) -> None:
    inputs = inputs_with(Any)
    told: dict[str, str] = {}
    try:
        kept = inputs.from_json(inputs.to_json({"value": value}))
    except BadArguments as error:
        told = error.messages

    assert told.keys() == {"value"} or kept == {"value": value}
