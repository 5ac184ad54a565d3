"""A job's page in every state, what its poll answers, stopping and running again."""

from datetime import UTC, datetime, timedelta

import pytest
from bs4 import Tag
from flask.testing import FlaskClient
from web_room import HTMX, OURS, OWNER, Room, one, page, soup, words

from asyncinweb.queue.claims import Claim
from asyncinweb.queue.transitions import cancel, crash, fail, honour_cancel, release
from asyncinweb.tasks.outcome import Failed

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


def job_part(client: FlaskClient, slug: str) -> Tag:
    return one(page(client, f"/jobs/{slug}"), "#job")


def sentence(client: FlaskClient, slug: str) -> str:
    part = job_part(client, slug)
    return f"{words(one(part, '.state'))}: {words(one(part, '#sentence'))}"


# --- each state -------------------------------------------------------------------------------------------------


def test_a_queued_job_without_workers_says_how_to_start_one(client: FlaskClient, room: Room) -> None:
    job = room.submit()

    assert sentence(client, job.slug) == "Waiting: No worker is running. Start one: python run.py"


def test_a_queued_job_tells_its_place_in_line(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    first, second = room.submit(), room.submit()

    assert sentence(client, first.slug) == "Waiting: Next in line."
    assert sentence(client, second.slug) == "Waiting: 2nd in line."


def test_a_queued_job_behind_busy_workers_says_what_it_waits_for(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    room.start()
    job = room.submit()

    assert sentence(client, job.slug) == "Waiting: Next in line; it starts as soon as a worker is free."


def test_a_job_whose_process_died_says_so_while_it_waits_again(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    held = room.start()
    room.perform(crash, held, "Its process was killed (signal 9).")

    assert "Its process was killed (signal 9)." in sentence(client, held.slug)


def test_a_job_that_no_worker_knows_says_so(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    job = room.submit("gone")

    assert sentence(client, job.slug).startswith("Waiting: No worker knows the task gone")
    assert not job_part(client, job.slug).select("#change-link")


def test_a_scheduled_job_says_when_it_starts(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    job = room.submit(run_at=datetime.now(UTC) + timedelta(seconds=90))

    assert sentence(client, job.slug).startswith("Scheduled: Starts in 1 min 2")


def test_a_job_that_waits_to_retry_says_what_failed_and_when_it_goes_on(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    held = room.start("everything", max_attempts=4)
    room.perform(fail, held, Failed("error", "ConnectionError: hung up", "Traceback", 24.5))
    part = job_part(client, held.slug)

    assert words(one(part, ".state")) == "Waiting to retry"
    assert words(one(part, "#sentence")).startswith(
        "Attempt 1 of 4 failed: ConnectionError: hung up Next try in 24 s"
    )
    assert words(one(part, "#attempts .attempt-error")) == "ConnectionError: hung up"


def test_a_running_job_shows_its_progress_with_a_text(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.report(held, 620, 1000, "rows")
    part = job_part(client, held.slug)

    assert sentence(client, held.slug).startswith("Running: for 0 s")
    assert (one(part, "progress")["value"], one(part, "progress")["max"]) == ("62", "100")
    assert words(one(part, "#progress-text")) == "62 % 620 of 1,000 rows"
    assert one(part, "time[data-tick=since]")["datetime"].endswith("Z")
    assert part["data-title"] == "62 % · Draw a picture"


def test_a_running_job_without_a_total_has_an_open_bar(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.report(held, 7, None, "pages")
    part = job_part(client, held.slug)

    assert not one(part, "progress").has_attr("value")
    assert words(one(part, "#progress-text")) == "7 pages"


def test_a_job_that_was_asked_to_stop_says_so_and_has_no_stop_button(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.perform(cancel, held.slug)

    assert sentence(client, held.slug).startswith("Stopping…: asked just now")
    assert not job_part(client, held.slug).select("#stop")


def test_a_completed_job_says_how_long_it_took_and_shows_the_result(client: FlaskClient, room: Room) -> None:
    held = room.complete("forty-two")
    part = job_part(client, held.slug)

    assert sentence(client, held.slug).startswith("Done: in 0")
    assert words(one(part, "#result-text")) == "forty-two"


def test_a_failed_job_shows_the_error_then_the_reason_then_the_folded_traceback(
    client: FlaskClient, room: Room
) -> None:
    held = room.start()
    room.perform(fail, held, Failed("error", "ValueError: no", "File x, line 1\nValueError: no"))
    part = job_part(client, held.slug)

    assert words(one(part, "#error-sentence")) == "ValueError: no"
    assert words(one(part, "#reason")).startswith("The task stopped with an error")
    assert not one(part, "details#traceback").has_attr("open")
    order = [element["id"] for element in part.select("#error-sentence, #reason, #traceback")]
    assert order == ["error-sentence", "reason", "traceback"]


def test_a_job_that_ran_too_long_names_its_limit(client: FlaskClient, room: Room) -> None:
    held = room.start(timeout_seconds=60.0)
    room.perform(fail, held, Failed("timeout", "It ran longer than 60 s."))

    assert "its time limit is 1 min" in words(one(job_part(client, held.slug), "#reason"))


def test_a_job_that_crashed_twice_shows_the_first_crash_once(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.perform(crash, held, "Killed the first time.")
    room.perform(crash, room.claim(), "Killed the second time.")
    part = job_part(client, held.slug)

    assert words(one(part, "#error-sentence")) == "Killed the second time."
    assert [words(each) for each in part.select(".attempt-error")] == ["Killed the first time."]


@pytest.mark.parametrize("started", [True, False])
def test_a_cancelled_job_says_whether_it_ran(client: FlaskClient, room: Room, started: bool) -> None:
    held = room.start() if started else room.submit()
    room.perform(cancel, held.slug)
    if started:
        room.perform(honour_cancel, held)

    ending = "while it ran" if started else "before it started"
    assert sentence(client, held.slug) == f"Cancelled: just now , {ending}"


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
        assert "There is no such job" in words(one(soup(response), "main"))


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

    room.make_older(claim.slug, 500)

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


def test_a_released_job_waits_again_without_a_word_about_it(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    claim = room.start()
    room.perform(release, claim)

    assert sentence(client, claim.slug) == "Waiting: Next in line."
