"""A visitor with a browser: from the home page to a result, and what can happen on the way."""

from playwright.sync_api import Browser, Page, expect
from process_tree import Tree

# Two intervals of a steady poll and some more.
LONGER_THAN_TWO_POLLS_MS = 12_000


def test_a_julia_set_is_drawn_before_ones_eyes_and_then_the_page_is_quiet(page: Page) -> None:
    page.goto("/")
    page.locator("form", has=page.get_by_label("Width")).get_by_role("button", name="Run").click()
    page.wait_for_url("**/jobs/*")

    bar = page.locator("progress[value]")
    expect(bar).to_be_visible()
    first = float(bar.get_attribute("value") or 0)
    page.wait_for_function(
        "first => { const bar = document.querySelector('progress'); return bar && bar.value > first }", arg=first
    )

    picture = page.locator("#result img")
    expect(picture).to_be_visible()
    page.wait_for_function("() => document.querySelector('#result img').naturalWidth === 800")
    expect(page.locator("#job")).to_have_attribute("data-state", "completed")
    expect(page.locator("#log")).not_to_be_empty()
    assert page.title().startswith("Done")

    # The log's own poll comes once more, for what was printed last.
    expect(page.locator("[data-live], [hx-trigger]")).to_have_count(0)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.wait_for_timeout(LONGER_THAN_TWO_POLLS_MS)
    assert requests == []


def test_a_running_job_is_stopped_by_its_button(page: Page) -> None:
    page.goto("/tasks/long_wait?seconds=10")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#job")).to_have_attribute("data-state", "processing")

    page.get_by_role("button", name="Stop").click()

    expect(page.locator("#job")).to_have_attribute("data-state", "cancelled")
    assert page.locator("#job").get_attribute("hx-get") is None


def test_a_job_that_fails_twice_shows_its_retries_and_then_its_result(page: Page) -> None:
    page.goto("/tasks/flaky_import")
    page.get_by_role("button", name="Run", exact=True).click()

    expect(page.locator("#job")).to_contain_text("ConnectionError")
    expect(page.locator("#job")).to_have_attribute("data-state", "completed")
    expect(page.locator("#result")).to_be_visible()


def test_a_wrong_value_is_told_beside_its_field_and_what_was_typed_stays(page: Page) -> None:
    page.goto("/tasks/julia")
    page.get_by_label("Width").fill("9999")
    page.evaluate("document.querySelectorAll('form').forEach(form => form.noValidate = true)")
    page.get_by_role("button", name="Run", exact=True).click()

    expect(page.get_by_role("alert").filter(has_text="1600")).to_be_visible()
    expect(page.get_by_label("Width")).to_have_value("9999")
    expect(page.get_by_label("Width")).to_have_attribute("aria-invalid", "true")

    page.get_by_label("Width").fill("64")
    page.get_by_label("Height").fill("40")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#job")).to_have_attribute("data-state", "completed")


def test_the_hello_page_queues_its_visit_and_asks_until_the_result_is_there(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    page.goto("/hello")

    expect(page.locator("#hello-state")).to_contain_text("completed")
    expect(page.locator("#hello-result")).not_to_have_text("?")
    assert page.locator("#hello").get_attribute("hx-trigger") is None
    assert len([each for each in asked if each.startswith("POST")]) == 1


def test_a_log_grows_on_the_page_without_being_fetched_again(page: Page) -> None:
    page.goto("/tasks/round_trip?cities=90")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/jobs/*")
    page.wait_for_function("() => document.querySelector('#log').childElementCount >= 2")
    texts = page.locator("#log > span").all_inner_texts()

    expect(page.locator("#job")).to_have_attribute("data-state", "completed")
    whole = page.request.get(page.locator("a", has_text="Plain text").get_attribute("href") or "").text()
    expect(page.locator("#log")).to_have_text(whole)
    assert len(set(texts)) == len(texts)


def test_everything_works_without_javascript(browser: Browser, site: Tree) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/tasks/word_counts")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/jobs/*")

    # The page refreshes itself every five seconds until the job has ended.
    expect(page.locator("#job[data-state=completed]")).to_be_visible()
    expect(page.locator("#result table")).to_be_visible()

    context.close()


def test_no_page_needs_scrolling_sideways_on_a_phone(page: Page, site: Tree) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/tasks/csv_checkup")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#job")).to_have_attribute("data-state", "completed")

    for address in (page.url, "/", "/tasks/julia", "/tasks/csv_checkup", "/jobs", "/hello"):
        page.goto(address)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{address} is {width} pixels wide"
