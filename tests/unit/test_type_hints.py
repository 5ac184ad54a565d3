"""From type hints to form fields, and hints that no form can show."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import pytest
from annotated_types import Ge, Le
from inputs_room import Colour, inputs_of, inputs_with
from pydantic import Field, SecretStr

from asyncinweb.errors import TaskDefinitionError


def field_of(hint: Any, default: Any = ...) -> Any:
    return inputs_with(hint, default).fields[0]


# --- how a hint looks in a form -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (str, {"kind": "text", "required": True}),
        (int, {"kind": "integer", "required": True}),
        (float, {"kind": "number"}),
        (Decimal, {"kind": "number"}),
        (bool, {"kind": "checkbox", "required": False}),
        (date, {"kind": "date"}),
        (datetime, {"kind": "datetime"}),
        (int | None, {"kind": "integer", "required": False, "optional": True}),
        (Optional[str], {"kind": "text", "required": False, "optional": True}),  # noqa: UP045 - as people write it
        (list[int], {"kind": "integer", "multiple": True, "required": False}),
        (list[str] | None, {"kind": "text", "multiple": True, "optional": True}),
        (Annotated[int, Field(ge=1, le=9)], {"minimum": "1", "maximum": "9"}),
        (Annotated[int, Ge(1), Le(9)], {"minimum": "1", "maximum": "9"}),
        (Annotated[float, Field(gt=0.5, lt=2)], {"minimum": "0.5", "maximum": "2"}),
        (Annotated[int, Field(ge=0)] | None, {"minimum": "0", "optional": True}),
        (Annotated[date, Field(ge=date(2026, 1, 1))], {"minimum": "2026-01-01"}),
        (Annotated[str, Field(min_length=2, max_length=40)], {"kind": "text", "min_length": 2, "max_length": 40}),
        (Annotated[str, Field(max_length=5000)], {"kind": "paragraph", "max_length": 5000}),
        (Annotated[str, Field(pattern="^a+$")], {"pattern": "^a+$"}),
        (list[Annotated[int, Field(ge=3)]], {"multiple": True, "minimum": "3"}),
        (Annotated[int, Field(title="Year of birth", description="Four digits")], {"label": "Year of birth"}),
        (Annotated[int, Field(description="Four digits")], {"label": "Value", "help": "Four digits"}),
    ],
)
def test_a_hint_becomes_a_form_field(hint: Any, expected: dict[str, object]) -> None:
    field = field_of(hint)

    assert {name: getattr(field, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("hint", "default", "shown"),
    [
        (int, 5, ("5",)),
        (float, 0.5, ("0.5",)),
        (str, "a text", ("a text",)),
        (bool, True, ("on",)),
        (bool, False, ("",)),
        (int | None, None, ()),
        (list[int], [1, 2], ("1", "2")),
        (date, date(2026, 11, 23), ("2026-11-23",)),
        (datetime, datetime(2026, 11, 23, 18, 30), ("2026-11-23T18:30",)),
        (Literal["fire", "ice"], "ice", ("ice",)),
        (Colour, Colour.BLUE, ("blue",)),
    ],
)
def test_a_default_is_shown_as_html_wants_it_and_makes_the_field_optional(
    hint: Any, default: object, shown: tuple[str, ...]
) -> None:
    field = field_of(hint, default)

    assert field.default == shown
    assert field.required is False


def test_a_default_of_several_lines_makes_a_paragraph() -> None:
    assert field_of(str, "one\ntwo").kind == "paragraph"


def test_a_literal_offers_its_values_and_keeps_their_types() -> None:
    field = field_of(Literal["fire", 2])

    assert field.kind == "choice"
    assert [(choice.text, choice.label, choice.value) for choice in field.choices] == [
        ("fire", "fire", "fire"),
        ("2", "2", 2),
    ]
    assert field.read(["2"]) == 2


def test_an_enum_offers_its_names_in_words_and_its_values_as_texts() -> None:
    field = field_of(Colour)

    assert [(choice.text, choice.label) for choice in field.choices] == [("red", "Dark red"), ("blue", "Blue")]
    assert field.read(["red"]) is Colour.DARK_RED


def test_the_label_is_the_name_in_words() -> None:
    def report(first_year: int): ...

    assert inputs_of(report).fields[0].label == "First year"


def test_a_moment_with_seconds_is_shown_with_them() -> None:
    assert inputs_with(datetime, datetime(2026, 1, 2, 3, 4, 5)).defaults() == {"value": ("2026-01-02T03:04:05",)}


# --- what cannot be a task ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hint",
    [list, list[dict[str, int]], list[Any], tuple[int, int], bytes, Path, object, int | str, set[SecretStr]],
)
def test_a_hint_no_form_shows_is_refused_with_task_parameter_file_and_line(hint: Any) -> None:
    with pytest.raises(TaskDefinitionError) as refused:
        inputs_with(hint)

    for fact in ("report()", "'value'", "tasks.py:7", "Literal, Enum, Optional"):
        assert fact in str(refused.value)


def test_a_parameter_without_a_hint_is_refused() -> None:
    def report(year): ...

    with pytest.raises(TaskDefinitionError, match=r"report\(\): parameter 'year' has no type hint.*tasks.py:7"):
        inputs_of(report)


def test_parameters_without_names_are_refused() -> None:
    def with_args(*years: int): ...

    def with_kwargs(**years: int): ...

    def positional(year: int, /): ...

    for function in (with_args, with_kwargs, positional):
        with pytest.raises(TaskDefinitionError, match=r"'year.*a form needs named parameters.*tasks.py:7"):
            inputs_of(function)


def with_hint(text: str, of: str = "value") -> Callable[..., object]:
    def report(value: int = 3) -> None: ...

    report.__annotations__[of] = text
    return report


UNKNOWN_HINTS = ["NoSuchName", "math.NoSuchName", "NoSuchName[int] | None", "not python"]


@pytest.mark.parametrize("hint", UNKNOWN_HINTS)
def test_a_hint_that_names_nothing_is_refused_with_the_cure(hint: str) -> None:
    with pytest.raises(
        TaskDefinitionError, match=r"cannot read a parameter's type hint: .*import it outside.*\(tasks\.py:7\)"
    ):
        inputs_of(with_hint(hint))


@pytest.mark.parametrize("hint", UNKNOWN_HINTS)
def test_a_return_hint_that_only_type_checkers_know_is_nobodys_business(hint: str) -> None:
    function = with_hint(hint, of="return")

    @functools.wraps(function)
    def wrapped(*args: object, **kwargs: object) -> object:
        return function(*args, **kwargs)

    for each in (function, wrapped):
        assert inputs_of(each).from_json(inputs_of(each).to_json({})) == {"value": 3}


@dataclass
class Unknown:
    name: "NoSuchName" = None  # noqa: F821 - that is the test


def test_a_member_whose_hint_names_nothing_is_refused_with_its_model() -> None:
    with pytest.raises(TaskDefinitionError, match=r"Unknown, with a member.*NoSuchName.*tasks\.py:7"):
        inputs_with(Unknown)


@pytest.mark.parametrize(
    ("hint", "default"),
    [
        (int, "five"),
        (int, None),
        (Annotated[int, Field(ge=10)], 5),
        (Literal["fire", "ice"], "snow"),
        (float, math.inf),
        (list[int], ["x"]),
        (int, 10**30),
    ],
)
def test_a_default_that_its_own_hint_refuses_is_refused(hint: Any, default: object) -> None:
    with pytest.raises(TaskDefinitionError) as refused:
        inputs_with(hint, default)

    assert "'value'" in str(refused.value)
    assert repr(default) in str(refused.value)
    assert "tasks.py:7" in str(refused.value)
