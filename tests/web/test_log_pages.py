"""The log on a job's page: its end at first, then only what is new; earlier parts, and the whole of it as text."""

import threading
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from web_room import HTMX, Room, one, page, soup, words

from asyncinweb.queue.claims import Claim
from asyncinweb.queue.files.job_log import LogWriter
from asyncinweb.queue.transitions import fail
from asyncinweb.tasks.outcome import Failed

HOSTILE = "</pre></span><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7*7 }} \" ' &amp;"


def poller(root: Tag) -> Tag:
    return one(root, "#log-poll")


def answer_of(client: FlaskClient, root: Tag) -> BeautifulSoup:
    """What the poller of a page or of an answer gets."""
    return soup(client.get(str(poller(root)["hx-get"]), headers=HTMX))


def is_unchanged(client: FlaskClient, root: Tag) -> bool:
    return client.get(str(poller(root)["hx-get"]), headers=HTMX).status_code == 204


def lines_of(answer: Tag) -> str:
    """Finished lines that an answer adds to the log."""
    partials = answer.select('hx-partial[hx-target="#log-line"][hx-swap="beforebegin"]')
    return "".join(partial.get_text() for partial in partials)


def line_of(answer: Tag) -> str:
    """The line being written, as an answer shows it."""
    return one(answer, 'hx-partial[hx-target="#log-line"][hx-swap="innerHTML"]').get_text()


def shown(client: FlaskClient, slug: str) -> str:
    return one(page(client, f"/jobs/{slug}"), "#log").get_text()


@pytest.fixture
def held(room: Room) -> Claim:
    return room.start()


# --- what is new ------------------------------------------------------------------------------------------------


def test_the_page_shows_the_log_as_it_is(client: FlaskClient, room: Room, held: Claim) -> None:
    room.write_log(held).write(b"one\ntwo\nthr")

    assert shown(client, held.slug) == "one\ntwo\nthr"


def test_the_poll_appends_only_what_is_new(client: FlaskClient, room: Room, held: Claim) -> None:
    log = room.write_log(held)
    log.write("früh\n".encode())
    whole = page(client, f"/jobs/{held.slug}")
    log.write("später\n".encode())

    answer = answer_of(client, whole)

    assert (lines_of(answer), line_of(answer)) == ("später\n", "")
    assert is_unchanged(client, answer)


def test_nothing_new_is_a_204(client: FlaskClient, room: Room, held: Claim) -> None:
    room.write_log(held).write(b"one\nhalf a li")

    assert is_unchanged(client, page(client, f"/jobs/{held.slug}"))


def test_a_job_without_a_log_is_polled_all_the_same(client: FlaskClient, room: Room) -> None:
    for slug in (room.submit().slug, room.start("everything").slug):
        assert is_unchanged(client, page(client, f"/jobs/{slug}"))


@pytest.mark.usefixtures("stopped_clock")
def test_the_pollers_pace_follows_the_jobs_age(client: FlaskClient, room: Room, held: Claim) -> None:
    young = page(client, f"/jobs/{held.slug}")
    assert poller(young)["hx-trigger"] == "every 1s"

    room.make_older(held.slug, 16)

    assert poller(answer_of(client, young))["hx-trigger"] == "every 5s"


def test_the_last_answer_brings_the_rest_and_ends_the_polling(
    client: FlaskClient, room: Room, held: Claim
) -> None:
    whole = page(client, f"/jobs/{held.slug}")
    room.write_log(held).write(b"last words")
    room.finish(held, "done")

    answer = answer_of(client, whole)

    assert line_of(answer) == "last words"
    assert not poller(answer).has_attr("hx-get")
    assert not poller(answer).has_attr("hx-trigger")


def test_a_line_that_is_being_written_is_shown_once_however_often_it_is_looked_at(
    client: FlaskClient, room: Room, held: Claim
) -> None:
    log = room.write_log(held)
    log.write(b"begun")
    root: Tag = page(client, f"/jobs/{held.slug}")
    assert one(root, "#log-line").get_text() == "begun"

    received = []
    for piece in (b" and", b" done\nnext", b" line\n"):
        log.write(piece)
        root = answer_of(client, root)
        received.append((lines_of(root), line_of(root)))

    assert received == [("", "begun and"), ("begun and done\n", "next"), ("next line\n", "")]


