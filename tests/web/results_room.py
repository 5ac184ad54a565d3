"""What the tests of results on pages do over and over."""

from pathlib import Path

from bs4 import Tag
from flask.testing import FlaskClient
from web_room import Room, one, page, words

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def result_part(client: FlaskClient, slug: str) -> Tag:
    """The part of a job's page that shows its result."""
    return one(page(client, f"/jobs/{slug}"), "#result")


def cells(table: Tag) -> list[list[str]]:
    return [[words(cell) for cell in row.select("th, td")] for row in table.select("tr")]


def saved(room: Room, files: dict[str, bytes]) -> str:
    """A job that has saved these files."""
    held = room.start()
    for name, data in files.items():
        room.folder(held.slug).save(held.claim_no, name, data)
    room.finish(held, None)
    return held.slug


def written(folder: Path, files: dict[str, bytes]) -> list[Path]:
    """These files, for a function to return."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]
