"""Error pages: plain words, the right status, nothing about the inside."""

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from web_room import HTMX, OURS, Room, close, one, page, soup, words

from asyncinweb.app import create_app
from asyncinweb.queue.stores.sqlite import Patience
from asyncinweb.settings import Settings
from asyncinweb.web.forms.uploads import MAX_TEXT_BYTES


@pytest.mark.parametrize(
    ("method", "path", "code", "heading"),
    [
        ("GET", "/nothing", 404, "Page not found"),
        ("POST", "/jobs", 405, "Not allowed here"),
        ("GET", "/jobs?state=x", 400, "This request isn't valid"),
    ],
)
def test_an_error_is_a_page_in_plain_words(
    client: FlaskClient, method: str, path: str, code: int, heading: str
) -> None:
    response = client.open(path, method=method, headers=OURS)

    assert response.status_code == code
    assert words(one(soup(response), "h1")) == heading
    assert response.headers["Cache-Control"] == "no-store"


def test_a_wrong_method_still_names_the_right_ones(client: FlaskClient) -> None:
    assert "GET" in client.post("/jobs", headers=OURS).headers["Allow"]


def test_a_body_that_is_too_large_is_a_413(client: FlaskClient, room: Room) -> None:
    response = client.post("/tasks/picture", data={"width": "1" * (MAX_TEXT_BYTES + 1)}, headers=OURS)

    assert response.status_code == 413
    assert "Nothing was started" in words(one(soup(response), "main"))
    assert room.jobs() == []


def test_a_long_text_within_the_limit_is_accepted(client: FlaskClient, room: Room) -> None:
    response = client.post("/tasks/everything", data={"name": "ü" * 500_000, "count": "1"}, headers=OURS)

    assert response.status_code == 303


def test_too_many_waiting_jobs_are_a_429(settings: Settings, app: Flask) -> None:
    strict = create_app(settings.model_copy(update={"max_queued_per_owner": 2}))
    client = strict.test_client()
    client.get("/")
    for _ in range(2):
        assert client.post("/tasks/picture", headers=OURS).status_code == 303

    response = client.post("/tasks/picture", headers=OURS)

    assert (response.status_code, response.headers["Retry-After"]) == (429, "30")
    assert "You already have 2 jobs waiting" in words(one(soup(response), "main"))
    assert one(soup(response), "main p > a:not(.button)")["href"] == "/jobs?mine=1"
    assert len(Room(strict).jobs()) == 2
    close(strict)


def test_a_busy_database_is_a_503_and_nothing_is_changed(client: FlaskClient, room: Room) -> None:
    room.database.patience = Patience(lock_seconds=0.05, busy_seconds=0.05)

    with room.database.write():
        response = client.post("/tasks/picture", headers=OURS)

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "Nothing was changed" in words(one(soup(response), "main"))
    assert room.jobs() == []


def test_a_mistake_of_ours_is_a_500_with_a_reference_that_stands_in_the_log(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    app.add_url_rule("/broken", "broken", lambda: str(1 / 0))

    with caplog.at_level(logging.ERROR, "asyncinweb"):
        response = app.test_client().get("/broken")

    reference = words(one(soup(response), "#reference"))
    assert response.status_code == 500
    assert f"reference={reference}" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "ZeroDivision" not in response.text


def test_a_database_that_cannot_be_read_is_a_503_with_a_reference(
    client: FlaskClient, room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    with room.database.write() as connection:
        connection.execute(text("DROP TABLE asyncinweb_jobs"))

    response = client.get("/jobs")

    assert response.status_code == 503
    assert "no such table" not in response.text
    assert words(one(soup(response), "#reference")) in caplog.text


def test_a_form_shows_an_error_that_htmx_got_beside_itself(client: FlaskClient) -> None:
    whole = page(client, "/tasks/picture")
    form = one(whole, "form.task-form")

    for code in (400, 403, 413, 429, 500, 503):
        assert form[f"hx-status:{code}"] == "swap:innerHTML target:#problem select:#error"
    assert one(whole, "#problem")
    refused = client.post("/tasks/picture", headers=HTMX)
    assert refused.status_code == 403
    assert one(soup(refused), "#error")
