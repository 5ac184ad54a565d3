"""The shell's commands beside a running server: output and exit codes.

One of them as a program of its own; the others in this process, since each program takes a second to import.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
from process_tree import SAMPLE_TASKS, Tree, environment, run_once, wait_until

from asyncinweb.cli import main
from asyncinweb.tasks.registry import registry

Shell = Callable[..., SimpleNamespace]


@pytest.fixture
def shell(tree: Tree, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """Runs a command as a shell in the server's folder would; afterwards no task is left in this process."""
    before = dict(registry.tasks)
    monkeypatch.chdir(tree.folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("ASYNCINWEB_INSTANCE", str(tree.instance))
    monkeypatch.setenv("ASYNCINWEB_TASKS", str(SAMPLE_TASKS))

    def run(*arguments: str) -> SimpleNamespace:
        capfd.readouterr()
        registry.tasks.clear()
        try:
            main(arguments)
            code = 0
        except SystemExit as end:
            code = end.code
        finally:
            sys.modules.pop("sample_tasks", None)
        said = capfd.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err)

    yield run
    registry.tasks.clear()
    registry.tasks.update(before)


def test_submit_stores_a_job_and_waits_for_its_result(tree: Tree) -> None:
    settings = {"instance": tree.instance, "tasks": SAMPLE_TASKS}

    done = run_once("submit", "add", "a=2", "b=40", "--wait", "--json", folder=tree.folder, settings=settings)

    assert (done.returncode, done.stderr) == (0, "")
    job = json.loads(done.stdout)
    assert (job["state"], job["result"], job["arguments"]) == ("completed", 42, {"a": 2, "b": 40})
    assert job["finished_at"].endswith("Z")


def test_submit_wait_says_that_nobody_works(tmp_path: Path) -> None:
    settings = {"ASYNCINWEB_INSTANCE": str(tmp_path / "alone"), "ASYNCINWEB_TASKS": str(SAMPLE_TASKS)}
    command = [sys.executable, "-m", "asyncinweb", "submit", "add", "a=1", "--wait"]
    with subprocess.Popen(command, env={**os.environ, **settings}, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr is not None
        said = waiting.stderr.readline()
        waiting.kill()

    assert said == "No worker is running, so the job has to wait. To start one: asyncinweb worker\n"


def test_submit_wait_ends_with_1_if_the_job_fails(shell: Shell) -> None:
    said = shell("submit", "fail", "words=no such city", "--wait")

    assert said.code == 1
    assert "state        failed\n" in said.out
    assert "error        ValueError: no such city\n" in said.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["submit", "ad", "a=1"], "asyncinweb: There is no task 'ad'. Did you mean 'add'?"),
        (
            ["submit", "add", "a=x"],
            "asyncinweb: add: a must be a whole number, such as 12, not 'x'",
        ),
        (
            ["submit", "add", f"a={10**30}"],
            f"asyncinweb: add: a must be at most 9,223,372,036,854,775,807, not {10**30}",
        ),
        (["submit", "add"], "asyncinweb: add: a is required"),
        (["submit", "add", "a=1", "c=1"], "add: c isn't a parameter of add."),
        (["submit", "add", "7"], "add: 7 isn't in the form key=value"),
        (["show", "nothing"], "asyncinweb: There is no job 'nothing'. To list jobs: asyncinweb jobs"),
        (["log", "nothing"], "There is no job 'nothing'"),
        (["cancel", "nothing"], "There is no job 'nothing'"),
        (["rerun", "nothing"], "There is no job 'nothing'"),
        (["jobs", "--state", "done"], "Invalid value for '--state'"),
        (["sumbit"], "No such command 'sumbit'. Did you mean 'submit'?"),
    ],
)
def test_wrong_use_ends_with_2_and_names_what_was_wrong(shell: Shell, arguments: list[str], words: str) -> None:
    said = shell(*arguments)

    assert said.code == 2
    assert words in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, "There is no file {file} to load tasks from"),
        (
            "import nothing_of_that_name\n",
            "ModuleNotFoundError: No module named 'nothing_of_that_name' ({file}:1)",
        ),
        ("x = 1\ndef f(:\n", "SyntaxError: invalid syntax ({file}:2)"),
        ("def f():\n    raise SystemExit\n\nf()\n", "SystemExit:  ({file}:2)"),
    ],
)
def test_tasks_that_cannot_be_loaded_are_named_with_file_and_line(
    shell: Shell, tmp_path: Path, source: str | None, words: str
) -> None:
    file = tmp_path / "broken_tasks.py"
    if source is not None:
        file.write_text(source)

    said = shell("tasks", "--tasks", str(file))

    assert (said.code, said.out) == (2, "")
    assert words.format(file=file) in said.err
    assert said.err.count("\n") == 1
    assert str(file) in said.err


