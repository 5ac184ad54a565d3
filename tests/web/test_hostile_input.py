"""Broken, huge and deceitful requests to every part of the server: refused in words, nothing stored, no mistake of
ours. Bodies of the API are in test_api."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from web_room import HTMX, OURS, Room, one, soup, words
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

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


# --- addresses --------------------------------------------------------------------------------------------------


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


# --- forms ------------------------------------------------------------------------------------------------------


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


# --- going back -------------------------------------------------------------------------------------------------


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
