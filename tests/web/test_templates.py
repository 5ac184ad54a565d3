"""Rules that hold for every template and static file."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from web_room import one, page

from asyncinweb.settings import asset_dir

TEMPLATES = sorted((asset_dir("templates") / "asyncinweb").rglob("*.html"))
STATIC = asset_dir("static") / "asyncinweb"


class Attributes(HTMLParser):
    """Collects (tag, attribute, value) as a browser would."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, name, value or "") for name, value in attrs] or [(tag, "", "")]


def attributes(path: Path) -> list[tuple[str, str, str]]:
    parser = Attributes()
    parser.feed(re.sub(r"{#.*?#}|{%.*?%}", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL))
    return parser.found


def test_there_are_templates() -> None:
    assert len(TEMPLATES) > 30


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(asset_dir("templates"))))
def test_no_template_has_inline_style_script_or_handlers(path: Path) -> None:
    for tag, name, value in attributes(path):
        assert tag != "style"
        assert name != "style"
        assert not name.startswith("on"), name
        assert not name.startswith("hx-on")
        assert name != "hx-boost"
        assert "js:" not in value
        assert "javascript:" not in value
        if name == "hx-trigger":
            assert "[" not in value
    for script in re.findall(r"<script\b[^>]*>(.*?)</script>", path.read_text(encoding="utf-8"), re.DOTALL):
        assert script == ""


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(asset_dir("templates"))))
def test_every_template_starts_with_what_it_needs_and_marks_nothing_safe(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith("{# needs: ")
    assert not re.search(r"\|\s*safe\b|autoescape\s+false|Markup", text)


def test_htmx_is_configured_before_it_is_loaded(client: FlaskClient) -> None:
    whole = page(client, "/")

    assert one(whole, 'meta[name="htmx-config"]')["content"] == (
        '{"noSwap":[204,304,"4xx","5xx"],"morphIgnore":["data-htmx-powered","open"],"history":false,'
        '"defaultTimeout":8000}'
    )
    assert str(whole).index("htmx-config") < str(whole).index("htmx.min.js")
    assert all(script.has_attr("defer") for script in whole.select("script"))


def test_there_is_one_announcer_and_it_is_outside_of_what_is_polled(client: FlaskClient) -> None:
    whole = page(client, "/")

    assert one(whole, "[role=status]")["id"] == "announce"
    assert not whole.select("[hx-get] [role=status], [hx-get] [aria-live]")


def test_every_icon_that_a_template_uses_is_in_the_sprite() -> None:
    sprite = (STATIC / "icons.svg").read_text(encoding="utf-8")
    used = {
        name for path in TEMPLATES for name in re.findall(r'icon\("(\w+)"\)', path.read_text(encoding="utf-8"))
    }
    moods = {"scheduled", "retrying", "queued", "processing", "stopping", "completed", "failed", "cancelled"}

    assert used
    assert used | moods <= set(re.findall(r'symbol id="(\w+)"', sprite))


def test_everything_in_the_stylesheet_is_under_our_class() -> None:
    css = re.sub(r"/\*.*?\*/", "", (STATIC / "app.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    selectors = [part.strip() for part in re.findall(r"([^{}]+){", css)]

    for selector in selectors:
        assert selector.rpartition(";")[2].strip().startswith((".asyncinweb", "@", "to", "from")), selector
    assert "!important" not in css
    assert "url(" not in css


def colours(name: str) -> tuple[str, str]:
    """A token's colour in light and in dark."""
    css = (STATIC / "app.css").read_text(encoding="utf-8")
    found = re.search(rf"--{name}: light-dark\((#\w{{6}}), (#\w{{6}})\)", css)
    assert found is not None, name
    return found[1], found[2]


def luminance(colour: str) -> float:
    """Relative luminance as in WCAG 2.2."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    "name", ["ink", "soft", "failed", "completed", "queued", "processing", "scheduled", "cyan", "accent"]
)
def test_every_colour_of_the_log_can_be_read_in_light_and_in_dark(name: str) -> None:
    for colour, behind in zip(colours(name), colours("sunk"), strict=True):
        lighter, darker = sorted((luminance(colour), luminance(behind)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, f"{colour} on {behind}"
