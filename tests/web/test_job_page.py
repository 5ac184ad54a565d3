"""A job's page: its inputs, what its poll answers, stopping and running again."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from web_room import HTMX, OURS, OWNER, Room, job_part, one, page, soup, words

from asyncinweb.queue.claims import Claim
from asyncinweb.queue.transitions import cancel, fail, honour_cancel
from asyncinweb.tasks.outcome import Failed
from asyncinweb.web.job_status.status import every

pytestmark = pytest.mark.usefixtures("stopped_clock")

ENDINGS = {
    "completed": lambda room: room.complete(),
    "failed": lambda room: fail_one(room),
    "cancelled": lambda room: cancel_one(room),
}


def fail_one(room: Room) -> object:
    held = room.start()
    room.perform(fail, held, Failed("error", "ValueError: no", "Traceback: ValueError: no"))
    return held


def cancel_one(room: Room) -> object:
    job = room.submit()
    room.perform(cancel, job.slug)
    return job


# --- the page -------------------------------------------------------------------------------------------------


def test_the_inputs_are_shown_with_their_labels(client: FlaskClient, room: Room) -> None:
    job = room.submit(arguments='{"width": 640, "colours": "ice", "smooth": false}')

    inputs = page(client, f"/jobs/{job.slug}").select(".inputs > div")

    assert [(words(one(each, "dt")), words(one(each, "dd"))) for each in inputs] == [
        ("Width", "640"),
        ("Colours", "ice"),
        ("Smooth", "no"),
    ]


def test_a_job_that_changed_its_task_still_shows_what_it_was_given(client: FlaskClient, room: Room) -> None:
    job = room.submit(arguments='{"width": "not any more", "old": [1, 2]}')

    assert "not any more" in words(one(page(client, f"/jobs/{job.slug}"), ".inputs"))
    assert client.get(f"/tasks/picture?from={job.slug}").status_code == 200


def test_an_unknown_job_is_a_404(client: FlaskClient) -> None:
    for path in ("", "/status", "/log", "/log.txt", "/result", "/files/x"):
        response = client.get(f"/jobs/nothing{path}")
        assert response.status_code == 404
        assert "This job doesn't exist" in words(one(soup(response), "main"))


# --- polling ----------------------------------------------------------------------------------------------------


def test_a_young_job_is_looked_at_every_second_an_older_one_every_five(client: FlaskClient, room: Room) -> None:
    held = room.start()
    assert job_part(client, held.slug)["hx-trigger"] == "every 1s"

    room.make_older(held.slug, 16)

    assert job_part(client, held.slug)["hx-trigger"] == "every 5s"


def test_a_job_that_starts_much_later_is_looked_at_every_five_seconds(client: FlaskClient, room: Room) -> None:
    job = room.submit(run_at=datetime.now(UTC) + timedelta(hours=1))

    assert job_part(client, job.slug)["hx-trigger"] == "every 5s"


def test_the_poll_swaps_by_morphing_and_never_piles_up(client: FlaskClient, room: Room) -> None:
    part = job_part(client, room.submit().slug)

    assert (part["hx-swap"], part["hx-sync"]) == ("outerMorph", "drop")


@pytest.mark.parametrize("state", ENDINGS)
def test_a_job_that_has_ended_is_not_asked_for_again(client: FlaskClient, room: Room, state: str) -> None:
    slug = ENDINGS[state](room).slug

    for path in (f"/jobs/{slug}", f"/jobs/{slug}/status?v=x"):
        part = one(page(client, path, headers=HTMX), "#job")
        assert part["data-state"] == state
        assert not part.has_attr("hx-get")
        assert not part.has_attr("hx-trigger")
    assert not page(client, f"/jobs/{slug}").select("noscript meta")
    assert not one(page(client, f"/jobs/{slug}"), "#log-poll").has_attr("hx-trigger")


def test_an_unchanged_job_answers_204(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    for slug in (room.submit().slug, room.start("everything").slug):
        address = str(job_part(client, slug)["hx-get"])

        response = client.get(address, headers=HTMX)

        assert (response.status_code, response.data) == (204, b"")


def test_every_change_that_shows_is_answered_with_the_fragment(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    other = room.submit()
    job = room.submit()
    changes = [
        lambda: room.perform(cancel, other.slug),
        lambda: room.claim(),
        lambda: room.report(held(room, job.slug), 1, 10, "rows"),
        lambda: room.report(held(room, job.slug), 1, 10, "columns"),
        lambda: room.perform(cancel, job.slug),
        lambda: room.perform(honour_cancel, held(room, job.slug)),
    ]
    for change in changes:
        address = str(job_part(client, job.slug)["hx-get"])
        change()
        response = client.get(address, headers=HTMX)
        assert response.status_code == 200
        assert response.text.lstrip().startswith('<section id="job"')
        assert response.headers["Cache-Control"] == "no-store"
        assert "HX-Request" in response.headers["Vary"]


def held(room: Room, slug: str) -> Claim:
    job = room.job(slug)
    return Claim(job.id, job.claim_no)


def test_a_change_of_state_is_announced_but_progress_is_not(client: FlaskClient, room: Room) -> None:
    claim = room.start()
    address = str(job_part(client, claim.slug)["hx-get"])
    room.report(claim, 1, 2, "half")
    assert not soup(client.get(address, headers=HTMX)).select("hx-partial")

    room.finish(claim, "done")

    partial = one(soup(client.get(address, headers=HTMX)), "hx-partial")
    assert (partial["hx-target"], words(partial)) == ("#announce", "Draw a picture: Done")


def test_time_passing_is_no_change(client: FlaskClient, room: Room) -> None:
    claim = room.start()
    room.make_older(claim.slug, 20)
    address = str(job_part(client, claim.slug)["hx-get"])

    room.make_older(claim.slug, 30)

    assert client.get(address, headers=HTMX).status_code == 204


def test_the_fragments_address_shows_the_whole_page_to_a_browser(client: FlaskClient, room: Room) -> None:
    slug = room.submit().slug

    assert one(page(client, f"/jobs/{slug}/status"), "html h1")


def test_an_unfinished_page_refreshes_itself_without_javascript(client: FlaskClient, room: Room) -> None:
    whole = page(client, f"/jobs/{room.submit().slug}")

    assert one(whole, "noscript meta[http-equiv=refresh]")["content"] == "5"


# --- stopping, running again ------------------------------------------------------------------------------------


def test_stop_cancels_a_waiting_job(client: FlaskClient, room: Room) -> None:
    slug = room.submit().slug
    form = one(job_part(client, slug), "form#stop")

    response = client.post(str(form["action"]), headers=OURS)

    assert (response.status_code, response.location) == (303, f"/jobs/{slug}")
    assert room.job(slug).state == "cancelled"


def test_stop_asks_a_running_job(client: FlaskClient, room: Room) -> None:
    slug = room.start().slug

    client.post(f"/jobs/{slug}/cancel", headers=OURS)

    assert room.job(slug).state == "processing"
    assert room.job(slug).cancel_requested_at is not None


@pytest.mark.parametrize("state", ENDINGS)
def test_stop_that_comes_too_late_leads_to_the_page_and_changes_nothing(
    client: FlaskClient, room: Room, state: str
) -> None:
    slug = ENDINGS[state](room).slug
    before = room.content()

    response = client.post(f"/jobs/{slug}/cancel", headers=OURS)

    assert (response.status_code, response.location) == (303, f"/jobs/{slug}")
    assert room.content() == before


def test_run_again_makes_a_new_job_of_the_visitor(client: FlaskClient, room: Room) -> None:
    old = room.complete(owner="B" * 22)
    form = one(job_part(client, old.slug), "form#rerun")

    response = client.post(str(form["action"]), headers=OURS)

    assert response.status_code == 303
    new = room.job(response.location.rsplit("/", 1)[1])
    assert (new.rerun_of, new.owner, new.state) == (old.slug, OWNER, "queued")
    assert one(job_part(client, new.slug), "#rerun-of")["href"] == f"/jobs/{old.slug}"


@pytest.mark.parametrize(("seconds", "trigger"), [(5.0, "every 5s"), (0.3, "every 300ms"), (2.5, "every 2500ms")])
def test_a_poll_is_told_to_htmx_in_whole_numbers(seconds: float, trigger: str) -> None:
    assert every(seconds) == trigger
