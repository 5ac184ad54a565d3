"""Every way a function can end, as its job's row and log tell it. One server for all."""

import os
import signal
import time

import pytest
from process_tree import SAMPLE_TASKS, Tree, is_alive, wait_until
from visitor import size_of

from asyncinweb.queue.files.job_log import kept_parts, log_size


def test_the_start_message_names_address_tasks_workers_and_database(tree: Tree) -> None:
    lines = tree.said.splitlines()

    assert lines[0] == f"asyncinweb at {tree.url}"
    assert any(line.startswith(f"  tasks     {len_of_tasks()} found in ") and "add" in line for line in lines)
    assert "  workers   2 processes" in lines
    assert any(line.startswith(f"  database  {tree.instance}/asyncinweb.db (SQLite 3.") for line in lines)
    assert "  sign-in   none, open to this computer only" in lines
    assert not any("warning" in line for line in lines)
    assert lines[-1] == "Press Ctrl-C to stop. Running jobs get 2 s to finish."


def len_of_tasks() -> int:
    return SAMPLE_TASKS.read_text().count("\n@task")


def test_a_job_is_worked_off_and_its_result_kept(tree: Tree) -> None:
    job = tree.run("add", a=2, b=3)

    assert (job.state, job.attempts, job.reason, job.error, job.worker_id) == ("completed", 1, None, None, None)
    assert tree.result(job.slug)["value"] == 5
    assert job.created_at <= job.started_at <= job.finished_at


def test_the_server_log_has_a_line_for_begin_and_end(tree: Tree) -> None:
    job = tree.run("add", a=2)

    assert f"Processing job: {job.slug}… task=add attempt=1\n" in tree.server_log
    wait_until(lambda: f"Processing job: {job.slug}… done after 0.0 seconds\n" in tree.server_log)


def test_an_async_function_is_run(tree: Tree) -> None:
    job = tree.run("add_slowly", a=2, b=3)

    assert tree.result(job.slug)["value"] == 5


@pytest.mark.parametrize(
    ("what", "shape", "value"),
    [
        ("none", "none", None),
        ("text", "text", "häßlich\n"),
        ("number", "number", 2.5),
        ("json", "json", {"a": [1, True, None]}),
        ("table", "table", [{"city": "Ulm", "people": 126_000}, {"city": "Bonn", "people": 336_000}]),
        ("svg", "svg", "<svg xmlns='http://www.w3.org/2000/svg'></svg>"),
    ],
)
def test_a_small_result_stands_in_the_row(tree: Tree, what: str, shape: str, value: object) -> None:
    job = tree.run("give", what=what)

    kept = tree.result(job.slug)
    assert (kept["shape"], kept["value"], kept.get("warning", "")) == (shape, value, "")


def test_what_only_looks_like_a_drawing_is_shown_as_text_with_a_warning(tree: Tree) -> None:
    job = tree.run("give", what="no svg")

    kept = tree.result(job.slug)
    assert (kept["shape"], kept["value"]) == ("text", "<svg xmlns='x'></svg>")
    assert "looks like an SVG drawing" in kept["warning"]


@pytest.mark.parametrize(
    ("what", "suffix", "data"),
    [
        ("image", "png", b"\x89PNG\r\n\x1a\n" + b"\0" * 8),
        ("file", "bin", b"\0\1\2"),
        ("large", "txt", b"x" * 300_000),
    ],
)
def test_a_large_or_binary_result_goes_into_a_file(tree: Tree, what: str, suffix: str, data: bytes) -> None:
    job = tree.run("give", what=what)

    kept = tree.result(job.slug)
    path = tree.job_folder(job.slug).path / kept["file"]
    assert "value" not in kept
    assert (path.name, path.read_bytes(), kept["bytes"]) == (f"result-1.{suffix}", data, len(data))
    assert path.stat().st_mode & 0o077 == 0


def test_what_json_cannot_say_is_kept_as_text_with_a_warning(tree: Tree) -> None:
    job = tree.run("give", what="odd")

    kept = tree.result(job.slug)
    assert kept["value"] == {"a": "<class 'object'>"}
    assert "Kept as text" in kept["warning"]


def test_a_value_that_cannot_be_copied_does_not_cost_the_worker(tree: Tree) -> None:
    job = tree.run("give_lock")

    assert (job.state, job.crashes) in (("completed", 0), ("failed", 0)), job
    assert job.reason in (None, "unserialisable")


