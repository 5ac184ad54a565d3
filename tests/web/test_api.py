"""The JSON API: what a program asks and gets, and how it is told what is wrong."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest
from api_room import JOBS, refused, whole
from flask import Flask
from flask.testing import FlaskClient
from pydantic import Field, SecretStr
from web_room import OURS, OWNER, TOKEN, Reader, Room, close
from werkzeug.test import TestResponse

from asyncinweb.app import create_app
from asyncinweb.extension import AsyncInWeb
from asyncinweb.queue.transitions import fail
from asyncinweb.settings import Settings
from asyncinweb.tasks.inputs.uploaded import UploadedFile
from asyncinweb.tasks.outcome import Failed
from asyncinweb.tasks.registry import Options, Task
from asyncinweb.web.api import long_poll
from asyncinweb.web.api.models import JobList, ListedJob, LogPart, TaskList

PROGRAM = "program:127.0.0.1"
EMPTY = {"Content-Type": "application/json"}


def read_file(file: UploadedFile) -> str:
    return file.name


def sign(password: Annotated[SecretStr, Field(min_length=8)]) -> str:
    return ""


def submit(client: FlaskClient, headers: dict[str, str] | None = None, **body: Any) -> TestResponse:
    return client.post(JOBS, json={"task": "picture", **body}, headers=headers)


# --- submitting -------------------------------------------------------------------------------------------------


def test_a_program_submits_a_job_and_finds_it_at_its_location(program: FlaskClient, room: Room) -> None:
    response = submit(program, arguments={"width": 64})

    made = whole(response, 201)
    assert response.headers["Location"] == f"{JOBS}/{made.slug}"
    assert whole(program.get(response.headers["Location"])) == made
    assert (made.state, made.owner, made.place, made.result) == ("queued", PROGRAM, 1, None)
    assert made.arguments == {"width": 64, "colours": "fire", "smooth": True}
    assert made.url == f"/jobs/{made.slug}"
    assert made.created_at.endswith("Z")
    assert room.job(made.slug).max_attempts == 1


def test_the_policies_of_the_task_hold_for_a_program_too(program: FlaskClient, room: Room) -> None:
    made = whole(submit(program, task="everything", arguments={"name": "Ann", "count": 1}), 201)

    job = room.job(made.slug)
    assert (job.max_attempts, job.timeout_seconds) == (4, 60.0)


def test_a_browser_that_uses_the_api_owns_what_it_submits(client: FlaskClient) -> None:
    assert whole(submit(client, headers=OURS), 201).owner == OWNER


def test_a_program_is_given_no_cookie(program: FlaskClient) -> None:
    for response in (submit(program), program.get(JOBS), program.get("/api/v1/tasks")):
        assert "Set-Cookie" not in response.headers


def test_a_job_can_start_later_step_back_and_be_the_only_one_of_its_key(program: FlaskClient, room: Room) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    body = {"run_at": at.isoformat(), "priority": -5, "unique_key": "nightly"}

    first, second = whole(submit(program, **body), 201), whole(submit(program, **body), 201)

    assert (first.state, first.priority) == ("scheduled", -5)
    assert first.run_at == at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert second.slug == first.slug
    assert room.jobs() == [first.slug]


def test_a_unique_key_is_ones_own(program: FlaskClient, client: FlaskClient) -> None:
    mine, theirs = submit(program, unique_key="k"), submit(client, headers=OURS, unique_key="k")

    assert whole(mine, 201).slug != whole(theirs, 201).slug


def test_nobody_pushes_in_front(program: FlaskClient, room: Room) -> None:
    assert "at most 0" in refused(submit(program, priority=1), 422).errors["priority"]
    assert room.jobs() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"task": "pictur"}, "task"),
        ({"task": 5}, "task"),
        ({"task": None}, "task"),
        ({"arguments": []}, "arguments"),
        ({"arguments": {"width": 5}}, "width"),
        ({"arguments": {"width": 10**30}}, "width"),
        ({"arguments": {"wdith": 50}}, "wdith"),
        ({"arguments": {"width": {"a": 1}}}, "width"),
        ({"priority": "1"}, "priority"),
        ({"priority": -(10**30)}, "priority"),
        ({"priority": True}, "priority"),
        ({"run_at": "tomorrow"}, "run_at"),
        ({"run_at": "2026-01-01T00:00:00"}, "run_at"),
        ({"run_at": "99999-01-01T00:00:00Z"}, "run_at"),
        ({"unique_key": ""}, "unique_key"),
        ({"unique_key": "x" * 201}, "unique_key"),
        ({"owner": "ann"}, "owner"),
    ],
)
def test_what_does_not_fit_is_named_and_stores_nothing(
    program: FlaskClient, room: Room, body: dict[str, Any], field: str
) -> None:
    problem = refused(submit(program, **body), 422)

    assert field in problem.errors
    assert room.jobs() == []


def test_the_nearest_task_is_offered(program: FlaskClient) -> None:
    assert "Did you mean 'picture'?" in refused(submit(program, task="pictur"), 422).errors["task"]


def test_the_quota_binds_a_program(settings: Settings, app: Flask) -> None:
    strict = create_app(settings.model_copy(update={"max_queued_per_owner": 1}))
    program = strict.test_client(use_cookies=False)
    slug = whole(submit(program), 201).slug

    for response in (submit(program), program.post(f"{JOBS}/{slug}/rerun", headers=EMPTY)):
        assert "You already have 1 job waiting" in refused(response, 429).detail
        assert response.headers["Retry-After"] == "30"
    assert len(Room(strict).jobs()) == 1
    close(strict)


@pytest.mark.parametrize(
    "file", ["/etc/passwd", {"name": "passwd", "size": 1, "sha256": "0" * 64}, ["/etc/passwd"]]
)
def test_a_program_cannot_name_a_file_of_this_computer(
    app: Flask, program: FlaskClient, room: Room, file: object
) -> None:
    app.extensions["asyncinweb"].registry.tasks["read_file"] = Task(read_file, Options())

    assert "file" in refused(submit(program, task="read_file", arguments={"file": file}), 422).errors
    assert room.jobs() == []


def test_a_secret_is_in_no_answer(app: Flask, program: FlaskClient, room: Room) -> None:
    app.extensions["asyncinweb"].registry.tasks["sign"] = Task(sign, Options())

    response = submit(program, task="sign", arguments={"password": "hunter2-hunter2"})
    too_short = submit(program, task="sign", arguments={"password": "hunter2"})

    whole(response, 201)
    refused(too_short, 422)
    for each in (response, too_short, program.get(response.location), program.get(JOBS)):
        assert "hunter2" not in each.text
    assert "hunter2" not in str(room.content())


# --- the same request twice -------------------------------------------------------------------------------------


def test_the_same_key_with_the_same_values_is_one_job(program: FlaskClient, room: Room) -> None:
    answers = [submit(program, {"Idempotency-Key": "k1"}, arguments={"width": 64}) for _ in range(3)]

    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {201}
    assert len(room.jobs()) == 1


@pytest.mark.parametrize(
    "other",
    [{"arguments": {"width": 65}}, {"task": "hello"}, {"priority": -1}, {"unique_key": "other"}],
)
def test_the_same_key_with_other_values_is_a_conflict(
    program: FlaskClient, room: Room, other: dict[str, Any]
) -> None:
    submit(program, {"Idempotency-Key": "k1"})

    assert "already used" in refused(submit(program, {"Idempotency-Key": "k1"}, **other), 409).detail
    assert len(room.jobs()) == 1


def test_a_key_is_ones_own(program: FlaskClient, client: FlaskClient, room: Room) -> None:
    submit(program, {"Idempotency-Key": "k1"})
    submit(client, {"Idempotency-Key": "k1", **OURS})

    assert len(room.jobs()) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "ü"])
def test_an_impossible_key_is_refused(program: FlaskClient, room: Room, key: str) -> None:
    refused(submit(program, {"Idempotency-Key": key}), 400)
    assert room.jobs() == []


# --- one job ----------------------------------------------------------------------------------------------------


def test_a_running_job_tells_how_far_it_is(program: FlaskClient, room: Room) -> None:
    held = room.start()
    room.report(held, 3, 10, "rows")

    job = whole(program.get(f"{JOBS}/{held.slug}"))

    assert (job.state, job.attempts, job.place) == ("processing", 1, None)
    assert job.progress.model_dump() == {"done": 3.0, "total": 10.0, "text": "rows"}
    assert job.started_at


def test_a_completed_job_has_its_result(program: FlaskClient, room: Room) -> None:
    slug = room.complete({"rows": [1, 2]}).slug

    job = whole(program.get(f"{JOBS}/{slug}"))
    download = program.get(f"{JOBS}/{slug}/result")

    assert (job.state, job.result) == ("completed", {"rows": [1, 2]})
    assert json.loads(download.text) == {"rows": [1, 2]}


def test_a_failed_job_says_why(program: FlaskClient, room: Room) -> None:
    held = room.start()
    room.perform(fail, held, Failed("error", "ValueError: \x1b[31mno\n", "Traceback"))

    job = whole(program.get(f"{JOBS}/{held.slug}"))

    assert (job.state, job.reason, job.error) == ("failed", "error", "ValueError: \x1b[31mno\n")
    refused(program.get(f"{JOBS}/{held.slug}/result"), 404)


def test_saved_files_are_fetched_by_name(program: FlaskClient, room: Room) -> None:
    held = room.start()
    room.folder(held.slug).save(held.claim_no, "report.csv", "a,b\n")
    room.finish(held, "done")

    response = program.get(f"{JOBS}/{held.slug}/files/report.csv")

    assert response.text == "a,b\n"
    assert response.headers["Content-Disposition"].startswith("attachment")
    refused(program.get(f"{JOBS}/{held.slug}/files/other"), 404)


def test_half_a_character_in_a_result_is_still_an_answer(program: FlaskClient, room: Room) -> None:
    slug = room.complete(["\ud800"]).slug

    assert program.get(f"{JOBS}/{slug}").status_code == 200


@pytest.mark.parametrize("path", ["", "/cancel", "/rerun", "/log", "/result", "/files/x"])
@pytest.mark.parametrize("slug", ["nothing", "%00", "%ff", "x" * 5000, "..", "' OR 1=1"])
def test_an_unknown_job_is_a_404(program: FlaskClient, slug: str, path: str) -> None:
    address = f"{JOBS}/{slug}{path}"
    response = program.post(address, headers=EMPTY) if path in ("/cancel", "/rerun") else program.get(address)

    refused(response, 404)


# --- waiting ----------------------------------------------------------------------------------------------------


def test_waiting_ends_with_the_job(program: FlaskClient, room: Room) -> None:
    held = room.start()
    answers: list[TestResponse] = []
    waiting = threading.Thread(target=lambda: answers.append(program.get(f"{JOBS}/{held.slug}?wait=60")))
    waiting.start()
    while long_poll._places._value == long_poll.MOST_WAITING:
        assert waiting.is_alive()

    room.finish(held, "done")
    waiting.join(20)

    assert whole(answers[0]).result == "done"
    assert long_poll._places._value == long_poll.MOST_WAITING


def test_waiting_ends_with_the_patience(program: FlaskClient, room: Room) -> None:
    response = program.get(f"{JOBS}/{room.start().slug}?wait=0.05")

    assert whole(response).state == "processing"
    assert "Retry-After" not in response.headers


@pytest.fixture
def full() -> Iterator[None]:
    """As many requests wait as may."""
    for _ in range(long_poll.MOST_WAITING):
        assert long_poll._places.acquire(blocking=False)
    yield
    long_poll._places.release(long_poll.MOST_WAITING)


@pytest.mark.usefixtures("full")
def test_one_more_is_answered_at_once_and_told_to_come_back(program: FlaskClient, room: Room) -> None:
    response = program.get(f"{JOBS}/{room.start().slug}?wait=60")

    assert whole(response).state == "processing"
    assert response.headers["Retry-After"] == "1"


@pytest.mark.usefixtures("full")
def test_an_ended_job_needs_no_waiting(program: FlaskClient, room: Room) -> None:
    assert "Retry-After" not in program.get(f"{JOBS}/{room.complete().slug}?wait=60").headers


@pytest.mark.parametrize("wait", ["-1", "nan", "inf", "x", "1e9", "%00"])
def test_an_impossible_patience_is_refused(program: FlaskClient, room: Room, wait: str) -> None:
    assert "wait" in refused(program.get(f"{JOBS}/{room.start().slug}?wait={wait}"), 422).errors


# --- cancelling, running again, the log -------------------------------------------------------------------------


def test_a_waiting_job_is_cancelled_a_running_one_asked_an_ended_one_not_touched(
    program: FlaskClient, room: Room
) -> None:
    ended, running, waiting = room.complete().slug, room.start().slug, room.submit().slug

    assert whole(program.post(f"{JOBS}/{waiting}/cancel", headers=EMPTY)).state == "cancelled"
    assert whole(program.post(f"{JOBS}/{running}/cancel", headers=EMPTY)).state == "processing"
    assert room.job(running).cancel_requested_at
    before = room.content()
    assert "completed" in refused(program.post(f"{JOBS}/{ended}/cancel", headers=EMPTY), 409).detail
    assert room.content() == before


def test_running_again_makes_a_new_job_of_whoever_asks(program: FlaskClient, room: Room) -> None:
    old = room.complete().slug

    response = program.post(f"{JOBS}/{old}/rerun", headers=EMPTY)

    new = whole(response, 201)
    assert (new.rerun_of, new.owner, new.state) == (old, PROGRAM, "queued")
    assert response.headers["Location"] == f"{JOBS}/{new.slug}"


def log_part(response: TestResponse) -> LogPart:
    assert response.status_code == 200, response.text
    return LogPart.model_validate_json(response.text, strict=True, extra="forbid")


def test_a_log_is_read_piece_by_piece(program: FlaskClient, room: Room) -> None:
    held = room.start()
    address = f"{JOBS}/{held.slug}/log"
    assert log_part(program.get(address)).model_dump() == {
        "claim": 1,
        "text": "",
        "next": 0,
        "dropped": 0,
        "is_complete": False,
    }
    writer = room.write_log(held)
    writer.write("erste Zeile ü\n".encode())
    first = log_part(program.get(address))
    writer.write(b"second\n")
    room.finish(held, "done")

    second = log_part(program.get(f"{address}?after={first.next}&claim={first.claim}"))
    restarted = log_part(program.get(f"{address}?after={first.next}&claim=0"))

    assert (first.text, second.text, second.is_complete) == ("erste Zeile ü\n", "second\n", True)
    assert restarted.text == "erste Zeile ü\nsecond\n"
    assert log_part(program.get(f"{address}?after={2**63 - 1}")).text == ""


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=%ff", f"after={10**30}", "claim=x", "before=1"])
def test_an_impossible_place_in_a_log_is_refused(program: FlaskClient, room: Room, query: str) -> None:
    refused(program.get(f"{JOBS}/{room.start().slug}/log?{query}"), 422)


# --- lists ------------------------------------------------------------------------------------------------------


def listed(response: TestResponse) -> JobList:
    assert response.status_code == 200, response.text
    return JobList.model_validate_json(response.text, strict=True, extra="forbid")


def slugs(jobs: list[ListedJob]) -> list[str]:
    return [job.slug for job in jobs]


def test_jobs_are_listed_newest_first_and_page_by_page(program: FlaskClient, room: Room) -> None:
    made = [room.submit().slug for _ in range(5)]
    seen: list[str] = []
    address: str | None = f"{JOBS}?limit=2&task=picture&state="

    while address:
        page = listed(program.get(address))
        seen += slugs(page.jobs)
        address = page.next

    assert seen == made[::-1]


def test_a_list_cuts_long_arguments_and_says_so_while_the_job_has_them_all(program: FlaskClient) -> None:
    arguments = {"name": "Ann", "count": 1, "note": "x" * 5000, "words": ["word"] * 1000}
    slug = program.post(JOBS, json={"task": "everything", "arguments": arguments}).json["slug"]

    (job,) = listed(program.get(JOBS)).jobs
    whole = program.get(f"{JOBS}/{slug}").json

    assert job.arguments_cut
    assert (job.arguments["name"], job.arguments["count"]) == ("Ann", 1)
    assert job.arguments["note"] == "x" * 300 + "…"
    assert job.arguments["words"] == ["word"] * 50
    assert whole["arguments"].items() >= arguments.items()
    assert "arguments_cut" not in whole


def test_jobs_are_filtered(program: FlaskClient, client: FlaskClient, room: Room) -> None:
    done = room.complete().slug
    waiting = room.submit("hello").slug
    own = whole(submit(program), 201).slug

    assert slugs(listed(program.get(f"{JOBS}?state=completed")).jobs) == [done]
    assert slugs(listed(program.get(f"{JOBS}?task=hello")).jobs) == [waiting]
    assert slugs(listed(program.get(f"{JOBS}?mine=true")).jobs) == [own]
    assert slugs(listed(client.get(f"{JOBS}?mine=true")).jobs) == [waiting, done]


def test_jobs_of_others_are_listed_only_where_the_setting_says_so(
    settings: Settings, app: Flask, room: Room
) -> None:
    room.submit(owner="somebody else")
    own = room.submit().slug
    server = create_app(settings.model_copy(update={"listed_jobs": "own"}))
    client = server.test_client()
    client.set_cookie("asyncinweb_visitor", TOKEN)

    assert slugs(listed(client.get(JOBS)).jobs) == [own]
    close(server)


@pytest.mark.parametrize(
    "query", ["state=x", "limit=0", "limit=201", "limit=x", "limit=1e3", "mine=perhaps", "sort=up", "state=%00"]
)
def test_an_impossible_filter_is_refused(program: FlaskClient, query: str) -> None:
    assert query.partition("=")[0] in refused(program.get(f"{JOBS}?{query}"), 422).errors


def test_the_tasks_are_listed_with_the_schema_of_their_arguments(program: FlaskClient) -> None:
    response = program.get("/api/v1/tasks")

    tasks = TaskList.model_validate_json(response.text, strict=True, extra="forbid").tasks
    assert [task.name for task in tasks] == ["picture", "everything"]
    assert tasks[0].title == "Draw a picture"
    assert tasks[0].arguments["properties"]["width"]["maximum"] == 1600


# --- bodies that are no JSON ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"task": "picture"}x',
        b'{"task": "picture", "task": "picture"}',
        b'{"task": "picture", "arguments": {"width": 64, "width": 65}}',
        b'{"task": "everything", "arguments": {"name": "a", "count": 1, "ratio": NaN}}',
        b'{"task": "everything", "arguments": {"name": "a", "count": 1, "ratio": Infinity}}',
        b'{"task": "everything", "arguments": {"name": "a", "count": 1, "ratio": 1e999}}',
        b'{"task": "everything", "arguments": {"name": "a", "count": 1' + b"0" * 5000 + b"}}",
        b'{"task": "everything", "arguments": {"name": "\\ud800", "count": 1}}',
        b'{"task": "everything", "arguments": {"name": "\\u0000", "count": 1}}',
        b'{"task": "everything", "arguments": {"name": "\xed\xa0\x80", "count": 1}}',
        b'{"task": "everything", "arguments": {"\\udfff": "a", "count": 1}}',
        b'{"task": "everything", "arguments": {"name": "a", "count": 1, "note": ' + b"[" * 70 + b"]" * 70 + b"}}",
        b'{"task": "picture", "arguments": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"task": "picture", "arguments": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
    ],
    ids=lambda body: body[:40].decode("latin-1") + f"-{len(body)}",
)
def test_a_body_that_is_not_plain_json_is_refused_and_stores_nothing(
    program: FlaskClient, room: Room, body: bytes
) -> None:
    assert refused(program.post(JOBS, data=body, headers=EMPTY), 400).detail
    assert room.jobs() == []


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"1", b"{}", b'{"arguments": {}}'])
def test_json_that_is_no_job_is_refused(program: FlaskClient, room: Room, body: bytes) -> None:
    refused(program.post(JOBS, data=body, headers=EMPTY), 422)
    assert room.jobs() == []


def test_a_body_that_is_too_large_is_refused(program: FlaskClient, room: Room) -> None:
    refused(submit(program, task="everything", arguments={"name": "x" * 10_000_000, "count": 1}), 413)
    assert room.jobs() == []


def test_many_arguments_are_refused_by_name(program: FlaskClient, room: Room) -> None:
    refused(submit(program, arguments={f"a{number}": number for number in range(5000)}), 422)
    assert room.jobs() == []


# --- who may change something -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "text/json"])
def test_only_json_changes_anything(program: FlaskClient, room: Room, kind: str | None) -> None:
    slug = room.submit().slug
    before = room.content()

    for address, body in (
        (JOBS, b'{"task": "picture"}'),
        (f"{JOBS}/{slug}/cancel", b""),
        (f"{JOBS}/{slug}/rerun", b""),
    ):
        refused(program.post(address, data=body, content_type=kind), 403)
        refused(program.post(address, data=body, content_type=kind, headers=OURS), 415)

    assert room.content() == before


def test_a_cookie_without_a_word_where_it_comes_from_is_not_enough(client: FlaskClient, room: Room) -> None:
    assert "no cookie" in refused(submit(client), 403).detail
    assert room.jobs() == []


# --- addresses that are not there -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1", 404),
        ("POST", "/api/v1/nothing", 404),
        ("DELETE", JOBS, 405),
        ("PUT", "/api/v1/tasks", 405),
    ],
)
def test_a_wrong_address_is_a_problem_too(program: FlaskClient, method: str, path: str, code: int) -> None:
    response = program.open(path, method=method)

    refused(response, code)
    assert code != 405 or "GET" in response.headers["Allow"]


def test_a_foreign_name_is_a_problem_too(program: FlaskClient) -> None:
    refused(program.get(JOBS, headers={"Host": "evil.example"}), 400)


def test_a_mistake_of_ours_is_a_problem_with_a_reference(
    app: Flask, program: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    app.add_url_rule("/api/v1/broken", "broken", lambda: str(1 / 0))

    problem = refused(program.get("/api/v1/broken"), 500)

    assert f"reference={problem.reference}" in caplog.text
    assert "Zero" not in problem.detail


def test_the_api_is_below_the_prefix_of_a_host(settings: Settings, app: Flask) -> None:
    host = Flask("host")
    host.test_client_class = Reader
    AsyncInWeb(host, settings=settings, url_prefix="/slow")
    program = host.test_client(use_cookies=False)

    response = program.post("/slow/api/v1/jobs", json={"task": "picture"})

    assert response.headers["Location"].startswith("/slow/api/v1/jobs/")
    assert program.get("/slow/api/v1/openapi.json").json["servers"] == [{"url": "/slow/api/v1"}]
    refused(program.get("/slow/api/v1/jobs/nothing"), 404)
    close(host)
