"""Broken, huge and deceitful requests to every part of the server: refused in words, nothing stored, no mistake of
ours. Bodies of the API are in test_api."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from web_room import HTMX, OURS, Room, one, soup, words
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from asyncinweb.tasks.registry import Options, Task, registry

FORM = {**OURS, "Content-Type": "application/x-www-form-urlencoded"}
PARTS = {**OURS, "Content-Type": "multipart/form-data; boundary=x"}

# What stands for a job's address, a task's name, a file's name, a number in an address.
HOSTILE = [
    "%00",
    "%ff",
    "%ed%a0%80",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "' OR 1=1 --",
    "{{7*7}}",
    "%0d%0aSet-Cookie:x=1",
    "-1",
    "9" * 30,
    "9" * 5000,
    "NaN",
    "%E2%80%AEgnp.exe",
    "x" * 3000,
]

QUERIES = [
    "after",
    "claim",
    "poll",
    "v",
    "state",
    "task",
    "mine",
    "from",
    "width",
    "words",
    "wait",
    "limit",
    "name",
]


def assert_refused(response: TestResponse, codes: tuple[int, ...] = (400, 404, 413, 422)) -> None:
    assert response.status_code in codes, f"{response.status} {response.text[:500]}"
    if response.mimetype == "text/html":
        one(soup(response), "h1")


# --- addresses ------------------------------------------------------------------------------------------------


def rules_with_names(app: Flask) -> Iterator[Rule]:
    return (rule for rule in app.url_map.iter_rules() if rule.arguments)


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: value[:20])
def test_no_name_in_an_address_is_a_mistake_of_ours(
    app: Flask, client: FlaskClient, room: Room, value: str
) -> None:
    before = room.content()

    for rule in rules_with_names(app):
        path = rule.rule
        for name in rule.arguments:
            path = (
                path.replace(f"<{name}>", value).replace(f"<path:{name}>", value).replace(f"<int:{name}>", value)
            )
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            response = client.open(path, method=method, headers=OURS, json={} if "/api/" in path else None)
            assert 300 < response.status_code < 500, f"{method} {path[:80]} -> {response.status}"
            assert "Set-Cookie:x" not in str(response.headers)

    assert room.content() == before


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: value[:20])
def test_no_query_of_an_address_is_a_mistake_of_ours(
    app: Flask, client: FlaskClient, room: Room, value: str
) -> None:
    held = room.start()
    room.write_log(held).write(b"a line\n")
    before = room.content()
    values: dict[str, Any] = {"slug": held.slug, "name": "picture", "filename": "app.css", "part": 1}
    query = "&".join(f"{name}={value}" for name in QUERIES)

    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()):
            continue
        with app.test_request_context():
            path = app.url_for(rule.endpoint, **{name: values[name] for name in rule.arguments})
        for asked in (query, *(f"{name}={value}" for name in ("after", "before", "claim", "v", "from", "state"))):
            for headers in ({}, HTMX):
                response = client.get(f"{path}?{asked}", headers=headers)
                assert response.status_code < 500, f"{path}?{asked[:60]} -> {response.status}"

    assert room.content() == before


@pytest.mark.parametrize("value", ["%00", "%ff", "a" * 5000, "\x80\xfe", "=;=,"])
def test_no_cookie_and_no_header_is_a_mistake_of_ours(client: FlaskClient, value: str) -> None:
    for name in ("Cookie", "Referer", "Origin", "Range", "If-None-Match", "If-Modified-Since", "X-Forwarded-For"):
        sent = f"asyncinweb_visitor={value}; asyncinweb_theme={value}" if name == "Cookie" else value
        for path in ("/", "/jobs", "/static/asyncinweb/app.css", "/api/v1/jobs"):
            assert client.get(path, headers={name: sent}).status_code < 500, name


# --- forms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"width=%00",
        b"width=64&%00=1",
        b"name=Ann%00&count=1",
        b"name=%ff&count=1",
        b"name=\xff&count=1",
        b"\xff",
        b"name=%ed%a0%80&count=1",
        b"name=a&count=" + b"1" * 5000,
        b"name=a&count=1&ratio=NaN",
        b"name=a&count=1&ratio=1e999",
        b"name=a&count=1&price=Infinity",
        b"name=a&count=1&day=99999-01-01",
        b"name=a&count=1&" + b"&".join(b"words=%d" % number for number in range(5000)),
        b"&".join(b"f%d=1" % number for number in range(5000)),
        b"name=" + b"x" * 10_000_000 + b"&count=1",
    ],
    ids=lambda body: body[:24].decode("latin-1") + f"-{len(body)}",
)
def test_a_broken_form_is_refused_in_words_and_starts_nothing(
    client: FlaskClient, room: Room, body: bytes
) -> None:
    for task in ("everything", "picture"):
        assert_refused(client.post(f"/tasks/{task}", data=body, headers=FORM))
    assert room.jobs() == []


@pytest.mark.parametrize("number", ["1" + "0" * 30, "-" + "9" * 30])
def test_a_number_beyond_the_limits_of_its_field_is_refused(client: FlaskClient, room: Room, number: str) -> None:
    assert_refused(client.post("/tasks/picture", data={"width": number}, headers=OURS), (422,))
    assert room.jobs() == []


def part(name: str, value: bytes = b"1") -> bytes:
    return f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        part("width", b"64")[:-10],
        part("width", b"64"),
        part("width", b"64\0") + b"--x--\r\n",
        part("name", b"\xff") + part("count") + b"--x--\r\n",
        b"".join(part(f"f{number}") for number in range(5000)) + b"--x--\r\n",
        part("name", b"x" * 10_000_000) + part("count") + b"--x--\r\n",
        b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n",
        b"--x\r\nContent-Disposition: form-data; name=" + b"n" * 100_000 + b"\r\n\r\n1\r\n--x--\r\n",
    ],
    ids=lambda body: body[:70].decode("latin-1").replace("\r\n", " ") + f"-{len(body)}",
)
def test_a_broken_form_of_parts_is_refused_in_words_and_starts_nothing(
    client: FlaskClient, room: Room, body: bytes
) -> None:
    for task in ("everything", "picture"):
        assert_refused(client.post(f"/tasks/{task}", data=body, headers=PARTS))
    assert room.jobs() == []


def test_every_form_of_the_server_refuses_what_it_cannot_read(app: Flask, client: FlaskClient, room: Room) -> None:
    slug = room.submit().slug
    before = room.content()

    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and "/api/" not in rule.rule:
            path = rule.rule.replace("<slug>", slug).replace("<name>", "picture")
            response = client.post(path, data=b"theme=%ff&id=%00&key=\xff", headers=FORM)
            assert response.status_code == 400, path
            assert "can't be read" in words(one(soup(response), "main"))

    assert room.content() == before


# --- values that no field takes -------------------------------------------------------------------------------


DEEP = "[" * 10_000 + "]" * 10_000
MANY_DIGITS = "9" * 5_000


@dataclass
class Inner:
    text: str
    free: Any = None
    count: int = 1


def swallow(
    name: str,
    inner: Inner,
    free: Any = None,
    options: dict[str, Any] = {},  # noqa: B006 - as an author would write it
    count: int = 1,
    ratio: float = 1.0,
    price: Decimal = Decimal(1),
    day: date = date(2026, 1, 1),
    at: time = time(1, 2),
    moment: datetime | None = None,
    pause: timedelta = timedelta(1),
    numbers: set[int] = {1},  # noqa: B006
) -> None:
    """Take everything."""


@pytest.fixture
def swallowing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task with an input of every kind."""
    monkeypatch.setitem(registry.tasks, "swallow", Task(swallow, Options()))