def test_jobs_lists_the_newest_first_and_filters(tree: Tree, shell: Shell) -> None:
    slugs = [tree.run("add", a=number).slug for number in range(2)]
    failed = tree.run("fail", words="w").slug

    # The server may plan its own job at any time meanwhile.
    listed = [job for job in json.loads(shell("jobs", "--json", "--limit", "4").out) if job["task"] != "new_year"]
    lines = shell("jobs", "--task", "add", "--state", "completed", "--limit", "2").out.splitlines()
    all_failed = json.loads(shell("jobs", "--json", "--state", "failed").out)

    assert [job["slug"] for job in listed][:3] == [failed, slugs[1], slugs[0]]
    assert not {"result", "partial_result"} & listed[0].keys()
    assert [line.split()[0] for line in lines] == [slugs[1], slugs[0]]
    assert lines[0].split()[1] == "completed"
    assert {job["state"] for job in all_failed} == {"failed"}


def test_show_tells_all_of_a_job(tree: Tree, shell: Shell) -> None:
    job = tree.run("count_to", number=3)

    shown = json.loads(shell("show", job.slug, "--json").out)
    lines = shell("show", job.slug).out.splitlines()

    assert (shown["slug"], shown["state"], shown["attempts"]) == (job.slug, "completed", 1)
    assert shown["progress"] == {"done": 3.0, "total": 3.0, "text": "counting"}
    assert f"slug         {job.slug}" in lines
    assert "state        completed" in lines


def test_log_follows_a_job_to_its_end(tree: Tree) -> None:
    door = tree.folder / "open-for-log"
    slug = tree.begin("hold", "holding", until=str(door))
    wait_until(lambda: tree.job(slug).state == "processing")
    door.touch()

    done = run_once("log", slug, "-f", folder=tree.folder, settings={"instance": tree.instance})

    assert (done.returncode, done.stdout, done.stderr) == (0, "holding\n", "")
    assert tree.job(slug).state == "completed"


def test_log_prints_what_there_is(tree: Tree, shell: Shell) -> None:
    job = tree.run("succeed_at", attempt=1)

    assert shell("log", job.slug).out == "attempt 1\n"


def test_what_a_task_says_cannot_steer_the_terminal(tree: Tree, shell: Shell) -> None:
    slug = tree.submit("speak_to_a_terminal")
    tree.wait_for(slug, "failed")

    log, shown, as_json, listed = (
        shell(*command).out for command in (("log", slug), ("show", slug), ("show", slug, "--json"), ("jobs",))
    )

    for text in (log, shown, as_json, listed, tree.server_log):
        assert not {each for each in text if not each.isprintable()} - {"\n", "\t"}, text
        assert "\n12:00:00  Processing job: forged" not in text
    assert "red \\u001b[31m back\\r \\u202egnp.exe \\u009b2J tab\there" in log
    assert json.loads(as_json)["error"].startswith("ValueError: \x1b]0;title\x07 \u202e no")


def test_cancel_says_what_became_of_it(tree: Tree, shell: Shell) -> None:
    running = tree.begin("last", how="tidy")
    ended = tree.run("add", a=1).slug

    assert shell("cancel", running).out == "asked to stop\n"
    tree.wait_for(running, "cancelled")
    said = shell("cancel", ended)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"asyncinweb: Job {ended} has already ended (completed).\n"


