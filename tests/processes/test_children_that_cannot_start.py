"""When no process can be started the server stays: it says so once, and goes on when it can."""

import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from process_tree import RUN, Tree, wait_until

COULD_NOT = "process could not start: "


def failures(tree: Tree) -> list[str]:
    return [line for line in tree.server_log.splitlines() if COULD_NOT in line]


def kill_worker(tree: Tree) -> int:
    (worker,) = tree.wait_for_workers(1)
    os.kill(worker, signal.SIGKILL)
    return worker


def keep_words(tree: Tree, folder: Path) -> None:
    """Keep what the tree says in another folder than its own."""
    for stream in ("_stdout", "_stderr"):
        kept = folder / getattr(tree, stream).name
        os.link(getattr(tree, stream), kept)
        setattr(tree, stream, kept)


@pytest.mark.parametrize("change", ["removed", "replaced"])
def test_a_server_outlives_the_folder_it_was_started_in(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "release"
    folder.mkdir()
    tree = Tree(folder, instance=tmp_path / "instance")
    tree.instance = tmp_path / "instance"
    try:
        tree.wait_until_started()
        keep_words(tree, tmp_path)
        shutil.rmtree(folder)
        if change == "replaced":
            folder.mkdir()
        killed = kill_worker(tree)

        tree.wait_for_workers(1, without=killed)

        assert tree.run("add", a=1).state == "completed"
        assert failures(tree) == []
    finally:
        tree.end()


def test_the_web_process_outlives_that_folder_too(tmp_path: Path) -> None:
    folder = tmp_path / "release"
    folder.mkdir()
    tree = Tree(folder, program=(*RUN, "--port", "0"), instance=tmp_path / "instance")
    tree.instance = tmp_path / "instance"
    try:
        tree.wait_until_started()
        keep_words(tree, tmp_path)
        shutil.rmtree(folder)
        web = child_that_is_no_worker(tree)

        os.kill(web, signal.SIGKILL)
        wait_until(lambda: "restarting it" in tree.server_log, what="the web process to be missed")

        assert tree.run("add", a=1).state == "completed"
        wait_until(lambda: child_that_is_no_worker(tree) not in (0, web), what="another web process")
        assert failures(tree) == []
    finally:
        tree.end()


def child_that_is_no_worker(tree: Tree) -> int:
    """The web process's number; 0 if there is none."""
    children = Path(f"/proc/{tree.process.pid}/task/{tree.process.pid}/children").read_text().split()
    return next((int(pid) for pid in children if is_web(tree, int(pid))), 0)


def is_web(tree: Tree, pid: int) -> bool:
    if pid in tree.workers():
        return False
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.parametrize(
    ("limit", "value"),
    [(resource.RLIMIT_NOFILE, 3), (resource.RLIMIT_AS, 1_000_000)],
    ids=["no descriptor left", "no memory left"],
)
def test_a_server_that_cannot_start_a_worker_says_so_once_and_goes_on_when_it_can(
    start: Callable[..., Tree], limit: int, value: int
) -> None:
    tree = start().wait_until_started()
    (worker,) = tree.wait_for_workers(1)
    before = resource.prlimit(tree.process.pid, limit)

    resource.prlimit(tree.process.pid, limit, (value, before[1]))
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: failures(tree), what="the outage to be named")
    slug = tree.submit("add", a=1)
    resource.prlimit(tree.process.pid, limit, before)

    assert tree.wait_for(slug).state == "completed"
    assert len(failures(tree)) == 1
    assert "A worker process has started again" in tree.server_log


@pytest.fixture
def process_group() -> Iterator[Path]:
    """A control group of the kernel, which limits how many processes are in it."""
    group = Path(f"/sys/fs/cgroup/pids/asyncinweb-test-{os.getpid()}")
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group for processes: {error}")
    yield group
    group.rmdir()


def test_a_server_that_has_too_many_processes_goes_on_when_it_may_have_more(
    tmp_path: Path, process_group: Path
) -> None:
    tree = Tree(tmp_path)
    try:
        tree.wait_until_started()
        (worker,) = tree.wait_for_workers(1)
        (process_group / "cgroup.procs").write_text(str(tree.process.pid))

        (process_group / "pids.max").write_text("1")
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: failures(tree), what="the outage to be named")
        (process_group / "pids.max").write_text("max")
        tree.wait_for_workers(1, without=worker)

        assert "Resource temporarily unavailable" in failures(tree)[0]
        assert len(failures(tree)) == 1
        assert tree.run("add", a=1).state == "completed"
    finally:
        tree.end()


def test_a_child_that_ends_as_it_starts_is_named_once(start: Callable[..., Tree], tmp_path: Path) -> None:
    tasks = tmp_path / "ending_tasks.py"
    tasks.write_text("from asyncinweb import task\n@task\ndef add(a: int, b: int = 1) -> int: return a + b\n")
    tree = start(tasks=tasks).wait_until_started()
    (worker,) = tree.wait_for_workers(1)

    written = tasks.read_text()
    tasks.write_text("import os, pathlib\npathlib.Path('tries').open('a').write('x')\nos._exit(3)\n")
    os.kill(worker, signal.SIGKILL)
    wait_until(
        lambda: len((tmp_path / "tries").read_text() if (tmp_path / "tries").exists() else "") >= 3,
        what="three tries",
    )
    tasks.write_text(written)

    assert tree.run("add", a=1).state == "completed"
    assert len(failures(tree)) == 1
