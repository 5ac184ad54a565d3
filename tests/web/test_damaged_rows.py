"""Rows that are not as the program wrote them: changed by hand, by an older version, by a faulty disk."""

import logging
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from web_room import HTMX, OURS, Room, one, page, words

from asyncinweb import clock
from asyncinweb.queue.models import Job

COLUMNS = [column.name for column in Job.__table__.columns if column.name not in ("id", "slug")]
# As SQLite writes them: it keeps any value in any column.
ODD = (
    "'abc'",
    "''",
    "x'00ff'",
    "cast(x'ff' as text)",
    "char(0)",
    "1e300",
    "-1e300",
    "9e999",
    "253402300800.0",
    "-5",
    "2.5",
    "9223372036854775807",
    "'[1]'",
    "'{\"shape\": 5}'",
    "'{\"a\": 1e999}'",
    # Half a character: JSON can name it, and UTF-8 can't write it.
    '\'{"a": "\\ud800"}\'',
)
LISTS = (
    "/",
    "/jobs",
    "/jobs.csv",
    "/jobs.json",
    "/api/v1/jobs",
    "/api/v1/jobs?mine=true",
    "/jobs?q=1",
    "/healthz",
)
# For these each job is opened as well, which takes a while.
OPENED = ("'abc'", "x'00ff'", "1e300", "-5")
OWN = ("/jobs/{slug}/status", "/api/v1/jobs/{slug}", "/jobs/{slug}/log", "/tasks/picture?from={slug}")
STATES = ("scheduled", "queued", "processing", "completed", "failed", "cancelled")


def in_state(room: Room, state: str) -> str:
    """The slug of a job in this state."""
    match state:
        case "scheduled":
            return room.submit(run_at=clock.now() + timedelta(hours=1)).slug
        case "processing":
            return room.start().slug
        case "completed":
            return room.complete([{"a": 1}]).slug
    slug = room.submit().slug
    ends = {
        "failed": ", finished_at = created_at, started_at = created_at, reason = 'error', error = 'x'",
        "cancelled": ", finished_at = created_at",
        "queued": "",
    }
    room.change(f"UPDATE asyncinweb_jobs SET state = '{state}'{ends[state]} WHERE slug = :slug", slug=slug)
    return slug


@pytest.mark.parametrize("state", STATES)
def test_damaged_rows_take_no_list_and_no_page_with_them(client: FlaskClient, room: Room, state: str) -> None:
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    sound = in_state(room, state)
    damaged = room.damaged_copies(sound, COLUMNS, ODD)

    for path in LISTS:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert sound in answer.text or path in ("/healthz", "/jobs?q=1")
    for slug, what in damaged.items():
        if not what.endswith(OPENED):
            continue
        # Whose job it is may be what can no longer be read.
        answers = {path: client.get(path.format(slug=slug), headers=HTMX).status_code for path in OWN}
        assert set(answers.values()) <= {200, 204, 404}, f"{what}: {answers}"


@pytest.mark.parametrize(
    ("column", "odd"),
    [
        ("run_at", "253402300800.0"),
        ("created_at", "'yesterday'"),
        ("arguments", "'{\"count\":'"),
        ("arguments", "'[1, 2]'"),
        ("arguments", '\'{"a": "\\ud800"}\''),
        ("priority", "'high'"),
        ("timeout_seconds", "'soon'"),
        ("progress_done", "x'00'"),
        ("on_crash", "'explode'"),
        ("attempts", "2.5"),
    ],
)
def test_a_damaged_job_is_shown_as_damaged_wherever_it_is_listed(
    client: FlaskClient, room: Room, column: str, odd: str
) -> None:
    slug = in_state(room, "scheduled")
    room.damage(slug, column, odd)

    assert words(one(page(client, "/jobs"), f"#job-{slug} .damaged")) == "Damaged"
    assert column in words(one(page(client, f"/jobs/{slug}"), "#damage"))
    for path in ("/jobs.json", "/api/v1/jobs"):
        (job,) = client.get(path).json["jobs"]
        assert job["damaged"] == [column]
    assert client.get(f"/api/v1/jobs/{slug}").json["damaged"] == [column]


def test_a_source_line_that_cannot_be_shown_takes_no_page_with_it(client: FlaskClient, room: Room) -> None:
    slug = in_state(room, "failed")
    room.damage(slug, "source_line", '\'{"file": "caf\\udce9.py", "line": 1, "function": "f", "code": ""}\'')

    assert "source_line" in words(one(page(client, f"/jobs/{slug}"), "#damage"))


