"""A log as a terminal would show it: colours, lines written over, and nothing else that a terminal obeys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncinweb.web.viewers.ansi import PLAIN, Style, rendered, style_of


def html(text: str) -> str:
    return str(rendered(text)[0])


def span(classes: str, text: str = "x") -> str:
    return f'<span class="{classes}">{text}</span>'


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ("31", span("ink-red")),
        ("92", span("ink-green")),
        ("1;33", span("ink-yellow bold")),
        ("4", span("underline")),
        ("3;9", span("italic strike")),
        ("30", "x"),
        ("97", "x"),
        ("90", span("ink-soft")),
        ("2", span("ink-soft")),
        ("2;31", span("ink-red")),
        ("41", span("fill-red")),
        ("30;46", span("fill-cyan")),
        ("37;100", span("fill-soft")),
        ("7", span("fill-ink")),
        ("7;35", span("fill-magenta")),
        ("31;39", "x"),
        ("41;49", "x"),
        ("1;22", "x"),
        ("31;0", "x"),
        ("31;", "x"),
        ("", "x"),
        ("38;5;1", span("ink-red")),
        ("38;5;12", span("ink-blue")),
        ("38;5;208", span("ink-yellow")),
        ("38;5;46", span("ink-green")),
        ("38;5;240", span("ink-soft")),
        ("48;5;21", span("fill-blue")),
        ("38;2;255;0;128", span("ink-magenta")),
        ("38;2;0;200;200", span("ink-cyan")),
        ("38;2;250;250;250", "x"),
        ("38:2:255:0:0", span("ink-red")),
        ("38;2;999;0;0;1", span("ink-red bold")),
        ("38;5", "x"),
        ("38", "x"),
        ("73;1001;31", span("ink-red")),
    ],
)
def test_colours_are_classes(numbers: str, expected: str) -> None:
    assert html(f"\x1b[{numbers}mx") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b[31mb\nc\x1b[0md\n", 'a<span class="ink-red">b\nc</span>d\n'),
        ("\x1b[31m\x1b[1m\x1b[0mx", "x"),
        ("\x1b[31mred\x1b[31m still", '<span class="ink-red">red still</span>'),
        ("<b>\x1b[31m</pre>&\"'", '&lt;b&gt;<span class="ink-red">&lt;/pre&gt;&amp;&#34;&#39;</span>'),
    ],
)
def test_a_style_lasts_until_it_is_changed(text: str, expected: str) -> None:
    assert html(text) == expected


@pytest.mark.parametrize(
    "sequence",
    [
        "\x1b[2J",
        "\x1b[10;20H",
        "\x1b[?25l",
        "\x1b[A",
        "\x1b[>4;2m",
        "\x1b]0;a title\x07",
        "\x1b]8;;http://evil.example\x1b\\",
        "\x1bP1$r0m\x1b\\",
        "\x1b_secret\x1b\\",
        "\x1b(B",
        "\x1b7",
        "\x1bc",
        "\x1b",
        "\x1b[",
        "\x1b[31",
        "\x1b[31;",
        "\x9b2J",
        "\x9d0;title\x9c",
        "\x00\x07\x0b\x0c\x0e\x7f\x85",
    ],
    ids=repr,
)
def test_whatever_else_a_terminal_obeys_is_left_out(sequence: str) -> None:
    assert html(f"a{sequence}\nb") == "a\nb"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  0%\r 50%\r100%\ndone\n", "100%\ndone\n"),
        ("\r 50%\r", " 50%"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("long line\rx\n", "x\n"),
        ("a\r\x1b[K\nb", "\nb"),
        ("a\x1b[2Kb", "b"),
        ("a\x1b[Kb", "ab"),
        ("a\r\x1b[31mb", '<span class="ink-red">b</span>'),
        ("\x1b[31ma\rb", '<span class="ink-red">b</span>'),
        ("|\b/\b-", "-"),
        ("ab\b", "a"),
        ("\ba", "a"),
    ],
)
def test_a_line_that_is_written_over_shows_its_last_state(text: str, expected: str) -> None:
    assert html(text) == expected


@pytest.mark.parametrize("style", [PLAIN, Style("red", "", frozenset({"bold", "dim"})), Style("", "ink")])
def test_a_style_survives_the_way_through_an_address(style: Style) -> None:
    assert style_of(style.code) == style


@pytest.mark.parametrize("code", ["", "x", "x.y", 'red"><script>.', "red..evil", ".", "a.b.c.d"])
def test_a_style_that_is_none_of_ours_is_plain(code: str) -> None:
    assert style_of(code) == PLAIN


@given(st.text(st.sampled_from("ab<\x1b[]m;03147\r\n\b\x07\\KPX\x9b")))
def test_nothing_that_a_terminal_obeys_is_ever_left(text: str) -> None:
    shown, style = rendered(text)

    assert not set(str(shown)) & set("\x1b\x07\r\b\x9b")
    assert "<" not in str(shown).replace("<span", "").replace("</span", "")
    assert style_of(style.code) == style