def test_cancel_of_a_waiting_job(tree: Tree, shell: Shell) -> None:
    door = tree.folder / "open-for-shell"
    blockers = [tree.begin("hold", "holding", until=str(door)) for _ in range(2)]
    waiting = tree.submit("add", a=1)

    said = shell("cancel", waiting)
    door.touch()

    assert (said.code, said.out) == (0, "cancelled\n")
    for slug in blockers:
        tree.wait_for(slug, "completed")


def test_rerun_makes_a_new_job_of_the_same_arguments(tree: Tree, shell: Shell) -> None:
    first = tree.run("add", a=20, b=1)

    slug = shell("rerun", first.slug).out.strip()

    second = tree.wait_for(slug, "completed")
    assert (second.rerun_of, second.arguments) == (first.slug, first.arguments)
    assert slug != first.slug


@pytest.mark.parametrize("verb", ["show", "log", "cancel", "rerun", "jobs", "prune"])
def test_in_a_wrong_folder_no_command_makes_a_database(shell: Shell, tmp_path: Path, verb: str) -> None:
    wrong = tmp_path / "wrong"

    said = shell(verb, *([] if verb in ("jobs", "prune") else ["a-slug"]), "--instance", str(wrong))

    assert (said.code, said.out) == (2, "")
    assert (
        said.err
        == f"asyncinweb: There is no database {wrong}/asyncinweb.db. To use another folder: --instance DIR\n"
    )
    assert not wrong.exists()