# All at one app: making one costs more than all of them.
FIELDS = [
    *(f"{name}={text}" for name in ("free", "options", "inner.free") for text in (DEEP, "[NaN]", "1e999", "{")),
    *(f"free={text}" for text in ('"%5cud800"', '"%5cu0000"', "1" + "0" * 30, MANY_DIGITS, "%00", "%ff%fe")),
    "name=%00",
    "inner.text=a%00b",
    "count=%00",
    f"count={MANY_DIGITS}",
    f"count={10**30}",
    f"inner.count=-{10**30}",
    f"numbers=1%0a{2**63}",
    "ratio=1e999",
    "ratio=nan",
    "price=sNaN",
    "day=0000-00-00",
    "day=99999-01-01",
    "at=25:00",
    "moment=2026-13-01T00:00",
    "pause=99999999999 days",
    "pause=1e9",
    "numbers=1%0ax",
    "inner=1",
    "inner.other=1",
    "form-at=%00",
    "%00=1",
    "self=1",
]


@pytest.mark.usefixtures("swallowing")
def test_a_form_with_nonsense_is_refused_in_words(client: FlaskClient, room: Room) -> None:
    for field in FIELDS:
        good = [part for part in ("name=Ann", "inner.text=x") if part.partition("=")[0] != field.partition("=")[0]]
        body = "&".join([*good, field])

        response = client.post("/tasks/swallow", data=body, headers=FORM)

        # Bytes that are no text are refused before the form is looked at.
        place = ".summary li" if response.status_code == 422 else "#error"
        assert response.status_code in (400, 422), field[:40]
        assert 10 < len(words(one(soup(response), place))) < 260, field[:40]
        assert room.jobs() == [], field[:40]


