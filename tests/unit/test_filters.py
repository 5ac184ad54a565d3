"""How times and figures are written on pages."""

import pytest

from asyncinweb.web.filters import amount, as_sentence, duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "under 0.1 s"),
        (0.049, "under 0.1 s"),
        (0.05, "0.1 s"),
        (3.0, "3 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.7, "1 min"),
        (80.0, "1 min 20 s"),
        (3600.0, "1 h"),
        (200_000.0, "2 days"),
    ],
)
def test_a_duration_is_told_as_a_person_would(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (3, "3"),
        (0.1 + 0.2, "0.3"),
        (1234.5, "1,234.5"),
        (1_234_567, "1,234,567"),
        (123_456.7, "123,457"),
        (2e18, "2e+18"),
        (float("inf"), "inf"),
    ],
)
def test_a_figure_has_its_thousands_apart_and_no_more_digits_than_anybody_reads(number: float, words: str) -> None:
    assert amount(number) == words


@pytest.mark.parametrize(
    ("text", "ended"),
    [("hung up", "hung up."), ("It was killed.", "It was killed."), ("cut…", "cut…"), ("no! ", "no!")],
)
def test_a_text_gets_a_full_stop_unless_it_has_an_end(text: str, ended: str) -> None:
    assert as_sentence(text) == ended
