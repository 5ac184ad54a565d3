"""What no honest browser sends: answered in words with a 4xx, never a 500, and no job comes of it."""

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from web_room import OURS, Room, one, soup, words

from asyncinweb.tasks.registry import Options, Task, registry

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


@pytest.fixture(autouse=True)
def task(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_form_with_nonsense_is_refused_in_words(client: FlaskClient, room: Room) -> None:
    for field in FIELDS:
        good = [part for part in ("name=Ann", "inner.text=x") if part.partition("=")[0] != field.partition("=")[0]]
        body = "&".join([*good, field])

        response = client.post(
            "/tasks/swallow", data=body, content_type="application/x-www-form-urlencoded", headers=OURS
        )

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


def test_the_api_refuses_the_same_nonsense(client: FlaskClient, room: Room) -> None:
    for arguments in ARGUMENTS:
        known = json.dumps({"name": "Ann", "inner": {"text": "x"}})[:-1]
        merged = arguments if arguments == "[]" else f"{known}, {arguments[1:]}"
        body = f'{{"task": "swallow", "arguments": {merged}}}'

        response = client.post("/api/v1/jobs", data=body, content_type="application/json", headers=OURS)

        assert 400 <= response.status_code < 500, arguments[:40]
        assert response.content_type == "application/problem+json"
        assert room.jobs() == [], arguments[:40]


def test_an_address_with_nonsense_still_shows_the_form(client: FlaskClient) -> None:
    query = "&".join(f"{name}=%00%ed%a0%80" for name in registry["swallow"].inputs.leaves)

    response = client.get(f"/tasks/swallow?{query}&form-at=%00&inner=1&%00=1&from-job=x")

    assert response.status_code == 200
    assert one(soup(response), "#swallow-count")["type"] == "text"
