"""What a form shows for a value means that value again when it is sent: nothing turns into something else."""

from datetime import date, datetime, time
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inputs_room import from_form, inputs_with

from asyncinweb.errors import BadArguments
from asyncinweb.tasks.inputs.model import Inputs
from asyncinweb.web.forms.form import Control


def as_a_browser_sends(texts: tuple[str, ...], control: Control) -> list[str]:
    """What Chromium sends for these texts: one line loses its line ends, several lines get \\r\\n."""
    if control.widget == "input":
        return [control.text.replace("\r", "").replace("\n", "")]
    shown = [control.text] if control.widget in ("lines", "paragraph") else list(texts)
    return [text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n") for text in shown]


def sent_untouched(inputs: Inputs, value: object) -> object:
    """The value after it was stored, shown in the form and sent again."""
    shown = tuple(inputs.to_texts(inputs.to_json({"value": value}))["value"])
    control = Control(inputs.fields[0], shown, "")
    return from_form(inputs, value=as_a_browser_sends(shown, control))["value"]


MOMENTS = [
    datetime(2026, 3, 1, 2, 30, 15, 123456),
    datetime(2026, 3, 1, 2, 30, 15, 120000),
    datetime(2026, 3, 1, 2, 30, 15),
    datetime(2026, 3, 1, 2, 30),
    datetime(1, 1, 1, 0, 0, 0, 1),
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_moment_is_shown_exactly_in_a_control_that_can_show_it(moment: datetime) -> None:
    for hint, value in ((datetime, moment), (time, moment.time())):
        inputs = inputs_with(hint)
        shown = tuple(inputs.to_texts(inputs.to_json({"value": value}))["value"])
        decimals = shown[0].partition(".")[2]

        control = Control(inputs.fields[0], shown, "")

        # A browser empties its own control if there are more than three decimals.
        assert (control.input_type == "text") == (len(decimals) > 3)
        assert from_form(inputs, value=list(shown))["value"] == value


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (date, "20261123"),
        (date, "0"),
        (datetime, "2026"),
        (datetime, "1.5"),
        (time, "18"),
        (time, "930"),
        (time, "-1"),
    ],
)
def test_a_bare_number_is_no_date_and_no_time(hint: Any, text: str) -> None:
    inputs = inputs_with(hint)

    with pytest.raises(BadArguments, match=r"is only a number\. Write"):
        inputs.to_json(inputs.from_texts({"value": [text]}))


def test_a_time_more_exact_than_python_knows_is_refused_and_not_cut() -> None:
    with pytest.raises(BadArguments, match="at most six decimals"):
        from_form(inputs_with(time), value=["18:30:00.1234567"])
    assert from_form(inputs_with(time), value=["18:30:00.123456000"])["value"] == time(18, 30, 0, 123456)


@pytest.mark.parametrize(
    "text", ["a\nb", "a\nb ", "a\n\nb", "x\x1cy", "x\x0by", "x\x0cy", "x\x85y", "x\u2028y", "\u2029"]
)
def test_a_text_with_line_ends_or_their_lookalikes_comes_back_as_it_was(text: str) -> None:
    assert sent_untouched(inputs_with(str), text) == text.strip(" ")


@pytest.mark.parametrize(
    "items",
    [
        ["a\x1cb"],
        ["a\x0bb", "c"],
        ["a\x0cb"],
        ["a\x85b"],
        ["a\u2028b", "\u2029"],
        ["a\nb"],
        ["a", "b\nc", "d"],
        ["a\n\nb"],
    ],
)
def test_only_line_ends_part_the_items_of_a_list(items: list[str]) -> None:
    assert sent_untouched(inputs_with(list[str]), items) == items


lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1, max_size=8)


@given(st.lists(lines.filter(lambda line: line == line.strip(" \t\n\xa0"))))
def test_any_list_of_texts_comes_back_as_it_was(items: list[str]) -> None:
    assert sent_untouched(inputs_with(list[str]), items) == items


@given(lines.filter(lambda line: line == line.strip(" \t\n\xa0")))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert sent_untouched(inputs_with(str), text) == text


def test_a_line_end_that_no_browser_keeps_is_announced() -> None:
    control = Control(inputs_with(str).fields[0], ("a\rb",), "")

    assert control.widget == "paragraph"
    assert "Unusual line breaks" in control.limits


def test_a_box_for_each_item_is_shown_only_where_one_has_several_lines() -> None:
    field = inputs_with(list[str]).fields[0]

    assert Control(field, field.show(["a", "b"]), "").widget == "lines"
    assert Control(field, field.show(["a\nb"]), "").widget == "items"
    # As it was sent: the lines of one box.
    assert Control(field, ("a\nb",), "").widget == "lines"


@pytest.mark.parametrize("default", [" ", "\t", "  indented", "trailing "])
def test_an_untouched_default_keeps_its_blanks(default: str) -> None:
    inputs = inputs_with(str, default)

    assert from_form(inputs, value=list(inputs.fields[0].default))["value"] == default


@pytest.mark.parametrize(
    ("hint", "choice"),
    [
        (Literal[",", ";", "\t"], "\t"),
        (Literal[" ", "x"], " "),
        (Literal["", "x"], ""),
        (Literal["a\nb", "c"], "a\nb"),
    ],
)
def test_a_choice_of_blanks_or_lines_can_be_chosen(hint: Any, choice: str) -> None:
    inputs = inputs_with(hint)

    assert from_form(inputs, value=[choice.replace("\n", "\r\n")])["value"] == choice


def test_a_list_of_yes_and_no_keeps_its_no() -> None:
    assert sent_untouched(inputs_with(list[bool]), [True, False, True]) == [True, False, True]


def test_a_list_of_choices_may_hold_a_blank_one() -> None:
    assert from_form(inputs_with(list[Literal["\t", ","]]), value=["", "\t", ","])["value"] == ["\t", ","]
