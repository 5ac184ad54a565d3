"""What one job leaves behind does not reach the next one on the same worker."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from left_behind import CASES, HELPERS, LONG_THREADS, SHORT_THREADS, Case
from one_worker import failure_of, lines_with, log_after, perform, pid_of, submit
from process_tree import LEFT_BEHIND_TASKS, Tree, wait_until

Start = Callable[..., Tree]


# --- the process ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_a_job_changes_is_put_back_for_the_next_one(worker: Tree, case: Case) -> None:
    before = perform(worker, look=f"[os.getpid(), {case.look}]")

    changed = perform(worker, case.change, look=f"[os.getpid(), {case.look}]")

    assert changed != before, "the job has changed nothing"
    assert changed[0] == before[0]
    assert perform(worker, look=f"[os.getpid(), {case.look}]") == before


def test_what_cannot_be_put_back_makes_way_for_a_fresh_worker_with_one_line(worker: Tree) -> None:
    before = pid_of(worker)

    slug = submit(worker, "locale.setlocale = lambda *_: 'replaced by a job'")
    worker.wait_for(slug, "completed")

    assert pid_of(worker) != before
    (line,) = lines_with(worker, f"Replacing this worker after job {slug}")
    assert line.endswith("task=perform: locale cannot be put back")


def test_a_failed_job_leaves_no_more_than_another(worker: Tree) -> None:
    failure_of(worker, "pyplot().figure(); os.environ['LEFT'] = '1'; os.chdir('/'); 1 / 0")

    assert perform(worker, look="[pyplot().get_fignums(), os.environ.get('LEFT'), os.getcwd() == '/']") == [
        *([], None, False)
    ]


def test_the_second_picture_shows_nothing_of_the_first(worker: Tree) -> None:
    picture = "len(pyplot().gcf().axes[0].lines)"

    shown = [perform(worker, "pyplot().plot([1, 2])", picture) for _ in range(2)]

    assert shown == [1, 1]


# --- logging and warnings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "log = logging.getLogger('a'); log.addHandler(logging.StreamHandler(sys.stdout)); log.info('x')",
        "logging.basicConfig(force=True, level='INFO'); logging.getLogger('b').info('x')",
        "logging.config.dictConfig({'version': 1, 'root': {'level': 'ERROR'}}); print('configured')",
        "warnings.warn('twice')",
        "warnings.simplefilter('ignore'); warnings.warn('x'); print('quiet')",
    ],
)
def test_the_same_job_says_the_same_every_time(worker: Tree, code: str) -> None:
    first, second, third = [log_after(worker, code) for _ in range(3)]

    assert first
    assert first == second == third


def test_a_job_that_silences_logging_silences_neither_the_server_nor_the_next_job(worker: Tree) -> None:
    slug = submit(
        worker, "logging.config.dictConfig({'version': 1, 'root': {'level': 'CRITICAL', 'handlers': []}})"
    )
    worker.wait_for(slug, "completed")

    assert log_after(worker, "logging.getLogger('author').info('heard')") == "INFO author: heard\n"
    assert [line.rpartition("… ")[2][:4] for line in lines_with(worker, slug)] == ["task", "done"]


# --- threads ----------------------------------------------------------------------------------------------------


def test_a_thread_that_outlives_its_job_reaches_no_other_job(worker: Tree) -> None:
    before = pid_of(worker)
    speak = "print('stray'); current_job.log('stray log'); current_job.progress(1, 2, 'stray'); save('stray.txt')"
    first = submit(worker, f'later(0.2, "{speak}")')

    second = submit(worker, "time.sleep(0.5)", look="os.getpid()")
    job = worker.wait_for(second, "completed")

    assert json.loads(job.result)["value"] != before
    assert (job.progress_done, job.progress_text, worker.log(second)) == (None, None, "")
    assert (worker.job_folder(first).saved(1), worker.job_folder(second).saved(1)) == ([], [])
    assert lines_with(worker, "stray") == [f"Left by job {first}…: stray"]
    (line,) = lines_with(worker, f"Replacing this worker after job {first}")
    assert line.endswith("task=perform: thread 'left-behind' is still running")


@pytest.mark.parametrize("code", LONG_THREADS.values(), ids=LONG_THREADS)
def test_a_job_that_leaves_a_thread_at_work_costs_its_worker(worker: Tree, code: str) -> None:
    before = pid_of(worker)

    slug = submit(worker, code)
    worker.wait_for(slug, "completed")

    assert pid_of(worker) != before
    assert len(lines_with(worker, f"Replacing this worker after job {slug}")) == 1


@pytest.mark.parametrize("code", SHORT_THREADS.values(), ids=SHORT_THREADS)
def test_threads_that_have_ended_or_wait_for_work_cost_nothing(worker: Tree, code: str) -> None:
    before = pid_of(worker)

    perform(worker, code)

    assert pid_of(worker) == before


def test_a_pool_of_threads_of_a_module_writes_to_the_log_of_its_present_job(worker: Tree) -> None:
    perform(worker, "kept['pool'] = ThreadPoolExecutor(1)", "list(kept['pool'].map(abs, [1]))")

    slug = submit(worker, "list(kept['pool'].map(print, ['from the pool']))")
    worker.wait_for(slug, "completed")

    assert worker.log(slug) == "from the pool\n"


def test_a_thread_of_a_module_goes_on_between_jobs_and_speaks_in_nobodys_name(worker: Tree) -> None:
    before = pid_of(worker)

    perform(worker, "ticks.set()")

    wait_until(lambda: lines_with(worker, "a tick of the module"), what="the thread to speak")
    assert lines_with(worker, "a tick of the module") == ["a tick of the module"]
    assert pid_of(worker) == before


# --- helpers of libraries ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", HELPERS, ids=lambda case: case.name)
def test_helpers_of_libraries_end_with_their_job_and_the_next_one_has_its_own(worker: Tree, case: Case) -> None:
    shared, before = set(Path("/dev/shm").iterdir()), pid_of(worker)
    processes = worker.processes()

    for _ in range(2):
        slug = submit(worker, case.change, case.look)
        job = worker.wait_for(slug, "completed")
        assert json.loads(job.result)["value"] == [1, 2]
        assert "Traceback" not in worker.log(slug)

    assert pid_of(worker) == before
    new = set(Path("/dev/shm").iterdir()) - shared
    # Other programs use the same folder.
    wait_until(lambda: not any(each.exists() for each in new), what="shared memory to be given back")
    assert worker.processes() == processes


def test_shared_memory_of_a_killed_worker_is_given_back(start: Start) -> None:
    tree = start(tasks=LEFT_BEHIND_TASKS).wait_until_started()
    code = (
        "kept['m'] = SharedMemory(create=True, size=10); print('begun', kept['m'].name, flush=True); wait_once()"
    )
    slug = tree.begin("perform", code=code)
    memory = Path("/dev/shm", tree.log(slug).split()[1])
    assert memory.exists()

    os.kill(tree.worker_of(slug), signal.SIGKILL)
    tree.wait_for(slug, "completed")

    assert not memory.exists()


# --- asyncio ----------------------------------------------------------------------------------------------------


def in_loop(*lines: str) -> str:
    """The code of an async task."""
    return "async def main():\n    " + "\n    ".join(lines)


def test_the_loop_is_there_after_an_async_job(worker: Tree) -> None:
    perform(worker, in_loop("await asyncio.sleep(0)"), task="perform_async")

    assert perform(worker, look="asyncio.get_event_loop().is_running()") is False


def test_a_client_that_a_module_keeps_works_for_the_next_async_job_too(worker: Tree) -> None:
    serve = in_loop(
        "kept['server'] = await asyncio.start_server(lambda _, writer: kept.update(w=writer), '127.0.0.1', 0)",
        "kept['client'] = await asyncio.open_connection(*kept['server'].sockets[0].getsockname())",
    )
    ask = in_loop("kept['w'].write(b'hi\\n')", "return (await kept['client'][0].readline()).decode()")
    perform(worker, serve, task="perform_async")

    answers = [perform(worker, ask, task="perform_async") for _ in range(2)]

    assert answers == ["hi\n", "hi\n"]


def test_asyncio_tasks_that_a_job_leaves_are_cancelled_and_named(worker: Tree) -> None:
    leave = in_loop(
        "async def poll():",
        "    try: await asyncio.sleep(60)",
        "    finally: print('tidied up')",
        "kept['poll'] = asyncio.create_task(poll())",
        "await asyncio.sleep(0)",
    )

    words = log_after(worker, leave, task="perform_async")

    assert words == "tidied up\nCancelled asyncio tasks that were still running: main.<locals>.poll\n"
    assert perform(
        worker, look="[kept['poll'].cancelled(), len(asyncio.all_tasks(asyncio.get_event_loop()))]"
    ) == [*(True, 0)]


def test_an_asyncio_task_that_refuses_to_end_costs_the_worker(worker: Tree) -> None:
    before = pid_of(worker)
    leave = in_loop(
        "async def poll():",
        "    while True:",
        "        try: await asyncio.sleep(60)",
        "        except asyncio.CancelledError: pass",
        "kept['poll'] = asyncio.create_task(poll())",
        "await asyncio.sleep(0)",
    )

    perform(worker, leave, task="perform_async")

    assert pid_of(worker) != before


def test_a_callback_that_waits_for_its_time_ends_with_its_job(worker: Tree) -> None:
    leave = in_loop(
        "def call():",
        "    print('stray callback')",
        "    current_job.progress(1, 2, 'stray')",
        "    os.environ['LEFT'] = '1'",
        "    os.chdir('/')",
        "asyncio.get_running_loop().call_later(0.05, call)",
    )
    perform(worker, leave, task="perform_async")

    look = in_loop("await asyncio.sleep(0.2)", "return [os.environ.get('LEFT'), os.getcwd() == '/']")
    second = submit(worker, look, task="perform_async")
    job = worker.wait_for(second, "completed")

    assert json.loads(job.result)["value"] == [None, False]
    assert (worker.log(second), job.progress_text) == ("", None)
    assert lines_with(worker, "stray callback") == []


def test_callbacks_that_are_due_run_before_their_job_ends(worker: Tree) -> None:
    call = "asyncio.get_event_loop().call_soon(lambda: asyncio.get_event_loop().call_soon(print, 'tidied up'))"

    assert log_after(worker, call) == "tidied up\n"


def test_a_callback_that_is_due_for_ever_makes_way_for_a_fresh_worker(worker: Tree) -> None:
    before = pid_of(worker)
    again = (
        "def again():",
        "    print('again') if not current_job.slug else None",
        "    asyncio.get_event_loop().call_soon(again)",
        "again()",
    )

    slug = submit(worker, "\n".join(again))
    worker.wait_for(slug, "completed")

    assert pid_of(worker) != before
    assert (
        len(lines_with(worker, f"Replacing this worker after job {slug}… task=perform: an asyncio callback")) == 1
    )


def test_an_async_generator_that_was_not_used_up_is_closed_with_its_job(worker: Tree) -> None:
    leave = in_loop(
        "async def numbers():",
        "    try:",
        "        yield 1",
        "    finally:",
        "        print('closed')",
        "async for _ in numbers(): break",
    )

    assert log_after(worker, leave, task="perform_async") == "closed\n"


# --- the end of a worker ----------------------------------------------------------------------------------------

TIDY = "kept['folder'] = tempfile.TemporaryDirectory(); atexit.register(Path({mark!r}).touch)"


def test_exit_handlers_run_and_temporary_folders_go_with_a_fresh_process(worker: Tree, tmp_path: Path) -> None:
    mark = tmp_path / "exit-handler-ran"
    folder = perform(worker, TIDY.format(mark=str(mark)), "kept['folder'].name", task="perform_alone")

    wait_until(mark.exists, what="the exit handler to run")
    wait_until(lambda: not Path(folder).exists(), what="the temporary folder to go")


def test_exit_handlers_run_when_the_server_is_stopped(start: Start, tmp_path: Path) -> None:
    tree, mark = start(tasks=LEFT_BEHIND_TASKS).wait_until_started(), tmp_path / "exit-handler-ran"
    folder = perform(tree, TIDY.format(mark=str(mark)), "kept['folder'].name")

    tree.end()

    assert mark.exists()
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    "code", ["atexit.register(time.sleep, 60)", "atexit.register(hold_the_lock, 60)", "later(60, '')"]
)
def test_an_exit_that_takes_too_long_is_cut_off(worker: Tree, code: str) -> None:
    pid = perform(worker, code, "os.getpid()", task="perform_alone")

    wait_until(lambda: pid not in worker.processes(), what="the worker to end")
    assert pid_of(worker) != pid