def test_a_progress_bar_is_one_line_in_its_last_state(client: FlaskClient, room: Room, held: Claim) -> None:
    log = room.write_log(held)
    log.write(b"start\n  0%|   |\r")
    root: Tag = page(client, f"/jobs/{held.slug}")
    received = [one(root, "#log-line").get_text()]

    for percent in (b" 40%|#  |\r", b" 80%|## |", b"\r100%|###|\n", b"end\n"):
        log.write(percent)
        root = answer_of(client, root)
        received.append(lines_of(root) + line_of(root))

    assert received == ["  0%|   |", " 40%|#  |", " 80%|## |", "100%|###|\n", "end\n"]
    assert shown(client, held.slug) == "start\n100%|###|\nend\n"


def test_a_colour_goes_on_in_the_next_answer(client: FlaskClient, room: Room, held: Claim) -> None:
    log = room.write_log(held)
    log.write(b"\x1b[1;31mred\n")
    root: Tag = page(client, f"/jobs/{held.slug}")
    assert one(root, "#log .ink-red.bold").get_text() == "red\n"

    log.write(b"still red\x1b[0m not\n")
    answer = answer_of(client, root)

    assert one(answer, ".ink-red.bold").get_text() == "still red"
    assert lines_of(answer) == "still red not\n"


@pytest.mark.parametrize(
    "whole", ["a\x1b[38;5;1mred\x1b[0m b\n", "a\x1b]0;a title\x07 b\n", "a\x1b]8;;x\x1b\\ b\n", "aé𝄞 b\n"]
)
def test_whatever_is_split_between_two_polls_shows_no_half(
    client: FlaskClient, room: Room, held: Claim, whole: str
) -> None:
    data, log = whole.encode(), room.write_log(held)
    allowed = {whole[:end] for end in range(len(whole) + 1)} | {
        "a",
        "ar",
        "are",
        "ared",
        "ared ",
        "a ",
        "a b",
        "ared b",
    }
    root: Tag = page(client, f"/jobs/{held.slug}")

    for place in range(len(data)):
        log.write(data[place : place + 1])
        root = answer_of(client, root)
        assert line_of(root) in allowed
        assert not set(root.get_text()) & set("\x1b\x07[];0\ufffd")

    assert lines_of(root) in ("ared b\n", "a b\n", "aé𝄞 b\n")


def test_a_line_without_an_end_is_not_waited_for(client: FlaskClient, room: Room, held: Claim) -> None:
    log = room.write_log(held)
    log.write(b"x" * 15_000 + b"\x1b[3")
    root: Tag = page(client, f"/jobs/{held.slug}")
    log.write(b"1mred")

    answer = answer_of(client, root)

    assert one(root, "#log").get_text() == "x" * 15_000
    assert one(answer, ".ink-red").get_text() == "red"
    assert len(answer.get_text()) < 100


def test_a_new_attempt_starts_the_log_anew(client: FlaskClient, room: Room) -> None:
    held = room.start("everything", max_attempts=2)
    room.write_log(held).write(b"of the first attempt\n")
    root = page(client, f"/jobs/{held.slug}")
    room.perform(fail, held, Failed("error", "no", None, 0.0))
    again = room.claim("everything")
    room.write_log(again).write(b"of the second\n")

    answer = answer_of(client, root)

    assert words(one(answer, 'hx-partial[hx-target="#log"][hx-swap="innerHTML"]')) == "of the second"
    assert one(answer, "#log-line")
    assert one(answer, "#log-earlier")


def test_a_page_that_a_flood_has_left_behind_begins_anew_with_the_end(
    client: FlaskClient, room: Room, held: Claim
) -> None:
    root = page(client, f"/jobs/{held.slug}")
    room.write_log(held).write(numbered(30_000))

    answer = answer_of(client, root)

    partial = one(answer, 'hx-partial[hx-target="#log"]')
    assert partial["hx-swap"] == "innerHTML"
    assert partial.get_text().endswith("line 29999\n")
    assert len(partial.get_text()) <= 64_000
    assert one(answer, "#log-earlier-link")
    assert is_unchanged(client, answer)


# --- what came before -------------------------------------------------------------------------------------------


def numbered(count: int) -> bytes:
    return "".join(f"line {number}\n" for number in range(count)).encode()


