"""Files and secrets in a form: streamed, checked, kept across an error, owned by the job, gone with it."""

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from bs4 import Tag
from flask import Flask, request
from flask.testing import FlaskClient
from pydantic import Field, SecretStr
from web_room import HTMX, OURS, Reader, Room, filled, one, page, post, soup, words
from werkzeug.test import TestResponse

from asyncinweb.queue.files.job_inputs import inputs_folder
from asyncinweb.queue.files.uploads import remove_abandoned
from asyncinweb.queue.maintenance.retention import clean
from asyncinweb.settings import Settings
from asyncinweb.tasks.inputs.uploaded import Accept, UploadedFile
from asyncinweb.tasks.registry import Options, Task, registry

DATA = b"a,b\n1,2\n"
HOSTILE = "../../<b>\u202ex.csv"


@dataclass
class Sender:
    name: str
    password: SecretStr


def check(
    table: Annotated[UploadedFile, Accept(".csv", max_mb=0.001)],
    sender: Sender,
    times: Annotated[int, Field(ge=1)] = 1,
    more: Annotated[list[UploadedFile], Field(max_length=2)] = [],  # noqa: B006 - as an author would write it
) -> str:
    """Check a table."""
    return ""


FILLED = {"sender.name": "Ann", "sender.password": "hunter2"}


@pytest.fixture(autouse=True)
def task(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.tasks, "check", Task(check, Options()))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_upload_mb": 0.01})


def file(data: bytes = DATA, name: str = "orders.csv") -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), name


def send(client: FlaskClient, data: dict[str, Any], **headers: str) -> TestResponse:
    """Send the form as a browser does; files are tuples."""
    return client.post(
        "/tasks/check", data={**FILLED, **data}, content_type="multipart/form-data", headers={**OURS, **headers}
    )


def job_of(room: Room, response: TestResponse) -> Any:
    assert response.status_code == 303, response.text
    return room.job(response.location.rsplit("/", 1)[1])


def arguments_of(room: Room, response: TestResponse) -> dict[str, Any]:
    """What the function would be called with."""
    job = job_of(room, response)
    inputs = registry["check"].inputs
    return inputs.from_json(job.arguments, inputs_folder(room.folder(job.slug)))


def waiting(instance: Path) -> list[Path]:
    """Uploads that wait for a job."""
    return [path for path in (instance / "uploads").rglob("*") if path.is_file() and path.suffix != ".json"]


def kept(form: Tag) -> list[str]:
    return [words(each) for each in form.select(".kept .kept-file")]


def test_a_file_becomes_the_jobs_under_a_name_of_ours(client: FlaskClient, room: Room, instance: Path) -> None:
    response = send(client, {"table": file()})

    table = arguments_of(room, response)["table"]
    assert table.path.read_bytes() == DATA
    assert (table.name, table.suffix, table.size) == ("orders.csv", ".csv", len(DATA))
    assert table.path.is_relative_to(room.folder(job_of(room, response).slug).path)
    assert table.path.stat().st_mode & 0o777 == 0o600
    assert waiting(instance) == []


def test_the_form_says_what_is_accepted_and_can_send_files_without_javascript(client: FlaskClient) -> None:
    form = one(page(client, "/tasks/check"), "form.task-form")
    control = one(form, "#check-table")

    assert (form["method"], form["enctype"]) == ("post", "multipart/form-data")
    assert (control["type"], control["accept"], control["data-max-bytes"]) == ("file", ".csv", "1000")
    assert words(one(form, f"#{control['aria-describedby']}")) == ".csv, up to 1 kB"
    assert one(form, "#check-more").has_attr("multiple")
    assert words(one(form, "#check-more-help")) == "Up to 10 kB, at most 2 files"
    assert one(form, "fieldset.group#check-sender input[type=password]#check-sender-password")


