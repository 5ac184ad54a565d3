"""No page leaves a reader behind: one that stays would keep the write-ahead log from being emptied."""

from flask.testing import FlaskClient
from web_room import Room

PAGES = ("/", "/tasks/picture", "/jobs", "/healthz", "/hello", "/missing")
PAGES_OF_A_JOB = ("", "/status", "/log", "/result", "/files.zip", "/files/missing")


def test_a_page_has_stopped_reading_when_it_is_answered(client: FlaskClient, room: Room) -> None:
    slug = room.complete("x" * 2000).slug
    in_the_way = []

    for path in (*PAGES, *(f"/jobs/{slug}{each}" for each in PAGES_OF_A_JOB)):
        # Not read to its end: a browser may take its time.
        answer = client.get(path, buffered=False)
        # Something that a reader would need the log for.
        room.submit()
        if not room.database.empty_wal():
            in_the_way.append(path)
        answer.close()

    assert in_the_way == []
