"""Results that mean harm or are merely odd: their pages are readable, and nothing in them becomes markup."""

from collections.abc import Iterator
from html.parser import HTMLParser

import numpy
import pandas
import pytest
from flask.testing import FlaskClient
from results_room import PNG, result_part, saved
from web_room import Room, one, page, words

from asyncinweb import Markdown
from asyncinweb.web.viewers.markdown import rendered

HOSTILE = "</pre></td></textarea><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7*7 }} \" ' &amp;"


class Dangers(HTMLParser):
    """Collects what could run or fetch in a piece of HTML."""

    TAGS = frozenset(
        {"script", "style", "iframe", "object", "embed", "form", "input", "base", "link", "meta", "svg"}
    )

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag in self.TAGS else []
        for name, value in attrs:
            is_bad_link = name in ("href", "src") and not self.is_harmless(tag, value or "")
            if name.startswith(("on", "hx-")) or name in ("style", "srcdoc", "formaction") or is_bad_link:
                self.found.append(f"{tag} {name}={value}")

    @staticmethod
    def is_harmless(tag: str, address: str) -> bool:
        scheme = "".join(address.lower().split()).partition(":")[0]
        return "script" not in scheme and not (tag == "img" and address.startswith("http"))


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](vbscript:x) [y](data:text/html;base64,PHNjcmlwdD4=) [z](file:///etc/passwd)",
        "[x][ref]\n\n[ref]: javascript:alert(1)",
        "<javascript:alert(1)>",
        "![x](javascript:alert(1)) ![y](data:image/svg+xml;base64,PHN2Zz4=)",
        '![x" onerror="alert(1)](https://e.example/"onerror="x)',
        '[x](https://e.example "t" onclick="x")',
        '```js" onload="alert(1)\ncode\n```',
        "|a|\n|:-:|\n|<script>|",
        "<!-- x --><svg onload=alert(1)>",
        "<div\nonclick=alert(1)>",
        "<style>*{}</style>",
    ],
)
def test_markdown_can_do_no_harm(text: str) -> None:
    html = str(rendered(text, lambda name: None))

    assert Dangers(html).found == []


def hostile_values() -> Iterator[object]:
    yield HOSTILE
    yield {HOSTILE: [HOSTILE, {"deep": {HOSTILE: [1, 2]}}]}
    yield [{HOSTILE: HOSTILE}]
    yield {HOSTILE: PNG, "b": HOSTILE, "c": [{HOSTILE: HOSTILE}], "d": Markdown(HOSTILE)}
    yield type(HOSTILE, (), {"__repr__": lambda self: HOSTILE})()
    yield type("F", (), {"savefig": lambda self, *_, **__: 1 / 0, "__repr__": lambda self: HOSTILE})()
    yield pandas.DataFrame({HOSTILE: [HOSTILE]}, index=[HOSTILE])


def contains_itself() -> list[object]:
    value: list[object] = [1]
    value.append(value)
    return value


def failing(*args: object, **kwargs: object) -> str:
    raise ValueError("not today")


@pytest.mark.parametrize(
    "value",
    [
        {1, "a"},
        float("nan"),
        [float("inf")],
        b"bytes",
        b"",
        lambda: 1,
        contains_itself(),
        type("Broken", (), {"__repr__": failing})(),
        10**30,
        10**5000,
        "half \ud800 a character",
        {"\udfff": ["\ud800"], "b": PNG},
        (item for item in [1]),
        numpy.float64("nan"),
        numpy.arange(6).reshape(2, 3),
        pandas.DataFrame(
            {"n": [float("nan")], "t": [pandas.NaT]}, index=pandas.MultiIndex.from_tuples([("a", "b")])
        ),
        pandas.DataFrame([[1, 2]], columns=["a", "a"]),
        pandas.DataFrame(),
        type("Figure", (), {"savefig": failing})(),
        type("NoFigure", (), {"savefig": 5})(),
        "\x00\x1b[31m\u202e",
        "",
        [],
        {},
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_odd_value_has_a_readable_page(client: FlaskClient, room: Room, value: object) -> None:
    slug = room.complete(value).slug
    part = result_part(client, slug)

    assert words(part).startswith("Result")
    assert part.select("pre, .json, table, .figure, #result-download, #result-csv, section.part, p.soft")
    assert client.post("/query", data={"id": slug}).status_code == 200
    assert client.get(f"/jobs/{slug}/result").status_code == 200


@pytest.mark.parametrize("value", list(hostile_values()), ids=lambda value: type(value).__name__[:12])
def test_hostile_strings_in_a_result_never_become_markup(client: FlaskClient, room: Room, value: object) -> None:
    part = result_part(client, room.complete(value).slug)

    assert [danger for danger in Dangers(str(part)).found if danger != "svg"] == []
    assert not part.select("svg:not(.icon)")
    assert "alert(1)" in part.get_text()


def test_hostile_names_of_files_never_become_markup(client: FlaskClient, room: Room) -> None:
    name = "<img src=x onerror=alert(1)>\"'{{ 7*7 }}&amp;.csv"
    slug = saved(room, {name: f'"{HOSTILE}";b\n1;2'.encode(), "b": HOSTILE.encode()})

    part = one(page(client, f"/jobs/{slug}"), "#files")

    assert words(one(part.select("li")[0], ".file-name")) == name
    assert [danger for danger in Dangers(str(part)).found if danger != "svg"] == []
    assert client.get(str(part.select("li a")[0]["href"])).status_code == 200
