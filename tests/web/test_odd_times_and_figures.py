"""Odd times and figures at the edges of the web: refused in words, or stored so that everything can be read."""

import json
import math
from typing import Any

import pytest
from flask.testing import FlaskClient
from web_room import OURS, Room, page

NEVER = (
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:00:00-05:00",
    "0001-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00Z",
    "9999-12-31T00:00:00Z",
    "8000-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z",
)


def submit(client: FlaskClient, **facts: Any) -> Any:
    return client.post("/api/v1/jobs", json={"task": "hello", **facts}, headers=OURS)


@pytest.mark.parametrize("time", NEVER)
def test_a_start_time_that_no_calendar_shows_is_a_422_and_no_job(
    client: FlaskClient, room: Room, time: str
) -> None:
    answer = submit(client, run_at=time)

    assert answer.status_code == 422
    assert "run_at" in answer.json["errors"]
    assert room.jobs() == []


@pytest.mark.parametrize("time", NEVER)
def test_a_form_refuses_the_same_start_times(client: FlaskClient, room: Room, time: str) -> None:
    answer = client.post("/tasks/hello", data={"name": "Ann", "form-at": time}, headers=OURS)

    assert answer.status_code == 422
    assert room.jobs() == []


def test_the_latest_start_time_that_is_taken_can_be_read_everywhere(client: FlaskClient, room: Room) -> None:
    answer = submit(client, run_at="2999-12-31T23:59:59Z")

    assert answer.status_code == 201
    for path in ("/", "/jobs", "/jobs.csv", "/jobs.json", "/api/v1/jobs", f"/jobs/{answer.json['slug']}"):
        page(client, path)


@pytest.mark.parametrize(
    ("done", "total"), [(math.inf, 10), (1, math.inf), (-math.inf, 1), (math.nan, 1), (1e308, 1e-308), (-1, 0)]
)
def test_a_figure_that_json_cannot_say_is_null(client: FlaskClient, room: Room, done: float, total: float) -> None:
    held = room.start()
    # As an older version stored it.
    room.change(
        "UPDATE asyncinweb_jobs SET progress_done = :done, progress_total = :total", done=done, total=total
    )

    for path in ("/api/v1/jobs", "/jobs.json", f"/api/v1/jobs/{held.slug}"):
        json.loads(client.get(path).text, parse_constant=pytest.fail)
    page(client, f"/jobs/{held.slug}")


@pytest.mark.parametrize("value", ["Infinity", "-Infinity", "NaN", "1e999", '[1, {"a": NaN}]'])
def test_a_stored_result_that_json_cannot_say_is_given_as_null(
    client: FlaskClient, room: Room, value: str
) -> None:
    slug = room.complete({"a": 1}).slug
    stored = f'{{"shape": "json", "media_type": "application/json", "bytes": 3, "value": {value}}}'
    room.change("UPDATE asyncinweb_jobs SET result = :stored", stored=stored)

    for path in (f"/api/v1/jobs/{slug}", f"/jobs/{slug}/result", f"/api/v1/jobs/{slug}/result"):
        answer = client.get(path)
        assert answer.status_code == 200
        json.loads(answer.text, parse_constant=pytest.fail)
    page(client, f"/jobs/{slug}")
