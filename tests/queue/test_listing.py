"""Lists of jobs: every combination of filters, page by page, against the plain truth; and what a page may cost."""

from collections.abc import Iterator
from itertools import product

import pytest
from queue_room import change, new_job, rows
from sqlalchemy import event

from asyncinweb.queue import listing
from asyncinweb.queue.listing import Filters, list_jobs
from asyncinweb.queue.schema import ensure_schema
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import enqueue

STATES, TASKS, OWNERS = ("queued", "failed"), ("report", "rare"), ("anna", "ben")
TEXTS = ('{"text": "%_50"}', '{"text": "Grün \\"x\\""}', "{}")
COMBINATIONS = list(product((None, *STATES), (None, *TASKS), (None, *OWNERS), ("", "%_50", 'Grün "x"')))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """120 jobs of all kinds."""
    database = Database(tmp_path_factory.mktemp("filled") / "asyncinweb.db", "normal")
    ensure_schema(database)
    with database.write() as connection:
        for number in range(120):
            arguments = (
                '{"text": "%_50"}' if number % 5 == 0 else '{"text": "Grün \\"x\\""}' if number % 3 else "{}"
            )
            task, owner = ("rare" if number % 7 == 0 else "report"), OWNERS[number % 2]
            enqueue(connection, new_job(task=task, owner=owner, arguments=arguments))
    change(
        database,
        "UPDATE asyncinweb_jobs SET state = 'failed', reason = 'error', finished_at = 1.0 WHERE id % 4 = 0",
    )
    yield database
    database.close()


def all_pages(database: Database, filters: Filters, limit: int = 7) -> tuple[list[int], int]:
    """Ids in the order of the pages, and how many pages there were."""
    after, seen, pages = None, [], 0
    while True:
        with database.read() as session:
            page = list_jobs(session, filters, after, limit)
            seen += [job.id for job in page.jobs]
        pages += 1
        if page.next_after is None:
            return seen, pages
        assert page.next_after != after
        after = page.next_after


def truth(database: Database, filters: Filters) -> list[int]:
    return [
        row["id"]
        for row in rows(database, "SELECT * FROM asyncinweb_jobs ORDER BY id DESC")
        if filters.state in (None, row["state"])
        and filters.task in (None, row["task"])
        and filters.owner in (None, row["owner"])
        and filters.words.replace('"', '\\"') in row["arguments"]
    ]


@pytest.mark.parametrize("most", [3, 10_000])
def test_the_pages_of_any_filters_together_are_all_that_match_newest_first(
    filled: Database, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    for name in ("MOST_IN_ROW", "MOST_LOOKED_UP", "MOST_SCATTERED"):
        monkeypatch.setattr(listing, name, most)

    for combination in COMBINATIONS:
        filters = Filters(*combination)
        assert all_pages(filled, filters)[0] == truth(filled, filters), filters


def test_a_search_that_finds_nothing_gives_up_and_says_how_far_it_looked(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_IN_ROW", 50)
    with filled.read() as session:
        page = list_jobs(session, Filters(words="nowhere"))
        whole = list_jobs(session, Filters(words="nowhere"), page.next_after, 50)

    assert (page.jobs, page.searched_until is None) == ([], False)
    assert all_pages(filled, Filters(words="nowhere")) == ([], 3)
    assert whole.searched_until is not None


def test_one_filter_is_never_cut_short(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_IN_ROW", "MOST_LOOKED_UP", "MOST_SCATTERED"):
        monkeypatch.setattr(listing, name, 1)

    with filled.read() as session:
        page = list_jobs(session, Filters(state="failed"), limit=50)

    assert (len(page.jobs), page.next_after, page.searched_until) == (30, None, None)


def test_several_filters_are_looked_up_in_their_indexes_and_nothing_is_sorted(filled: Database) -> None:
    plans: list[str] = []

    def explain(connection: object, cursor: object, sql: str, parameters: object, *_: object) -> None:
        plan = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
        plans.extend(line[3] for line in plan)

    event.listen(filled._reader, "before_cursor_execute", explain)
    with filled.read() as session:
        list_jobs(session, Filters("failed", "report", "anna", "x"))
    event.remove(filled._reader, "before_cursor_execute", explain)

    looked_up = [line for line in plans if "COVERING INDEX" in line and "=? AND id=?" in line]
    assert len(looked_up) == 2, plans
    assert not [line for line in plans if line.startswith("SCAN") or "TEMP B-TREE" in line], plans
