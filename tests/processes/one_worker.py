"""Jobs that do what a test says, one after another on one worker, and what comes of them."""

import json
from typing import Any

from process_tree import Tree


def perform(tree: Tree, code: str = "None", look: str = "None", task: str = "perform") -> Any:
    """The value of `look` after a job has done this."""
    return json.loads(tree.wait_for(submit(tree, code, look, task), "completed").result)["value"]


def submit(tree: Tree, code: str = "None", look: str = "None", task: str = "perform") -> str:
    return tree.submit(task, code=code, look=look)


def log_after(tree: Tree, code: str, task: str = "perform") -> str:
    slug = submit(tree, code, task=task)
    tree.wait_for(slug, "completed")
    return tree.log(slug)


def failure_of(tree: Tree, code: str) -> str:
    return str(tree.wait_for(submit(tree, code), "failed").error)


def pid_of(tree: Tree) -> int:
    return int(perform(tree, look="os.getpid()"))


def lines_with(tree: Tree, words: str) -> list[str]:
    return [line for line in tree.server_log.splitlines() if words in line]
