"""A real process tree under test: started, asked, looked at by its database, and ended by its own pids."""

import contextlib
import importlib.util
import json
import os
import pty
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import invariants
from invariants import FINAL
from sqlalchemy import text
from waiting import BUSY, wait_until

from asyncinweb.queue.client import Client
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_log import read_log
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.tasks.registry import Registry, Request, registry

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_TASKS = Path(__file__).with_name("sample_tasks.py")
LEFT_BEHIND_TASKS = Path(__file__).with_name("left_behind_tasks.py")
PYTHON = sys.executable
RUN = (PYTHON, str(ROOT / "run.py"))
WORKER = (PYTHON, "-m", "asyncinweb", "worker")
MARK = "SAMPLE_TREE"
# Times of a start, shortened; 2 s of grace are enough for the jobs that are meant to finish.
QUICK = {
    "kill_after_seconds": 0.4,
    "grace_seconds": 2,
    "heartbeat_seconds": 0.5,
    "idle_poll_seconds": 0.2,
    "durability": "normal",
}


def load_tasks(*files: Path) -> Registry:
    """The tasks of these files, without leaving them in the registry of the test process."""
    before = dict(registry.tasks)
    registry.tasks.clear()
    try:
        for file in files:
            _load(file)
        return Registry(dict(registry.tasks))
    finally:
        registry.tasks.clear()
        registry.tasks.update(before)


def _load(file: Path) -> None:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # where dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[file.stem]


SAMPLES = load_tasks(SAMPLE_TASKS, LEFT_BEHIND_TASKS)
PROCESS_TASKS = Path(__file__).with_name("process_tasks.py")
STOPPED_TASKS = Path(__file__).with_name("stopped_tasks.py")