def test_everything_a_job_says_stands_in_its_log_in_order(tree: Tree) -> None:
    job = tree.run("speak")

    assert tree.log(job.slug).splitlines() == [
        "1 print",
        "INFO author: 2 logging",
        "3 stderr",
        "4 descriptor 2",
        "5 child process",
        "6 current_job.log",
        "7 C library",
    ]
    assert "1 print" not in tree.server_log


def test_what_programs_say_stands_before_what_is_printed_after_it(tree: Tree) -> None:
    job = tree.run("speak_in_turns", times=300)

    said = [f"{who} {number}" for number in range(300) for who in ("program", "python")]
    assert tree.log(job.slug).splitlines() == said


def test_what_forked_processes_print_stands_in_the_log_whole(tree: Tree) -> None:
    job = tree.run("speak_with_forks", processes=3, lines=15_000)

    lines = tree.log(job.slug).splitlines()
    assert job.state == "completed"
    assert sorted(line[:-91] for line in lines) == sorted(f"{who} {n}" for who in range(4) for n in range(15_000))
    size = log_size(tree.job_folder(job.slug), job.claim_no)
    assert kept_parts(tree.job_folder(job.slug), job.claim_no) == [range(size)], "one log, without seams"


def test_a_flood_of_progress_writes_twice_a_second(tree: Tree) -> None:
    slug, reports, progress = tree.submit("flood_progress", seconds=2.0), set(), set()

    def seen_to_the_end() -> bool:
        job = tree.job(slug)
        reports.add(job.reported_at)
        progress.add(job.progress_done)
        return job.state == "completed"

    wait_until(seen_to_the_end)

    # Two seconds at two a second, one at the end, and None before the first.
    assert 2 <= len(reports - {None}) <= 6
    calls = tree.result(slug)["value"]
    assert calls > 1000
    assert tree.job(slug).progress_done == calls


def test_the_last_progress_of_a_short_job_is_kept(tree: Tree) -> None:
    job = tree.run("count_to", number=7)

    assert (job.progress_done, job.progress_total, job.progress_text) == (7, 7, "counting")


def test_an_exception_fails_the_job_and_shows_the_authors_line_and_none_of_ours(tree: Tree) -> None:
    job = tree.run("fail", words="no such city")

    assert (job.state, job.reason, job.error) == ("failed", "error", "ValueError: no such city")
    assert "raise ValueError(words)  # the author's line" in job.traceback
    assert "sample_tasks.py" in job.traceback
    assert "asyncinweb/" not in job.traceback
    assert job.attempts == 1


def test_sys_exit_fails_the_job_and_the_worker_goes_on(tree: Tree) -> None:
    workers = tree.wait_for_workers(2)

    job = tree.run("leave", how="sys.exit")

    assert (job.state, job.reason, job.error) == ("failed", "error", "The function called sys.exit(3).")
    assert tree.workers() == workers


def test_endless_recursion_fails_the_job_and_the_worker_goes_on(tree: Tree) -> None:
    workers = tree.wait_for_workers(2)

    job = tree.run("leave", how="recursion")

    assert (job.state, job.reason) == ("failed", "error")
    assert job.error.startswith("RecursionError: ")
    assert tree.workers() == workers


def test_an_exception_without_words_is_shown_by_its_name(tree: Tree) -> None:
    job = tree.run("leave_wordless")

    assert (job.state, job.error) == ("failed", "BrokenWords: (its message can't be shown)")


def test_memory_beyond_the_limit_is_a_memory_error_and_the_worker_goes_on(tree: Tree) -> None:
    workers = tree.wait_for_workers(2)

    job = tree.run("hog", megabytes=400)

    assert (job.state, job.reason) == ("failed", "memory")
    assert job.error == "MemoryError: The job exceeded its memory limit (100 MB)."
    assert tree.run("hog", megabytes=10).state == "completed"
    assert tree.workers() == workers


WAYS_TO_DIE = {
    "os._exit": "exited with code 0",
    "segfault": "crashed (segmentation fault)",
    "abort": "crashed (aborted)",
    "kill": "was killed (SIGKILL), possibly because the computer ran out of memory",
}


def test_jobs_that_end_their_process_run_again_once_and_keep_no_other_from_running(tree: Tree) -> None:
    poison = {how: tree.submit("leave", how=how) for how in WAYS_TO_DIE}
    others = [tree.submit("add", a=number) for number in range(6)]

    assert {tree.wait_for(slug, seconds=60).state for slug in others} == {"completed"}
    for how, words in WAYS_TO_DIE.items():
        job = tree.wait_for(poison[how], "failed", seconds=60)
        assert (job.reason, job.attempts, job.crashes) == ("crashed", 2, 2)
        assert words in job.error
        earlier = tree.earlier_attempts(job.slug)
        assert [(each.number, each.reason) for each in earlier] == [(1, "crashed"), (2, "crashed")]
        assert [tree.log(job.slug, number) for number in (1, 2)] == [f"leaving by {how}\n"] * 2
    tree.wait_for_workers(2)


