"""A look into a file: a picture, the first lines of a text, the first rows of a CSV."""

import csv
import io
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from asyncinweb.tasks.outputs.images import HEAD_BYTES, image_type
from asyncinweb.web.viewers.tables import Table

Kind = Literal["image", "text", "table", "none"]

# As much of a file is read.
HEAD = 4_000
MOST_LINES = 8
MOST_CHARACTERS_IN_LINE = 200
MOST_CSV_COLUMNS = 12
# A larger picture is a download.
MOST_IMAGE_BYTES = 20_000_000
CSV_SUFFIXES = (".csv", ".tsv")
DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Preview:
    """What can be shown of a file. `is_cut`: there is more of it."""

    kind: Kind
    text: str = ""
    table: Table | None = None
    is_cut: bool = False


NOTHING = Preview("none")


def preview_of(path: Path, name: str, size: int) -> Preview:
    """A look into the file; `name` is what the visitor knows it as. Reads only its beginning."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:  # gone, or not ours to read: the download will say so
        return NOTHING
    if image_type(head[:HEAD_BYTES]) or mimetypes.guess_type(name)[0] == "image/svg+xml":
        return Preview("image") if size <= MOST_IMAGE_BYTES else NOTHING
    return _preview_of_text(head, name, is_whole=size <= len(head))


def _preview_of_text(head: bytes, name: str, is_whole: bool) -> Preview:
    text = _as_text(head, is_whole)
    if not text:
        return NOTHING
    lines = text.splitlines()
    # The last line may have been cut in the middle.
    whole = lines if is_whole or len(lines) == 1 else lines[:-1]
    shown, is_cut = whole[:MOST_LINES], not is_whole or len(whole) > MOST_LINES
    if name.lower().endswith(CSV_SUFFIXES):
        return Preview("table", table=_table(shown), is_cut=is_cut)
    return Preview("text", "\n".join(_cut(line) for line in shown), is_cut=is_cut)


def _cut(line: str) -> str:
    return line if len(line) <= MOST_CHARACTERS_IN_LINE else line[:MOST_CHARACTERS_IN_LINE] + "…"


def _as_text(head: bytes, is_whole: bool) -> str | None:
    """None if it is no UTF-8 text. The last character may have been cut in the middle."""
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if is_whole or error.start < len(head) - 3:
            return None
        text = head[: error.start].decode("utf-8-sig")
    return None if any(each < " " and each not in "\t\n\r\f\x1b" for each in text) else text


def _table(lines: list[str]) -> Table:
    delimiter = max(DELIMITERS, key=lines[0].count)
    rows = [row for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter) if row]
    columns, *body = rows or [[]]
    width = min(MOST_CSV_COLUMNS, len(columns))
    fitted = [[*row[:width], *[""] * (width - len(row))] for row in body]
    return Table(columns[:width], fitted, len(fitted), len(columns))
