"""A poll that finds nothing new: how many statements it costs, and that no template is rendered."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, session
from flask.sessions import NullSession
from flask.testing import FlaskClient
from sqlalchemy import event
from web_room import HTMX, Room, job_part, one, page

from asyncinweb.web import shared
from asyncinweb.web.security import HEADERS


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """Every statement that reaches SQLite while pages are answered, by whichever way."""
    heard: list[str] = []
    installation = app.extensions["asyncinweb"]
    with app.app_context():
        engines = [*installation.db.engines.values(), installation.database._reader]

    def listen(connection: Any, *_: object) -> None:
        connection.set_trace_callback(heard.append)

    def stop(connection: Any, *_: object) -> None:
        connection.set_trace_callback(None)

    for engine in engines:
        event.listen(engine, "checkout", listen)
        event.listen(engine, "checkin", stop)
    yield heard
    for engine in engines:
        event.remove(engine, "checkout", listen)
        event.remove(engine, "checkin", stop)


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    render = shared.render

    def noted(template: str, **facts: Any) -> str:
        names.append(template)
        return render(template, **facts)

    for module in ("jobs", "job_list", "home"):
        monkeypatch.setattr(f"asyncinweb.web.pages.{module}.render", noted)
    return names


def poll(client: FlaskClient, address: str, app: Flask, rendered: list[str]) -> list[str]:
    """The statements of a poll that is answered with 204."""
    client.get(address, headers=HTMX)
    rendered.clear()
    with statements(app) as heard:
        response = client.get(address, headers=HTMX)
    assert (response.status_code, rendered) == (204, [])
    return heard


def test_a_running_job_costs_one_indexed_read(
    client: FlaskClient, room: Room, app: Flask, rendered: list[str]
) -> None:
    room.has_run([40.0] * 5)
    held = room.start()
    room.report(held, 1, 2, "half")

    heard = poll(client, str(job_part(client, held.slug)["hx-get"]), app, rendered)

    assert len(heard) == 1, heard
    assert "asyncinweb_jobs.slug = " in heard[0]


def test_a_waiting_job_costs_that_the_queue_and_what_workers_are_there(
    client: FlaskClient, room: Room, app: Flask, rendered: list[str]
) -> None:
    room.add_worker()
    room.start()
    slug = [room.submit().slug for _ in range(20)][-1]

    heard = poll(client, str(job_part(client, slug)["hx-get"]), app, rendered)

    assert len(heard) == 6, heard


@pytest.mark.parametrize(("address", "element"), [("/jobs", "#jobs"), ("/", "#last-jobs")])
def test_a_list_costs_one_read(
    client: FlaskClient, room: Room, app: Flask, rendered: list[str], address: str, element: str
) -> None:
    for _ in range(10):
        room.submit()

    heard = poll(client, str(one(page(client, address), element)["hx-get"]), app, rendered)

    assert len([each for each in heard if each.startswith("SELECT")]) == 1, heard


def test_an_answer_without_news_has_every_header_once_and_none_that_it_does_not_need(
    client: FlaskClient, room: Room
) -> None:
    slug = room.submit().slug

    response = client.get(str(job_part(client, slug)["hx-get"]), headers=HTMX)

    assert response.status_code == 204
    assert sorted(response.headers.keys()) == sorted([*HEADERS, "Content-Type", "Vary"])
    assert (response.headers["Cache-Control"], response.headers["Vary"]) == ("no-store", "HX-Request")


def test_nothing_looks_for_a_session_that_no_page_uses(client: FlaskClient) -> None:
    with client:
        client.get("/", headers={"Cookie": "session=forged"})

        assert isinstance(session._get_current_object(), NullSession)


@pytest.mark.parametrize("query", ["", "?v=", "?v=queued.0123456789abcdef", "?x=1"])
@pytest.mark.parametrize("name", ["UNKNOWN", "A" * 22, "%00", "%ff", "x" * 5000])
def test_the_status_of_an_unknown_job_is_a_404(client: FlaskClient, name: str, query: str) -> None:
    assert client.get(f"/jobs/{name}/status{query}", headers=HTMX).status_code == 404


def test_the_status_of_a_job_that_was_removed_meanwhile_is_a_404(client: FlaskClient, room: Room) -> None:
    slug = room.submit().slug
    room.change("DELETE FROM asyncinweb_jobs")

    assert client.get(f"/jobs/{slug}/status", headers=HTMX).status_code == 404
