"""Every page in every state: nothing to complain of for a screen reader, a phone, or the browser itself."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_room import Complaints
from gallery import ENDS, SHAPES, close_gallery, fill_gallery, start_gallery
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

SERIOUS = ("serious", "critical")
EVERY_RULE: dict[str, object] = {}
# Only colours are others in the dark.
CONTRAST: dict[str, object] = {"runOnly": ["color-contrast"]}
# The same elements as on their short pages, thousands of times: axe-core takes half a minute for them.
LONG = ("result long table", "result long json")
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
NAMES = [
    "home",
    "form",
    "form of long words",
    "jobs",
    "only failed",
    "not found",
    "running",
    "running without steps",
    "long words",
    "at the limit",
    "waiting",
    "starts tomorrow",
    "cancelled",
    "of an unknown task",
    "stopping",
    *ENDS,
    *(f"result {shape}" for shape in SHAPES),
]


class Gallery:
    """The pages by name, and one visitor's browser."""

    def __init__(self, context: BrowserContext, addresses: dict[str, str]) -> None:
        self.context = context
        self.addresses = addresses


@pytest.fixture(scope="module")
def gallery(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    tree = start_gallery(tmp_path_factory.mktemp("gallery"))
    try:
        context = browser.new_context(base_url=tree.url)
        yield Gallery(context, fill_gallery(tree, context))
        context.close()
    finally:
        close_gallery(tree)


@pytest.fixture
def page(gallery: Gallery) -> Iterator[Page]:
    page = gallery.context.new_page()
    yield page
    page.close()


def test_no_page_is_left_out(gallery: Gallery) -> None:
    assert set(gallery.addresses) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_fit_for_everybody(gallery: Gallery, page: Page, name: str) -> None:
    complaints = Complaints(page)

    for colours, size, rules in (("light", DESK, EVERY_RULE), ("dark", PHONE, CONTRAST)):
        page.emulate_media(color_scheme=colours)
        page.set_viewport_size(size)
        page.goto(gallery.addresses[name])

        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        if name not in LONG:
            assert serious_findings(page, rules) == []
    assert [each for each in complaints.heard if "404 (NOT FOUND)" not in each] == []


def serious_findings(page: Page, rules: dict[str, object]) -> list[tuple[str, str]]:
    """What axe-core finds that keeps somebody out: rule and element."""
    found = Axe().run(page, options={**rules, "resultTypes": ["violations"]}).response["violations"]
    return [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in SERIOUS]


def test_a_job_is_started_and_stopped_by_keyboard_alone(gallery: Gallery, page: Page) -> None:
    page.goto("/tasks/run_on?until=/nowhere")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()

    press_until_focused(page, page.get_by_role("button", name="Run", exact=True))
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/*")
    press_until_focused(page, page.locator("#stop-button"))
    page.keyboard.press("Enter")

    expect(page.locator("#job")).to_have_attribute("data-state", "cancelled")


def press_until_focused(page: Page, wanted: Locator) -> None:
    """Tab from one control to the next; each must show that it has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", page.evaluate("document.activeElement.outerHTML")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{wanted} is not reached by the Tab key")


def test_a_page_is_printed_dark_on_white_and_without_buttons(gallery: Gallery, page: Page) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(gallery.addresses["result table"])

    ink, paper = page.evaluate(
        "['color', 'backgroundColor'].map(name => getComputedStyle(document.documentElement)[name])"
    )
    assert (ink, paper) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)")
    expect(page.get_by_role("button", name="Run again")).to_be_hidden()
    expect(page.locator("#result table")).to_be_visible()
    for button in page.get_by_role("button").all():
        expect(button).to_be_hidden()


def test_what_others_wrote_does_not_turn_the_words_beside_it_around(gallery: Gallery, page: Page) -> None:
    page.goto(gallery.addresses["fail_and_wait"])
    after = """text => {
        const quoted = document.querySelector("#sentence q"), words = document.createElement("i");
        quoted.textContent = text;
        words.textContent = "after it";
        quoted.after(words);
        return words.getBoundingClientRect().left >= quoted.getBoundingClientRect().right - 1;
    }"""

    assert page.evaluate(after, "a name \u202egnp.exe")


def test_with_forced_colours_progress_and_the_current_page_are_still_told(gallery: Gallery, page: Page) -> None:
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    page.goto(gallery.addresses["running"])

    lines = page.locator(".top nav a").evaluate_all(
        "links => links.map(link => getComputedStyle(link).borderBottomColor)"
    )
    assert len(set(lines)) == len(lines) == 2
    bar = page.locator("progress").bounding_box()
    assert bar is not None
    done, ahead = (
        page.screenshot(clip={"x": bar["x"] + bar["width"] * share, "y": bar["y"] + 2, "width": 20, "height": 4})
        for share in (0.1, 0.8)
    )
    assert done != ahead


def test_nothing_moves_for_those_who_asked_for_that(gallery: Gallery, page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(gallery.addresses["running without steps"])

    moving = "document.getAnimations().filter(each => each.playState === 'running').length"
    page.wait_for_function(f"{moving} === 0")
