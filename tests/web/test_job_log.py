"""The log on a job's page: its end at first, then only what is new, and the whole of it as text."""

from bs4 import Tag
from flask.testing import FlaskClient
from web_room import HTMX, Room, one, page, soup, words

from asyncinweb.queue.joblog import LogWriter
from asyncinweb.queue.transitions import fail
from asyncinweb.tasks.outcome import Failed


def poller(root: Tag) -> Tag:
    return one(root, "#log-poll")


def test_the_page_shows_the_log_as_it_is(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.write_log(held).write(b"one\ntwo\n")

    assert one(page(client, f"/jobs/{held.slug}"), "#log").get_text() == "one\ntwo\n"


def test_the_poll_appends_only_what_is_new(client: FlaskClient, room: Room) -> None:
    held = room.start()
    log = room.write_log(held)
    log.write("früh\n".encode())
    address = str(poller(page(client, f"/jobs/{held.slug}"))["hx-get"])
    log.write("später\n".encode())

    answer = soup(client.get(address, headers=HTMX))

    partial = one(answer, "hx-partial")
    assert (partial["hx-target"], partial["hx-swap"]) == ("#log", "beforeend")
    assert one(partial, "span").get_text() == "später\n"
    following = str(poller(answer)["hx-get"])
    assert client.get(following, headers=HTMX).status_code == 204


def test_nothing_new_is_answered_with_204(client: FlaskClient, room: Room) -> None:
    for slug in (room.submit().slug, room.start("everything").slug):
        address = str(poller(page(client, f"/jobs/{slug}"))["hx-get"])

        assert client.get(address, headers=HTMX).status_code == 204


def test_the_pollers_pace_follows_the_jobs_age(client: FlaskClient, room: Room) -> None:
    held = room.start()
    young = poller(page(client, f"/jobs/{held.slug}"))
    assert young["hx-trigger"] == "every 1s"

    room.make_older(held.slug, 16)

    assert poller(soup(client.get(str(young["hx-get"]), headers=HTMX)))["hx-trigger"] == "every 5s"


def test_the_last_answer_brings_the_rest_and_ends_the_polling(client: FlaskClient, room: Room) -> None:
    held = room.start()
    address = str(poller(page(client, f"/jobs/{held.slug}"))["hx-get"])
    room.write_log(held).write(b"last words\n")
    room.finish(held, "done")

    answer = soup(client.get(address, headers=HTMX))

    assert words(one(answer, "hx-partial")) == "last words"
    assert not poller(answer).has_attr("hx-get")
    assert not poller(answer).has_attr("hx-trigger")


def test_the_polling_of_an_ended_job_goes_on_until_all_of_a_long_log_is_there(
    client: FlaskClient, room: Room
) -> None:
    held = room.start()
    address = str(poller(page(client, f"/jobs/{held.slug}"))["hx-get"])
    lines = [f"line {number}\n" for number in range(30_000)]
    room.write_log(held).write("".join(lines).encode())
    room.finish(held, "done")
    received, answers = "", 0

    while True:
        answer = soup(client.get(address, headers=HTMX))
        received += one(answer, "hx-partial span").get_text()
        answers += 1
        if not poller(answer).has_attr("hx-get"):
            break
        address = str(poller(answer)["hx-get"])

    assert received == "".join(lines)
    assert answers > 1


def test_a_new_attempt_starts_the_log_anew(client: FlaskClient, room: Room) -> None:
    held = room.start("everything", max_attempts=2)
    room.write_log(held).write(b"of the first attempt\n")
    address = str(poller(page(client, f"/jobs/{held.slug}"))["hx-get"])
    room.perform(fail, held, Failed("error", "no", None, 0.0))
    again = room.claim("everything")
    room.write_log(again).write(b"of the second\n")

    partial = one(soup(client.get(address, headers=HTMX)), "hx-partial")

    assert (partial["hx-swap"], words(partial)) == ("innerHTML", "of the second")


def test_of_a_long_log_the_page_shows_the_end_and_links_the_whole(client: FlaskClient, room: Room) -> None:
    held = room.start()
    text = "".join(f"line {number}\n" for number in range(50_000))
    room.write_log(held).write(text.encode())
    room.finish(held, "done")
    whole = page(client, f"/jobs/{held.slug}")

    shown = one(whole, "#log").get_text()
    assert 90_000 < len(shown) <= 100_000
    assert shown.startswith("line ")
    assert shown.endswith("line 49999\n")
    response = client.get(str(one(whole, "#log-cut a")["href"]))
    assert response.text == text
    assert response.content_type == "text/plain; charset=utf-8"


def test_the_whole_log_says_where_its_middle_is_missing(client: FlaskClient, room: Room) -> None:
    held = room.start()
    log = LogWriter(room.folder(held.slug), held.claim_no, max_bytes=8000)
    log.write("".join(f"{number:07}\n" for number in range(5_000)).encode())

    text = client.get(f"/jobs/{held.slug}/log.txt").text

    assert text.startswith("0000000\n")
    assert text.endswith("0004999\n")
    assert "bytes are missing here" in text


def test_the_logs_address_answers_a_browser_with_text(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.write_log(held).write(b"words\n")

    assert client.get(f"/jobs/{held.slug}/log?after=0").text == "words\n"