def test_a_file_is_kept_while_the_form_is_put_right(client: FlaskClient, room: Room, instance: Path) -> None:
    refused = send(client, {"table": file(), "times": "0"})
    form = one(soup(refused), "form.task-form")

    assert refused.status_code == 422
    assert kept(form) == ["orders.csv 8 bytes"]
    assert not one(form, "#check-table-other").has_attr("required")
    assert [path.stat().st_mode & 0o777 for path in waiting(instance)] == [0o600]
    # Its name and size lie beside it.
    assert [path.stat().st_mode & 0o777 for path in instance.glob("uploads/*/*")] == [0o600] * 2
    again = {**filled(form), "times": ["1"], "sender.password": ["hunter2"]}
    accepted = client.post("/tasks/check", data=again, headers=OURS)
    assert arguments_of(room, accepted)["table"].path.read_bytes() == DATA


def test_a_kept_file_can_be_left_out_or_replaced(client: FlaskClient, room: Room) -> None:
    form = one(soup(send(client, {"table": file(), "times": "0"})), "form.task-form")
    sent = {**filled(form), "times": ["1"], "sender.password": ["x"]}

    left_out = send(client, {**sent, "table": []})
    replaced = send(client, {**sent, "table": [*sent["table"], file(b"new", "other.csv")]})

    assert "is required" in words(one(soup(left_out), ".summary"))
    assert arguments_of(room, replaced)["table"].name == "other.csv"


def refused_with_three_files(client: FlaskClient) -> Tag:
    files = {"table": file(), "more": [file(), file(b"x", "b.csv")]}
    return one(soup(send(client, {**files, "times": "0"})), "form.task-form")


def test_the_form_says_which_file_will_be_sent(client: FlaskClient) -> None:
    form = refused_with_three_files(client)
    single, several = one(form, "#check-table-replace"), one(form, "#check-more-replace")

    assert words(one(single, "summary")) == "Replace"
    assert words(one(single, "p")) == "A file you choose here replaces orders.csv."
    assert one(single, "input")["aria-describedby"].split()[-1] == one(single, "p")["id"]
    assert words(one(several, "summary")) == "Add files"
    assert words(one(several, "p")) == "Files you choose here are added to those above."
    assert [box["aria-label"] for box in form.select(".kept .remove input")] == [
        "Remove orders.csv",
        "Remove orders.csv",
        "Remove b.csv",
    ]


@pytest.mark.parametrize("chosen", [True, False])
def test_a_removed_file_is_not_sent(client: FlaskClient, room: Room, chosen: bool) -> None:
    form = refused_with_three_files(client)
    token, first, _ = [str(box["value"]) for box in form.select(".kept .remove input")]
    sent = {**filled(form), "times": ["1"], "sender.password": ["x"], "form-remove": [token, first]}
    others = {"table": [*sent["table"], file(b"new", "other.csv")]} if chosen else {}

    answer = send(client, {**sent, **others})

    if chosen:
        arguments = arguments_of(room, answer)
        assert (arguments["table"].name, [each.name for each in arguments["more"]]) == ("other.csv", ["b.csv"])
    else:
        assert "is required" in words(one(soup(answer), ".summary"))
        assert kept(one(soup(answer), "form.task-form")) == ["b.csv 1 byte"]


def test_a_wrong_file_in_place_of_a_kept_one_leaves_that_in_place(client: FlaskClient) -> None:
    form = one(soup(send(client, {"table": file(), "times": "0"})), "form.task-form")
    sent = filled(form)

    refused = send(client, {**sent, "table": [*sent["table"], file(b"x", "bad.exe")]})

    assert kept(one(soup(refused), "form.task-form")) == ["orders.csv 8 bytes"]
    assert "bad.exe" in words(one(soup(refused), "#check-table-error"))


def test_only_its_owner_can_use_a_kept_file(app: Flask, client: FlaskClient, room: Room) -> None:
    sent = filled(one(soup(send(client, {"table": file(), "times": "0"})), "form.task-form"))
    stranger = app.test_client()

    response = stranger.post("/tasks/check", data={**sent, **FILLED, "times": ["1"]}, headers=OURS)

    assert response.status_code == 422
    assert "Table is no longer available; choose the file again" in words(one(soup(response), ".summary"))
    assert room.jobs() == []


