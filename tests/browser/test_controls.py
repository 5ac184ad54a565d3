"""What a real browser's controls make of values that are hard to show, and of numbers as people type them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_room import serving
from control_tasks import tell
from playwright.sync_api import Browser, Page, expect
from process_tree import Tree

TASKS = Path(__file__).with_name("control_tasks.py")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Tree]:
    with serving(tmp_path_factory.mktemp("site"), TASKS) as tree:
        yield tree


def run(page: Page) -> str:
    """Run the form as it stands: what the function got."""
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/jobs/*")
    expect(page.locator("#job[data-state=completed]")).to_be_visible()
    return page.locator("#result pre").inner_text().strip()


def test_an_untouched_form_gives_the_function_its_own_defaults(page: Page) -> None:
    page.goto("/tasks/tell")

    assert run(page) == tell()


def test_edited_inputs_start_from_what_was_entered(page: Page) -> None:
    page.goto("/tasks/tell")
    first = run(page)
    page.locator("#change-link").click()

    assert run(page) == first == tell()


def test_numbers_arrive_as_they_were_typed(page: Page) -> None:
    page.goto("/tasks/tell")
    for label, text in (("Price", "1,5"), ("Share", "−0,25"), ("Large", "12 345 678")):
        page.get_by_label(label).press("Control+a")
        page.get_by_label(label).press_sequentially(text)

    answer = run(page)

    assert "Decimal('1.5'), -0.25, 12345678" in answer


def test_a_pasted_number_with_two_meanings_comes_back_with_the_way_to_write_it(page: Page) -> None:
    page.goto("/tasks/tell")
    page.get_by_label("Price").fill("1,234")
    page.get_by_role("button", name="Run", exact=True).click()

    expect(page.locator("#tell-price-error")).to_contain_text("Write 1234 or 1.234")
    expect(page.get_by_label("Price")).to_have_value("1,234")
