"""What a job starts finds what it finds in a script: signals, standard input, start method, output at once."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from process_tree import PROCESS_TASKS, Tree, wait_until

METHODS = ["fork", "spawn", "forkserver"]
HOWS = ["Pool", "ProcessPoolExecutor", "Process"]
SQUARES = [number * number for number in range(8)]


def value(tree: Tree, task: str, **arguments: object) -> Any:
    """What the task returns, at its first attempt."""
    job = tree.run(task, **arguments)
    assert (job.state, job.attempts, job.error) == ("completed", 1, None), tree.log(job.slug)
    return tree.result(job.slug)["value"]


# --- signals ----------------------------------------------------------------------------------------------------

AS_IN_A_SCRIPT = {
    "SIGTERM": "0",
    "SIGINT": "default_int_handler",
    "SIGUSR1": "0",
    "SIGUSR2": "0",
    "SIGHUP": "0",
    "SIGALRM": "0",
    "timer": 0.0,
    "blocked": [],
}


@pytest.mark.parametrize("how", ["fork by hand", *METHODS])
def test_a_process_of_a_job_has_the_signals_of_a_script(starting: Tree, how: str) -> None:
    assert value(starting, "signals_of_a_child", how=how) == AS_IN_A_SCRIPT


def test_a_handler_that_the_author_has_set_stays_set_in_a_forked_process(starting: Tree) -> None:
    seen = value(starting, "own_handlers_in_a_fork")

    assert seen == {**AS_IN_A_SCRIPT, "SIGTERM": "own_handler", "SIGALRM": "own_handler"}


@pytest.mark.parametrize("how", ["subprocess", "os.popen", "os.posix_spawn"])
def test_a_program_finds_the_same_signals_ignored_and_blocked_as_in_a_script(starting: Tree, how: str) -> None:
    assert value(starting, "signals_of_a_program", how=how) == in_a_script("signals_of_a_program", how)


def in_a_script(function: str, *arguments: str) -> Any:
    """What this function of the tasks returns in a script."""
    script = (
        f"import json, sys; sys.path[:0] = [{str(PROCESS_TASKS.parent)!r}]\n"
        f"import process_tasks; print(json.dumps(process_tasks.{function}(*{arguments!r})))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(("how", "code"), [("shell", -2), ("sleep", -2), ("python", -2)])
def test_a_program_can_be_interrupted(starting: Tree, how: str, code: int) -> None:
    assert value(starting, "interrupt_a_program", how=how) == code


@pytest.mark.parametrize("number", ["SIGTERM", "SIGUSR1", "SIGUSR2", "SIGINT"])
def test_a_signal_ends_a_forked_process_as_it_would_outside(starting: Tree, number: str) -> None:
    sent = getattr(signal, number)
    # Python's own handler turns Ctrl-C into an exception, with which a process of multiprocessing ends as with 1.
    assert value(starting, "end_a_process", number=sent, method="fork") == (1 if number == "SIGINT" else -sent)


# --- pools ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(8))
def test_a_pool_of_forked_processes_ends_with_its_block(starting: Tree, number: int) -> None:
    assert value(starting, "square_with_a_pool", how="Pool", method="fork") == SQUARES


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", HOWS)
def test_pools_of_the_standard_library_work_with_each_start_method(starting: Tree, how: str, method: str) -> None:
    assert value(starting, "square_with_a_pool", how=how, method=method) == SQUARES[: 2 if how == "Process" else 8]


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_pools_of_joblib_work(starting: Tree, backend: str) -> None:
    assert value(starting, "square_with_joblib", backend=backend) == SQUARES


# --- standard input ---------------------------------------------------------------------------------------------

NOTHING = {"cat": "", "os.system": 256, "sys.stdin": "", "input": "EOFError", "descriptor 0": "/dev/null"}


@pytest.mark.parametrize("how", NOTHING)
def test_what_a_job_starts_reads_nothing_from_the_servers_terminal(
    start_starting: Callable[..., Tree], how: str
) -> None:
    tree = start_starting(terminal=True).wait_until_started()
    tree.type("typed at the server's terminal\n")

    assert value(tree, "read_stdin", how=how) == NOTHING[how]


def test_the_standard_input_is_there_again_for_the_next_job(start_starting: Callable[..., Tree]) -> None:
    tree = start_starting().wait_until_started()
    value(tree, "close_stdin")

    assert value(tree, "read_stdin", how="descriptor 0") == "/dev/null"


def test_a_server_that_was_started_without_standard_streams_works(start_starting: Callable[..., Tree]) -> None:
    # As some programs start services: whatever is opened first gets the number of what is missing.
    shell = ("sh", "-c", f"exec {sys.executable} -m asyncinweb worker <&-")
    tree = start_starting(program=shell).wait_until_started()

    assert value(tree, "read_stdin", how="cat") == ""
    assert value(tree, "read_stdin", how="descriptor 0") == "/dev/null"


# --- multiprocessing --------------------------------------------------------------------------------------------


def test_multiprocessing_finds_itself_in_a_main_process(starting: Tree) -> None:
    assert value(starting, "what_multiprocessing_says") == in_a_script("what_multiprocessing_says")


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="a script does not fork there unless it asks for it")
def test_a_process_sees_the_globals_of_its_job_and_runs_a_local_function(starting: Tree) -> None:
    assert value(starting, "share_globals") == ["set by the job"]


@pytest.mark.parametrize("method", METHODS)
def test_a_file_of_tasks_can_set_the_start_method(start: Callable[..., Tree], tmp_path: Path, method: str) -> None:
    tasks = tmp_path / "setting_tasks.py"
    tasks.write_text(
        "import multiprocessing\nfrom asyncinweb import task\n"
        f"multiprocessing.set_start_method({method!r})\n"
        "@task\ndef add(a: int, b: int = 1) -> str: return multiprocessing.get_start_method()\n"
    )
    tree = start(tasks=tasks).wait_until_started()

    assert value(tree, "add", a=1) == method


# --- output of programs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["subprocess", "os.system", "spawn", "forkserver"])
def test_what_a_program_prints_stands_in_the_log_at_once(starting: Tree, how: str) -> None:
    slug = starting.submit("print_from_a_program", how=how)
    wait_until(lambda: "printed by the program" in starting.log(slug), 10, "the program's words")

    assert starting.client.cancel(slug) == "asked"
    starting.wait_for(slug, "cancelled")


@pytest.mark.parametrize("how", ["subprocess", "os.system"])
def test_what_a_program_printed_before_a_time_limit_is_kept(starting: Tree, how: str) -> None:
    job = starting.run("print_from_a_program_to_the_limit", how=how)

    assert (job.state, job.reason) == ("failed", "timeout")
    assert "printed by the program" in starting.log(job.slug)


# --- tasks in pools ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "method"),
    [
        *[(how, method) for how in ("ProcessPoolExecutor", "Pool", "partial") for method in METHODS],
        ("joblib", "loky"),
        ("joblib", "multiprocessing"),
    ],
)
def test_a_task_can_be_mapped_by_other_processes(starting: Tree, how: str, method: str) -> None:
    assert value(starting, "map_a_task", how=how, method=method) == [0, 1, 4, 9]