def test_whole_characters_in_arguments_are_no_damage(client: FlaskClient, room: Room) -> None:
    slug = in_state(room, "scheduled")
    room.damage(slug, "arguments", '\'{"count": "\\ud83d\\ude00"}\'')

    (job,) = client.get("/api/v1/jobs").json["jobs"]
    assert job["damaged"] == []


def test_a_sound_job_is_not_shown_as_damaged(client: FlaskClient, room: Room) -> None:
    for state in sorted(STATES, reverse=True, key=lambda each: each in ("processing", "completed")):
        slug = in_state(room, state)
        assert client.get(f"/api/v1/jobs/{slug}").json["damaged"] == []
        assert not page(client, f"/jobs/{slug}").select("#damage")
    assert not page(client, "/jobs").select(".damaged")


HALF = '\'{"shape": "text", "media_type": "text/plain", "bytes": 1, "value": "\\udce9"}\''


@pytest.mark.parametrize(
    "odd", ["'no json'", "'[]'", "'{}'", '\'{"shape": "table"}\'', "'{\"parts\": 3}'", "x'80'", "7", HALF]
)
def test_a_result_that_cannot_be_read_is_shown_as_damaged_and_its_download_is_a_404(
    client: FlaskClient, room: Room, odd: str
) -> None:
    slug = room.complete([{"a": 1}]).slug
    room.damage(slug, "result", odd)

    assert "result" in words(one(page(client, f"/jobs/{slug}"), "#damage"))
    assert client.get(f"/api/v1/jobs/{slug}").json["result"] is None
    for path in (f"/jobs/{slug}/result", f"/jobs/{slug}/result.csv", f"/api/v1/jobs/{slug}/result"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("column", ["started_at", "ended_at", "reason", "error", "number"])
def test_a_damaged_earlier_attempt_takes_no_page_with_it(client: FlaskClient, room: Room, column: str) -> None:
    slug = in_state(room, "queued")
    room.change(
        "INSERT INTO asyncinweb_attempts (job_id, number, claim_no, ended_at, reason)"
        " SELECT id, 1, 1, created_at, 'crashed' FROM asyncinweb_jobs WHERE slug = :slug",
        slug=slug,
    )
    for odd in ODD:
        room.damage(slug, column, odd, table="asyncinweb_attempts")
        page(client, f"/jobs/{slug}")


@pytest.mark.parametrize("column", ["created_at", "priority", "arguments", "keep_days"])
@pytest.mark.parametrize("odd", ["'abc'", "x'00ff'"])
def test_a_damaged_job_can_be_cancelled_and_deleted(
    client: FlaskClient, room: Room, column: str, odd: str
) -> None:
    slug, sound = in_state(room, "scheduled"), room.submit().slug
    room.damage(slug, column, odd)

    assert client.post(f"/jobs/{slug}/cancel", headers=OURS).status_code == 303
    assert room.job(slug).state == "cancelled"
    assert one(page(client, f"/jobs/{slug}"), f"form[action='/jobs/{slug}/delete']")
    assert client.post(f"/jobs/{slug}/delete", headers=OURS).status_code == 303
    assert room.jobs() == [sound]


def test_a_job_in_an_unknown_state_can_be_deleted(client: FlaskClient, room: Room) -> None:
    slug = room.submit().slug
    room.damage(slug, "state", "'lost'")

    assert client.post(f"/jobs/{slug}/delete", headers=OURS).status_code == 303
    assert room.jobs() == []


def test_only_a_damaged_job_that_does_not_run_is_deleted(client: FlaskClient, room: Room) -> None:
    running, sound = room.start().slug, room.complete().slug
    room.damage(running, "priority", "'abc'")

    for slug in (running, sound):
        assert client.post(f"/jobs/{slug}/delete", headers=OURS).status_code == 409
    assert room.jobs() == [running, sound]


def test_the_log_names_a_damaged_job_and_its_columns_once(
    client: FlaskClient, room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    slug = room.submit().slug
    room.damage(slug, "priority", "'abc'")
    room.damage(slug, "run_at", "1e300")

    with caplog.at_level(logging.WARNING, "asyncinweb"):
        for _ in range(3):
            page(client, "/jobs")

    named = [line for line in caplog.messages if slug in line]
    assert len(named) == 1
    assert "run_at" in named[0]
    assert "priority" in named[0]
