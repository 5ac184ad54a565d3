"""Files from programs: a form of which the first field is the job. Received by the same rules as a visitor's form,
and never from a page of another site."""

import io
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from api_room import JOBS, refused, whole
from flask import Flask, request
from flask.testing import FlaskClient
from pydantic import Field, SecretStr
from web_room import OURS, OWNER, TOKEN, Room
from werkzeug.test import TestResponse

from asyncinweb.queue.files.job_inputs import inputs_folder
from asyncinweb.settings import Settings
from asyncinweb.tasks.inputs.uploaded import Accept, UploadedFile
from asyncinweb.tasks.registry import Options, Task
from asyncinweb.web.api.models import WholeJob

DATA = b"a,b\n1,2\n"
KEY = {"Idempotency-Key": "k1"}
FORM = "multipart/form-data"
HEAD = b'--x\r\nContent-Disposition: form-data; name="job"\r\n\r\n{"task": "check"}\r\n'
FILE = b'--x\r\nContent-Disposition: form-data; name="table"; filename="orders.csv"\r\n\r\na,b\r\n'


@dataclass
class Sender:
    name: str
    photo: UploadedFile | None = None
    password: SecretStr | None = None


def check(
    table: Annotated[UploadedFile, Accept(".csv", max_mb=0.001)],
    sender: Sender | None = None,
    times: Annotated[int, Field(ge=1)] = 1,
    more: Annotated[list[UploadedFile], Field(max_length=2)] = [],  # noqa: B006 - as an author would write it
) -> str:
    return ""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_upload_mb": 0.01})


@pytest.fixture
def app(app: Flask) -> Flask:
    app.extensions["asyncinweb"].registry.tasks["check"] = Task(check, Options())
    return app


def file(data: bytes = DATA, name: str = "orders.csv") -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), name


def send(client: FlaskClient, files: dict[str, Any], headers: dict[str, str] = KEY, **job: Any) -> TestResponse:
    """Send the job and then its files, which are tuples."""
    body = {"job": json.dumps({"task": "check", **job}), **files}
    return client.post(JOBS, data=body, content_type=FORM, headers=headers)


def called_with(room: Room, job: WholeJob) -> dict[str, Any]:
    """What the function would be called with."""
    inputs = room.app.extensions["asyncinweb"].registry["check"].inputs
    found: dict[str, Any] = inputs.from_json(room.job(job.slug).arguments, inputs_folder(room.folder(job.slug)))
    return found


def left_behind(instance: Path) -> list[Path]:
    """Files of uploads, and folders of jobs that are none."""
    return [path for name in ("uploads", "jobs") for path in (instance / name).rglob("*") if path.is_file()]


# --- what a program may send ------------------------------------------------------------------------------------


def test_a_program_sends_a_job_and_its_file(program: FlaskClient, room: Room, instance: Path) -> None:
    made = whole(send(program, {"table": file()}, arguments={"times": 3}, priority=-1), 201)

    given = called_with(room, made)
    assert (given["table"].name, given["table"].path.read_bytes(), given["times"]) == ("orders.csv", DATA, 3)
    assert given["table"].path.is_relative_to(room.folder(made.slug).path)
    assert (made.owner, made.priority) == ("program:127.0.0.1", -1)
    assert made.arguments["table"]["size"] == len(DATA)
    assert not [path for path in (instance / "uploads").rglob("*") if path.is_file()]


def test_files_of_one_name_are_a_list_and_a_member_is_named_with_its_parameter(
    program: FlaskClient, room: Room
) -> None:
    files = {
        "table": file(),
        "more": [file(b"1", "one.txt"), file(b"2", "two.txt")],
        "sender.photo": file(b"p", "p.png"),
    }
    made = whole(send(program, files, arguments={"sender": {"name": "Ann", "password": "hunter2"}}), 201)

    given = called_with(room, made)
    assert [each.name for each in given["more"]] == ["one.txt", "two.txt"]
    assert (given["sender"].name, given["sender"].photo.path.read_bytes()) == ("Ann", b"p")
    assert "hunter2" not in str(room.content())


def test_a_job_without_files_may_come_as_a_form_too(program: FlaskClient, room: Room) -> None:
    whole(send(program, {}, task="picture", arguments={"width": 64}), 201)


def test_the_job_may_come_as_a_file(program: FlaskClient, room: Room) -> None:
    body = {"job": (io.BytesIO(b'{"task": "check"}'), "job.json", "application/json"), "table": file()}

    whole(program.post(JOBS, data=body, content_type=FORM, headers=KEY), 201)


def test_a_page_of_our_own_may_send_files_with_its_cookie(client: FlaskClient) -> None:
    assert whole(send(client, {"table": file()}, {**KEY, **OURS}), 201).owner == OWNER


