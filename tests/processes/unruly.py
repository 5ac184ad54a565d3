"""Unruly and innocent jobs on one server, and whether the innocent ones have noticed anything of the others."""

import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from process_tree import SAMPLE_TASKS, Tree, load_tasks

UNRULY_TASKS = Path(__file__).with_name("unruly_tasks.py")
UNRULY = load_tasks(SAMPLE_TASKS, UNRULY_TASKS)
# For `Tree`.
UNRULY_SETTINGS: dict[str, Any] = {"tasks": f"{SAMPLE_TASKS},{UNRULY_TASKS}", "known_tasks": UNRULY}
LOOKS = ("look", "look_later", "look_twice")
_WAYS = {"misbehave": "WAYS", "misbehave_later": "ASYNC_WAYS", "misbehave_and_yield": "YIELDING_WAYS"}
ALL_WAYS = [(task, how) for task, ways in _WAYS.items() for how in UNRULY[task].function.__globals__[ways]]


@dataclass
class Innocents:
    """The innocent jobs of one tree. All of them must find what one found where no other job had run."""

    tree: Tree
    tokens: dict[str, str] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)
    expected: dict[str, object] = field(default_factory=dict)

    def begin(self) -> "Innocents":
        job = self.tree.wait_for(self.submit("look_first"), "completed")
        self.expected = json.loads(job.result)["value"]["before"]
        self.check(job)
        return self

    def submit(self, task: str, seconds: float = 0.05) -> str:
        token = f"innocent-{len(self.tokens)}"
        slug = self.tree.submit(task, token=token, seconds=seconds)
        self.tokens[slug] = token
        return slug

    def submit_any(self, chance: random.Random) -> str:
        return self.submit(chance.choice(LOOKS), chance.uniform(0.02, 0.2))

    def check_finished(self) -> None:
        """Check those that have completed since the last time, as long as they are not pruned."""
        completed = "SELECT * FROM asyncinweb_jobs WHERE state = 'completed' AND task LIKE 'look%'"
        for row in self.tree.rows(completed):
            if row["slug"] in self.tokens.keys() - self.checked:
                self._check_unless_pruned(SimpleNamespace(**row))

    def _check_unless_pruned(self, job: SimpleNamespace) -> None:
        try:
            self.check(job)
        except (AssertionError, OSError, ValueError):
            if self.tree.rows("SELECT 1 FROM asyncinweb_jobs WHERE slug = :slug", slug=job.slug):
                raise

    def check(self, job: SimpleNamespace) -> None:
        """This job found what the first one found, and what it left is exactly its own."""
        token, result = self.tokens[job.slug], json.loads(job.result)["value"]
        for when in ("before", "after"):
            changes = {name: value for name, value in result[when].items() if value != self.expected[name]}
            assert not changes, f"{token} {when}: {changes} instead of {[self.expected[name] for name in changes]}"
        assert result["rows"] == token, result["rows"]
        log = self.tree.log(job.slug, job.claim_no)
        assert log == own_lines(token), f"{token}: {log}"
        progress = (job.progress_done, job.progress_total, job.progress_text)
        assert progress == (3, 7, token), f"{token}: {progress}"
        saved = self.tree.job_folder(job.slug).saved(job.claim_no)
        files = [(file.name, file.path.read_text()) for file in saved]
        assert files == [("words.txt", token)], f"{token}: {files}"
        self.checked.add(job.slug)


def own_lines(token: str) -> str:
    """What an innocent job says."""
    return f"{token} print\nINFO author: {token} logging\n{token} descriptor\n{token} program\n{token} log\n"