def test_a_job_that_must_not_start_twice_does_not(tree: Tree) -> None:
    job = tree.run("leave_once")

    assert (job.state, job.reason, job.attempts) == ("failed", "crashed", 1)
    assert "SIGKILL" in job.error


def test_a_failed_job_is_tried_again_after_a_pause(tree: Tree) -> None:
    job = tree.run("succeed_at", attempt=3)

    assert (job.state, job.attempts) == ("completed", 3)
    assert tree.result(job.slug)["value"] == 3
    earlier = tree.earlier_attempts(job.slug)
    assert [(each.number, each.reason, each.error) for each in earlier] == [
        (1, "error", "OSError: not yet"),
        (2, "error", "OSError: not yet"),
    ]
    assert earlier[1].started_at - earlier[0].ended_at >= 0.05
    assert [tree.log(job.slug, number) for number in (1, 2, 3)] == ["attempt 1\n", "attempt 2\n", "attempt 3\n"]


@pytest.mark.parametrize(("lost_connection", "attempts"), [(True, 3), (False, 1)])
def test_only_the_exceptions_named_by_retry_on_are_tried_again(
    tree: Tree, lost_connection: bool, attempts: int
) -> None:
    job = tree.run("retry_some", lost_connection=lost_connection)

    assert (job.state, job.reason, job.attempts) == ("failed", "error", attempts)


def test_saved_files_are_kept_with_the_job(tree: Tree) -> None:
    job = tree.run("save")

    saved = tree.job_folder(job.slug).saved(job.claim_no)
    assert {file.name: file.path.read_bytes() for file in saved} == {
        "words.txt": "größer".encode(),
        "bytes.bin": b"\0\1",
    }


def test_a_file_name_with_a_leading_dot_leads_nowhere_and_is_kept(tree: Tree) -> None:
    job = tree.run("save_wrongly", name=".hidden")

    (saved,) = tree.job_folder(job.slug).saved(job.claim_no)
    assert (saved.name, saved.path.read_bytes()) == (".hidden", b"x")


@pytest.mark.parametrize("name", ["../../x", "", "..", ".", "/.hidden", "a/b", "a\nb", "x" * 300])
def test_a_file_name_that_leads_elsewhere_is_refused(tree: Tree, name: str) -> None:
    job = tree.run("save_wrongly", name=name)

    assert job.state == "failed"
    assert "The file name" in job.error
    assert tree.job_folder(job.slug).saved(job.claim_no) == []


def test_a_task_that_asks_for_a_fresh_process_runs_in_one_of_its_own(tree: Tree) -> None:
    before = {tree.result(tree.run("pid").slug)["value"] for _ in range(3)}

    fresh = [tree.result(tree.run("pid_of_fresh").slug)["value"] for _ in range(2)]

    assert not before & set(fresh)
    assert len(set(fresh)) == 2
    wait_until(lambda: not any(is_alive(pid) for pid in fresh), what="the fresh processes to end")


def test_a_task_with_concurrency_1_never_runs_twice_at_once(tree: Tree) -> None:
    diary = tree.folder / "diary.txt"

    slugs = [tree.submit("take_turns", diary=str(diary)) for _ in range(6)]

    assert {tree.wait_for(slug).state for slug in slugs} == {"completed"}
    assert diary.read_text().split() == ["begin", "end"] * 6


def test_a_job_can_submit_jobs(tree: Tree) -> None:
    job = tree.run("make_more", number=5)

    slugs = tree.result(job.slug)["value"]
    assert [tree.wait_for(slug, "completed").task for slug in slugs] == ["add"] * 5
    assert [tree.result(slug)["value"] for slug in slugs] == [1, 2, 3, 4, 5]


def test_a_job_of_an_unknown_task_stays_queued_and_others_go_on(tree: Tree) -> None:
    insert_job(tree, "unknown", "of_another_version", "{}")

    later = tree.run("add", a=2)

    assert later.state == "completed"
    (unknown,) = tree.rows("SELECT * FROM asyncinweb_jobs WHERE task = 'of_another_version'")
    assert (unknown["state"], unknown["attempts"], unknown["rank"] is not None) == ("queued", 0, True)
    tree.client.cancel(unknown["slug"])


