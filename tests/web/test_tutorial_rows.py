"""The tutorial's rows: /hello, /query, /healthz."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from web_room import HTMX, OURS, Room, one, page, soup, words

from asyncinweb.queue.transitions import cancel, fail
from asyncinweb.tasks.outcome import Failed
from asyncinweb.tasks.registry import registry
from asyncinweb.web.pages import health

PNG = b"\x89PNG\r\n\x1a\nrest"


def test_opening_hello_queues_nothing_by_itself(client: FlaskClient, room: Room) -> None:
    section = one(page(client, "/hello"), "#hello")

    assert (section["hx-trigger"], section["hx-swap"]) == ("load", "outerMorph")
    assert room.jobs() == []


def test_the_post_on_load_queues_the_visit_and_the_answer_polls_until_the_result(
    client: FlaskClient, room: Room
) -> None:
    opened = one(page(client, "/hello"), "#hello")

    section = one(soup(client.post(str(opened["hx-post"]), headers={**OURS, **HTMX})), "#hello")

    assert section["hx-trigger"] == "every 5s"
    assert words(one(section, "#hello-state")) == "queued"
    assert words(one(section, "#hello-result")) == "?"
    address = str(section["hx-get"])
    assert client.get(address, headers=HTMX).status_code == 204

    room.finish(room.claim("hello"), "7")
    final = one(soup(client.get(address, headers=HTMX)), "#hello")

    assert words(one(final, "#hello-state")) == "completed"
    assert words(one(final, "#hello-result")) == "7"
    assert not final.has_attr("hx-trigger")
    assert not final.has_attr("hx-get")


def test_without_javascript_a_button_queues_the_visit_and_the_page_refreshes_itself(
    client: FlaskClient, room: Room
) -> None:
    form = one(page(client, "/hello"), "#hello noscript form")

    response = client.post(str(form["action"]), headers=OURS)

    assert response.status_code == 303
    waiting = page(client, response.location)
    assert one(waiting, "noscript meta[http-equiv=refresh]")
    room.finish(room.claim("hello"), "7")
    done = page(client, response.location)
    assert words(one(done, "#hello-result")) == "7"
    assert not done.select("noscript meta")


def test_one_opened_page_is_one_visit(client: FlaskClient, room: Room) -> None:
    opened = one(page(client, "/hello"), "#hello")
    for _ in range(2):
        client.post(str(opened["hx-post"]), headers={**OURS, **HTMX})

    assert len(room.jobs()) == 1


def test_a_visit_that_fails_says_why_and_stops(client: FlaskClient, room: Room) -> None:
    held = room.start("hello")
    room.perform(fail, held, Failed("error", "ValueError: no"))

    section = one(page(client, f"/hello/{held.slug}"), "#hello")

    assert words(one(section, "#hello-error")) == "ValueError: no"
    assert not section.has_attr("hx-trigger")


def test_another_job_is_no_visit(client: FlaskClient, room: Room) -> None:
    assert client.get(f"/hello/{room.submit().slug}").status_code == 404


def test_without_the_task_hello_is_a_404_that_says_so(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "tasks", {})

    for response in (client.get("/hello"), client.post("/hello", headers=OURS)):
        assert response.status_code == 404
        assert "no task called hello" in words(one(soup(response), "main"))


def test_query_tells_state_and_result(client: FlaskClient, room: Room) -> None:
    held = room.start()

    def answer() -> object:
        return client.post("/query", data={"id": held.slug}).json

    assert answer() == {"state": "processing", "result": None}
    room.finish(held, {"pages": 3})
    assert answer() == {"state": "completed", "result": {"pages": 3}}


def test_query_gives_the_address_of_a_result_that_is_a_file(client: FlaskClient, room: Room) -> None:
    slug = room.complete(PNG).slug

    answer = client.post("/query", data={"id": slug}).json

    assert answer == {"state": "completed", "result": {"url": f"/jobs/{slug}/result"}}


def test_query_of_a_cancelled_job_has_no_result(client: FlaskClient, room: Room) -> None:
    slug = room.submit().slug
    room.perform(cancel, slug)

    assert client.post("/query", data={"id": slug}).json == {"state": "cancelled", "result": None}


@pytest.mark.parametrize("data", [{"id": "nothing"}, {}])
def test_query_of_an_unknown_id_is_a_404_in_json(client: FlaskClient, data: dict[str, str]) -> None:
    response = client.post("/query", data=data)

    assert (response.status_code, response.json) == (404, {"error": "This job doesn't exist."})


def test_query_gives_no_cookie(app: Flask, room: Room) -> None:
    response = app.test_client().post("/query", data={"id": room.submit().slug})

    assert "Set-Cookie" not in response.headers


def test_health_is_ok_while_the_database_answers(client: FlaskClient) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_health_names_a_database_that_is_gone(client: FlaskClient, room: Room) -> None:
    client.get("/healthz")
    room.database.path.rename(room.database.path.with_name("elsewhere.db"))

    response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json["problem"].startswith("The database is missing. Put it back")


def test_health_names_a_database_that_cannot_be_read(client: FlaskClient, room: Room) -> None:
    with room.database.write() as connection:
        connection.execute(text("DROP TABLE asyncinweb_jobs"))

    response = client.get("/healthz")

    assert response.status_code == 503
    assert "no such table" in response.json["problem"]


def test_a_log_that_cannot_shrink_is_a_warning_while_all_is_well(
    client: FlaskClient, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "WAL_BOUND_BYTES", 1_000_000)
    with room.database.read() as reader:
        reader.execute(text("SELECT slug FROM asyncinweb_jobs")).all()
        with room.database.write() as connection:
            connection.execute(text("CREATE TABLE ballast AS SELECT zeroblob(2000000) AS bytes"))

        response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json["status"] == "ok"
    assert "a program is holding a read transaction open" in response.json["warning"]
    room.database.empty_wal()
    assert client.get("/healthz").json == {"status": "ok"}
