"""The list of all jobs: filters and pages in the address, live."""

import re

import pytest
from flask.testing import FlaskClient
from web_room import HTMX, Room, one, page, soup, words

from asyncinweb.queue.transitions import cancel


def titles(client: FlaskClient, address: str) -> list[str]:
    return [words(each) for each in page(client, address).select("#jobs .cell-task")]


def slugs(client: FlaskClient, address: str) -> list[str]:
    return [str(each["id"]).removeprefix("job-") for each in page(client, address).select("#jobs tbody tr")]


def test_the_newest_job_is_first_with_state_inputs_and_time(client: FlaskClient, room: Room) -> None:
    room.complete()
    room.submit("everything")
    rows = page(client, "/jobs").select("#jobs tbody tr")

    assert [words(one(row, ".state")) for row in rows] == ["Waiting", "Done"]
    assert words(one(rows[1], ".cell-inputs")) == "800 · fire · yes"
    assert words(one(rows[1], ".cell-when")) == "just now"
    assert re.fullmatch(r"\d(\.\d)? s", words(one(rows[1], ".cell-took")))


def test_it_can_be_filtered_by_state_task_and_owner(client: FlaskClient, room: Room) -> None:
    done = room.complete()
    other = room.submit("everything")
    foreign = room.submit(owner="B" * 22)

    assert slugs(client, "/jobs?state=completed") == [done.slug]
    assert slugs(client, "/jobs?task=everything") == [other.slug]
    assert slugs(client, "/jobs?mine=1") == [other.slug, done.slug]
    assert slugs(client, "/jobs") == [foreign.slug, other.slug, done.slug]


def test_the_filters_stay_while_another_is_changed(client: FlaskClient) -> None:
    whole = page(client, "/jobs?state=failed&task=picture&mine=1")

    assert one(whole, ".tabs a[aria-current]")["href"] == "/jobs?state=failed&task=picture&mine=1"
    assert one(whole, "select[name=task] option[selected]")["value"] == "picture"
    assert one(whole, "input[name=mine]").has_attr("checked")
    assert one(whole, "form.filters input[name=state]")["value"] == "failed"


def test_a_state_that_does_not_exist_is_a_400(client: FlaskClient) -> None:
    response = client.get("/jobs?state=broken")

    assert response.status_code == 400
    assert "The states are: scheduled, queued" in words(one(soup(response), "main"))


def test_older_jobs_are_a_link_away_and_none_is_lost(client: FlaskClient, room: Room) -> None:
    made = [room.submit().slug for _ in range(65)]
    address, seen = "/jobs?mine=1", []

    while True:
        seen += slugs(client, address)
        older = page(client, address).select("#older")
        if not older:
            break
        address = str(older[0]["href"])
        assert "mine=1" in address

    assert seen == made[::-1]
    assert one(page(client, address), "#newest")["href"] == "/jobs?mine=1"


def test_it_is_asked_for_every_five_seconds_and_answers_204(client: FlaskClient, room: Room) -> None:
    slug = room.submit().slug
    section = one(page(client, "/jobs?state=queued"), "#jobs")
    address = str(section["hx-get"])

    assert (section["hx-trigger"], section["hx-swap"], section["hx-sync"]) == ("every 5s", "outerMorph", "drop")
    assert client.get(address, headers=HTMX).status_code == 204

    room.perform(cancel, slug)
    changed = client.get(address, headers=HTMX)

    assert changed.text.lstrip().startswith('<section id="jobs"')
    assert "No job matches" in words(one(soup(changed), ".empty"))


def test_progress_of_a_running_job_is_a_change(client: FlaskClient, room: Room) -> None:
    held = room.start()
    address = str(one(page(client, "/jobs"), "#jobs")["hx-get"])

    room.report(held, 1, 4, "")

    assert "25 %" in words(one(soup(client.get(address, headers=HTMX)), ".cell-took"))


@pytest.mark.parametrize(
    ("address", "text"), [("/jobs", "There are no jobs yet"), ("/jobs?mine=1", "No job matches")]
)
def test_an_empty_list_says_why(client: FlaskClient, address: str, text: str) -> None:
    assert text in words(one(page(client, address), "#jobs .empty"))


def test_a_job_of_an_unknown_task_is_listed_under_its_name(client: FlaskClient, room: Room) -> None:
    room.submit("gone")

    assert titles(client, "/jobs") == ["gone"]
