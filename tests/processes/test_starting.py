"""Starts that cannot be: one clear line, the documented exit code, and nothing harmed."""

import re
import runpy
import shutil
import socket
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from process_tree import QUICK, ROOT, RUN, Tree, run_once, wait_until

Start = Callable[..., Tree]


def start_in_vain(folder: Path, *arguments: str, **settings: object) -> tuple[int, str]:
    """Exit code and words of a start that must end by itself, quickly, without a traceback."""
    done = run_once(
        *arguments,
        folder=folder,
        program=RUN,
        settings={**QUICK, "instance": folder / "instance", "workers": 1, "port": 0, **settings},
    )
    assert "Traceback" not in done.stderr
    assert "asyncinweb at" not in done.stdout
    (line,) = [line for line in done.stderr.splitlines() if line.startswith(("asyncinweb: ", "Error: "))]
    return done.returncode, line


def test_a_port_in_use_is_named_and_no_database_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = start_in_vain(tmp_path, "--port", str(port))

    assert code == 2
    assert line.startswith(f"asyncinweb: Port {port} on 127.0.0.1 is already in use.")
    assert not (tmp_path / "instance" / "asyncinweb.db").exists()


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (["--instance", "/proc/nowhere/instance"], {}, "Cannot write to the folder /proc/nowhere/instance"),
        (["--workers", "0"], {}, "workers = '0' (option) isn't valid"),
        ([], {"kill_after_seconds": "soon"}, "kill_after_seconds = 'soon' (environment) isn't valid"),
        (
            [],
            {"grace_second": "1"},
            "(environment variable ASYNCINWEB_GRACE_SECOND). Did you mean 'grace_seconds'?",
        ),
        (["--prot", "80"], {}, "No such option"),
        (["--host", "0.0.0.0"], {}, "would let anyone on the network see and start jobs"),
        (["--host", "192.0.2.1", "--insecure-no-auth"], {}, "Cannot listen on 192.0.2.1"),
        (
            ["--host", "192.0.2.1"],
            {"insecure_no_auth": "1"},
            "insecure_no_auth (environment variable ASYNCINWEB_INSECURE_NO_AUTH) only works as an option: "
            "--insecure-no-auth",
        ),
    ],
)
def test_a_wrong_setting_is_named(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], words: str
) -> None:
    code, line = start_in_vain(tmp_path, *arguments, **settings)

    assert code == 2
    assert words in line
    assert not (tmp_path / "instance" / "asyncinweb.db").exists()


def test_a_task_with_a_hint_no_form_can_show_is_named_and_no_process_is_left(tmp_path: Path) -> None:
    tasks = tmp_path / "my_tasks.py"
    tasks.write_text("from asyncinweb import task\n\n@task\ndef f(of: complex) -> None: ...\n")

    tree = Tree(tmp_path, program=(*RUN, "--port", "0"), tasks=tasks)

    assert tree.wait() == 2
    wait_until(lambda: not tree.processes(), 0.5, "no process left")
    assert "asyncinweb: f(): parameter 'of' has the type hint complex" in tree.server_log
    assert f"({tasks}:3)" in tree.server_log
    assert "Traceback" not in tree.server_log


def test_a_folder_that_may_not_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "instance").write_text("a file where the folder should be")

    code, line = start_in_vain(tmp_path)

    assert code == 2
    assert f"Cannot write to the folder {tmp_path}/instance" in line
    assert (tmp_path / "instance").read_text() == "a file where the folder should be"


def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path, old_database: Path) -> None:
    with sqlite3.connect(old_database) as connection:
        connection.execute("UPDATE asyncinweb_version SET version_num = '9999'")
    connection.close()

    code, line = start_in_vain(tmp_path)

    assert code == 5
    assert "was written by a newer version of asyncinweb (schema '9999';" in line
    connection = sqlite3.connect(old_database)
    assert connection.execute("SELECT version_num FROM asyncinweb_version").fetchall() == [("9999",)]
    connection.close()


@pytest.fixture
def old_database(tmp_path: Path) -> Path:
    """A database that an earlier start has left."""
    done = run_once("submit", "hello", folder=tmp_path, settings={"instance": tmp_path / "instance"})
    assert (done.returncode, done.stderr) == (0, "")
    return tmp_path / "instance" / "asyncinweb.db"


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "instance").mkdir()
    garbage = b"This is no database at all. " * 1000
    (tmp_path / "instance" / "asyncinweb.db").write_bytes(garbage)

    code, line = start_in_vain(tmp_path)

    assert code == 3
    assert "asyncinweb.db is damaged: file is not a database" in line
    assert (tmp_path / "instance" / "asyncinweb.db").read_bytes() == garbage


def test_a_second_start_in_the_same_folder_is_refused_and_harms_nothing(start: Start, tmp_path: Path) -> None:
    first = start().wait_until_started()
    slug = first.begin("hold", "holding", until=str(tmp_path / "open"))

    code, line = start_in_vain(tmp_path)

    assert code == 2
    assert f"The folder {tmp_path}/instance is already in use by process {first.process.pid}." in line
    (tmp_path / "open").touch()
    job = first.wait_for(slug, "completed")
    assert (job.attempts, job.claim_no) == (1, 1)


def test_without_the_packages_run_py_says_what_to_type(tmp_path: Path) -> None:
    shutil.copy(RUN[1], tmp_path)
    # Some of them are there, as on a machine that has been used for other things.
    for name in ("click", "pydantic"):
        (tmp_path / f"{name}.py").touch()
    bare = [sys.executable, "-S", "-E", str(tmp_path / "run.py")]

    done = subprocess.run(bare, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=20)

    assert done.returncode == 2
    assert done.stderr.startswith(
        "Missing packages: flask, flask_sqlalchemy, sqlalchemy, waitress, alembic, cronsim, markdown_it. "
    )
    assert "To install them and start: python3 -m venv .venv && .venv/bin/pip install -e ." in done.stderr
    assert done.stderr.count("\n") == 1


def test_run_py_looks_for_everything_the_package_needs() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]

    distributions = {re.split("[><=]", each)[0] for each in needed}
    names = {{"markdown-it-py": "markdown_it"}.get(each, each.replace("-", "_")) for each in distributions}

    assert set(runpy.run_path(str(ROOT / "run.py"))["REQUIRED"]) == names


def test_a_file_that_enqueues_while_it_is_loaded_does_not_start_and_queues_nothing(tmp_path: Path) -> None:
    tasks = tmp_path / "eager.py"
    tasks.write_text("from asyncinweb import task\n@task\ndef one() -> int:\n    return 1\none.enqueue()\n")
    (tmp_path / "elsewhere").mkdir()

    code, line = start_in_vain(tmp_path, tasks=tasks, instance=tmp_path / "elsewhere" / "instance")

    assert code == 2
    assert f"{tasks}:5: one was enqueued while tasks were being loaded." in line
    # Neither where it belongs nor in the folder that a plain script would use.
    for instance in (tmp_path / "elsewhere" / "instance", tmp_path / "instance"):
        if (instance / "asyncinweb.db").exists():
            with sqlite3.connect(instance / "asyncinweb.db") as database:
                assert database.execute("SELECT count(*) FROM asyncinweb_jobs").fetchone() == (0,)
