"""The list of all jobs: filters and pages in the address, live."""

import csv
import io
import json
import re

import pytest
from flask.testing import FlaskClient
from web_room import HTMX, Room, one, page, soup, words

from asyncinweb.queue.transitions import cancel, fail
from asyncinweb.tasks.outcome import Failed

pytestmark = pytest.mark.usefixtures("stopped_clock")


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
    assert re.fullmatch(r"(under )?\d(\.\d)? s", words(one(rows[1], ".cell-took")))


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
    assert "The states are scheduled, queued" in words(one(soup(response), "main"))


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
    assert "No matching jobs. Clear filters" in words(one(soup(changed), ".empty"))


def test_progress_of_a_running_job_is_a_change(client: FlaskClient, room: Room) -> None:
    held = room.start()
    address = str(one(page(client, "/jobs"), "#jobs")["hx-get"])

    room.report(held, 1, 4, "")

    assert "25%" in words(one(soup(client.get(address, headers=HTMX)), ".cell-took"))


@pytest.mark.parametrize(("address", "text"), [("/jobs", "No jobs yet."), ("/jobs?mine=1", "No matching jobs.")])
def test_an_empty_list_says_why(client: FlaskClient, address: str, text: str) -> None:
    assert text in words(one(page(client, address), "#jobs .empty"))


def test_a_job_of_an_unknown_task_is_listed_under_its_name(client: FlaskClient, room: Room) -> None:
    room.submit("gone")

    assert titles(client, "/jobs") == ["gone"]


# --- words, pages that look only so far --------------------------------------------------------------------------


def test_it_can_be_searched_for_text_in_the_inputs(client: FlaskClient, room: Room) -> None:
    found = room.submit(arguments='{"width": 640, "colours": "ice"}')
    room.submit()

    assert slugs(client, "/jobs?q=640") == [found.slug]
    assert slugs(client, "/jobs?q=nothing+like+it") == []
    assert one(page(client, "/jobs?q=640"), "input[name=q]")["value"] == "640"
    assert "q=640" in str(one(page(client, "/jobs?q=640"), "#jobs")["hx-get"])


def test_a_search_that_gave_up_says_how_far_it_looked_and_goes_on(
    client: FlaskClient, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asyncinweb.queue.listing.MOST_IN_ROW", 3)
    old = room.submit(arguments='{"width": 640}')
    for _ in range(4):
        room.submit()
    whole = page(client, "/jobs?q=640")

    assert "Older jobs haven't been searched yet" in words(one(whole, "#jobs .empty"))
    assert words(one(whole, "#older")) == "Search older jobs"
    assert slugs(client, str(one(whole, "#older")["href"])) == [old.slug]


# --- for programs and spreadsheets -------------------------------------------------------------------------------


def test_the_same_list_is_there_as_json_page_by_page(
    client: FlaskClient, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asyncinweb.web.pages.job_export.JSON_ROWS", 2)
    made = [room.submit().slug for _ in range(3)]
    room.submit("everything")
    link = str(one(page(client, "/jobs?task=picture&mine=1"), "#as-json")["href"])

    first = client.get(link)
    second = client.get(first.json["next"])

    assert [job["slug"] for job in first.json["jobs"] + second.json["jobs"]] == made[::-1]
    assert first.json["jobs"][0]["arguments"] == {"width": 800, "colours": "fire", "smooth": True}
    assert (second.json["next"], "Link" in second.headers) == (None, False)
    assert first.headers["Link"] == f'<{first.json["next"]}>; rel="next"'


def test_the_same_list_is_there_as_csv_and_holds_no_formulas(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.perform(fail, held, Failed("error", "=HYPERLINK(1)", None))
    room.submit("everything")

    response = client.get(str(one(page(client, "/jobs?state=failed"), "#as-csv")["href"]))
    header, row = csv.reader(io.StringIO(response.text.removeprefix("\ufeff")))

    assert response.mimetype == "text/csv"
    assert row[header.index("slug")] == held.slug
    assert row[header.index("error")] == "'=HYPERLINK(1)"
    assert row[header.index("url")].endswith(f"/jobs/{held.slug}")


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("x" * 2_000_000, ["one"]),
        ("short", ["y" * 900_000] * 2),
        ("short", [""] * 500_000),
        ("\u2028" * 500_000, []),
    ],
)
def test_lists_for_programs_cut_long_arguments_and_say_so(
    client: FlaskClient, room: Room, note: str, words: list[str]
) -> None:
    task = room.app.extensions["asyncinweb"].registry.tasks["everything"]
    for name in ("Ann", "Bob"):
        long = {"name": name, "count": 1, "note": note, "words": words}
        room.submit(
            "everything", json.dumps({**json.loads(task.inputs.to_json({"name": name, "count": 1})), **long})
        )
    short = room.submit()

    as_json, as_csv = client.get("/jobs.json"), client.get("/jobs.csv")
    (listed, bob, ann) = as_json.json["jobs"]

    assert len(as_json.data) + len(as_csv.data) < 20_000
    assert (listed["slug"], listed["arguments_cut"]) == (short.slug, False)
    assert [job["arguments_cut"] for job in (bob, ann)] == [True, True]
    assert [job["arguments"]["name"] for job in (bob, ann)] == ["Bob", "Ann"]
    assert bob["arguments"].keys() == json.loads(room.job(bob["slug"]).arguments).keys()
    assert [row["arguments_cut"] for row in csv.DictReader(io.StringIO(as_csv.text))] == ["no", "yes", "yes"]


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_wrong_filter_is_refused_there_too(client: FlaskClient, kind: str) -> None:
    assert client.get(f"/jobs.{kind}?state=broken").status_code == 400