@pytest.mark.parametrize("command", [("submit", "add", "a=1"), ("restore", "backup.zip")])
def test_a_folder_that_cannot_be_made_is_named_in_one_line(
    shell: Shell, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()

    said = shell(*command, "--instance", str(tmp_path / "file" / "instance"))

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(
        f"asyncinweb: Cannot write to the folder {tmp_path}/file/instance (Not a directory)."
    )
    assert said.err.count("\n") == 1


def test_what_commands_have_done_can_be_had_as_json(tree: Tree, shell: Shell, tmp_path: Path) -> None:
    ended = tree.run("add", a=1).slug
    door = tmp_path / "open"
    running = tree.begin("hold", "holding", until=str(door))

    cancelled = json.loads(shell("cancel", running, "--json").out)
    again = json.loads(shell("rerun", ended, "--json").out)
    pruned = json.loads(shell("prune", "--json").out)
    kept = json.loads(shell("backup", str(tmp_path / "b.zip"), "--json").out)
    restored = json.loads(
        shell("restore", str(tmp_path / "b.zip"), "--json", "--instance", str(tmp_path / "new")).out
    )

    assert cancelled["slug"] == running
    assert (again["rerun_of"], again["arguments"]) == (ended, {"a": 1, "b": 1})
    assert pruned == {"jobs": 0, "folders": 0}
    assert (kept["path"], kept["jobs"]) == (str(tmp_path / "b.zip"), restored["jobs"])
    assert restored["replaced"] is None
    tree.wait_for(running, "cancelled")


def test_the_version_is_told(shell: Shell) -> None:
    assert shell("--version").out == f"asyncinweb {version('asyncinweb')}\n"


def test_the_nearest_file_is_offered(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "my_tasks.py").touch()

    said = shell("tasks", "--tasks", str(tmp_path / "my_task.py"))

    assert said.err.endswith(f"Did you mean '{tmp_path}/my_tasks.py'?\n")


def test_tasks_lists_names_and_parameters(shell: Shell) -> None:
    lines = shell("tasks").out.splitlines()
    listed = {task["name"]: task for task in json.loads(shell("tasks", "--json").out)}

    at = lines.index("add: Add two numbers")
    assert lines[at + 1].split(maxsplit=1) == ["a=…", "a whole number"]
    assert lines[at + 2].split(maxsplit=1) == ["b=1", "a whole number"]
    assert listed["add"]["arguments"]["required"] == ["a"]


def test_prune_removes_what_is_over_with_its_files(tree: Tree, shell: Shell) -> None:
    old = tree.run("give", what="file")
    tree.change("UPDATE asyncinweb_jobs SET finished_at = 1 WHERE slug = :slug", slug=old.slug)
    tree.forget(old.slug)

    said = shell("prune")

    assert (said.code, said.out) == (0, "Deleted 1 job.\n")
    assert tree.rows("SELECT * FROM asyncinweb_jobs WHERE slug = :slug", slug=old.slug) == []
    assert not tree.job_folder(old.slug).path.exists()


def test_config_tells_where_each_setting_comes_from(
    shell: Shell, tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("asyncinweb.toml").write_text("port = 8123\n")

    lines = shell("config").out.splitlines()
    values = json.loads(shell("config", "--json").out)

    assert "port = 8123  (asyncinweb.toml)" in lines
    assert f"instance = '{tree.instance}'  (environment)" in lines
    assert "host = '127.0.0.1'  (default)" in lines
    assert values["port"] == 8123


# --- is all well? -----------------------------------------------------------------------------------------------

FILE_TASK = """
from asyncinweb import UploadedFile, task

@task
def measure(file: UploadedFile) -> int:
    return file.size
"""


def test_check_has_a_line_for_each_thing_and_ends_with_what_it_found(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    (tmp_path / "file_tasks.py").write_text(FILE_TASK)
    (tmp_path / "orders.csv").write_text("a,b")
    settings = {"instance": instance, "tasks": tmp_path / "file_tasks.py"}

    def run(*arguments: str) -> SimpleNamespace:
        done = run_once(*arguments, folder=tmp_path, settings=settings)
        levels = {line[9:25].strip(): line.split()[0] for line in done.stdout.splitlines()}
        return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr, levels=levels)

    nothing = run("check")
    run("submit", "measure", "file=orders.csv")
    waiting = run("check")
    (given,) = instance.glob("jobs/*/*/given/*")
    given.unlink()
    lost, as_json = run("check"), run("check", "--json")
    (instance / "asyncinweb.db").write_bytes(b"This is no database at all. " * 1000)
    damaged = run("check")

    assert (nothing.code, nothing.out) == (2, "")
    assert "There is no database" in nothing.err
    assert (waiting.code, waiting.err) == (0, "")
    assert (waiting.levels["database"], waiting.levels["inputs"], waiting.levels["jobs"]) == (
        "ok",
        "ok",
        "warning",
    )
    assert lost.code == as_json.code == 1
    assert lost.levels == {**waiting.levels, "inputs": "error"}
    found = {each["subject"]: each for each in json.loads(as_json.out)}
    assert {name: each["level"] for name, each in found.items()} == lost.levels
    assert found["inputs"]["words"] in lost.out
    assert damaged.code == 3
    assert "is damaged" in damaged.out + damaged.err
    assert "Traceback" not in damaged.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("jobs", "--json"),
        ("jobs",),
        ("config",),
        ("config", "--json"),
        ("tasks",),
        ("tasks", "--json"),
        ("check",),
        ("--help",),
        ("jobs", "--help"),
        ("--version",),
    ],
)
def test_an_output_that_is_full_is_named_in_one_line(tree: Tree, arguments: tuple[str, ...]) -> None:
    settings = environment({"instance": tree.instance, "tasks": SAMPLE_TASKS})
    tree.run("add", a=1)

    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "asyncinweb", *arguments],
            **{"cwd": tree.folder, "env": settings, "stdout": full, "stderr": subprocess.PIPE, "text": True},
            check=False,
        )

    assert done.stderr == "asyncinweb: The output cannot be written: No space left on device.\n"
    assert done.returncode == 2


def test_a_command_whose_error_cannot_be_written_either_ends_with_its_code(tree: Tree) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "asyncinweb", "show", "nothing"],
            **{
                "cwd": tree.folder,
                "env": environment({"instance": tree.instance}),
                "stdout": full,
                "stderr": full,
            },
            check=False,
        )

    assert done.returncode == 2
