"""A visitor fills in forms: files, an error and its way back, a time to start, with and without JavaScript."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from browser_room import serving
from playwright.sync_api import Browser, Page, expect
from process_tree import Tree

from asyncinweb import clock

TASKS = Path(__file__).with_name("form_tasks.py")
LINES = "a,b\n1,2\n3,4\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Tree]:
    with serving(tmp_path_factory.mktemp("site"), TASKS) as tree:
        yield tree


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(LINES)
    return path


def open_form(page: Page) -> None:
    page.goto("/tasks/count_lines")
    page.get_by_label("Name").fill("Ann")


def run(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()


def let_the_server_check(page: Page) -> None:
    page.evaluate("document.querySelectorAll('form').forEach(form => form.noValidate = true)")


def expect_result(page: Page, words: str) -> None:
    page.wait_for_url("**/jobs/*")
    expect(page.locator("#job[data-state=completed]")).to_be_visible()
    expect(page.locator("#result")).to_contain_text(words)


def test_a_file_is_uploaded_and_read_by_the_function(page: Page, orders: Path) -> None:
    open_form(page)
    page.get_by_label("Table").set_input_files(orders)
    page.get_by_label("Password").fill("hunter2")
    run(page)

    expect_result(page, "orders.csv: 3 lines for Ann of Bremen, secret of 7")
    inputs = page.locator(".inputs")
    expect(inputs).to_contain_text("orders.csv (12 bytes)")
    expect(inputs).to_contain_text("(secret)")
    assert "hunter2" not in page.content()


def test_a_refused_form_comes_back_with_file_and_values_and_its_summary_in_focus(page: Page, orders: Path) -> None:
    open_form(page)
    let_the_server_check(page)
    page.get_by_label("Table").set_input_files(orders)
    page.get_by_label("Times").fill("99")
    page.get_by_label("Pause").fill("soon")
    run(page)

    expect(page.locator(".summary")).to_be_focused()
    expect(page.locator(".summary a")).to_have_count(2)
    expect(page.locator(".kept")).to_contain_text("orders.csv")
    assert page.locator("#count_lines-table-other").evaluate("input => input.files.length") == 0
    expect(page.get_by_label("Name")).to_have_value("Ann")
    expect(page.get_by_label("Pause")).to_have_value("soon")
    page.locator(".summary a").first.click()
    expect(page.get_by_label("Times")).to_be_focused()

    page.get_by_label("Times").fill("2")
    page.get_by_label("Pause").fill("1 min")
    run(page)
    expect_result(page, "orders.csv: 3 lines for Ann")

    page.get_by_role("link", name="Edit inputs and run again").click()
    expect(page.locator(".kept")).to_contain_text("orders.csv")
    page.get_by_label("Name").fill("Ben")
    run(page)
    expect_result(page, "orders.csv: 3 lines for Ben")


def test_a_file_that_is_too_large_is_told_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * 1_000_001)
    sent: list[str] = []
    open_form(page)
    page.on("request", lambda request: sent.append(request.method))
    page.get_by_label("Table").set_input_files(large)
    run(page)

    message = page.get_by_label("Table").evaluate("input => input.validationMessage")
    assert message == "“large.csv” is too large. The limit is 1 MB."
    assert "POST" not in sent
    page.get_by_label("Table").set_input_files([])
    assert "too large" not in page.get_by_label("Table").evaluate("input => input.validationMessage")


def test_a_job_is_started_at_a_time(page: Page, orders: Path) -> None:
    at = (clock.now() + timedelta(hours=2)).astimezone()
    open_form(page)
    page.get_by_label("Table").set_input_files(orders)
    page.get_by_text("Start later").click()
    page.get_by_label("Start at").fill(f"{at:%Y-%m-%dT%H:%M}")
    run(page)

    page.wait_for_url("**/jobs/*")
    expect(page.locator("#job")).to_have_attribute("data-state", "scheduled")
    expect(page.locator("#sentence")).to_contain_text(f"{at:%H:%M}")


def test_two_clicks_and_the_back_button_make_one_job(page: Page, site: Tree, orders: Path) -> None:
    before = len(site.rows("SELECT 1 FROM asyncinweb_jobs"))
    open_form(page)
    page.get_by_label("Table").set_input_files(orders)
    page.get_by_role("button", name="Run", exact=True).dblclick()
    page.wait_for_url("**/jobs/*")
    address = page.url
    page.go_back()
    page.get_by_label("Name").fill("Ann")
    if not page.get_by_label("Table").evaluate("input => input.files.length"):
        page.get_by_label("Table").set_input_files(orders)
    run(page)
    page.wait_for_url("**/jobs/*")

    assert page.url == address
    assert len(site.rows("SELECT 1 FROM asyncinweb_jobs")) == before + 1


def test_the_whole_way_works_without_javascript(browser: Browser, site: Tree, orders: Path) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    open_form(page)
    page.get_by_label("Table").set_input_files(orders)
    page.get_by_label("Pause").fill("soon")
    page.get_by_label("Password").fill("hunter2")
    run(page)

    expect(page.locator(".summary")).to_contain_text("Pause must be a duration, such as 1 h 30 min, not 'soon'")
    expect(page.locator(".kept")).to_contain_text("orders.csv")
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.locator(".again")).to_be_visible()

    page.get_by_label("Pause").fill("1:30")
    run(page)
    expect_result(page, "orders.csv: 3 lines for Ann of Bremen, secret of 0")
    context.close()


def test_a_kept_file_can_be_replaced_and_the_form_says_so(page: Page, orders: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a\n")
    open_form(page)
    let_the_server_check(page)
    page.get_by_label("Table").set_input_files(orders)
    page.get_by_label("Times").fill("99")
    run(page)
    expect(page.locator(".kept")).to_contain_text("orders.csv")
    page.locator("#count_lines-table-replace summary").click()
    expect(page.locator("#count_lines-table-replace-help")).to_contain_text("replaces orders.csv")

    page.locator("#count_lines-table-other").set_input_files(other)
    expect(page.locator("#count_lines-table-replace-help")).to_have_text("other.csv will be sent instead.")
    expect(page.locator(".kept.replaced")).to_have_count(1)
    page.locator("#count_lines-table-other").set_input_files([])
    expect(page.locator("#count_lines-table-replace-help")).to_contain_text("replaces orders.csv")
    page.locator("#count_lines-table-other").set_input_files(other)
    page.get_by_label("Times").fill("1")
    run(page)

    expect_result(page, "other.csv: 1 lines for Ann of Bremen")


def test_a_kept_file_can_be_removed_and_replaced_without_javascript_on_a_phone(
    browser: Browser, site: Tree, orders: Path, tmp_path: Path
) -> None:
    long_name = tmp_path / f"{'a-rather-long-name-' * 6}.csv"
    long_name.write_text("a\n")
    phone = {"width": 360, "height": 740}
    context = browser.new_context(base_url=site.url, java_script_enabled=False, viewport=phone)
    page = context.new_page()
    open_form(page)
    page.get_by_label("Table").set_input_files(long_name)
    page.get_by_label("Pause").fill("soon")
    run(page)
    width = page.locator(".chip").bounding_box()

    page.get_by_label(f"Remove {long_name.name}").check()
    page.locator("#count_lines-table-replace summary").click()
    page.locator("#count_lines-table-other").set_input_files(orders)
    page.get_by_label("Pause").fill("1 s")
    run(page)

    assert width is not None
    assert width["x"] + width["width"] <= 360
    expect_result(page, "orders.csv: 3 lines for Ann of Bremen")
    context.close()
