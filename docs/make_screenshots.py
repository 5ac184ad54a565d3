"""Makes the pictures of the documents: python docs/make_screenshots.py. Needs Chromium and the test extra."""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"


# Each example's first task, what its page shows when the picture is taken, and the last card in the picture.
EXAMPLES = {
    "report": ("sales_report", "#job[data-state=completed] #result img"),
    "images": ("thumbnails", "#job[data-state=completed] #files"),
    "document": ("invoice", "#job[data-state=completed] #result"),
    "command": ("run_program", "#log:has-text('step 5 of')"),
    "fetch": ("collect_prices", "#job[data-state=completed] #result table"),
    "simulation": ("estimate_pi", "#job[data-state=processing]:has(progress[value='50']) #result img"),
}


def main() -> None:
    with started() as address:
        take_pictures(address)
    for example, (task, shown) in EXAMPLES.items():
        with started("--tasks", f"examples/{example}.py") as address:
            take_picture_of_an_example(address, example, task, shown)


@contextmanager
def started(*options: str) -> Iterator[str]:
    """A server with an empty instance. Its address."""
    with tempfile.TemporaryDirectory() as instance:
        server = subprocess.Popen(
            [sys.executable, "run.py", "--port", "0", "--instance", instance, *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            yield address_from(server)
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
        take_picture_of_a_drawing(page)
        take_pictures_of_other_pages(page)
        phone = browser.new_page(
            base_url=address, viewport={"width": 360, "height": 720}, color_scheme="dark", device_scale_factor=2
        )
        phone.goto("/tasks/round_trip?cities=150")
        run(phone)
        wait_for_progress(phone, 30)
        phone.screenshot(path=IMAGES / "phone.png")
        browser.close()


def take_picture_of_an_example(address: str, example: str, task: str, shown: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(base_url=address, viewport={"width": 900, "height": 1000})
        page.goto(f"/tasks/{task}")
        run(page)
        page.wait_for_selector(shown)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / f"example-{example}.png")
        browser.close()


def take_picture_of_a_drawing(page: Page) -> None:
    """From the first page to a picture, in two clicks."""
    page.goto("/")
    page.screenshot(path=IMAGES / "home.png")
    page.locator("form", has=page.get_by_label("Width")).get_by_role("button", name="Run").click()
    wait_for_progress(page, 40)
    page.screenshot(path=IMAGES / "job-running.png", full_page=True, clip=clip_of(page, "#log"))
    page.wait_for_selector("#job[data-state=completed] #result img")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / "job-done.png")


def take_pictures_of_other_pages(page: Page) -> None:
    page.goto("/tasks/csv_checkup")
    page.screenshot(path=IMAGES / "form.png", full_page=True)
    run(page)
    page.wait_for_selector("#job[data-state=completed] #result table")
    page.screenshot(path=IMAGES / "job-table.png", full_page=True, clip=clip_of(page, "#result"))
    page.goto("/tasks/flaky_import")
    run(page)
    page.wait_for_selector("#attempts")
    page.screenshot(path=IMAGES / "job-retrying.png", full_page=True, clip=clip_of(page, "#attempts"))
    page.goto("/jobs")
    page.screenshot(path=IMAGES / "jobs.png", full_page=True, clip=clip_of(page, "#jobs"))


def run(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/jobs/*")


def wait_for_progress(page: Page, percent: int) -> None:
    page.wait_for_function(
        "percent => { const bar = document.querySelector('progress'); return bar?.value >= percent }", arg=percent
    )


def clip_of(page: Page, last: str) -> dict[str, float]:
    """From the top of the page to the end of the card that `last` is in."""
    bottom = "last => document.querySelector(last).closest('section').getBoundingClientRect().bottom"
    width = float((page.viewport_size or {"width": 1100})["width"])
    return {"x": 0, "y": 0, "width": width, "height": float(page.evaluate(bottom, last)) + 24}


if __name__ == "__main__":
    main()
