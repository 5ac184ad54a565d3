"""What a form promises of the job it would start, and starting it at a time."""

from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from test_form_page import post
from web_room import OWNER, Room, filled, one, page, soup, words

from asyncinweb import clock
from asyncinweb.web.forms.start_time import InvalidStart, read_start, zone_of


def minutes_from_now(minutes: int) -> str:
    """As the control of a browser on the server's own zone would send it."""
    return f"{clock.now().astimezone() + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}"


def forecast(client: FlaskClient) -> str:
    return words(one(page(client, "/tasks/picture"), ".usually"))


def test_a_job_can_be_started_at_a_time_in_the_servers_zone(client: FlaskClient, room: Room) -> None:
    form = one(page(client, "/tasks/picture"), "form.task-form")
    at = minutes_from_now(90)

    response = post(client, "picture", {**filled(form), "form-at": at})

    job = room.job(response.location.rsplit("/", 1)[1])
    assert job.state == "scheduled"
    assert job.run_at == datetime.fromisoformat(at).astimezone()
    assert zone_of(clock.now().astimezone()) in words(one(form, "#picture-form-at-help"))


def test_the_same_form_at_another_time_is_another_job(client: FlaskClient, room: Room) -> None:
    sent = filled(one(page(client, "/tasks/picture"), "form.task-form"))

    for at in ("", minutes_from_now(30), minutes_from_now(30), minutes_from_now(60)):
        post(client, "picture", {**sent, "form-at": at})

    assert len(room.jobs()) == 3


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("2020-01-01T10:00", "In the past. It's now "),
        ("2999-01-01T10:00", "Must be within a year from now"),
        ("9999-12-31T23:59", "Must be within a year from now"),
        ("tomorrow", "2026-11-23T18:30"),
        ("x" * 100, "2026-11-23T18:30"),
    ],
)
def test_a_time_at_which_nothing_can_start_is_refused_beside_its_field(
    client: FlaskClient, room: Room, at: str, why: str
) -> None:
    response = post(client, "picture", {"form-at": at, "width": "320"})
    form = one(soup(response), "form.task-form")

    assert response.status_code == 422
    assert why in words(one(form, "#picture-form-at-error"))
    assert one(form, ".summary a")["href"] == "#picture-form-at"
    assert one(form, "details.when").has_attr("open")
    assert one(form, "#picture-width")["value"] == "320"
    assert room.jobs() == []


def test_this_minute_means_now(client: FlaskClient, room: Room) -> None:
    assert read_start(minutes_from_now(0)) is None
    assert read_start("  ") is None
    with pytest.raises(InvalidStart, match="past"):
        read_start(minutes_from_now(-2))


def test_the_form_says_what_starts_first(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    assert forecast(client) == "Starts right away"

    room.start(owner="somebody")
    assert forecast(client) == "You're next"

    for owner in ("ben", "ben", "cleo"):
        room.submit(owner=owner)
    # Fair order: of each other visitor's jobs only the first goes before the first of this one.
    assert forecast(client) == "2 jobs ahead of you"

    room.submit(owner=OWNER)
    assert forecast(client) == "4 jobs ahead of you"


def test_the_form_says_how_long_it_usually_takes(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    for _ in range(3):
        room.complete()
    with room.database.write() as connection:
        connection.exec_driver_sql("UPDATE asyncinweb_jobs SET started_at = finished_at - 5")

    assert forecast(client) == "Usually 5 s · starts right away"
    assert words(one(page(client, "/"), ".hero .usually")) == "Usually 5 s · starts right away"
