"""Jobs of tasks that are not loaded: their inputs are readable, and nothing is offered that nobody can do."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from web_room import OURS, Room, one, page, words

from asyncinweb.queue.transitions import cancel

FILE = {"name": "orders.csv", "size": 1234, "sha256": "0" * 64}
ARGUMENTS: dict[str, Any] = {
    "is_new": True,
    "old": False,
    "limit": None,
    "share": 0.5,
    "first_name": "Zoë <b>",
    "several_words": ["salt", "pepper"],
    "answers": [True, None, False],
    "table": FILE,
    "pictures": [FILE, FILE],
    "settings": {"depth": [1, 2], "name": "ü"},
    "pairs": [[1, 2], [3, 4]],
    "nothing": [],
}


@pytest.fixture
def slug(room: Room) -> str:
    """A job that has ended, of a task that was here once."""
    made = room.submit("gone", json.dumps(ARGUMENTS)).slug
    assert room.perform(cancel, made) == "cancelled"
    return made


def test_inputs_are_shown_as_a_person_reads_them(client: FlaskClient, slug: str) -> None:
    shown = {
        words(one(row, "dt")): words(one(row, "dd")) for row in page(client, f"/jobs/{slug}").select(".inputs div")
    }

    assert shown == {
        "Is new": "yes",
        "Old": "no",
        "Limit": "empty",
        "Share": "0.5",
        "First name": "Zoë <b>",
        "Several words": "salt, pepper",
        "Answers": "yes, , no",
        "Table": "orders.csv (1.2 kB)",
        "Pictures": "orders.csv (1.2 kB), orders.csv (1.2 kB)",
        "Settings": '{"depth": [1, 2], "name": "ü"}',
        "Pairs": "[[1, 2], [3, 4]]",
        "Nothing": "empty",
    }


def test_the_list_of_jobs_shows_them_so_too(client: FlaskClient, slug: str) -> None:
    row = words(one(page(client, "/jobs"), f"#job-{slug}"))

    assert "yes · no · 0.5 · Zoë <b> · salt, pepper" in row


def test_a_parameter_that_a_task_has_no_more_is_readable_as_well(client: FlaskClient, room: Room) -> None:
    slug = room.submit("picture", json.dumps({"width": 10, "was_smooth": True, "size": {"a": [None]}})).slug

    shown = words(one(page(client, f"/jobs/{slug}"), ".inputs"))

    assert "Was smooth yes" in shown
    assert '"a": [null]' in shown


def test_a_program_cannot_run_again_what_nobody_can_do(program: FlaskClient, slug: str) -> None:
    answer = program.post(f"/api/v1/jobs/{slug}/rerun", headers={"Content-Type": "application/json"})

    assert answer.status_code == 409
    assert "so the job can't run again" in answer.get_json()["detail"]


def test_nothing_is_offered_that_nobody_can_do(client: FlaskClient, room: Room, slug: str) -> None:
    known = room.submit("picture").slug
    room.perform(cancel, known)

    assert not page(client, f"/jobs/{slug}").select("#rerun, #change-link")
    assert len(page(client, f"/jobs/{known}").select("#rerun, #change-link")) == 2


def test_an_old_page_that_still_offers_it_is_answered_in_words(client: FlaskClient, room: Room, slug: str) -> None:
    answer = client.post(f"/jobs/{slug}/rerun", headers=OURS)

    assert answer.status_code == 409
    assert "This task isn't available right now" in answer.text.replace("&#39;", "'")
    assert room.jobs() == [slug]


def test_a_job_can_run_again_where_only_workers_have_its_task(client: FlaskClient, room: Room, slug: str) -> None:
    room.add_worker(tasks=["gone"])

    assert one(page(client, f"/jobs/{slug}"), "#rerun")
    assert client.post(f"/jobs/{slug}/rerun", headers=OURS).status_code == 303


def test_a_job_cannot_run_again_where_only_the_web_process_has_its_task(client: FlaskClient, room: Room) -> None:
    slug = room.complete().slug
    room.add_worker(tasks=["everything"])

    assert not page(client, f"/jobs/{slug}").select("#rerun")
    assert client.post(f"/jobs/{slug}/rerun", headers=OURS).status_code == 409
