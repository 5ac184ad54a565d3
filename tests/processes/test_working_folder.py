"""Each worker has a folder of its own, in which a job finds nothing of another."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from one_worker import failure_of, perform, pid_of, submit
from process_tree import LEFT_BEHIND_TASKS, Tree, wait_until

Start = Callable[..., Tree]


def test_a_file_name_that_two_jobs_share_never_mixes_their_rows(worker: Tree) -> None:
    write = "open('rows.csv', 'a').write('row\\n')"

    sizes = [perform(worker, write, "os.path.getsize(current_job.folder / 'rows.csv')") for _ in range(2)]

    assert sizes == [4, 4]


def test_two_workers_have_a_folder_each(start: Start, tmp_path: Path) -> None:
    tree = start(tasks=LEFT_BEHIND_TASKS, workers=2).wait_until_started()
    wait = f"open('x', 'w').close(); meet({str(tmp_path)!r}, 2)"

    slugs = [submit(tree, wait, "[current_job.folder.name, os.stat('.').st_mode & 0o777]") for _ in range(2)]
    seen = [json.loads(tree.wait_for(slug, "completed").result)["value"] for slug in slugs]

    assert len({name for name, _ in seen}) == 2
    assert [mode for _, mode in seen] == [0o700, 0o700]


def test_a_returned_file_of_the_working_folder_is_kept(worker: Tree) -> None:
    slug = submit(worker, "os.mkdir('out'); os.chdir('out'); open('a.csv', 'w').write('a,b')", "Path('a.csv')")
    kept = json.loads(worker.wait_for(slug, "completed").result)

    assert (worker.job_folder(slug).path / kept["file"]).read_text() == "a,b"
    assert perform(worker, look="os.listdir()") == []


@pytest.mark.parametrize(
    "code",
    [
        "open('beside.csv')",
        "Path('beside.csv').read_text()",
        "os.listdir(b'data')",
        "open('data/new.csv', 'w')",
        "subprocess.run(['./beside.csv'])",
        "try: open('beside.csv')\nexcept OSError as error: raise ValueError('no rows') from error",
    ],
)
def test_a_missing_file_that_is_where_the_server_was_started_says_so(worker: Tree, code: str) -> None:
    (worker.folder / "beside.csv").touch()
    (worker.folder / "data").mkdir(exist_ok=True)
    name = "data" if "data" in code else "beside.csv"

    error = failure_of(worker, code)

    assert f"'{name}' is in the folder where the server was started, but jobs run in an empty folder. " in error
    assert error.endswith('Give its full path, or set job_folder = "start".')
    assert str(worker.folder) not in error


def test_a_missing_file_beside_the_code_is_named_by_the_codes_place(worker: Tree) -> None:
    name = Path(__file__).name

    error = failure_of(worker, f"open({name!r})")

    assert f"{name!r} is in the folder of the task's file, but jobs run in an empty folder. " in error
    assert error.endswith(f"Write Path(__file__).parent / {name!r}.")


def test_a_missing_file_of_a_server_started_beside_the_code_has_both_cures(worker: Tree) -> None:
    name = Path(__file__).name
    here = worker.folder / name
    here.touch()

    error = failure_of(worker, f"open({name!r})")
    here.unlink()

    assert error.endswith(f'Write Path(__file__).parent / {name!r}, or set job_folder = "start".')


@pytest.mark.parametrize("code", ["open('nowhere.csv')", "open('/nowhere/beside.csv')", "[][1]"])
def test_other_errors_say_nothing_about_folders(worker: Tree, code: str) -> None:
    (worker.folder / "beside.csv").touch()

    assert "folder where the server was started" not in failure_of(worker, code)


def test_job_folder_start_runs_jobs_where_the_server_was_started(start: Start, tmp_path: Path) -> None:
    tree = start(tasks=LEFT_BEHIND_TASKS, job_folder="start").wait_until_started()

    perform(tree, "open('kept.csv', 'w').close(); os.chdir('/')")

    assert perform(tree, look="[os.getcwd(), str(current_job.folder), Path('kept.csv').exists()]") == [
        *(str(tmp_path), str(tmp_path), True)
    ]


def test_no_working_folder_is_left_by_a_killed_worker_or_a_killed_server(start: Start, tmp_path: Path) -> None:
    folders = tmp_path / "instance" / "working"
    tree = start(tasks=LEFT_BEHIND_TASKS).wait_until_started()
    slug = tree.begin("perform", code="open('x', 'w').close(); print('begun', flush=True); time.sleep(60)")
    (first,) = list(folders.iterdir())
    os.kill(tree.worker_of(slug), signal.SIGKILL)
    wait_until(lambda: [first] != list(folders.iterdir()) != [], what="the folder of the killed worker to go")
    wait_until(lambda: tree.job(slug).claim_no == 2, what="the job to run again")
    tree.kill()

    again = start(tasks=LEFT_BEHIND_TASKS).wait_until_started()
    pid_of(again)

    assert len(list(folders.iterdir())) == 1


def test_a_program_that_a_job_starts_submits_to_the_same_store(start: Start, tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    (tmp_path / "asyncinweb.toml").write_text(f"instance = {str(instance)!r}")
    tree = start(tasks=LEFT_BEHIND_TASKS).wait_until_started()
    script = "from left_behind_tasks import perform; print(perform.enqueue(code='None').slug)"

    found = perform(tree, look=f"program_says({script!r})")

    assert tree.wait_for(found.strip(), "completed")
