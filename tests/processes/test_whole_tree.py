"""Web server and workers together, asked over HTTP as a browser does."""

import json
import os
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from process_tree import RUN, Tree, is_alive, wait_until
from visitor import answers, get, post, submit_page, web_process

Start = Callable[..., Tree]
WHOLE = (*RUN, "--port", "0")


def test_a_form_becomes_a_job_and_its_page_shows_the_result(tree: Tree) -> None:
    slug = submit_page(tree, "add", a=20, b=22)

    job = tree.wait_for(slug, "completed")
    status, page = get(tree, f"/jobs/{slug}")

    assert (job.task, json.loads(job.arguments)) == ("add", {"a": 20, "b": 22})
    assert (status, "42" in page) == (200, True)


def test_a_running_job_is_cancelled_from_its_page(tree: Tree) -> None:
    slug = tree.begin("last", how="tidy")

    answer = post(tree, f"/jobs/{slug}/cancel")

    assert answer.status == 303
    tree.wait_for(slug, "cancelled")


def test_the_tutorials_query_answers_with_state_and_result(tree: Tree) -> None:
    job = tree.run("add", a=1)

    body: Any = urlencode({"id": job.slug}).encode()
    with urllib.request.urlopen(f"{tree.url}/query", body, timeout=10) as answer:
        said = json.load(answer)

    assert (said["state"], said["result"]) == ("completed", 2)


def test_a_killed_web_process_is_replaced_and_jobs_go_on(start: Start, tmp_path: Path) -> None:
    tree = start(program=WHOLE).wait_until_started()
    slug = tree.begin("hold", "holding", until=str(tmp_path / "open"))
    pid = web_process(tree)
    assert answers(tree)

    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid))
    # A visitor who comes meanwhile waits: the supervisor keeps the socket.
    status, _ = get(tree, "/healthz")
    (tmp_path / "open").touch()
    job = tree.wait_for(slug, "completed")

    assert status == 200
    assert (job.attempts, job.claim_no) == (1, 1)
    assert (
        "The web process was killed (SIGKILL), possibly because the computer ran out of memory; restarting it"
        in tree.server_log
    )


def test_ctrl_c_reaches_no_function_and_visitors_can_look_meanwhile(start: Start, tmp_path: Path) -> None:
    tree = start(program=WHOLE, terminal=True, grace_seconds=30).wait_until_started()
    slug = tree.begin("hold", "holding", until=str(tmp_path / "open"))

    tree.press_ctrl_c()
    wait_until(lambda: "Stopping" in tree.server_log)
    status, _ = get(tree, f"/jobs/{slug}")
    (tmp_path / "open").touch()

    assert status == 200
    assert tree.wait() == 0
    assert tree.job(slug).state == "completed"
    assert tree.log(slug) == "holding\n"
    assert "KeyboardInterrupt" not in tree.server_log
    assert not answers(tree)


def test_kill_9_of_the_supervisor_leaves_no_process_and_the_next_start_goes_on(
    start: Start, tmp_path: Path
) -> None:
    tree = start(program=WHOLE, workers=3).wait_until_started()
    port = urlsplit(tree.url).port
    held = tree.begin("hold", "holding", until=str(tmp_path / "open"))
    deaf = tree.begin("last", how="in_c")
    breeding = tree.submit("start_others", pids=str(tmp_path / "pids"), then="stay")
    wait_until((tmp_path / "pids.done").exists, what="the job's own processes")
    others = [int(pid) for pid in (tmp_path / "pids.done").read_text().split()]
    assert [pid for pid in others if is_alive(pid)] == others

    tree.kill()
    wait_until(lambda: not tree.processes(), 2.0, "nothing of the tree left")
    left = [pid for pid in others if is_alive(pid)]
    states = [tree.job(slug).state for slug in (held, deaf, breeding)]

    assert left == []
    assert states == ["processing"] * 3
    (tmp_path / "open").touch()
    following = start(program=(*RUN, "--port", str(port))).wait_until_started()
    assert answers(following)
    job = following.wait_for(held, "completed")
    assert (job.attempts, job.crashes, following.result(held)["value"]) == (2, 1, 2)
    assert following.earlier_attempts(held)[0].error == "The server was killed while the job was running."
    assert f"job {held} rescued: it was running when the server was killed" in following.server_log
    for slug in (deaf, breeding):
        following.client.cancel(slug)
        following.wait_for(slug, "cancelled")
