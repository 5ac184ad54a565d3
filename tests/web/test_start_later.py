"""What a form promises of the job it would start, and starting it at a time."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from web_room import OWNER, Room, filled, one, page, post, soup, words

from asyncinweb import clock
from asyncinweb.web.forms.start_time import zone_of

NOON = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands half a minute past twelve."""
    monkeypatch.setattr(clock, "now", lambda: NOON)


def minutes_from_now(minutes: int) -> str:
    """As the control of a browser on the server's own zone would send it."""
    return f"{NOON.astimezone() + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}"


def forecast(client: FlaskClient) -> str:
    return words(one(page(client, "/tasks/picture"), ".usually"))


def test_a_job_can_be_started_at_a_time_in_the_servers_zone(client: FlaskClient, room: Room) -> None:
    form = one(page(client, "/tasks/picture"), "form.task-form")
    at = minutes_from_now(90)

    response = post(client, "picture", {**filled(form), "form-at": at})

    job = room.job(response.location.rsplit("/", 1)[1])
    assert job.state == "scheduled"
    assert job.run_at == datetime.fromisoformat(at).astimezone()
    assert zone_of(NOON.astimezone()) in words(one(form, "#picture-form-at-help"))


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


@pytest.mark.parametrize("minutes", [0, -1, -4, -5])
def test_the_last_few_minutes_mean_now(client: FlaskClient, room: Room, minutes: int) -> None:
    at = minutes_from_now(minutes)
    form = one(page(client, "/tasks/picture"), "form.task-form")

    response = post(client, "picture", {**filled(form), "form-at": at})

    assert room.job(response.location.rsplit("/", 1)[1]).state == "queued"
    # A browser must not refuse what the server takes.
    assert str(one(form, "#picture-form-at")["min"]) <= at


@pytest.mark.parametrize(("minutes", "answer"), [(-6, "past"), (-60, "past"), (1, "scheduled")])
def test_other_minutes_are_past_or_ahead(client: FlaskClient, room: Room, minutes: int, answer: str) -> None:
    at = minutes_from_now(minutes)

    response = post(client, "picture", {"form-at": at})

    if answer == "past":
        assert "In the past" in words(one(soup(response), "#picture-form-at-error"))
        assert room.jobs() == []
    else:
        assert room.job(response.location.rsplit("/", 1)[1]).state == "scheduled"


def test_a_form_sent_again_a_minute_later_is_still_one_job(
    client: FlaskClient, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = {**filled(one(page(client, "/tasks/picture"), "form.task-form")), "form-at": minutes_from_now(0)}

    post(client, "picture", sent)
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(minutes=1))
    post(client, "picture", sent)

    assert len(room.jobs()) == 1


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
