"""A log as a terminal would show it: colours as classes, overwritten lines in their last state.

All other terminal controls are left out, so that none reach a page.
"""

import colorsys
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

COLOURS = ("ink", "red", "green", "yellow", "blue", "magenta", "cyan", "ink")
BRIGHT = ("soft", "red", "green", "yellow", "blue", "magenta", "cyan", "ink")
MARKS = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike"}
UNMARKS = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("inverse",), 29: ("strike",)}
# Numbers after one of these have a different meaning.
PRIVATE = ("<", "=", ">", "?")
# The hues at which each of the six colours becomes the nearest.
HUES = ((15, "red"), (75, "yellow"), (165, "green"), (200, "cyan"), (265, "blue"), (335, "magenta"), (361, "red"))
GREY_SATURATION = 0.2

TOKEN = re.compile(
    r"""(?:\x1b\[|\x9b)(?P<numbers>[0-?]*)[ -/]*(?P<final>[@-~])?       # colours, and moving the cursor
    | (?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)  # titles, links
    | \x1b[ -/]*[0-~]?
    | (?P<control>[\x00-\x08\x0b-\x1f\x7f-\x9f])
    | (?P<newline>\n)
    | (?P<text>[^\x00-\x08\x0a-\x1f\x7f-\x9f]+)""",
    re.VERBOSE,
)
# A possible beginning of one of those.
UNFINISHED = re.compile(
    rb"""(?: \x1b | (?:\x1b\[)[0-?]*[ -/]* | \x1b[]PX^_][^\x07\x1b\n]{0,4096}\x1b? )\Z""", re.VERBOSE
)


@dataclass(frozen=True)
class Style:
    """A terminal's style at one moment: text colour, background colour, and marks such as bold."""

    ink: str = ""
    fill: str = ""
    marks: frozenset[str] = frozenset()

    @property
    def classes(self) -> str:
        """Classes for the stylesheet. On a background, the text gets a colour that is readable on it."""
        ink, fill = self.ink, self.fill
        if "inverse" in self.marks:
            ink, fill = "", ink or "ink"
        ink = ink or ("soft" if "dim" in self.marks else "")
        colour = f"fill-{fill}" if fill else f"ink-{ink}" if ink not in ("", "ink") else ""
        marks = [mark for mark in sorted(self.marks) if mark not in ("inverse", "dim")]
        return " ".join(filter(None, [colour, *marks]))

    @property
    def code(self) -> str:
        """A short code for an address; `style_of` reads it."""
        return ".".join([self.ink, self.fill, *sorted(self.marks)]) if self != PLAIN else ""


PLAIN = Style()


def style_of(code: str) -> Style:
    """The style of a code from an address; plain if it is not one of ours."""
    ink, fill, *marks = code.split(".") if "." in code else ("", "")
    known = {"", *COLOURS, *BRIGHT}
    if ink not in known or fill not in known or not set(marks) <= set(MARKS.values()):
        return PLAIN
    return Style(ink, fill, frozenset(marks))


def rendered(text: str, style: Style = PLAIN) -> tuple[Markup, Style]:
    """The text as HTML, and the style it leaves behind."""
    screen = _Screen(style)
    for token in TOKEN.finditer(text.replace("\r\n", "\n")):
        screen.take(token)
    screen.end_line("")
    return Markup("").join(_spans(screen.runs)), screen.style


def has_words(text: str) -> bool:
    """True if any of it is visible."""
    return any(token["text"] for token in TOKEN.finditer(text))


class _Screen:
    """Runs of text in one style: those of finished lines, and those of the line being written."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.runs: list[tuple[Style, str]] = []
        self._line: list[tuple[Style, str]] = []
        self._returned = False

    def take(self, token: re.Match[str]) -> None:
        if token["text"]:
            self._write(token["text"])
        elif token["newline"]:
            self.end_line("\n")
        elif token["final"] == "m" and not token["numbers"].startswith(PRIVATE):
            self.style = _changed(self.style, token["numbers"])
        elif token["final"] == "K" and (self._returned or token["numbers"] == "2"):
            self._line.clear()
        elif token["control"] == "\r":
            self._returned = True
        elif token["control"] == "\b" and self._line:
            style, text = self._line.pop()
            self._line += [(style, text[:-1])] if len(text) > 1 else []

    def _write(self, text: str) -> None:
        if self._returned:
            # Overwritten: the old text is gone. A terminal would keep what is longer than the new text.
            self._line.clear()
            self._returned = False
        self._line.append((self.style, text))

    def end_line(self, newline: str) -> None:
        self.runs += self._line
        if newline:
            self.runs.append((PLAIN, newline))
        self._line.clear()
        self._returned = False


def _spans(runs: list[tuple[Style, str]]) -> Iterator[Markup]:
    """Adjacent runs with the same style are joined."""
    pending, classes = "", ""
    for style, text in [*runs, (PLAIN, "")]:
        if style.classes != classes and not (text == "\n" and pending):
            yield _span(pending, classes)
            pending, classes = "", style.classes
        pending += text
    yield _span(pending, classes)


def _span(text: str, classes: str) -> Markup:
    if not text or not classes:
        return escape(text)
    return Markup('<span class="{}">{}</span>').format(classes, text)


# --- colours ----------------------------------------------------------------------------------------------------


def _changed(style: Style, numbers: str) -> Style:
    """The style after "select graphic rendition" (ECMA-48, 8.3.117) with these numbers."""
    codes = iter([int(number) if number.isdecimal() else 0 for number in re.split("[;:]", numbers)[:64]])
    for code in codes:
        if code in (38, 48):
            colour = _extended(codes)
            style = replace(style, ink=colour) if code == 38 else replace(style, fill=colour)
        else:
            style = _after(style, code)
    return style


def _after(style: Style, code: int) -> Style:
    if code == 0:
        return PLAIN
    if code in MARKS:
        return replace(style, marks=style.marks | {MARKS[code]})
    if code in UNMARKS:
        return replace(style, marks=style.marks - set(UNMARKS[code]))
    names = COLOURS if code < 90 else BRIGHT
    match code // 10, code % 10:
        case (3 | 9, 9) | (4 | 10, 9):
            colour = ""
        case (3 | 4 | 9 | 10, place) if place < 8:
            colour = names[place]
        case _:
            return style
    return replace(style, ink=colour) if code // 10 in (3, 9) else replace(style, fill=colour)


def _extended(codes: Iterator[int]) -> str:
    """The nearest of our colours to one of 256, or of 16 million."""
    kind = next(codes, 0)
    if kind == 2:
        red, green, blue = (min(next(codes, 0), 255) for _ in range(3))
        return _nearest(red, green, blue)
    number = next(codes, 0) if kind == 5 else 0
    if number < 16:
        return (COLOURS if number < 8 else BRIGHT)[number % 8]
    if number >= 232:
        return _nearest(*[8 + 10 * (number - 232)] * 3)
    number -= 16
    return _nearest(*(51 * level for level in (number // 36, number // 6 % 6, number % 6)))


def _nearest(red: int, green: int, blue: int) -> str:
    hue, lightness, _ = colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)
    if max(red, green, blue) - min(red, green, blue) < GREY_SATURATION * 255:
        return "soft" if 0.2 < lightness < 0.7 else "ink"
    return next(name for end, name in HUES if hue * 360 < end)
