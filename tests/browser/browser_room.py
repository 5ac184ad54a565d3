"""What browser tests share: the program with the tasks of one file, patience, and what a browser complains of."""

from contextlib import AbstractContextManager
from pathlib import Path

from playwright.sync_api import Page
from process_tree import RUN, Tree, running

# Limits end what hangs; a busy machine may take long.
PATIENCE_MS = 60_000


def serving(folder: Path, tasks: Path | str) -> AbstractContextManager[Tree]:
    """The program with the tasks of one file or module: started, and ended behind the block."""
    return running(Tree(folder, program=(*RUN, "--port", "0"), workers=2, tasks=str(tasks), grace_seconds=0.2))


class Complaints:
    """What a browser complains of while it shows pages: script errors, refused resources, warnings."""

    def __init__(self, page: Page) -> None:
        self.heard: list[str] = []
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("pageerror", lambda error: self._hear("error", str(error)))

    def _hear(self, kind: str, text: str) -> None:
        # Chromium reports every answer above 400 so; a refused form is meant to be one.
        is_refused_form = "status of 422" in text
        if kind in ("error", "warning") and not is_refused_form:
            self.heard.append(f"{kind}: {text}")
