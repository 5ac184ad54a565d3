"""Many jobs, many workers, many deaths: each job ends, and never runs twice at once."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from process_tree import RUN, Tree, is_alive, running, wait_until
from unruly import ALL_WAYS, LOOKS, UNRULY_SETTINGS, Innocents
from visitor import answers, web_process

STORM_SECONDS, FEWEST_KILLS = 5, 8


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """Eight workers and a web process."""
    folder = tmp_path_factory.mktemp("crowded")
    tree = Tree(folder, program=(*RUN, "--port", "0"), workers=8, **UNRULY_SETTINGS)
    with running(tree):
        tree.wait_for_workers(8)
        yield tree


@pytest.fixture(scope="module")
def innocents(crowded: Tree) -> Innocents:
    """Jobs that notice what others leave behind."""
    return Innocents(crowded).begin()


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    """Where each run of a job leaves a line, and a file where two met."""
    return tmp_path


def starts(diary: Path) -> Counter[str]:
    """How often each job has been started."""
    return Counter({path.name: len(path.read_text().splitlines()) for path in diary.iterdir()})


def test_200_jobs_on_8_workers_each_run_exactly_once(crowded: Tree, diary: Path) -> None:
    slugs = crowded.submit_many("run_alone", [{"diary": str(diary), "seconds": 0.0}] * 200)

    jobs = [crowded.wait_for(slug, seconds=60) for slug in slugs]

    assert Counter((job.state, job.attempts, job.claim_no) for job in jobs) == {("completed", 1, 1): 200}
    assert starts(diary) == dict.fromkeys(slugs, 1)


def test_in_a_storm_of_kills_every_job_ends_and_none_runs_twice_at_once(crowded: Tree, diary: Path) -> None:
    chance = random.Random(4)
    seconds = [chance.uniform(0.3, 0.9) for _ in range(40)]
    slugs = crowded.submit_many("run_alone", [{"diary": str(diary), "seconds": each} for each in seconds])

    storm(crowded, chance)
    jobs = {slug: crowded.wait_for(slug, seconds=60) for slug in slugs}

    # A job whose process dies twice has failed; every other one has done its work.
    ends = {(job.state, job.reason, job.crashes) for job in jobs.values()}
    assert ends <= {("completed", None, 0), ("completed", None, 1), ("failed", "crashed", 2)}
    begun = starts(diary)
    assert [name for name in begun if name.startswith("twice-")] == []
    assert all(begun[slug] <= job.attempts <= 2 for slug, job in jobs.items())
    assert all(begun[slug] >= 1 for slug, job in jobs.items() if job.state == "completed")
    crowded.wait_for_workers(8)
    wait_until(lambda: answers(crowded), what="the web process to answer")


def test_in_a_storm_of_kills_no_job_shows_or_keeps_what_another_attempt_had(crowded: Tree) -> None:
    chance = random.Random(5)
    slugs = crowded.submit_many("yield_for", [{"seconds": chance.uniform(0.6, 1.5)} for _ in range(24)])

    storm(crowded, chance)
    jobs = [crowded.wait_for(slug, seconds=60) for slug in slugs]

    for job in jobs:
        if job.state == "completed":
            assert crowded.result(job.slug)["value"] == str(job.attempts) * 20_000
            assert list(crowded.job_folder(job.slug).path.glob("result-*")) == []
        else:
            assert (job.state, job.reason) == ("failed", "crashed")
    crowded.wait_for_workers(8)


def test_whatever_jobs_leave_behind_no_other_job_notices(start: Callable[..., Tree]) -> None:
    # Two workers, so that each way is followed by innocent jobs in the same process.
    tree = start(workers=2, **UNRULY_SETTINGS).wait_until_started()
    innocents, chance = Innocents(tree).begin(), random.Random(6)
    looking: list[str] = []
    unruly: dict[str, tuple[str, str]] = {}
    for task, how in chance.sample(ALL_WAYS, len(ALL_WAYS)):
        unruly[tree.submit(task, how=how)] = (task, how)
        looking += [innocents.submit(each, 0.02) for each in LOOKS]

    for slug in looking:
        innocents.check(tree.wait_for(slug, "completed", seconds=60))

    jobs = [tree.wait_for(slug, seconds=60) for slug in unruly]
    deaths = {how for job in jobs for _, how in [unruly[job.slug]] if job.reason == "crashed"}
    assert deaths == {"os._exit", "kill", "a group of processes"}
    assert {job.attempts for job in jobs if job.reason != "crashed"} == {1}


def test_in_a_storm_of_kills_no_job_notices_what_another_has_left(crowded: Tree, innocents: Innocents) -> None:
    chance = random.Random(7)
    slugs = [crowded.submit(task, how=how) for task, how in chance.sample(ALL_WAYS, 30)]
    looking = [innocents.submit_any(chance) for _ in range(60)]

    storm(crowded, chance)
    ends = [crowded.wait_for(slug, seconds=60) for slug in looking]

    assert {(job.state, job.reason) for job in ends} <= {("completed", None), ("failed", "crashed")}
    completed = [job for job in ends if job.state == "completed"]
    assert completed
    for job in completed:
        innocents.check(job)
    for slug in slugs:
        crowded.wait_for(slug, seconds=60)
    crowded.wait_for_workers(8)


def storm(tree: Tree, chance: random.Random) -> None:
    """Kill a worker, and now and then the web process, over and over."""
    end, kills = time.monotonic() + STORM_SECONDS, 0
    while time.monotonic() < end or kills < FEWEST_KILLS:
        with suppress(ProcessLookupError, ValueError, OSError, IndexError):
            living = [pid for pid in tree.workers() if is_alive(pid)]
            pid = web_process(tree) if chance.random() < 0.1 else chance.choice(living)
            os.kill(pid, signal.SIGKILL)
            kills += 1
        time.sleep(chance.uniform(0.1, 0.5))
