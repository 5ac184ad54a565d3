"""A job's page in every state: one plain sentence each, and what stands below it."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from web_room import OWNER, Room, job_part, one, page, sentence, words

from asyncinweb.queue.claims import Claim, ClaimScope
from asyncinweb.queue.estimates import Range
from asyncinweb.queue.transitions import cancel, claim, fail, fail_crashed, honour_cancel, release, report
from asyncinweb.tasks.outcome import Failed, SourceLine

pytestmark = pytest.mark.usefixtures("stopped_clock")

SOON = timedelta(seconds=90)
ERROR = Failed("error", "ConnectionError: hung up", "Traceback", 24.5)
TRACEBACK = """Traceback (most recent call last):
  File "/srv/tasks/report.py", line 12, in report
    total = read(path)
  File "/srv/tasks/reading.py", line 40, in read
    return 1 / parts
           ~~^~~~~~~
  File "/usr/lib/python3.11/site-packages/thing/core.py", line 7, in divide
    raise ValueError("no")
ValueError: no
"""


# --- waiting ----------------------------------------------------------------------------------------------------


def test_without_workers_the_operator_reads_how_to_start_one(client: FlaskClient, room: Room) -> None:
    job = room.submit()

    assert sentence(client, job.slug) == (
        "Waiting: No jobs are being processed right now. Yours is saved and will start as soon as a worker is "
        "back. To start one, run asyncinweb worker with the same options as this server."
    )


@pytest.mark.parametrize("settings", [{"allowed_hosts": ["jobs.example"]}], indirect=True)
@pytest.mark.parametrize("run_at", [None, SOON])
def test_a_visitor_from_elsewhere_reads_no_command(
    client: FlaskClient, room: Room, run_at: timedelta | None
) -> None:
    job = room.submit(run_at=run_at and datetime.now(UTC) + run_at)
    text = client.get(f"/jobs/{job.slug}", headers={"Host": "jobs.example"}).text

    assert "No jobs are being processed right now" in text
    assert "asyncinweb worker" not in text


def test_while_the_workers_are_starting_it_says_so(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    room.change("DELETE FROM asyncinweb_workers")

    assert sentence(client, room.submit().slug) == (
        "Waiting: The server has just started. This job starts in a moment."
    )


def test_workers_whose_server_has_gone_are_no_workers(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    room.change("UPDATE asyncinweb_supervisors SET heartbeat_at = heartbeat_at - 60")

    assert "No jobs are being processed right now" in sentence(client, room.submit().slug)


def test_with_a_free_worker_it_starts_in_a_moment(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    first, second = room.submit(), room.submit()

    assert sentence(client, first.slug) == "Waiting: Starts in a moment."
    assert sentence(client, second.slug) == "Waiting: 1 job is ahead of you."


def test_behind_a_running_job_it_tells_its_place_and_what_it_waits_for(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    room.start()
    first, second = room.submit(), room.submit()

    assert sentence(client, first.slug) == "Waiting: You're next. Starts when the running job finishes."
    assert sentence(client, second.slug) == "Waiting: 1 job is ahead of you, and 1 is running."


def test_with_evidence_it_says_when_it_usually_starts(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    room.has_run([10.0] * 5)
    room.start()
    first, second = room.submit(), room.submit()

    assert sentence(client, first.slug).endswith("Starts when the running job finishes, usually within 15 s.")
    assert sentence(client, second.slug).endswith("and 1 is running. Usually starts within 25 s.")


def test_a_job_that_runs_longer_than_usual_is_no_evidence(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    room.has_run([10.0] * 5)
    room.make_older(room.start().slug, 60)

    assert "usually" not in sentence(client, room.submit().slug)


@pytest.mark.parametrize(
    ("before", "end"), [(0, "You're next."), (1, "1 job is ahead of you."), (2, "2 jobs are ahead of you.")]
)
def test_a_limit_of_its_task_is_named(client: FlaskClient, room: Room, before: int, end: str) -> None:
    room.limit("picture", 1)
    room.add_worker()
    room.start()
    slug = [room.submit().slug for _ in range(before + 1)][-1]

    assert sentence(client, slug) == f"Waiting: Only one of these jobs can run at a time. {end}"


@pytest.mark.parametrize("settings", [{"max_running_per_owner": 2}], indirect=True)
@pytest.mark.parametrize(
    ("owner", "whose", "end"),
    [(OWNER, "your", "You're next."), ("B" * 22, "this person's", "This one is next.")],
)
def test_a_limit_of_its_owner_is_named(client: FlaskClient, room: Room, owner: str, whose: str, end: str) -> None:
    room.add_worker()
    for _ in range(2):
        room.start(owner=owner)
    job = room.submit(owner=owner)

    assert sentence(client, job.slug) == f"Waiting: Only 2 of {whose} jobs can run at a time. {end}"


def test_a_task_that_no_worker_knows_is_named(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    job = room.submit("gone")

    assert sentence(client, job.slug) == (
        "Waiting: This task isn't available right now, so the job can't start. To load it, restart with "
        "--tasks and the file that defines gone ."
    )
    assert not job_part(client, job.slug).select("#change-link")


def test_a_task_that_only_the_web_process_has_loaded_is_not_available(client: FlaskClient, room: Room) -> None:
    room.add_worker(tasks=["everything"])
    job = room.submit("picture")

    assert sentence(client, job.slug).startswith("Waiting: This task isn't available right now")


def test_a_task_that_only_workers_have_loaded_waits_like_any_other(client: FlaskClient, room: Room) -> None:
    room.add_worker(tasks=["picture", "gone"])
    room.start()
    job = room.submit("gone")

    assert sentence(client, job.slug) == "Waiting: You're next. Starts when the running job finishes."


def test_what_a_silent_server_had_loaded_is_not_available(client: FlaskClient, room: Room) -> None:
    room.add_worker(tasks=["gone"], number=1)
    room.add_worker(tasks=["picture"], number=2)
    room.change("UPDATE asyncinweb_supervisors SET heartbeat_at = heartbeat_at - 40 WHERE id = 'supervisor-1'")

    assert sentence(client, room.submit("gone").slug).startswith("Waiting: This task isn't available right now")
    assert sentence(client, room.submit("picture").slug) == "Waiting: Starts in a moment."


# --- scheduled, tried again, lost -------------------------------------------------------------------------------


def test_a_scheduled_job_says_when_it_starts(client: FlaskClient, room: Room) -> None:
    job = room.submit(run_at=datetime.now(UTC) + SOON)
    without = sentence(client, job.slug)
    room.add_worker()

    assert sentence(client, job.slug).startswith("Scheduled: Starts in 1 min 30 s")
    assert "No jobs are being processed right now, so it may start later." in without


def test_a_pause_before_another_try_says_what_failed_and_when_it_goes_on(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    held = room.start("everything", max_attempts=4)
    room.perform(fail, held, ERROR)
    part = job_part(client, held.slug)

    assert words(one(part, ".state")) == "Waiting to retry"
    told = words(one(part, "#sentence"))
    assert re.match(r"Attempt 1 of 4 failed: ConnectionError: hung up\. Next attempt in 24 s", told)
    assert not part.select("#again")
    assert words(one(part, "#attempts .attempt-error")) == "ConnectionError: hung up"


def test_a_pause_that_is_over_says_what_it_waits_for(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    held = room.start("everything", max_attempts=4)
    room.perform(fail, held, ERROR)
    room.change("UPDATE asyncinweb_jobs SET run_at = 1.0")

    assert words(one(job_part(client, held.slug), "#sentence")) == "Starts in a moment."


def test_the_next_attempt_says_what_became_of_the_one_before(client: FlaskClient, room: Room) -> None:
    held = room.start("everything", max_attempts=4)
    room.perform(fail, held, ERROR)
    room.change("UPDATE asyncinweb_jobs SET run_at = 1.0")
    room.claim("everything")
    part = job_part(client, held.slug)

    assert words(one(part, "#again")) == "Attempt 1 of 4 failed: ConnectionError: hung up. Trying again now."
    assert words(one(part, "#step-ran")).endswith("attempt 2 of 4")


def test_a_job_whose_process_died_says_so_and_runs_again(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    held = room.start()
    room.perform(fail_crashed, held, "The job's process was killed (SIGKILL).")
    waiting = words(one(job_part(client, held.slug), "#again"))
    room.claim()
    running = words(one(job_part(client, held.slug), "#again"))

    told = "The job's process was killed (SIGKILL). The job {} again."
    assert (waiting, running) == (told.format("will run"), told.format("is running"))


# --- running ----------------------------------------------------------------------------------------------------


def test_a_running_job_shows_its_progress_with_a_text(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.report(held, 620, 1000, "rows")
    part = job_part(client, held.slug)

    assert sentence(client, held.slug).startswith("Running: for 0 s")
    assert (one(part, "progress")["value"], one(part, "progress")["max"]) == ("62", "100")
    assert words(one(part, "#progress-text")) == "62% · 620 of 1,000 · rows"
    assert one(part, "#sentence time[data-tick=since]")["datetime"].endswith("Z")
    assert part["data-title"] == "62% · Draw a picture"


def test_a_running_job_without_a_total_has_an_open_bar(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.report(held, 1_234_567, None, "pages")
    part = job_part(client, held.slug)

    assert not one(part, "progress").has_attr("value")
    assert words(one(part, "#progress-text")) == "1,234,567 pages"


def test_without_evidence_nothing_is_said_about_the_time_left(client: FlaskClient, room: Room) -> None:
    room.has_run([5.0, 5.0])
    held = room.start()
    room.report(held, 1, 2, "")

    assert not job_part(client, held.slug).select("#left, #late, #usual")


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (Range(14.0, 26.0), "about 20 s"),
        (Range(12.0, 38.0), "10 to 40 s"),
        (Range(1.0, 38.0), "less than 40 s"),
        (Range(1.0, 4.0), "a few seconds"),
        (Range(52.0, 170.0), "50 s to 3 min"),
        (Range(3000.0, 4000.0), "about 1 h"),
    ],
)
def test_the_time_left_is_told_by_the_runs_own_pace(
    client: FlaskClient, room: Room, span: Range, told: str
) -> None:
    held = room.start()
    assert room.perform(report, held, 30.0, 100.0, "", span)

    assert words(one(job_part(client, held.slug), "#left")) == f"· {told} left"


def test_the_time_left_is_told_by_what_is_usual(client: FlaskClient, room: Room) -> None:
    room.has_run([40.0, 41.0, 39.0, 40.5, 40.0])
    held = room.start()
    early = job_part(client, held.slug)
    room.make_older(held.slug, 25)
    later = job_part(client, held.slug)

    assert words(one(early, "#left")) == "· about 40 s left"
    assert words(one(later, "#left")) == "· about 15 s left"
    assert words(one(later, "#usual")) == "· usually 40 s"


def test_longer_than_usual_is_said(client: FlaskClient, room: Room) -> None:
    room.has_run([40.0, 41.0, 39.0, 40.5, 40.0])
    held = room.start()
    room.make_older(held.slug, 55)

    part = job_part(client, held.slug)

    assert words(one(part, "#late")) == "· taking longer than usual (usually 40 s)"
    assert not part.select("#left, #usual")


def test_a_job_that_is_silent_for_a_minute_says_that_its_process_is_alive(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    held = room.start()
    room.make_older(held.slug, 130)
    alive = words(one(job_part(client, held.slug), "#silence"))
    room.change("UPDATE asyncinweb_supervisors SET heartbeat_at = heartbeat_at - 60")
    unheard = words(one(job_part(client, held.slug), "#silence"))

    assert alive == "No updates for 2 min . The process is still running."
    assert unheard == "No updates for 2 min , and we've lost contact with the process."


def test_a_job_that_prints_is_not_silent(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    held = room.start()
    room.make_older(held.slug, 130)
    room.write_log(held).write(b"still here\n")

    assert not job_part(client, held.slug).select("#silence")


# --- stopping ---------------------------------------------------------------------------------------------------


def test_stopping_is_shown_in_two_steps(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.perform(cancel, held.slug)
    asked = job_part(client, held.slug)
    room.change("UPDATE asyncinweb_jobs SET cancel_requested_at = cancel_requested_at - 3")
    forced = job_part(client, held.slug)

    assert words(one(asked, ".state")) == "Stopping…"
    assert words(one(asked, "#sentence")) == "If the task doesn't respond, we'll end its process in 2 s ."
    assert words(one(forced, "#sentence")) == "The task didn't respond, so we're ending its process."
    assert not asked.select("#stop")
    assert asked["hx-trigger"] == forced["hx-trigger"] == "every 1s"
    assert asked["hx-get"] != forced["hx-get"]


@pytest.mark.parametrize("started", [True, False])
def test_a_cancelled_job_says_whether_it_ran(client: FlaskClient, room: Room, started: bool) -> None:
    held = room.start() if started else room.submit()
    if started:
        room.make_older(held.slug, 8)
    room.perform(cancel, held.slug)
    if started:
        room.perform(honour_cancel, held)

    told = sentence(client, held.slug)
    assert told.startswith(
        "Stopped: just now , after 8 s" if started else "Cancelled: just now , before it started"
    )


# --- ended ------------------------------------------------------------------------------------------------------


def test_a_completed_job_says_how_long_it_took_and_shows_the_result(client: FlaskClient, room: Room) -> None:
    held = room.complete("forty-two")
    part = job_part(client, held.slug)

    assert re.match(r"Done: in (under )?\d", sentence(client, held.slug))
    assert words(one(part, "#result-text")) == "forty-two"


def test_a_failed_job_shows_error_reason_line_of_code_and_traceback_in_this_order(
    client: FlaskClient, room: Room
) -> None:
    held = room.start()
    line = SourceLine("reading.py", 40, "read", "return 1 / parts")
    room.perform(fail, held, Failed("error", "ValueError: no", TRACEBACK, source=line))
    part = job_part(client, held.slug)

    assert words(one(part, "#error-sentence")) == "ValueError: no"
    assert words(one(part, "#reason")) == "The task failed with an error. Check the inputs and try again."
    assert words(one(part, "#code-line p")) == "Failed at reading.py:40 in read"
    assert words(one(part, "#code-line pre")) == "return 1 / parts"
    assert not one(part, "details#traceback").has_attr("open")
    order = [element["id"] for element in part.select("#error-sentence, #reason, #code-line, #traceback")]
    assert order == ["error-sentence", "reason", "code-line", "traceback"]


def test_a_job_that_ran_too_long_names_its_limit(client: FlaskClient, room: Room) -> None:
    held = room.start(timeout_seconds=60.0)
    room.perform(fail, held, Failed("timeout", "It ran longer than 60 s."))

    assert "exceeded its time limit (1 min)" in words(one(job_part(client, held.slug), "#reason"))


def test_a_job_that_crashed_twice_shows_the_first_crash_once(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.perform(fail_crashed, held, "Killed the first time.")
    room.perform(fail_crashed, room.claim(), "Killed the second time.")
    part = job_part(client, held.slug)

    assert words(one(part, "#error-sentence")) == "Killed the second time."
    assert [words(each) for each in part.select(".attempt-error")] == ["Killed the first time."]
    assert not part.select("#again")


# --- the timeline -----------------------------------------------------------------------------------------------


def steps(client: FlaskClient, slug: str) -> list[tuple[str, str]]:
    found = job_part(client, slug).select("#timeline li")
    return [(words(one(each, ".step")), str(each["data-phase"])) for each in found]


def test_the_timeline_shows_what_has_passed_what_is_now_and_what_is_to_come(
    client: FlaskClient, room: Room
) -> None:
    job = room.submit()
    waiting = steps(client, job.slug)
    held = room.perform(claim, ClaimScope(["picture"], "worker-1"))
    running = steps(client, job.slug)
    room.finish(held, "done")
    done = steps(client, job.slug)

    assert waiting == [("Created", "past"), ("Waiting", "now"), ("Run", "ahead"), ("Done", "ahead")]
    assert running == [("Created", "past"), ("Waited", "past"), ("Running", "now"), ("Done", "ahead")]
    assert done == [("Created", "past"), ("Waited", "past"), ("Ran", "past"), ("Done", "past")]
    assert one(job_part(client, held.slug), "#step-ended time")["datetime"].endswith("Z")


def test_the_timeline_of_a_job_stopped_before_its_start_has_no_run(client: FlaskClient, room: Room) -> None:
    job = room.submit()
    room.perform(cancel, job.slug)

    assert steps(client, job.slug) == [("Created", "past"), ("Waited", "past"), ("Cancelled", "past")]


# --- sharing ----------------------------------------------------------------------------------------------------


def test_the_address_to_share_is_there_to_copy_and_its_button_only_with_javascript(
    client: FlaskClient, room: Room
) -> None:
    job = room.submit()
    whole = page(client, f"/jobs/{job.slug}")

    assert one(whole, "#share-address")["value"] == f"http://localhost/jobs/{job.slug}"
    assert words(one(whole, "#share-note")) == ("Anyone with this link can view and stop this job.")
    assert one(whole, "#copy").has_attr("hidden")


def test_only_an_unfinished_job_offers_to_notify_and_only_with_javascript(client: FlaskClient, room: Room) -> None:
    assert one(page(client, f"/jobs/{room.submit().slug}"), "#tell").has_attr("hidden")
    assert not page(client, f"/jobs/{room.complete('x', task='hello').slug}").select("#tell")


# --- hostile words ----------------------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{ 7 * 7 }}&amp;"


def hostile_job(room: Room) -> Claim:
    """A job that says something hostile wherever it can, in its second attempt."""
    held = room.start("everything", max_attempts=4, arguments='{"name": "' + HOSTILE.replace('"', '\\"') + '"}')
    room.perform(fail, held, Failed("error", HOSTILE, HOSTILE, 0.0))
    again = room.claim("everything")
    assert room.perform(report, again, 1.0, 2.0, HOSTILE)
    return again


@pytest.mark.parametrize("is_failed", [False, True])
def test_hostile_words_stay_words(client: FlaskClient, room: Room, is_failed: bool) -> None:
    held = hostile_job(room)
    if is_failed:
        file = f'  File "/srv/{HOSTILE}.py", line 1, in {HOSTILE}\n    {HOSTILE}\n'
        traceback, line = f"Traceback (most recent call last):\n{file}", SourceLine(HOSTILE, 1, HOSTILE, HOSTILE)
        room.perform(fail, held, Failed("error", HOSTILE, traceback, source=line))

    for address in (f"/jobs/{held.slug}", "/jobs", "/jobs?state=failed", "/"):
        whole = page(client, address)
        assert not whole.select("img[src=x], [onerror], script:not([src])")
        assert HOSTILE in whole.get_text() or address == "/" or "state" in address
        # 7 * 7, unless it is part of a clock time or of the address.
        assert "49" not in re.sub(r"[0-9:]+:[0-9]+", "", whole.get_text().replace(held.slug, ""))


def run_for(room: Room, minutes: int, **inputs: object) -> str:
    """A job with these inputs that has run for some minutes."""
    held = room.start("picture", arguments=json.dumps({"width": 800, "colours": "fire", "smooth": True, **inputs}))
    room.make_older(held.slug, minutes * 60)
    return held.slug


@pytest.mark.parametrize(
    ("seconds", "inputs", "late"),
    [
        ([0.5] * 5, {}, True),
        ([0.5] * 5, {"width": 1600}, False),
        ([0.5] * 5, {"colours": "icebergs"}, False),
        ([0.5] * 5, {"smooth": False}, False),
        ([0.5, 300.0, 4.0], {}, False),
    ],
    ids=["like them", "a larger number", "a longer text", "another choice", "runs that differ"],
)
def test_what_is_usual_is_said_only_of_what_it_holds_for(
    client: FlaskClient, room: Room, seconds: list[float], inputs: dict[str, object], late: bool
) -> None:
    room.has_run(seconds)
    slug = run_for(room, 5, **inputs)

    part = job_part(client, slug)

    assert len(part.select("#late")) == late
    assert not part.select("#usual")


def test_a_form_calls_nothing_usual_where_runs_differ_widely(client: FlaskClient, room: Room) -> None:
    room.has_run([0.5, 300.0, 4.0])

    assert "Usually" not in words(one(page(client, "/tasks/picture"), "main"))


def test_a_job_that_runs_again_after_a_stop_says_why(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    held = room.start()
    room.perform(release, held)
    assert sentence(client, held.slug) == "Waiting: Starts in a moment."
    waiting = job_part(client, held.slug)
    again = room.claim()
    running = job_part(client, held.slug)
    room.finish(again, "done")
    done = job_part(client, held.slug)

    why = "The server was stopped while the job was running."
    assert words(one(waiting, "#again")) == f"{why} The job will run again."
    assert words(one(running, "#again")) == f"{why} The job is running again."
    assert words(one(done, "#attempts li")).startswith("Interrupted ended ")
    assert why in words(one(done, "#attempts"))