def test_it_works_where_the_app_around_has_read_the_form(app: Flask, program: FlaskClient, room: Room) -> None:
    app.before_request_funcs[None].insert(0, lambda: request.form and None)

    made = whole(send(program, {"table": file(), "more": [file(b"1", "1"), file(b"2", "2")]}), 201)

    assert called_with(room, made)["table"].path.read_bytes() == DATA
    assert len(called_with(room, made)["more"]) == 2


# --- the same request twice -------------------------------------------------------------------------------------


def test_the_same_upload_again_is_the_same_job_and_keeps_nothing_twice(
    program: FlaskClient, room: Room, instance: Path
) -> None:
    first = whole(send(program, {"table": file()}), 201)
    before = left_behind(instance)

    assert whole(send(program, {"table": file()}), 201).slug == first.slug
    assert room.jobs() == [first.slug]
    assert left_behind(instance) == before


@pytest.mark.parametrize("other", [file(b"other"), file(name="other.csv")])
def test_the_same_key_with_another_file_is_a_conflict(
    program: FlaskClient, room: Room, instance: Path, other: tuple[io.BytesIO, str]
) -> None:
    send(program, {"table": file()})
    before = left_behind(instance)

    refused(send(program, {"table": other}), 409)
    assert len(room.jobs()) == 1
    assert left_behind(instance) == before


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "job", "field", "words"),
    [
        ({}, {}, "table", "is required"),
        ({"table": file(name="orders.exe")}, {}, "table", "must be a .csv file, not 'orders.exe'"),
        ({"table": file(b"x" * 1001)}, {}, "table", "must be at most 1 kB"),
        ({"table": [file(), file(b"2")]}, {}, "table", "takes only one file"),
        ({"table": file(b"", "")}, {}, "table", "is required"),
        ({"table": "orders.csv"}, {}, "table", "must be a file: only files"),
        ({"table": file(), "times": file()}, {}, "times", "doesn't take a file"),
        ({"table": file(), "times": "3"}, {}, "times", "must be a file: only files"),
        ({"table": file(), "tabel": file()}, {}, "tabel", "Did you mean 'table'?"),
        ({"table": file()}, {"arguments": {"table": "/etc/passwd"}}, "table", "is given twice"),
        ({"table": file()}, {"arguments": {"times": 0}}, "times", "at least 1"),
        ({"table": file(), "sender.photo": file()}, {"arguments": {"sender": 5}}, "sender", ""),
        ({"table": file(), "sender.photo": file()}, {}, "sender.name", "is required"),
        ({"table": file(), "more": [file(str(n).encode()) for n in range(3)]}, {}, "more", "at most 2"),
        ({"table": file()}, {"task": "chekc"}, "task", "Did you mean 'check'?"),
        ({"table": file()}, {"owner": "ann"}, "owner", ""),
        ({"table": file()}, {"priority": 1}, "priority", "at most 0"),
        ({"table": file()}, {"task": "picture"}, "table", "isn't a parameter of picture"),
    ],
)
def test_what_does_not_fit_is_named_and_leaves_nothing(
    program: FlaskClient,
    room: Room,
    instance: Path,
    files: dict[str, Any],
    job: dict[str, Any],
    field: str,
    words: str,
) -> None:
    # A stream can be read once, and a parameter of a test is made once.
    fresh = {name: _again(each) for name, each in files.items()}

    problem = refused(send(program, fresh, **job), 422)

    assert words in problem.errors[field]
    assert room.jobs() == []
    assert left_behind(instance) == []


def _again(value: Any) -> Any:
    if isinstance(value, list):
        return [_again(each) for each in value]
    return value if isinstance(value, str) else (io.BytesIO(value[0].getvalue()), value[1])


def test_everything_that_is_wrong_is_told_at_once(program: FlaskClient) -> None:
    problem = refused(send(program, {"table": file(name="a.exe")}, arguments={"times": 0}), 422)

    assert problem.errors.keys() == {"table", "times"}


