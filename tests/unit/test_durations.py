"""Durations are read as they are shown, and refused with an example."""

from datetime import timedelta
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inputs_room import inputs_with, refused
from pydantic import Field

from asyncinweb.tasks.inputs.durations import read_duration, show_duration


@pytest.mark.parametrize("text", ["soon", "1 fortnight", "1:75", "h", "1 h x", "9999999999 days"])
def test_a_text_that_is_no_duration_is_refused_with_an_example(text: str) -> None:
    assert "1 h 30 min" in refused(inputs_with(timedelta), {"value": [text]})["value"]


def test_a_limit_of_a_duration_is_told_in_words() -> None:
    inputs = inputs_with(Annotated[timedelta, Field(le=timedelta(hours=5))])

    message = refused(inputs, {"value": ["6 h"]})["value"]

    assert message == "must be at most 5 hours, not 6 h"
    assert "5 h" in message
    assert inputs.fields[0].maximum == "5 h"


@given(st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000)))
def test_a_duration_is_read_as_it_is_shown(duration: timedelta) -> None:
    assert read_duration(show_duration(duration)) == duration
