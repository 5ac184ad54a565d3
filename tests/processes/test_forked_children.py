"""A process that a job has forked stays a child: it neither works for the queue nor answers for its parent."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from process_tree import PROCESS_TASKS, Tree, wait_until

WAYS = {
    "return": 0,
    "sys.exit": 3,
    "sys.exit with words": 1,
    "exception": 1,
    "KeyboardInterrupt": -2,
    "SystemExit with an unprintable code": 1,
}


@pytest.mark.parametrize(("how", "code"), WAYS.items(), ids=WAYS)
def test_a_forked_child_ends_with_the_code_it_would_have_had(starting: Tree, how: str, code: int) -> None:
    job = starting.run("fork_and_leave", how=how)

    assert (job.state, job.attempts) == ("completed", 1)
    assert starting.result(job.slug)["value"] == code
    assert starting.log(job.slug).count("begun by the child") == 1


def test_the_traceback_of_a_forked_child_stands_in_the_log_of_its_job(starting: Tree) -> None:
    job = starting.run("fork_and_leave", how="exception")

    log = starting.log(job.slug)
    assert log.count("LookupError: the child's own mistake") == 1
    assert "process_tasks.py" in log
    assert "runner.py" not in log
    assert job.error is None


def test_what_a_forked_child_exits_with_in_words_stands_in_the_log(starting: Tree) -> None:
    job = starting.run("fork_and_leave", how="sys.exit with words")

    assert "nothing to do" in starting.log(job.slug)


@pytest.mark.parametrize(("how", "code"), WAYS.items(), ids=WAYS)
def test_a_child_forked_in_a_coroutine_ends_with_its_code(starting: Tree, how: str, code: int) -> None:
    job = starting.run("fork_in_a_coroutine", how=how)

    assert (job.state, job.attempts) == ("completed", 1)
    assert starting.result(job.slug)["value"] == code


def test_a_child_forked_while_a_result_is_looked_at_ends_there(starting: Tree) -> None:
    job = starting.run("fork_when_shown")

    assert (job.state, job.attempts) == ("completed", 1)
    assert starting.result(job.slug)["value"] == {"shown": "code 3"}


def test_a_child_forked_while_a_partial_result_is_looked_at_ends_with_its_job(
    start_starting: Callable[..., Tree],
) -> None:
    tree = start_starting().wait_until_started()
    slug = tree.submit("fork_when_a_yielded_value_is_shown")

    children = tree.run("children")

    job = tree.job(slug)
    assert (job.state, job.attempts, job.error) == ("failed", 1, "ValueError: no more")
    assert json.loads(job.partial_result)["value"] == {"shown": "shown in the parent"}
    assert tree.result(children.slug)["value"] == 0
    assert [line for line in tree.server_log.splitlines() if "Traceback" in line] == []


def test_a_child_forked_in_the_words_of_an_error_ends_there(starting: Tree) -> None:
    job = starting.run("fork_in_the_words_of_an_error")

    assert (job.state, job.attempts) == ("failed", 1)
    assert job.error == "ForksInItsWords: code 0"


def test_a_child_forked_while_the_next_try_is_planned_ends_there(starting: Tree) -> None:
    job = starting.run("fork_in_the_backoff")

    assert (job.state, job.attempts) == ("completed", 2)
    assert starting.log(job.slug, 1) == "code 0\n"


@pytest.mark.parametrize(("how", "code"), [("return", 0), ("sys.exit", 3), ("exception", 1)])
def test_a_child_forked_while_the_arguments_are_made_ends_there(starting: Tree, how: str, code: int) -> None:
    job = starting.run("fork_in_the_arguments", made={"how": how})

    assert (job.state, job.attempts) == ("completed", 1)
    assert starting.result(job.slug)["value"] == f"code {code}"


def test_a_forked_child_of_a_forked_child_ends_with_its_own_code(starting: Tree) -> None:
    job = starting.run("fork_twice")

    assert (job.state, job.attempts) == ("completed", 1)
    assert starting.result(job.slug)["value"] == 4


def test_what_a_forked_child_has_written_is_in_its_file(starting: Tree, tmp_path: Path) -> None:
    job = starting.run("fork_with_an_open_file", path=str(tmp_path / "words"))

    assert starting.result(job.slug)["value"] == 0
    assert (tmp_path / "words").read_text() == "written by the child"


def test_a_forked_child_waits_for_its_threads(starting: Tree, tmp_path: Path) -> None:
    job = starting.run("fork_with_a_thread", path=str(tmp_path / "words"))

    assert starting.result(job.slug)["value"] == 0
    assert (tmp_path / "words").read_text() == "written by the child's thread"


def test_forked_children_can_submit_jobs_beside_their_parent(starting: Tree) -> None:
    before = starting.rows("SELECT count(*) AS number FROM asyncinweb_jobs")[0]["number"]

    job = starting.run("fork_and_submit", times=5)

    assert starting.result(job.slug)["value"] == [0] * 5
    after = starting.rows("SELECT count(*) AS number FROM asyncinweb_jobs")[0]["number"]
    assert after == before + 1 + 10
    starting.check_database()


def test_a_child_can_print_that_was_forked_while_threads_were_printing(starting: Tree) -> None:
    job = starting.run("fork_while_threads_print", children=100)

    assert (job.state, job.error) == ("completed", None)
    assert starting.result(job.slug)["value"] == [0] * 100
    assert starting.log(job.slug).count("from a child\n") == 100


def test_a_forked_child_leaves_the_exit_handlers_to_its_parent(starting: Tree, tmp_path: Path) -> None:
    job = starting.run("fork_and_clean_up", folder=str(tmp_path))

    assert starting.result(job.slug)["value"] == 0
    assert not (tmp_path / "handled").exists()


def test_no_other_job_runs_twice_while_children_come_back(starting: Tree, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    others = starting.submit_many("write_diary", [{"diary": str(diary), "words": str(n)} for n in range(60)])
    forking = [
        slug
        for how in ("return", "sys.exit", "exception") * 6
        for slug in (
            starting.submit("fork_and_leave", how=how),
            *starting.submit_many("write_diary", [{"diary": str(diary), "words": how + str(n)} for n in range(4)]),
        )
    ]

    for slug in [*others, *forking]:
        starting.wait_for(slug, "completed")

    words = Counter(line.split()[0] for line in diary.read_text().splitlines())
    assert [
        word for word, times in words.items() if times > 1 and not word.startswith(("return", "sys", "exc"))
    ] == []
    assert sum(words.values()) == 60 + 18 * 4
    writers = {int(line.split()[1]) for line in diary.read_text().splitlines()}
    assert writers <= set(starting.workers()), "somebody else has worked, too"


def test_a_child_forked_while_tasks_are_loaded_goes_its_own_way(
    start: Callable[..., Tree], tmp_path: Path
) -> None:
    tasks = tmp_path / "forking_tasks.py"
    tasks.write_text(
        "import os, sys\n"
        "from pathlib import Path\n"
        "from asyncinweb import task\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    print('child of', os.getppid(), flush=True)\n"
        "    sys.exit(7)\n"
        "code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])\n"
        f"with Path({str(tmp_path / 'codes')!r}).open('a') as file: file.write(f'{{code}} ')\n"
    )

    tree = start(tasks=f"{PROCESS_TASKS},{tasks}").wait_until_started()

    wait_until(lambda: tree.workers(), what="the worker to register")
    assert set((tmp_path / "codes").read_text().split()) == {"7"}
    assert "cannot be imported" not in tree.server_log + tree.said
