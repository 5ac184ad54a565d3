"""Makes the pictures of the documents: python docs/make_screenshots.py. Needs Chromium and the test extra."""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"


def main() -> None:
    with tempfile.TemporaryDirectory() as instance:
        server = subprocess.Popen(
            [sys.executable, ROOT / "run.py", "--port", "0", "--instance", instance],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            take_pictures(address_from(server))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def address_from(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    for line in server.stdout:
        if found := re.search(r"http://\S+", line):
            return found[0]
    sys.exit("The server did not start.")


def take_pictures(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(base_url=address, viewport={"width": 1100, "height": 800})
        page.goto("/")
        page.screenshot(path=IMAGES / "home.png")
        page.locator("form", has=page.get_by_label("Width")).get_by_role("button", name="Run").click()
        page.wait_for_function("() => { const bar = document.querySelector('progress'); return bar?.value >= 40 }")
        page.screenshot(path=IMAGES / "job-running.png", clip=clip_of(page))
        page.wait_for_selector("#job[data-state=completed] #result img")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / "job-done.png")
        browser.close()


def clip_of(page: Page) -> dict[str, float]:
    """From the top of the page to the end of the log."""
    height = page.evaluate("document.querySelector('#log').closest('section').getBoundingClientRect().bottom + 24")
    return {"x": 0, "y": 0, "width": 1100, "height": min(float(height), 800)}


if __name__ == "__main__":
    main()
