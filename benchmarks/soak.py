"""Everything at once for as long as you like: python -m benchmarks.soak --minutes 10.

A real `run.py` with two workers gets jobs of every kind while workers are killed, jobs cancelled, backups made,
finished jobs pruned and the write lock held by another process. Many jobs leave behind whatever they can, and
innocent ones must not notice. At the end every job must be settled, the tests' invariants must hold, and the
server must not have grown.
"""

import argparse
import contextlib
import json
import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from process_tree import RUN, Tree, is_alive, memory_share_mb, run_once, wait_until
from unruly import ALL_WAYS, UNRULY_SETTINGS, Innocents

KEEP_SECONDS = 8.0
MOST_WAITING = 40
WARM_UP = 0.3
MAY_GROW = 1.2
# A few pages are noise, not growth.
SLACK_MB = 5.0
SAMPLES: tuple[tuple[str, dict[str, object]], ...] = (
    ("add", {"a": 1}),
    ("add_slowly", {"a": 1, "b": 2}),
    ("give", {"what": "large"}),
    ("give", {"what": "file"}),
    ("save", {}),
    ("speak", {}),
    ("nap", {"seconds": 0.5}),
    ("nap_to_the_limit", {"seconds": 1.0}),
    ("flood_progress", {"seconds": 0.3}),
    ("fail", {"words": "on purpose"}),
    ("succeed_at", {"attempt": 2}),
    ("leave", {"how": "segfault"}),
    ("make_more", {"number": 5}),
    *((task, {"how": how}) for task, how in ALL_WAYS),
)


@dataclass(frozen=True)
class Size:
    """The memory of the server's lasting processes (workers are replaced all the time), and their number."""

    memory_mb: float
    descriptors: int
    processes: int


@dataclass
class Report:
    """The report of a soak."""

    seconds: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    warm: Size | None = None
    end: Size | None = None
    largest_wal_mb: float = 0.0
    last_wal_mb: float = 0.0
    slowest_page_seconds: float = 0.0


