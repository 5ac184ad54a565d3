"""Pages that keep themselves current: progress, stopping, a server that goes away, a tab that is hidden."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request, expect
from process_tree import RUN, SAMPLE_TASKS, Tree

# Hidden and shown by hand, since a headless browser shows all its tabs.
SET_HIDDEN = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
# Notes what a browser would show, and says yes to being asked.
NOTE_NOTIFICATIONS = """
  window.shown = [];
  window.Notification = class {
    static permission = "default";
    static async requestPermission() { return (Notification.permission = "granted"); }
    constructor(title, options) { window.shown.push([title, options.body]); }
  };
"""
# Long enough for two polls of a page that asks every 0.3 s.
TWO_POLLS_MS = 1_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Tree]:
    """The program with the tasks of the tests, asking often."""
    tree = Tree(
        tmp_path_factory.mktemp("live"),
        program=(*RUN, "--port", "0"),
        workers=2,
        tasks=SAMPLE_TASKS,
        poll_seconds=0.3,
        kill_after_seconds=1.5,
        grace_seconds=0.2,
    )
    try:
        tree.wait_until_started().wait_for_workers(2)
        yield tree
    finally:
        tree.end()


def asked_for(page: Page) -> list[str]:
    """What the page asks for from now on."""
    found: list[str] = []

    def hear(request: Request) -> None:
        found.append(request.url)

    page.on("request", hear)
    return found


def strongly_coloured(bar: bytes) -> float:
    """Which share of a progress bar has about the colour of its filled part."""
    picture = Image.open(io.BytesIO(bar)).convert("RGB")
    reds = [picture.getpixel((x, picture.height // 2))[0] for x in range(picture.width)]  # type: ignore[index]
    return sum(red < 110 for red in reds) / len(reds)


def open_job(page: Page, site: Tree, task: str, **arguments: object) -> str:
    slug = site.submit(task, **arguments)
    page.goto(f"/jobs/{slug}")
    return slug


def test_progress_moves_and_the_title_follows(page: Page, site: Tree) -> None:
    open_job(page, site, "fail_then_count", seconds=6)

    expect(page.locator("progress[value]")).to_be_visible()
    page.wait_for_function("() => /^\\d+%/.test(document.title)")
    expect(page.locator("#job")).to_have_attribute("data-state", "completed")
    assert page.title().startswith("Done")
    assert "favicon-completed" in str(page.locator("#favicon").get_attribute("href"))


def test_a_bar_without_a_number_never_looks_like_one_that_is_filled(page: Page, site: Tree) -> None:
    open_job(page, site, "nap", seconds=20)
    bar = page.locator("progress:not([value])")
    expect(bar).to_be_visible()

    for milliseconds in range(0, 1800, 150):
        bar.evaluate(
            "(bar, at) => { const [slide] = bar.getAnimations(); slide.pause(); slide.currentTime = at; }",
            milliseconds,
        )
        assert strongly_coloured(bar.screenshot()) < 0.15


def test_a_change_of_state_is_announced_once_and_progress_never(page: Page, site: Tree) -> None:
    slug = site.submit("flood_progress", seconds=5)
    page.goto(f"/jobs/{slug}")
    page.evaluate(
        """() => { window.said = [];
        new MutationObserver(() => said.push(document.getElementById("announce").textContent))
          .observe(document.getElementById("announce"), { childList: true }); }"""
    )

    expect(page.locator("#job")).to_have_attribute("data-state", "completed")
    said = [words for words in page.evaluate("window.said") if words]

    assert len([words for words in said if words.endswith("Done")]) == 1
    assert len(said) <= 2


def test_a_stubborn_job_is_stopped_in_two_visible_steps(page: Page, site: Tree) -> None:
    slug = site.begin("last", how="stubborn")
    page.goto(f"/jobs/{slug}")
    page.get_by_role("button", name="Stop").click()

    expect(page.locator("#sentence")).to_contain_text("we'll end its process")
    expect(page.locator("#job")).to_have_attribute("data-state", "cancelled")
    expect(page.locator("#sentence")).to_contain_text("The task didn't respond")


def test_a_failure_shows_error_reason_and_line_and_the_traceback_unfolds(page: Page, site: Tree) -> None:
    open_job(page, site, "fail", words="no such <b>year</b>")

    expect(page.locator("#error-sentence")).to_contain_text("no such <b>year</b>")
    expect(page.locator("#code-line")).to_contain_text("sample_tasks.py:")
    expect(page.locator("#traceback pre")).to_be_hidden()
    page.locator("#traceback summary").click()
    expect(page.locator("#traceback pre")).to_contain_text("Traceback")


def test_what_is_unfolded_and_selected_survives_a_change_of_the_page(page: Page, site: Tree) -> None:
    slug = open_job(page, site, "fail_then_count", seconds=30)
    expect(page.locator("#again")).to_contain_text("at first")
    page.locator("#attempts summary").click()
    page.locator("#share-address").focus()
    page.evaluate("document.getElementById('share-address').select()")
    seen = page.locator("#progress-text").inner_text()
    expect(page.locator("#progress-text")).not_to_have_text(seen)

    expect(page.locator("#attempts pre")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "share-address"
    assert page.evaluate("document.activeElement.selectionEnd") > 10
    site.client.cancel(slug)


def test_a_page_asks_no_more_often_than_the_setting_says(page: Page, site: Tree) -> None:
    slug = open_job(page, site, "nap", seconds=30)
    expect(page.locator("#job")).to_have_attribute("data-state", "processing")
    asked = asked_for(page)
    page.wait_for_timeout(3_000)
    of_status = [url for url in asked if "/status" in url]
    site.client.cancel(slug)

    # Every 0.3 s, in 3 s and what a busy machine adds to them; at least one, or nothing was measured.
    assert 1 <= len(of_status) <= 15


def test_a_hidden_tab_asks_for_nothing_and_looks_at_once_when_shown(page: Page, site: Tree) -> None:
    slug = open_job(page, site, "nap", seconds=30)
    expect(page.locator("#job")).to_have_attribute("data-state", "processing")
    page.evaluate(SET_HIDDEN, True)
    # What was asked just before, and the icon that its answer names, may still be on their way.
    page.wait_for_timeout(TWO_POLLS_MS)
    asked = asked_for(page)
    page.wait_for_timeout(TWO_POLLS_MS)
    site.client.cancel(slug)
    site.wait_for(slug, "cancelled")
    page.wait_for_timeout(TWO_POLLS_MS)
    while_hidden = list(asked)
    page.evaluate(SET_HIDDEN, False)

    expect(page.locator("#job")).to_have_attribute("data-state", "cancelled")
    assert while_hidden == []


def test_a_visitor_is_told_when_it_is_done_only_if_they_asked(page: Page, site: Tree, tmp_path: Path) -> None:
    page.add_init_script(NOTE_NOTIFICATIONS)
    open_job(page, site, "nap", seconds=0.5)
    expect(page.locator("#job")).to_have_attribute("data-state", "completed")
    unasked = page.evaluate("window.shown")
    open_job(page, site, "hold", until=str(tmp_path / "door"))
    page.get_by_role("button", name="Notify me when it's done").click()
    expect(page.get_by_role("button", name="We'll notify you when it's done")).to_be_visible()
    page.evaluate(SET_HIDDEN, True)
    (tmp_path / "door").touch()
    page.wait_for_function("() => window.shown.length")

    assert unasked == []
    assert page.evaluate("window.shown") == [["Busy until there is a file at this path", "Done"]]
    expect(page.locator("#tell")).to_be_hidden()


def test_a_browser_that_cannot_notify_shows_no_button_for_it(page: Page, site: Tree) -> None:
    page.add_init_script("delete window.Notification")
    slug = open_job(page, site, "nap", seconds=20)
    expect(page.locator("#job")).to_have_attribute("data-state", "processing")

    expect(page.locator("#tell")).to_be_hidden()
    expect(page.locator("#copy")).to_be_visible()
    site.client.cancel(slug)


def test_the_address_is_copied(page: Page, site: Tree) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_job(page, site, "nap", seconds=0.1)
    page.locator("#copy").click()

    expect(page.locator("#copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_a_list_changes_without_losing_focus(page: Page, site: Tree) -> None:
    slug = site.submit("nap", seconds=2)
    page.goto("/jobs")
    page.locator(f"#job-{slug}-link").focus()

    expect(page.locator(f"#job-{slug} .state")).to_have_text("Done")
    assert page.evaluate("document.activeElement.id") == f"job-{slug}-link"


def test_a_half_filled_form_and_what_is_selected_survive_the_list_below_it(page: Page, site: Tree) -> None:
    page.goto("/")
    field = page.locator("main form input[type=text]").first
    field.fill("17")
    asked = asked_for(page)
    page.wait_for_timeout(TWO_POLLS_MS)

    assert asked
    expect(field).to_have_value("17")


def test_a_server_that_goes_away_is_named_and_its_return_is_noticed_without_a_reload(
    page: Page, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("restart")
    settings = {"tasks": SAMPLE_TASKS, "poll_seconds": 0.3, "grace_seconds": 0.1}
    first = Tree(folder, program=(*RUN, "--port", "0"), **settings).wait_until_started()
    port = first.url.rsplit(":", 1)[1].strip("/")
    context = browser.new_context(base_url=first.url)
    own = context.new_page()
    slug = first.submit("hold", until=str(folder / "door"))
    own.goto(f"/jobs/{slug}")
    own.evaluate("window.isSamePage = true")
    expect(own.locator("#job")).to_have_attribute("data-state", "processing")

    first.end()
    expect(own.locator("#offline")).to_be_visible()
    (folder / "door").touch()
    second = Tree(folder, program=(*RUN, "--port", port), **settings)
    try:
        second.wait_until_started()
        expect(own.locator("#job")).to_have_attribute("data-state", "completed")
        expect(own.locator("#offline")).to_be_hidden()
        assert own.evaluate("window.isSamePage") is True
    finally:
        context.close()
        second.end()