def parts_backwards(client: FlaskClient, slug: str, with_htmx: bool) -> Iterator[str]:
    """The end of the log, then what each press of "Show earlier lines" brings."""
    root: Tag = page(client, f"/jobs/{slug}")
    yield one(root, "#log").get_text()
    while links := root.select("#log-earlier-link"):
        if with_htmx:
            root = soup(client.get(str(links[0]["hx-get"]), headers=HTMX))
            yield one(root, 'hx-partial[hx-target="#log"][hx-swap="afterbegin"]').get_text()
        else:
            root = page(client, str(links[0]["href"]).partition("#")[0])
            yield one(root, "#log").get_text()


@pytest.mark.parametrize("with_htmx", [True, False])
def test_a_long_log_can_be_read_backwards_to_its_beginning(
    client: FlaskClient, room: Room, held: Claim, with_htmx: bool
) -> None:
    room.write_log(held).write(numbered(20_000))
    room.finish(held, "done")

    parts = list(parts_backwards(client, held.slug, with_htmx))

    assert "".join(reversed(parts)).encode() == numbered(20_000)
    assert len(parts) == 4
    assert all(part.startswith("line ") for part in parts)


def test_an_earlier_part_has_no_poller_and_a_way_back_to_the_end(
    client: FlaskClient, room: Room, held: Claim
) -> None:
    room.write_log(held).write(numbered(20_000))
    link = one(page(client, f"/jobs/{held.slug}"), "#log-earlier-link")

    earlier = page(client, str(link["href"]).partition("#")[0])

    assert not poller(earlier).has_attr("hx-get")
    assert one(earlier, "#log-end")["href"] == f"/jobs/{held.slug}#log-title"


def test_the_part_before_belongs_to_the_attempt_it_was_asked_of(
    client: FlaskClient, room: Room, held: Claim
) -> None:
    room.write_log(held).write(b"one\ntwo\n")

    assert shown(client, f"{held.slug}?before=4&claim=1") == "one\n"
    assert shown(client, f"{held.slug}?before=4&claim=2") == "one\ntwo\n"
    assert shown(client, f"{held.slug}?before=-4&claim=1") == "one\ntwo\n"
    assert shown(client, f"{held.slug}?before={10**30}&claim=1") == "one\ntwo\n"


def test_what_a_flood_has_cost_is_said_where_it_is_missing(client: FlaskClient, room: Room, held: Claim) -> None:
    log = LogWriter(room.folder(held.slug), held.claim_no, max_bytes=80_000)
    log.write(numbered(20_000))
    room.finish(held, "done")

    parts = list(parts_backwards(client, held.slug, with_htmx=True))

    whole = "".join(reversed(parts))
    before, missing, after = whole.partition(" bytes are missing here because the log got too long]\n")
    start, _, count = before.rpartition("[")
    assert missing
    assert len(start) + int(count.replace(",", "")) + len(after) == len(numbered(20_000))
    assert numbered(20_000).decode().startswith(start)
    assert numbered(20_000).decode().endswith(after)
    assert client.get(f"/jobs/{held.slug}/log.txt").text.count("bytes are missing here") == 1


