"""Every page there is, in every state, at its address: what the tests of the look go through."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from playwright.sync_api import BrowserContext
from process_tree import RUN, Tree, wait_until

GALLERY_TASKS = Path(__file__).with_name("gallery_tasks.py")
SHAPES = (
    "text",
    "number",
    "json",
    "long json",
    "table",
    "long table",
    "image",
    "svg",
    "markdown",
    "several",
    "file",
    "none",
    "odd",
    "hostile",
)
# What becomes of a job of this task, without anybody doing anything.
ENDS = {
    "fail": "failed",
    "take_too_long": "failed",
    "die": "failed",
    "speak_hostile": "failed",
    "save_some": "completed",
    "fail_and_wait": "scheduled",
}


def start_gallery(folder: Path) -> Tree:
    """The program with the tasks of the gallery, and patience with those that do not stop."""
    return Tree(
        folder,
        program=(*RUN, "--port", "0"),
        workers=5,
        tasks=GALLERY_TASKS,
        kill_after_seconds=600,
        heartbeat_seconds=5,
    ).wait_until_started()


def fill_gallery(tree: Tree, context: BrowserContext) -> dict[str, str]:
    """Jobs in every state, made by this visitor; the address of each page by what it shows."""
    visitor = _Visitor(tree, context)
    shown = {f"result {shape}": visitor.submit("show", {"shape": shape}) for shape in SHAPES}
    shown |= {task: visitor.submit(task) for task in ENDS}
    for address in shown.values():
        visitor.wait_for(address, *ENDS.values())
    door = {"until": str(tree.folder / "open")}
    shown["running"] = visitor.submit("run_on", door)
    shown["running without steps"] = visitor.submit("run_on", {**door, "steps": ""})
    shown["long words"] = visitor.submit("use_long_words", door)
    wait_until(lambda: tree.job(slug_of(shown["long words"])).progress_text, what="the job to report")
    shown["at the limit"] = visitor.submit("one_at_a_time", door)
    shown["waiting"] = visitor.submit("one_at_a_time", door)
    shown["starts tomorrow"] = visitor.submit("show", {"shape": "text", "form-at": _tomorrow()})
    shown["cancelled"] = visitor.submit("one_at_a_time", door)
    visitor.post(shown["cancelled"] + "/cancel")
    shown["of an unknown task"] = visitor.submit("one_at_a_time", door)
    tree.change(
        "UPDATE asyncinweb_jobs SET task = 'gone' WHERE slug = :slug", slug=slug_of(shown["of an unknown task"])
    )
    shown["stopping"] = visitor.submit("refuse_to_stop", door)
    for name in ("running", "at the limit", "stopping"):
        visitor.wait_for(shown[name], "processing")
    wait_until(lambda: "begun" in tree.log(slug_of(shown["stopping"])), what="the job to begin")
    visitor.post(shown["stopping"] + "/cancel")
    forms = {"form": "/tasks/every_field", "form of long words": "/tasks/use_long_words"}
    lists = {"home": "/", "jobs": "/jobs", "only failed": "/jobs?state=failed"}
    return {**forms, **lists, "not found": "/nothing", **shown}


def close_gallery(tree: Tree) -> None:
    """Let everything end that is still running."""
    (tree.folder / "open").touch()
    tree.end()


def slug_of(address: str) -> str:
    """The last part of a job's address."""
    return address.rpartition("/")[2]


def _tomorrow() -> str:
    return f"{datetime.now() + timedelta(days=1):%Y-%m-%dT%H:%M}"


class _Visitor:
    """Somebody who fills in forms, as a browser without scripts sends them."""

    def __init__(self, tree: Tree, context: BrowserContext) -> None:
        self._tree = tree
        self._context = context

    def post(self, address: str, values: Mapping[str, str] | None = None) -> str:
        """Send a form; the path of the page that answers."""
        answer = self._context.request.post(address, form=dict(values or {}), headers={"Origin": self._tree.url})
        assert answer.ok, answer.text()
        return answer.url.removeprefix(self._tree.url)

    def submit(self, task: str, values: Mapping[str, str] | None = None) -> str:
        return self.post(f"/tasks/{task}", values)

    def wait_for(self, address: str, *states: str) -> None:
        self._tree.wait_for(slug_of(address), *states)