def insert_job(tree: Tree, slug: str, task: str, arguments: str) -> None:
    """A job as another version of the program would have stored it, first in line."""
    tree.change(
        "INSERT INTO asyncinweb_jobs (slug, task, arguments, owner, state, priority, rank, created_at, attempts,"
        " max_attempts, crashes, interruptions, claim_no, on_crash)"
        " VALUES (:slug, :task, :arguments, '', 'queued', 9, 0, :now, 0, 1, 0, 0, 0, 'rerun')",
        slug=slug,
        task=task,
        arguments=arguments,
        now=time.time(),
    )


def test_stored_arguments_that_no_longer_fit_fail_the_job_in_words(tree: Tree) -> None:
    insert_job(tree, "misfit", "add", '{"x": 1}')

    job = tree.wait_for("misfit")

    assert (job.state, job.reason) == ("failed", "bad_arguments")
    assert "The inputs no longer fit the task" in job.error
    assert "a is required" in job.error


def test_no_process_of_a_job_outlives_it(tree: Tree) -> None:
    pids = tree.folder / "pids-returned"

    job = tree.run("start_others", pids=str(pids), then="return")

    assert job.state == "completed"
    others = read_pids(tree, "pids-returned")
    assert len(others) == 3
    # At once: the job is final only when they are gone.
    assert [pid for pid in others if is_alive(pid)] == []


def test_no_process_of_a_crashed_job_outlives_it(tree: Tree) -> None:
    pids = tree.folder / "pids-crashed"

    slug = tree.submit("start_others", pids=str(pids), then="crash")

    assert tree.wait_for(slug).reason == "crashed"
    assert [pid for pid in read_pids(tree, "pids-crashed") if is_alive(pid)] == []


def read_pids(tree: Tree, name: str) -> list[int]:
    return [int(pid) for pid in (tree.folder / f"{name}.done").read_text().split()]


def test_a_function_that_closes_its_stdout_harms_only_its_own_words(tree: Tree) -> None:
    job = tree.run("close_stdout")

    assert (job.state, job.crashes) == ("completed", 0)
    assert tree.log(job.slug).startswith("before\n")
    speaking = [tree.run("speak") for _ in range(2)]
    assert all("1 print\n" in tree.log(each.slug) for each in speaking)


def test_a_function_that_closes_descriptors_1_and_2_harms_only_its_own_words(tree: Tree) -> None:
    tree.run("close_descriptors")

    jobs = [tree.run("speak") for _ in range(2)]

    assert {job.state for job in jobs} == {"completed"}
    assert all("4 descriptor 2\n" in tree.log(job.slug) for job in jobs)


def test_200_mb_of_output_cost_only_the_middle_of_the_log_and_hold_up_nobody(tree: Tree) -> None:
    slug = tree.submit("flood", megabytes=200)
    others = [tree.run("add", a=number).state for number in range(3)]

    job = tree.wait_for(slug, "completed", seconds=60)

    kept = [path.read_text() for path in sorted(tree.job_folder(slug).path.glob("log-*"))]
    assert (others, job.attempts) == (["completed"] * 3, 1)
    assert 5_000_000 < sum(map(len, kept)) <= 10_000_000
    assert kept[0].startswith("the beginning\nxxx")
    assert "".join(kept[-2:]).endswith("yyy\nthe end\n")


def test_a_result_of_50_mb_is_kept_and_one_of_300_mb_fails_its_job_in_words(tree: Tree) -> None:
    workers = tree.wait_for_workers(2)

    kept, refused = tree.run("give_large", megabytes=50), tree.run("give_large", megabytes=300)

    assert (kept.state, tree.result(kept.slug)["bytes"]) == ("completed", 50_000_000)
    assert size_of(tree, f"/jobs/{kept.slug}/result") == 50_000_000
    assert (refused.state, refused.reason) == ("failed", "result_too_large")
    assert refused.error.startswith("The result is 300.0 MB, and the limit is 100 MB.")
    assert tree.workers() == workers


def test_a_killed_worker_is_noticed_replaced_and_its_job_run_again(tree: Tree) -> None:
    door = tree.folder / "open"
    slug = tree.begin("hold", "holding", until=str(door))
    pid = tree.worker_of(slug)

    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: tree.job(slug).claim_no == 2 or tree.job(slug).state == "queued", 1.0, "the row settled")
    tree.wait_for_workers(2, without=pid)
    door.touch()
    job = tree.wait_for(slug, "completed")

    assert (job.attempts, job.crashes) == (2, 1)
    assert tree.result(slug)["value"] == 2
    assert tree.earlier_attempts(slug)[0].error == (
        "The job's process was killed (SIGKILL), possibly because the computer ran out of memory."
    )
    assert f"job {slug} crashed: its process was killed (SIGKILL)" in tree.server_log
