"""The place of a waiting job: page, API, lists and shell give the same one, and claims follow it."""

import json
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_room import OWNER, Room, job_part

from asyncinweb.commands.jobs import jobs_command, show_command
from asyncinweb.queue.claims import Claim, ClaimScope
from asyncinweb.queue.transitions import claim

LIMITS = {"everything": 1}
OF_OWNER = 2
KNOWN = ["picture", "everything", "nothing"]

jobs = st.tuples(
    st.sampled_from(["picture", "everything", "gone"]),
    st.sampled_from([OWNER, "B" * 22, ""]),
    st.integers(-1, 1),
    st.sampled_from(["now", "due"]),
)


def places_on_pages(client: FlaskClient, slugs: list[str]) -> dict[str, int | None]:
    return {slug: int(place) if (place := job_part(client, slug).get("data-place")) else None for slug in slugs}


def places_in(listed: list[dict[str, Any]]) -> dict[str, int | None]:
    return {each["slug"]: each["place"] for each in listed if each["state"] in ("queued", "scheduled")}


def shell(room: Room, command: Any, *arguments: str) -> Any:
    instance = room.app.extensions["asyncinweb"].settings.instance
    answer = CliRunner().invoke(
        command, [*arguments, "--instance", str(instance), "--json"], catch_exceptions=False
    )
    return json.loads(answer.stdout)


@pytest.mark.parametrize("settings", [{"max_running_per_owner": OF_OWNER}], indirect=True)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(submitted=st.lists(jobs, min_size=1, max_size=8), running=st.integers(0, 3))
def test_page_api_lists_and_shell_give_the_place_that_claims_follow(
    client: FlaskClient, room: Room, submitted: list[tuple[str, str, int, str]], running: int
) -> None:
    for table in ("jobs", "supervisors", "workers", "tasks"):
        room.change(f"DELETE FROM asyncinweb_{table}")
    room.limit("everything", LIMITS["everything"])
    room.add_worker()
    for task, owner, priority, when in submitted:
        job = room.submit(task, owner=owner, priority=priority)
        if when == "due":
            room.change(
                "UPDATE asyncinweb_jobs SET state = 'scheduled', rank = NULL, run_at = 1 WHERE slug = :slug",
                slug=job.slug,
            )
    scope = ClaimScope(KNOWN, "worker-1", LIMITS, OF_OWNER)
    for _ in range(running):
        room.perform(claim, scope)

    in_lists = places_in(client.get("/jobs.json").json["jobs"])
    on_pages = places_on_pages(client, list(in_lists))
    in_api = places_in(client.get("/api/v1/jobs").json["jobs"])
    one_by_one = {slug: client.get(f"/api/v1/jobs/{slug}").json["place"] for slug in in_lists}
    in_shell = places_in(shell(room, jobs_command))
    shown = {slug: shell(room, show_command, slug)["place"] for slug in in_lists}
    claimed: list[str] = []
    while isinstance(held := room.perform(claim, scope), Claim):
        claimed.append(held.slug)

    order = {slug: place for place, slug in enumerate(claimed, start=1)}
    assert on_pages == in_api == one_by_one == in_lists == in_shell == shown
    assert {slug: place for slug, place in on_pages.items() if place is not None} == order
