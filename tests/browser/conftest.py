"""A real Chromium in front of a real `python run.py` with the demo tasks."""

import os
import shutil
from collections.abc import Iterator

import pytest
from browser_room import PATIENCE_MS, Complaints, serving
from playwright.sync_api import Browser, Page, expect, sync_playwright
from process_tree import Tree

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
expect.set_options(timeout=PATIENCE_MS)


# For a module, not for the session: while Playwright is open, its event loop counts as running in this thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        message = "there is no Chromium on this machine (Debian: apt-get install chromium)"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Tree]:
    """The program with the demo tasks, shared by all browser tests."""
    with serving(tmp_path_factory.mktemp("site"), "asyncinweb.tasks.demo") as tree:
        yield tree


@pytest.fixture
def page(browser: Browser, site: Tree) -> Iterator[Page]:
    """A visitor of their own, whose browser must not complain of anything."""
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    complaints = Complaints(page)
    yield page
    context.close()
    assert complaints.heard == []
