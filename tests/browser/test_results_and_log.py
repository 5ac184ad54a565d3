"""Results of every shape and the live log, as a browser shows them: nothing refused, nothing fetched twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_room import serving
from playwright.sync_api import Browser, Page, expect
from process_tree import Tree

TASKS = Path(__file__).with_name("sample_page_tasks.py")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Tree]:
    """The program with the tasks of sample_page_tasks.py."""
    with serving(tmp_path_factory.mktemp("site"), TASKS) as tree:
        yield tree


def run(page: Page, task: str) -> None:
    """Start a task and wait for its page."""
    page.goto(f"/tasks/{task}")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/jobs/*")


def wait_until_done(page: Page) -> None:
    expect(page.locator("#job")).to_have_attribute("data-state", "completed")


def is_shown(page: Page, selector: str) -> bool:
    """True once every picture that the selector finds has been drawn."""
    script = "selector => [...document.querySelectorAll(selector)].every(image => image.naturalWidth > 0)"
    for image in page.locator(selector).all():
        image.scroll_into_view_if_needed()  # those of files are fetched no earlier
    page.wait_for_function(script, arg=selector)
    return page.locator(selector).count() > 0


def test_results_of_every_shape_are_shown_and_nothing_in_them_runs(page: Page) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    elsewhere: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url) if "e.example" in request.url else None)
    run(page, "everything")
    wait_until_done(page)

    assert page.locator("#result .part").count() == 8
    assert is_shown(page, "#result img, #files img")
    assert page.locator("#result img").count() == 3
    expect(page.locator("#result-1 h3").last).to_have_text("Done")
    expect(page.locator("#result-1 td.number")).to_have_css("text-align", "right")
    assert page.locator("#result-3 tbody tr").count() == 30
    expect(page.locator("#files table")).to_be_visible()
    assert elsewhere == []


def test_folded_json_opens_without_javascript(browser: Browser, site: Tree) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    run(page, "everything")
    expect(page.locator("#job[data-state=completed]")).to_be_visible()
    folded = page.locator("#result-5 details", has_text='"list"').last

    expect(folded.get_by_text("99", exact=True)).to_be_hidden()
    folded.locator("summary").click()
    expect(folded.get_by_text("99", exact=True)).to_be_visible()
    context.close()


def test_results_and_log_fit_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for task in ("everything", "talk"):
        run(page, task)
        wait_until_done(page)

        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_log_grows_in_colour_and_follows_its_end_without_being_fetched_again(page: Page) -> None:
    received: list[str] = []
    page.on("response", lambda answer: received.append(answer.url) if "/log?" in answer.url else None)
    run(page, "talk")
    expect(page.locator("#log")).to_contain_text("line 1\n")
    page.evaluate("document.querySelector('#log > span').dataset.seen = 'yes'")

    wait_until_done(page)
    expect(page.locator("#log")).to_contain_text("the end")

    expect(page.locator("#log > span").first).to_have_attribute("data-seen", "yes")
    lines = page.locator("#log").inner_text().splitlines()
    assert [line for line in lines if line.startswith("line ")] == [f"line {number}" for number in range(12)]
    assert [line for line in lines if "%|" in line] == ["100%|"]
    expect(page.locator("#log .ink-red.bold")).to_have_text("red")
    colours = [
        page.locator(f"#log .{name}").evaluate("e => getComputedStyle(e).color")
        for name in ("ink-red", "fill-green")
    ]
    assert len({*colours, page.locator("#log").evaluate("e => getComputedStyle(e).color")}) == 3
    assert page.locator(".log-view").evaluate("e => Math.abs(e.scrollTop) < 2 && e.scrollHeight > e.clientHeight")
    offsets = [address.partition("after=")[2].partition("&")[0] for address in received]
    assert offsets == sorted(offsets, key=int)
    assert offsets[-1] != "0"


def test_earlier_parts_come_when_they_are_asked_for(page: Page) -> None:
    run(page, "talk_much")
    wait_until_done(page)
    page.reload()
    log = page.locator("#log")
    expect(log).to_contain_text("line 011999")
    expect(log).not_to_contain_text("line 000000")
    before = log.inner_text()

    while page.locator("#log-earlier-link").count():
        length = len(log.inner_text())
        page.locator("#log-earlier-link").click()
        page.wait_for_function("length => document.querySelector('#log').innerText.length > length", arg=length)

    lines = log.inner_text().splitlines()
    assert lines == [f"line {number:06} of a long log" for number in range(12_000)]
    assert log.inner_text().endswith(before)


def test_earlier_parts_are_links_without_javascript(browser: Browser, site: Tree, page: Page) -> None:
    run(page, "talk_much")
    wait_until_done(page)
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    plain = context.new_page()
    plain.goto(page.url)

    while plain.locator("#log-earlier-link").count():
        plain.locator("#log-earlier-link").click()

    expect(plain.locator("#log")).to_contain_text("line 000000")
    expect(plain.locator("#log-copy")).to_be_hidden()
    plain.locator("#log-end").click()
    expect(plain.locator("#log")).to_contain_text("line 011999")
    context.close()


def test_the_log_can_be_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    run(page, "talk")
    wait_until_done(page)
    expect(page.locator("#log")).to_contain_text("the end")

    page.locator("#log-copy").click()

    expect(page.locator("#log-copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#log").inner_text()


def test_a_result_so_far_appears_by_itself_grows_and_is_replaced_by_the_result(page: Page, tmp_path: Path) -> None:
    run(page, f"grow?folder={tmp_path}")
    so_far, rows = page.locator("#so-far"), page.locator("#result tbody tr")

    expect(so_far).to_have_text("The task is still running. This is what it has so far.")
    expect(page.locator("#result-title")).to_have_text("Result so far")
    expect(rows).to_have_count(1)
    assert is_shown(page, "#result img")
    page.evaluate("document.querySelector('#result').wasSeen = true")
    page.evaluate("scrollTo(0, 200)")

    (tmp_path / "once").touch()
    expect(rows).to_have_count(2)
    assert is_shown(page, "#result img")
    assert page.evaluate("document.querySelector('#result').wasSeen"), "it is the same element"
    assert page.evaluate("scrollY") == 200

    (tmp_path / "twice").touch()
    wait_until_done(page)
    expect(rows).to_have_count(3)
    expect(so_far).to_have_count(0)
    expect(page.locator("#result-title")).to_have_text("Result")
    assert is_shown(page, "#result img")


def test_a_result_so_far_is_there_without_javascript(browser: Browser, site: Tree, tmp_path: Path) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    run(page, f"grow?folder={tmp_path}")

    expect(page.locator("#so-far")).to_be_visible()
    (tmp_path / "once").touch()
    (tmp_path / "twice").touch()
    expect(page.locator("#job[data-state=completed]")).to_be_visible()
    expect(page.locator("#so-far")).to_have_count(0)
    context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_a_result_so_far_fits_and_stays_when_the_job_fails(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    run(page, f"break_down?words={'half-of-it-' * 40}")

    expect(page.locator("#job")).to_have_attribute("data-state", "failed")
    expect(page.locator("#so-far")).to_have_text("The task failed before it finished. This is what it had so far.")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