ARGUMENTS = [
    f'{{"free": {DEEP}}}',
    '{"free": NaN}',
    '{"free": 1e999}',
    '{"free": "\\ud800"}',
    '{"free": "\\u0000"}',
    '{"name": "\\u0000"}',
    '{"name": "\\udfff"}',
    f'{{"free": {10**30}}}',
    f'{{"inner": {{"text": "x", "free": {10**30}}}}}',
    f'{{"count": {MANY_DIGITS}}}',
    f'{{"count": {10**30}}}',
    f'{{"count": "{10**30}"}}',
    f'{{"inner": {{"text": "x", "count": {-(10**30)}}}}}',
    f'{{"numbers": [1, {2**63}]}}',
    '{"ratio": NaN}',
    '{"ratio": "nan"}',
    '{"ratio": -Infinity}',
    '{"ratio": 1e999}',
    f'{{"ratio": {10**400}}}',
    '{"price": "NaN"}',
    '{"inner": []}',
    '{"options": [1]}',
    "[]",
]


@pytest.mark.usefixtures("swallowing")
def test_the_api_refuses_the_same_nonsense(client: FlaskClient, room: Room) -> None:
    for arguments in ARGUMENTS:
        known = json.dumps({"name": "Ann", "inner": {"text": "x"}})[:-1]
        merged = arguments if arguments == "[]" else f"{known}, {arguments[1:]}"
        body = f'{{"task": "swallow", "arguments": {merged}}}'

        response = client.post("/api/v1/jobs", data=body, content_type="application/json", headers=OURS)

        assert 400 <= response.status_code < 500, arguments[:40]
        assert response.content_type == "application/problem+json"
        assert room.jobs() == [], arguments[:40]


@pytest.mark.usefixtures("swallowing")
def test_an_address_with_nonsense_still_shows_the_form(client: FlaskClient) -> None:
    query = "&".join(f"{name}=%00%ed%a0%80" for name in registry["swallow"].inputs.leaves)

    response = client.get(f"/tasks/swallow?{query}&form-at=%00&inner=1&%00=1&from-job=x")

    assert response.status_code == 200
    assert one(soup(response), "#swallow-count")["type"] == "text"


# --- going back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "referer",
    [
        "http://evil.example/",
        "http://localhost@evil.example/",
        "http://localhost//evil.example/",
        "http://localhost/\\evil.example",
        "http:///evil.example",
        "//evil.example",
        "javascript:alert(1)",
        "http://localhost.evil.example/",
        "http://localhost/%0d%0aLocation:http://evil.example",
        "",
    ],
)
def test_choosing_a_theme_leads_nowhere_else(client: FlaskClient, referer: str) -> None:
    headers = {**OURS, "Referer": referer} if referer else OURS
    data = {"theme": "dark", "next": "http://evil.example/", "referer": "http://evil.example/"}

    response = client.post("/theme?next=//evil.example", data=data, headers=headers)

    assert response.status_code == 303
    location = response.headers["Location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert "\n" not in location