def test_files_above_the_limit_of_the_server_are_a_413(program: FlaskClient, room: Room, instance: Path) -> None:
    together = send(program, {"table": file(), "more": [file(b"1" * 6_000), file(b"2" * 6_000)]})
    by_length = program.post(
        JOBS,
        data=b"never read",
        content_type=f"{FORM}; boundary=x",
        headers=KEY,
        environ_overrides={"CONTENT_LENGTH": "9000000"},
    )
    long_job = program.post(
        JOBS, data=HEAD.replace(b"{", b" " * 8_000_000 + b"{"), content_type=f"{FORM}; boundary=x", headers=KEY
    )

    assert "limit is 10 kB in total" in refused(together, 413).detail
    refused(by_length, 413)
    refused(long_job, 413)
    assert room.jobs() == []
    assert left_behind(instance) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (FILE + HEAD + b"--x--\r\n", "The first part must be the field 'job'"),
        (b"--x--\r\n", "The first part must be the field 'job'"),
        (HEAD.replace(b"{", b"[") + FILE + b"--x--\r\n", "In the field 'job': The body isn't valid JSON"),
        (HEAD.replace(b'"check"', b'"check", "task": "x"') + b"--x--\r\n", "appears twice"),
        (HEAD + FILE[:-20], "incomplete"),
        (HEAD + FILE, "incomplete"),
        (b"", "The first part must be the field 'job'"),
        (b"\xff" * 100, "incomplete"),
    ],
)
def test_a_form_that_cannot_be_read_is_a_400_and_leaves_nothing(
    program: FlaskClient, room: Room, instance: Path, body: bytes, words: str
) -> None:
    response = program.post(JOBS, data=body, content_type=f"{FORM}; boundary=x", headers=KEY)

    assert words in refused(response, 400).detail
    assert room.jobs() == []
    assert left_behind(instance) == []


def test_a_file_without_a_key_is_refused_with_the_cure(program: FlaskClient, client: FlaskClient) -> None:
    assert "an Idempotency-Key" in refused(send(program, {"table": file()}, {}), 403).detail
    assert "needs an Idempotency-Key" in refused(send(client, {"table": file()}, OURS), 400).detail
    assert "visible ASCII" in refused(send(program, {"table": file()}, {"Idempotency-Key": ""}), 400).detail


@pytest.mark.parametrize("verb", ["cancel", "rerun"])
def test_no_other_verb_takes_a_form(program: FlaskClient, room: Room, verb: str) -> None:
    address = f"{JOBS}/{room.submit().slug}/{verb}"
    before = room.content()

    refused(program.post(address, data={"a": "b"}, content_type=FORM, headers=KEY), 415)
    refused(program.post(address, data={"a": "b"}, content_type=FORM, headers={**KEY, **OURS}), 415)
    assert room.content() == before


# --- who may --------------------------------------------------------------------------------------------------


TYPES = ("application/json", FORM, "application/x-www-form-urlencoded", "text/plain")
KEYS = ({}, KEY)
COOKIES = ({}, {"Cookie": f"asyncinweb_visitor={TOKEN}"})
ORIGINS = ({}, {"Origin": "http://localhost"}, {"Origin": "null"}, {"Origin": "http://evil.example"})
SITES = ({}, *({"Sec-Fetch-Site": site} for site in ("same-origin", "none", "same-site", "cross-site")))

# What is let in as a program, without a cookie and without a word where it comes from: a type that browsers ask
# about first, or a header that they ask about first.
PROGRAMS = {("application/json", False), ("application/json", True), (FORM, True)}
# What is let in as one of our own pages, by (Origin, Sec-Fetch-Site), with a cookie or without.
PAGES = {
    *((each.get("Origin"), site) for each in ORIGINS for site in ("same-origin", "none")),
    ("http://localhost", None),
}


@pytest.mark.parametrize("kind", TYPES)
def test_each_combination_of_headers_means_a_program_our_own_page_or_a_refusal(
    program: FlaskClient, room: Room, kind: str
) -> None:
    """Tried: without the key's part in `_is_asked_about_first`, and without its look at Cookie, Origin or
    Sec-Fetch-Site, combinations are let in that are none of these."""
    let_in = 0
    for key, cookie, origin, site in itertools.product(KEYS, COOKIES, ORIGINS, SITES):
        headers = {**key, **cookie, **origin, **site}
        before = len(room.jobs())
        body = {"job": '{"task": "picture"}'} if kind != "application/json" else b'{"task": "picture"}'
        if key:
            headers["Idempotency-Key"] = f"k{before}"
        response = program.post(JOBS, data=body, content_type=kind, headers=headers)

        is_program = not cookie and not origin and not site and (kind, bool(key)) in PROGRAMS
        is_page = (origin.get("Origin"), site.get("Sec-Fetch-Site")) in PAGES
        assert (response.status_code == 403) == (not is_program and not is_page), headers
        assert (len(room.jobs()) > before) == (response.status_code == 201), headers
        let_in += response.status_code == 201

    # 2 programs and 36 pages with JSON, since both have a key or none; a form needs its key.
    assert let_in == {"application/json": 38, FORM: 19}.get(kind, 0)


def test_the_question_that_browsers_ask_first_is_never_answered_with_a_yes(program: FlaskClient) -> None:
    asked = {
        "Origin": "http://evil.example",
        "Sec-Fetch-Site": "cross-site",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "idempotency-key",
    }
    response = program.options(JOBS, headers=asked)

    assert not [name for name, _ in response.headers if name.lower().startswith("access-control-")]