def environment(settings: Mapping[str, object], mark: str = "") -> dict[str, str]:
    """The environment for a program under test: only these settings, whatever this process was given."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASYNCINWEB_")}
    given = {f"ASYNCINWEB_{name.upper()}": str(value) for name, value in settings.items()}
    return {**inherited, **given, MARK: mark}


def run_once(
    *arguments: str,
    folder: Path,
    program: tuple[str, ...] = (PYTHON, "-m", "asyncinweb"),
    settings: Mapping[str, object] | None = None,
    seconds: float = 30,
) -> subprocess.CompletedProcess[str]:
    """A program that ends by itself."""
    return subprocess.run(
        [*program, *arguments],
        cwd=folder,
        env=environment(settings or {}),
        capture_output=True,
        text=True,
        timeout=seconds * BUSY,
        check=False,
        start_new_session=True,
    )


class Tree:
    """One start of the program in a folder, and what can be seen of it."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        program: tuple[str, ...] = WORKER,
        workers: int = 1,
        terminal: bool = False,
        known_tasks: Registry = SAMPLES,
        **settings: object,
    ) -> None:
        self.folder = folder
        self.instance = folder / "instance"
        self.mark = secrets.token_hex(8)
        self.exit_code = 0
        self.may_have_lost = False
        self.is_sound = True
        self._known_tasks = known_tasks
        self._client: Client | None = None
        self._database: Database | None = None
        self._final: dict[str, dict[str, Any]] = {}
        self._submitted: list[str] = []
        self._stdout, self._stderr = folder / f"stdout-{self.mark}.txt", folder / f"stderr-{self.mark}.txt"
        self.settings = {**QUICK, "workers": workers, "instance": self.instance, "tasks": SAMPLE_TASKS, **settings}
        self._keyboard, stdin = pty.openpty() if terminal else (None, subprocess.DEVNULL)
        # setsid gives the program the terminal, as a shell does: Ctrl-C goes to its process group.
        command = ("setsid", "--ctty", *program) if terminal else program
        with self._stdout.open("wb") as out, self._stderr.open("wb") as err:
            self.process = subprocess.Popen(
                [*command, *arguments],
                cwd=folder,
                env={**environment(self.settings, self.mark), "SAMPLE_INSTANCE": str(self.instance)},
                stdin=stdin,
                stdout=out,
                stderr=err,
                start_new_session=not terminal,
            )
        if terminal:
            os.close(stdin)

    # --- what it says -----------------------------------------------------------------------------------------

    @property
    def said(self) -> str:
        """What stands at its terminal: the start-up message."""
        return self._stdout.read_text(encoding="utf-8")

    @property
    def server_log(self) -> str:
        return self._stderr.read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        found = re.search(r"asyncinweb at (http://\S+)", self.said)
        assert found is not None, self.said
        return found[1]

    def wait_until_started(self) -> "Tree":
        def started() -> bool:
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.server_log}"
            return "Press Ctrl-C to stop" in self.said

        wait_until(started, 40, "the start-up message")
        with self.database.write() as connection:
            invariants.watch(connection)
        return self

    # --- jobs -------------------------------------------------------------------------------------------------

    @property
    def database(self) -> Database:
        if self._database is None:
            self._database = Database(self.instance / "asyncinweb.db", "normal")
        return self._database

    @property
    def client(self) -> Client:
        if self._client is None:
            self._client = Client(self.database, 1000, self.instance)
        return self._client

    def submit(self, task: str, **arguments: object) -> str:
        """Store a job, as the web process does; its slug."""
        return self.submit_many(task, [arguments])[0]

    def submit_many(self, task: str, all_arguments: list[dict[str, Any]]) -> list[str]:
        """Store jobs in one transaction; their slugs."""
        found = self._known_tasks[task]
        stored = [found.inputs.pack(arguments) for arguments in all_arguments]
        slugs = [
            job.slug
            for job in self.client.submit([Request(found, each, found.options.priority) for each in stored])
        ]
        self._submitted += slugs
        return slugs

    def rows(self, sql: str, **values: object) -> list[dict[str, Any]]:
        with self.database.read() as session:
            return [dict(row._mapping) for row in session.execute(text(sql), values)]

    def change(self, sql: str, **values: object) -> None:
        """Change a row behind the program's back."""
        with self.database.write() as connection:
            invariants.change_unseen(connection, sql, values)

    def write_into_database(self, code: str) -> None:
        """Let Python code change the open `file` of the database while nobody writes, and all of it is in there.

        By a program of its own: this one must not close the file.
        """
        script = f"import sys; file = open(sys.argv[1], 'r+b'); {code}"
        with self.database.write() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            subprocess.run([PYTHON, "-S", "-c", script, self.database.path], check=True)

    def job(self, slug: str) -> SimpleNamespace:
        """A job's row as it is now. Final rows are remembered, and compared at the end."""
        (row,) = self.rows("SELECT * FROM asyncinweb_jobs WHERE slug = :slug", slug=slug)
        if row["state"] in FINAL:
            self._final.setdefault(slug, row)
        return SimpleNamespace(**row)

    def forget(self, slug: str) -> None:
        """This job is to be pruned: no longer look for it at the end."""
        self._submitted.remove(slug)
        self._final.pop(slug, None)

    def result(self, slug: str) -> Any:
        return json.loads(self.job(slug).result)

    def earlier_attempts(self, slug: str) -> list[SimpleNamespace]:
        sql = "SELECT * FROM asyncinweb_attempts WHERE job_id = :id ORDER BY id"
        return [SimpleNamespace(**row) for row in self.rows(sql, id=self.job(slug).id)]

    def wait_for(self, slug: str, *states: str, seconds: float = 30.0) -> SimpleNamespace:
        """The job as soon as it is in one of these states (final ones if none is named)."""

        def arrived() -> SimpleNamespace | None:
            job = self.job(slug)
            assert not (job.state in FINAL and job.state not in (states or FINAL)), f"{job}\n{self.server_log}"
            return job if job.state in (states or FINAL) else None

        return wait_until(arrived, seconds, f"job {slug} to be {states or 'final'}; {self.server_log[-2000:]}")

    def run(self, task: str, **arguments: object) -> SimpleNamespace:
        """Submit a job and wait for its end."""
        return self.wait_for(self.submit(task, **arguments))

    def begin(self, task: str, words: str = "begun", **arguments: object) -> str:
        """Submit a job and wait until it has said that it has begun."""
        slug = self.submit(task, **arguments)
        wait_until(lambda: words in self.log(slug), what=f"{task} to begin")
        return slug

    def job_folder(self, slug: str) -> JobFolder:
        return JobFolder(self.instance, slug)

    def log(self, slug: str, claim_no: int | None = None) -> str:
        number = self.job(slug).claim_no if claim_no is None else claim_no
        return read_log(self.job_folder(slug), number, 0, 20_000_000).text

    # --- processes --------------------------------------------------------------------------------------------

    def workers(self) -> list[int]:
        """Process numbers of the workers that are registered."""
        return [row["pid"] for row in self.rows("SELECT pid FROM asyncinweb_workers ORDER BY started_at")]

    def worker_of(self, slug: str) -> int:
        """The process that works on this job."""
        sql = (
            "SELECT pid FROM asyncinweb_workers JOIN asyncinweb_jobs ON worker_id = asyncinweb_workers.id "
            "WHERE slug = :slug"
        )
        return wait_until(lambda: self.rows(sql, slug=slug), what="a worker to hold the job")[0]["pid"]

    def wait_for_workers(self, number: int, without: int = 0) -> list[int]:
        """The workers' numbers once there are that many, and not this one among them."""

        def complete() -> list[int]:
            pids = self.workers()
            return pids if len(pids) == number and without not in pids else []

        return wait_until(complete, what=f"{number} workers without {without}")

    def processes(self) -> list[int]:
        """Every living process that was started below this tree's first one, and that one."""
        return processes_marked(f"{MARK}={self.mark}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def type(self, words: str) -> None:
        """On the keyboard of its terminal."""
        assert self._keyboard is not None
        os.write(self._keyboard, words.encode())

    def press_ctrl_c(self) -> None:
        self.type("\x03")

    def wait(self, seconds: float = 20.0) -> int:
        return self.process.wait(seconds * BUSY)

    def kill(self) -> None:
        """kill -9 of the supervisor, as a machine short of memory does it."""
        self.process.kill()
        self.process.wait()
        self.exit_code, self.may_have_lost = -signal.SIGKILL, True

    # --- the end ----------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Stop it, and see that it went in order: exit code, no process left, no traceback, a sound database."""
        try:
            if self.process.poll() is None:
                self.signal(signal.SIGTERM)
            assert self.wait() == self.exit_code, self.server_log
            seconds = 2 if self.may_have_lost else 0.5
            wait_until(lambda: not self.processes(), seconds, f"no process left of {self.processes()}")
            assert "Traceback" not in self.server_log + self.said, self.server_log
            if self.is_sound and (self.instance / "asyncinweb.db").exists():
                self.check_database()
        finally:
            self._sweep()

    def check_database(self) -> None:
        """The invariants hold, whatever has happened."""
        is_stopped = self.process.poll() is not None and not self.may_have_lost
        invariants.check(self.rows, self._submitted, is_stopped)
        if is_stopped:
            assert [pid for pid in self.workers() if not is_alive(pid)] == [], "a worker did not deregister"
        jobs = {row["slug"]: row for row in self.rows("SELECT * FROM asyncinweb_jobs")}
        assert all(jobs[slug] == row for slug, row in self._final.items()), "a final row has changed"

    def _sweep(self) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._database is not None:
            self._database.close()
        if self._keyboard is not None:
            os.close(self._keyboard)
            self._keyboard = None


@contextlib.contextmanager
def running(tree: Tree) -> Iterator[Tree]:
    """Wait until it has started, and end it behind the block."""
    try:
        yield tree.wait_until_started()
    finally:
        tree.end()


def processes_marked(mark: str) -> list[int]:
    """Living processes with this text in the environment they were started with."""
    return [pid for pid in _pids() if mark.encode() in _environment(pid) and is_alive(pid)]


def is_alive(pid: int) -> bool:
    """False also for a process that only waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def memory_share_mb(pid: int) -> float:
    """Memory that only this process holds, and its share of what it shares with others (PSS)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.findall(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[0]) / 1000


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