@pytest.mark.parametrize(
    "line", [b"plain words of an ordinary line\n", b"\"'<>&" * 12 + b"\n", b"\x1b[31m\"\x1b[0m'" * 9 + b"\n"]
)
def test_the_page_of_a_log_of_ten_megabytes_stays_small(
    client: FlaskClient, room: Room, held: Claim, line: bytes
) -> None:
    room.write_log(held).write(line * (10_000_000 // len(line)))
    room.finish(held, "done")
    address = f"/jobs/{held.slug}"

    assert len(client.get(address).data) < 200_000
    link = one(page(client, address), "#log-earlier-link")
    assert len(client.get(str(link["hx-get"]), headers=HTMX).data) < 200_000


@pytest.fixture
def flooded(client: FlaskClient, room: Room, held: Claim) -> Claim:
    """A job that has written a hundred times what is kept of a log, and kept 800 kB of it."""
    log = LogWriter(room.folder(held.slug), held.claim_no, max_bytes=800_000)
    for _ in range(100):
        log.write(b"plain words of an ordinary line\n" * 25_000)
    room.finish(held, "done")
    return held


def amount_before(root: Tag) -> str:
    return words(one(root, "#log-earlier .soft"))


def test_only_what_is_kept_counts_as_before_a_part(client: FlaskClient, flooded: Claim) -> None:
    first = page(client, f"/jobs/{flooded.slug}")
    second = page(client, str(one(first, "#log-earlier-link")["href"]).partition("#")[0])

    # The last half of 800 kB without what this part shows, and the first half.
    assert amount_before(first) == "736 kB more"
    assert amount_before(second) == "672.1 kB more"


def test_a_gap_is_named_on_the_first_page_with_a_link_to_where_it_begins(
    client: FlaskClient, flooded: Claim
) -> None:
    gap = one(page(client, f"/jobs/{flooded.slug}"), "#log-gap")
    link = one(gap, "a")

    assert "79.2 MB" in words(gap)
    beginning = page(client, str(link["href"]).partition("#")[0])
    assert one(beginning, "#log").get_text().startswith("plain words")
    missing = "[79,200,000 bytes are missing here because the log got too long]\n"
    assert one(beginning, "#log").get_text().endswith(missing)
    assert amount_before(beginning) == "336 kB more"


def test_a_log_without_a_gap_names_none(client: FlaskClient, room: Room, held: Claim) -> None:
    room.write_log(held).write(numbered(20_000))

    assert not page(client, f"/jobs/{held.slug}").select("#log-gap")


def test_the_gap_of_a_growing_log_is_named_by_the_poll_that_begins_anew(
    client: FlaskClient, room: Room, held: Claim
) -> None:
    log = LogWriter(room.folder(held.slug), held.claim_no, max_bytes=800_000)
    log.write(numbered(10))
    root = page(client, f"/jobs/{held.slug}")
    log.write(numbered(200_000))

    assert one(answer_of(client, root), "#log-gap")


def test_a_flooded_log_counts_as_what_is_kept_when_it_is_fetched(
    client: FlaskClient, room: Room, flooded: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asyncinweb.web.http.streaming.LARGE_BYTES", 1_000_000)
    monkeypatch.setattr("asyncinweb.web.http.streaming._places", threading.BoundedSemaphore(1))
    with client.get(f"/jobs/{flooded.slug}/log.txt", buffered=False) as first:
        second = client.get(f"/jobs/{flooded.slug}/log.txt")

    assert (first.status_code, second.status_code) == (200, 200)


# --- the whole --------------------------------------------------------------------------------------------------


def test_the_whole_log_is_what_was_written_to_the_byte(client: FlaskClient, room: Room, held: Claim) -> None:
    data = b"\x1b[31mred\x1b[0m\r\n 0%\r 50%\n\xff\x00\n" * 10_000
    room.write_log(held).write(data)

    response = client.get(str(one(page(client, f"/jobs/{held.slug}"), "#log-card .section-head a")["href"]))

    assert response.data == data
    assert response.content_type == "text/plain; charset=utf-8"
    assert "sandbox" in response.headers["Content-Security-Policy"]


def test_the_logs_address_answers_a_browser_with_text(client: FlaskClient, room: Room, held: Claim) -> None:
    room.write_log(held).write(b"words\n")

    assert client.get(f"/jobs/{held.slug}/log?after=0").text == "words\n"


# --- hostile lines ----------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name == "style"]


def test_hostile_lines_never_become_markup(client: FlaskClient, room: Room, held: Claim) -> None:
    log = room.write_log(held)
    log.write(f"{HOSTILE}\n\x1b[31m{HOSTILE}".encode())
    whole = page(client, f"/jobs/{held.slug}")
    log.write(f"\n{HOSTILE}\n\x1b[4m{HOSTILE}".encode())

    assert one(whole, "#log").get_text() == f"{HOSTILE}\n{HOSTILE}"
    assert Tags(str(one(whole, "#log"))).found == {"pre", "span"}
    answer = client.get(str(poller(whole)["hx-get"]), headers=HTMX)
    assert lines_of(soup(answer)) + line_of(soup(answer)) == f"{HOSTILE}\n{HOSTILE}\n{HOSTILE}"
    assert Tags(answer.text).found == {"div", "hx-partial", "span"}


@pytest.mark.parametrize(
    "query",
    [
        "after=x&claim=1",
        "after=-5&claim=1",
        f"after={10**25}&claim=1",
        "claim=1&style=%22%3E%3Cscript%3E",
        "before=x&claim=x",
        "start=-1&size=&poll=%00",
    ],
)
def test_an_odd_address_gets_a_sound_answer(client: FlaskClient, room: Room, held: Claim, query: str) -> None:
    room.write_log(held).write(b"\x1b[31mwords\n")

    response = client.get(f"/jobs/{held.slug}/log?{query}", headers=HTMX)

    assert response.status_code == 200
    assert Tags(response.text).found <= {"div", "hx-partial", "span", "p"}
