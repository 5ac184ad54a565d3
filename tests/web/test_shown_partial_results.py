"""What a job has so far, on its page and through the API: where the result will be, marked as not all of it."""

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from web_room import HTMX, Room, job_part, one, page, soup, words

from asyncinweb.queue.transitions import cancel, fail, honour_cancel, release
from asyncinweb.tasks.outcome import Failed

PNG = b"\x89PNG\r\n\x1a\n"


def so_far(client: FlaskClient, slug: str) -> str:
    return words(one(job_part(client, slug), "#so-far"))


def in_api(client: FlaskClient, slug: str) -> object:
    return client.get(f"/api/v1/jobs/{slug}").json["partial_result"]


def test_a_running_job_shows_what_it_has_so_far_where_its_result_will_be(client: FlaskClient, room: Room) -> None:
    held = room.start()
    assert job_part(client, held.slug).select("#result") == []
    room.show_so_far(held, [{"step": 1}])

    part = job_part(client, held.slug)
    assert words(one(part, "#result-title")) == "Result so far"
    assert words(one(part, "#result td")) == "1"
    assert so_far(client, held.slug) == "The task is still running. This is what it has so far."
    assert in_api(client, held.slug) == [{"step": 1}]

    room.finish(held, [{"step": 2}])
    part = job_part(client, held.slug)
    assert words(one(part, "#result-title")) == "Result"
    assert words(one(part, "#result td")) == "2"
    assert part.select("#so-far, [data-so-far]") == []
    assert in_api(client, held.slug) is None


def test_a_job_that_failed_or_was_stopped_shows_what_it_had(client: FlaskClient, room: Room) -> None:
    failed, stopped = room.start(), room.start("hello")
    for held in (failed, stopped):
        room.show_so_far(held, "half of it")
    room.perform(fail, failed, Failed("error", "ValueError: no more"))
    room.perform(cancel, stopped.slug)
    room.perform(honour_cancel, stopped)

    for held, sentence in (
        (failed, "The task failed before it finished. This is what it had so far."),
        (stopped, "The job was stopped before it finished. This is what it had so far."),
    ):
        assert so_far(client, held.slug) == sentence
        assert words(one(job_part(client, held.slug), "#result-text")) == "half of it"
        assert in_api(client, held.slug) == "half of it"


def test_a_job_that_waits_again_shows_nothing_of_its_earlier_attempt(client: FlaskClient, room: Room) -> None:
    retried, released = room.start("everything", max_attempts=2), room.start()
    for held in (retried, released):
        room.show_so_far(held, "from the first attempt")
    room.perform(fail, retried, Failed("error", "ValueError: once more", retry_after=0.0))
    room.perform(release, released)

    for held, task in ((retried, "everything"), (released, "picture")):
        assert job_part(client, held.slug).select("#result") == []
        assert in_api(client, held.slug) is None
        room.claim(task)
        assert job_part(client, held.slug).select("#result") == []
        assert in_api(client, held.slug) is None


def test_each_value_changes_the_fragment_and_only_that(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.show_so_far(held, "first")
    address = str(job_part(client, held.slug)["hx-get"])
    assert client.get(address, headers=HTMX).status_code == 204

    room.show_so_far(held, "second", number=2)
    answer = client.get(address, headers=HTMX)

    assert answer.status_code == 200
    assert words(one(soup(answer), "#result-text")) == "second"


@pytest.mark.usefixtures("stopped_clock")
def test_a_job_that_shows_something_new_is_looked_at_every_second(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.make_older(held.slug, 3600)
    assert job_part(client, held.slug)["hx-trigger"] == "every 5s"

    room.show_so_far(held, "first")

    assert job_part(client, held.slug)["hx-trigger"] == "every 1s"


def test_a_picture_so_far_has_an_address_of_its_own_and_then_leads_to_the_result(
    client: FlaskClient, room: Room
) -> None:
    held = room.start()
    addresses = []
    for number in (1, 2):
        room.show_so_far(held, PNG + bytes([number]), number)
        addresses.append(str(one(job_part(client, held.slug), "#result img")["src"]))

    assert len(set(addresses)) == 2
    assert client.get(addresses[1]).data == PNG + b"\2"
    assert client.get(f"/jobs/{held.slug}/result").status_code == 404
    assert client.get(f"/api/v1/jobs/{held.slug}/result").status_code == 404
    assert client.get(f"/api/v1/jobs/{held.slug}/result?so_far=true").data == PNG + b"\2"
    assert client.get(f"/api/v1/jobs/{held.slug}/result?so_far=false").status_code == 404
    room.finish(held, PNG + b"end")
    assert client.get(addresses[1]).data == PNG + b"end"


def test_several_values_so_far_have_downloads(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.show_so_far(held, {"Rows": [{"a": 1}], "Picture": PNG})

    part = job_part(client, held.slug)
    links = [str(each.get("href") or each.get("src")) for each in part.select("#result a, #result img")]

    assert len(links) >= 4
    for link in links:
        assert client.get(link).status_code == 200, link
    assert client.get(f"/jobs/{held.slug}/result/1").status_code == 404


def test_a_value_whose_file_has_just_been_replaced_costs_only_the_value(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.show_so_far(held, "x" * 20_000)
    for file in room.folder(held.slug).path.glob("result-*"):
        file.unlink()

    assert words(one(job_part(client, held.slug), "#result-title")) == "Result so far"
    assert client.get(f"/api/v1/jobs/{held.slug}").status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/jobs", "/jobs.json", "/jobs.csv", "/jobs"])
def test_lists_leave_out_what_jobs_have_so_far(client: FlaskClient, room: Room, path: str) -> None:
    held = room.start()
    room.show_so_far(held, "half of it")

    answer = client.get(path)

    assert answer.status_code == 200
    assert held.slug in answer.text
    assert "partial_result" not in answer.text
    assert "half of it" not in answer.text


def test_markup_that_is_yielded_is_shown_as_text(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.show_so_far(held, "<script>alert(1)</script>")

    whole = BeautifulSoup(client.get(f"/jobs/{held.slug}").text, "html.parser")

    assert "<script>alert(1)</script>" in one(whole, "#result-text").get_text()
    assert page(client, f"/jobs/{held.slug}").select("#result script") == []