class Soak:
    """One server, and three threads that keep it busy until the time is up."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.report = Report()
        self._random = random.Random(seed)
        self._backups = folder / "backups"
        self._backups.mkdir()
        self._end = 0.0
        self._errors: list[BaseException] = []
        self._slugs: list[str] = []
        self._processes = 0
        self.tree = Tree(
            folder,
            program=(*RUN, "--port", "0"),
            workers=2,
            keep_days=KEEP_SECONDS / 86_400,
            durability="full",
            **UNRULY_SETTINGS,
        )
        self._innocents = Innocents(self.tree)
        self._settings = {"instance": self.tree.instance, "keep_days": KEEP_SECONDS / 86_400}

    def run(self, seconds: float) -> Report:
        """Keep the server busy, wait until all jobs are settled, and check everything. Raises AssertionError."""
        began = time.monotonic()
        self.tree.wait_until_started()
        self.tree.wait_for_workers(2)
        lasting, self._processes = self._lasting(), len(self.tree.processes())
        self._slugs += self._innocents.begin().tokens
        self._end = time.monotonic() + seconds
        threads = [
            threading.Thread(target=self._repeat, args=(turn,))
            for turn in (self._visit, self._operate, self._look)
        ]
        for thread in threads:
            thread.start()
        time.sleep(seconds * WARM_UP)
        self.report.warm = self._size(lasting)
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]
        self._settle()
        self.report.end = self._size(lasting)
        self._check()
        self.report.seconds = round(time.monotonic() - began, 1)
        return self.report

    # --- keeping it busy --------------------------------------------------------------------------------------

    def _repeat(self, turn: Callable[[], None]) -> None:
        try:
            while time.monotonic() < self._end and not self._errors:
                turn()
        except BaseException as error:
            self._errors.append(error)

    def _visit(self) -> None:
        """Submit and cancel, and look at what has become of innocent jobs."""
        self._pause(0.1)
        self._innocents.check_finished()
        if self._slugs and self._random.random() < 0.1:
            answer = self.tree.client.cancel(self._random.choice(self._slugs[-30:]))
            self.report.done[f"cancel: {answer}"] += 1
        elif len(self._unfinished()) < MOST_WAITING:
            self._slugs.append(self._submit_any())
            self.report.done["submit"] += 1

    def _submit_any(self) -> str:
        if self._random.random() < 0.3:
            return self._innocents.submit_any(self._random)
        task, arguments = self._random.choice(SAMPLES)
        return self.tree.submit(task, **arguments)

    def _kill_a_worker(self) -> None:
        workers = wait_until(self.tree.workers, what="a worker to kill")
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._random.choice(workers), signal.SIGKILL)
            self.report.done["kill -9"] += 1

    def _operate(self) -> None:
        """One round of what operators and bad luck do."""
        for act in (self._kill_a_worker, self._lock, self._kill_a_worker, self._back_up, self._prune):
            self._pause(1.0)
            act()

    def _back_up(self) -> None:
        target = self._backups / "backup.zip"
        said = run_once("backup", "--overwrite", str(target), folder=self._backups, settings=self._settings)
        assert said.returncode == 0, said.stderr
        self.report.done["backup"] += 1

    def _prune(self) -> None:
        said = run_once("prune", folder=self._backups, settings=self._settings)
        assert said.returncode == 0, said.stderr
        self.report.done["prune"] += 1
        self.report.done["jobs pruned"] += int(re.findall(r"^Deleted (\d+) jobs?", said.stdout)[0])

    def _lock(self) -> None:
        with self.tree.database.write():
            time.sleep(1.0)
        self.report.done["lock"] += 1

    def _look(self) -> None:
        """Read pages as open tabs do, and send a form."""
        self._pause(0.2)
        slug = self._random.choice(self._slugs[-30:] or [""])
        path = self._random.choice(("/", "/jobs", f"/jobs/{slug}", f"/jobs/{slug}/status", "/healthz", "form"))
        began = time.monotonic()
        status = self._send_form() if path == "form" else self._get(path)
        self.report.slowest_page_seconds = max(
            self.report.slowest_page_seconds, round(time.monotonic() - began, 2)
        )
        self.report.done[f"page {status}"] += 1
        # A form gets a 503 if the write lock is not free within 5 s.
        assert status in (200, 204, 404) or (path, status) == ("form", 503), (path, status)
        wal = self.tree.database.wal_bytes / 1e6
        self.report.largest_wal_mb = max(self.report.largest_wal_mb, round(wal, 1))

    def _get(self, path: str, form: bytes | None = None) -> int:
        headers = {"Origin": self.tree.url, "Sec-Fetch-Site": "same-origin"}
        request = urllib.request.Request(f"{self.tree.url}{path}", form, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def _send_form(self) -> int:
        return self._get("/tasks/add", urllib.parse.urlencode({"a": 20, "b": 22}).encode())

    def _pause(self, most_seconds: float) -> None:
        time.sleep(self._random.random() * most_seconds)

    # --- looking at it ----------------------------------------------------------------------------------------

    def _unfinished(self) -> list[dict[str, object]]:
        return self.tree.rows("SELECT slug FROM asyncinweb_jobs WHERE finished_at IS NULL AND run_at IS NULL")

    def _lasting(self) -> list[int]:
        workers = set(self.tree.workers())
        return [pid for pid in self.tree.processes() if pid not in workers]

    def _size(self, lasting: list[int]) -> Size:
        living = [pid for pid in lasting if is_alive(pid)]
        assert living == lasting, "the web process or the supervisor was replaced"
        memory = sum(map(memory_share_mb, lasting))
        descriptors = sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in lasting)
        return Size(round(memory, 1), descriptors, len(self.tree.processes()))

    def _settle(self) -> None:
        """Wait until no job is left and both workers are idle."""
        wait_until(lambda: not self._unfinished(), 120, "all jobs to end")
        self.tree.wait_for_workers(2)
        # A worker that was replaced may still be ending.
        wait_until(lambda: len(self.tree.processes()) <= self._processes, 20, "what jobs have started to end")
        wait_until(lambda: self.tree.database.wal_bytes < 200_000, 20, "the write-ahead log to be emptied")
        self.report.last_wal_mb = round(self.tree.database.wal_bytes / 1e6, 2)

    def _check(self) -> None:
        rows = self.tree.rows("SELECT slug, state, finished_at IS NULL AS is_planned FROM asyncinweb_jobs")
        self.report.states.update(str(row["state"]) for row in rows)
        pruned = set(self._slugs) - {row["slug"] for row in rows}
        assert len(pruned) <= self.report.done["jobs pruned"], "jobs are missing that nobody pruned"
        for slug in pruned:
            self.tree.forget(slug)
        self.tree.check_database()
        self._innocents.check_finished()
        self.report.done["innocent jobs checked"] = len(self._innocents.checked)
        warm, end = self.report.warm, self.report.end
        assert warm is not None
        assert end is not None
        # At the first measurement a worker may be missing.
        assert end.processes <= self._processes, (self._processes, end)
        assert end.descriptors <= warm.descriptors * MAY_GROW, (warm, end)
        assert end.memory_mb <= warm.memory_mb * MAY_GROW + SLACK_MB, (warm, end)
        self._check_the_last_backup()

    def _check_the_last_backup(self) -> None:
        if not self.report.done["backup"]:
            return
        elsewhere = self._backups / "restored"
        said = run_once(
            "restore", str(self._backups / "backup.zip"), folder=self._backups, settings={"instance": elsewhere}
        )
        assert said.returncode == 0, said.stderr


def soak(folder: Path, seconds: float, seed: int = 0) -> Report:
    """Run one soak in a folder. Raises AssertionError if anything is wrong."""
    run = Soak(folder, seed)
    try:
        report = run.run(seconds)
        run.tree.end()
    finally:
        run.tree._sweep()
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="asyncinweb-soak-") as folder:
        report = soak(Path(folder), arguments.minutes * 60, arguments.seed)
    sys.stdout.write(json.dumps(report, default=vars, indent=2) + "\n")


if __name__ == "__main__":
    main()
