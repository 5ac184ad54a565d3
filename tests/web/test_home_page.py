"""The first page: tasks as cards, the first one ready to run, the visitor's last jobs."""

import pytest
from flask.testing import FlaskClient
from web_room import HTMX, OURS, Room, filled, one, page, words

from asyncinweb.tasks.registry import registry


def test_the_first_task_is_ready_to_run(client: FlaskClient, room: Room) -> None:
    form = one(page(client, "/"), "form#form-picture")

    response = client.post(str(form["action"]), data=filled(form), headers=OURS)

    assert response.status_code == 303
    assert room.job(response.location.rsplit("/", 1)[1]).arguments_by_name["width"] == 800


def test_the_other_tasks_are_cards_that_lead_to_their_forms(client: FlaskClient) -> None:
    cards = page(client, "/").select(".task-card")

    assert [words(one(card, "h2")) for card in cards] == ["Every kind of field"]
    assert one(cards[0], "a")["href"] == "/tasks/everything"


def test_a_hidden_task_is_not_shown(client: FlaskClient) -> None:
    assert "Say hello" not in page(client, "/").get_text()


def test_a_task_that_has_run_says_how_long_it_usually_takes(client: FlaskClient, room: Room) -> None:
    for _ in range(2):
        room.complete()
    assert not page(client, "/").select(".hero .usually")

    room.complete()

    assert words(one(page(client, "/"), ".hero .usually")).startswith("Usually ")


def test_only_the_visitors_own_jobs_are_listed(client: FlaskClient, room: Room) -> None:
    mine = room.submit()
    room.submit(owner="B" * 22)

    links = page(client, "/").select("#last-jobs a")

    assert [link["href"] for link in links] == [f"/jobs/{mine.slug}"]


def test_a_visitor_without_jobs_reads_what_will_be_there(client: FlaskClient) -> None:
    assert words(one(page(client, "/"), "#last-jobs .empty")) == "No jobs yet. Anything you run shows up here."


def test_the_strip_of_last_jobs_is_asked_for_every_five_seconds_and_answers_204(
    client: FlaskClient, room: Room
) -> None:
    room.submit()
    strip = one(page(client, "/"), "#last-jobs")
    address = str(strip["hx-get"])

    assert (strip["hx-trigger"], strip["hx-swap"], strip["hx-sync"]) == ("every 5s", "outerMorph", "drop")
    assert client.get(address, headers=HTMX).status_code == 204

    room.claim()
    changed = client.get(address, headers=HTMX)

    assert changed.status_code == 200
    assert changed.text.strip().startswith('<div id="last-jobs"')
    assert (changed.headers["Cache-Control"], changed.headers["Vary"]) == ("no-store", "HX-Request")


def test_without_tasks_the_page_says_where_it_looked_and_shows_an_example(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "tasks", {})

    section = one(page(client, "/"), "#no-tasks")

    assert "asyncinweb.tasks" in words(section)
    assert "@task" in one(section, "pre:first-of-type").get_text()


def test_the_theme_is_remembered_and_rendered_by_the_server(client: FlaskClient) -> None:
    response = client.post(
        "/theme", data={"theme": "dark"}, headers={**OURS, "Referer": "http://localhost/jobs?mine=1"}
    )

    assert (response.status_code, response.location) == (303, "/jobs?mine=1")
    assert one(page(client, "/"), "html")["data-theme"] == "dark"


@pytest.mark.parametrize("referer", ["http://evil.example/jobs", "http://localhost//evil.example", ""])
def test_the_theme_never_leads_to_another_site(client: FlaskClient, referer: str) -> None:
    response = client.post("/theme", data={"theme": "dark"}, headers={**OURS, "Referer": referer})

    assert response.location == "/"


def test_a_theme_that_does_not_exist_is_not_remembered(client: FlaskClient) -> None:
    client.post("/theme", data={"theme": '"><script>'}, headers=OURS)

    assert not one(page(client, "/"), "html").has_attr("data-theme")