@pytest.mark.parametrize("token", ["../../asyncinweb.db", "x" * 22, "x" * 22 + ".json", "x/" + "0" * 64, "/"])
def test_a_token_that_is_none_opens_nothing(client: FlaskClient, room: Room, token: str) -> None:
    response = post(client, "check", {**FILLED, "table": token})

    assert response.status_code == 422
    assert room.jobs() == []


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"table": file(name="orders.exe")}, "Table must be a .csv file, not 'orders.exe'"),
        ({"table": file(b"x" * 1001)}, "Table must be at most 1 kB ('orders.csv' is larger)"),
        ({"table": file(b"", "")}, "Table is required"),
        ({}, "Table is required"),
        ({"table": file(), "times": file()}, "Times doesn't take a file"),
        ({"table": file(), "tabel": file()}, "tabel isn't a parameter of check. Did you mean 'table'?"),
        (
            {"table": file(), "more": [file(b"1"), file(b"2"), file(b"3")]},
            "More must have at most 2 files, not 3",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_told_beside_its_field(
    client: FlaskClient, room: Room, sent: dict[str, Any], sentence: str
) -> None:
    response = send(client, sent)

    assert response.status_code == 422
    assert sentence in words(one(soup(response), ".summary"))
    assert room.jobs() == []


def test_a_wrong_file_is_not_kept(client: FlaskClient, instance: Path) -> None:
    form = soup(send(client, {"table": file(b"x" * 1001)}))

    assert kept(form) == []
    assert waiting(instance) == []


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_more_than_the_server_takes_is_a_413_in_words(
    client: FlaskClient, room: Room, instance: Path, headers: dict[str, str]
) -> None:
    by_length = client.post(
        "/tasks/check",
        data=b"never read",
        content_type="multipart/form-data; boundary=x",
        headers={**OURS, **headers},
        environ_overrides={"CONTENT_LENGTH": "9000000"},
    )
    together = send(client, {"table": file(), "more": [file(b"1" * 6_000), file(b"2" * 6_000)]}, **headers)

    assert (by_length.status_code, together.status_code) == (413, 413)
    assert "The files are too large. The limit is 10 kB in total. Nothing was started." in words(
        one(soup(by_length), "#error")
    )
    assert "The files are too large. The limit is 10 kB in total." in words(one(soup(together), "#error"))
    assert room.jobs() == []
    assert waiting(instance) == []


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_too_many_fields_are_a_413_in_words(client: FlaskClient, room: Room, kind: str) -> None:
    many = {f"field{number}": "1" for number in range(1_001)}

    response = client.post("/tasks/check", data=many, content_type=kind, headers=OURS)

    assert response.status_code == 413
    assert "more than 1,000 fields" in words(one(soup(response), "#error"))


def test_a_form_cut_short_is_a_400_and_leaves_nothing(client: FlaskClient, room: Room, instance: Path) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="table"; filename="a.csv"\r\n\r\nhalf'

    response = client.post("/tasks/check", data=body, content_type="multipart/form-data; boundary=x", headers=OURS)

    assert response.status_code == 400
    assert "arrived incomplete" in words(one(soup(response), "#error"))
    assert waiting(instance) == []


def test_a_form_sent_twice_with_its_file_is_one_job(client: FlaskClient, room: Room, instance: Path) -> None:
    key = filled(one(page(client, "/tasks/check"), "form.task-form"))["form-key"]

    first, second = (send(client, {"form-key": key, "table": file()}) for _ in range(2))
    other = send(client, {"form-key": key, "table": file(b"other")})
    secret = send(client, {"form-key": key, "table": file(), "sender.password": "another"})

    assert first.location == second.location
    assert len({first.location, other.location, secret.location}) == 3
    assert len(list((instance / "jobs").glob("*/*"))) == 3


def test_a_hostile_name_is_shown_as_text_and_is_no_path(client: FlaskClient, room: Room, instance: Path) -> None:
    response = send(client, {"table": file(name=HOSTILE), "times": "0"})

    assert "&lt;b&gt;" in response.text
    assert "<b>" not in response.text
    assert "\u202e" not in response.text
    assert all(path.is_relative_to(instance / "uploads") for path in waiting(instance))
    assert not list(instance.parent.glob("*.csv"))


def test_a_secret_is_seen_nowhere_but_in_the_function(
    client: FlaskClient, room: Room, instance: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refused = send(client, {"table": file(), "times": "0"})
    accepted = send(client, {"table": file()})
    job = job_of(room, accepted)

    assert arguments_of(room, accepted)["sender"].password.get_secret_value() == "hunter2"
    control = one(soup(refused), "#check-sender-password")
    assert not control.has_attr("value")
    assert "Check that this is still filled in" in words(one(soup(refused), ".again"))
    seen = [refused.text, caplog.text, str(room.content())]
    seen += [client.get(f"{place}{job.slug}").text for place in ("/jobs/", "/tasks/check?from=", "/api/v1/jobs/")]
    seen += [client.get(place).text for place in ("/jobs", "/")]
    seen.append(page(client, "/tasks/check?sender.password=hunter2").decode())
    assert [text for text in seen if "hunter2" in text] == []
    holders = [path for path in instance.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert [path.name for path in holders] == ["secrets.json"]


def test_the_jobs_page_names_the_file_and_hides_the_secret(client: FlaskClient, room: Room) -> None:
    job = job_of(room, send(client, {"table": file()}))

    inputs = words(one(page(client, f"/jobs/{job.slug}"), ".inputs"))
    row = words(one(page(client, "/jobs"), ".cell-inputs"))

    assert "Table orders.csv (8 bytes)" in inputs
    assert "Sender: Password (secret)" in inputs
    assert row.startswith("orders.csv (8 bytes) · Ann · (secret)")


def test_a_job_that_is_run_again_has_its_file_and_secret_although_the_first_is_gone(
    client: FlaskClient, room: Room
) -> None:
    first = job_of(room, send(client, {"table": file()}))

    again = client.post(f"/jobs/{first.slug}/rerun", headers=OURS)
    room.folder(first.slug).remove()

    arguments = arguments_of(room, again)
    assert arguments["table"].path.read_bytes() == DATA
    assert arguments["sender"].password.get_secret_value() == "hunter2"


def test_the_form_of_an_earlier_job_brings_its_file(client: FlaskClient, room: Room) -> None:
    first = job_of(room, send(client, {"table": file()}))

    form = one(page(client, f"/tasks/check?from={first.slug}"), "form.task-form")
    response = send(client, {**filled(form), "sender.password": "new"})

    assert kept(form) == ["orders.csv 8 bytes"]
    assert arguments_of(room, response)["table"].path.read_bytes() == DATA


def test_files_and_secrets_go_with_their_job(client: FlaskClient, room: Room, settings: Settings) -> None:
    job = job_of(room, send(client, {"table": file()}))
    room.finish(room.claim("check"), "done")
    with room.database.write() as connection:
        connection.exec_driver_sql("UPDATE asyncinweb_jobs SET finished_at = finished_at - 40 * 86400")

    assert sum(step.jobs for step in clean(room.database, settings)) == 1

    assert not room.folder(job.slug).path.exists()


def test_a_refused_request_leaves_no_folder(client: FlaskClient, room: Room, instance: Path) -> None:
    with room.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE asyncinweb_supervisors")

    assert send(client, {"table": file()}).status_code == 503

    assert list((instance / "jobs").glob("*/*")) == []
    assert waiting(instance) == []


def test_uploads_that_nobody_came_back_for_are_removed(client: FlaskClient, instance: Path) -> None:
    send(client, {"table": file(), "times": "0"})
    (fresh,) = waiting(instance)
    send(client, {"table": file(b"old"), "times": "0"})
    (old,) = (path for path in waiting(instance) if path != fresh)
    os.utime(old, (0, 0))

    assert remove_abandoned(instance) == 1

    assert waiting(instance) == [fresh]
    assert json.loads(fresh.with_name(f"{fresh.name}.json").read_text())["name"] == "orders.csv"


@pytest.fixture
def app_that_reads_forms(app: Flask) -> FlaskClient:
    """A host app that has read every form before we see it, as CSRF extensions do."""
    app.before_request_funcs.setdefault(None, []).append(lambda: request.form and None)
    app.test_client_class = Reader
    return app.test_client()


def test_files_arrive_although_the_app_around_us_has_read_the_form(
    app_that_reads_forms: FlaskClient, room: Room
) -> None:
    response = send(app_that_reads_forms, {"table": file(), "more": [file(b"1"), file(b"2")]})

    arguments = arguments_of(room, response)
    assert arguments["table"].path.read_bytes() == DATA
    assert [each.path.read_bytes() for each in arguments["more"]] == [b"1", b"2"]
