"""Previews of files: a picture, the first lines of a text, the first rows of a CSV."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from asyncinweb.tasks.csv_reader.encodings import NoText, decode
from asyncinweb.tasks.csv_reader.rows import SIGNS, CsvText, NoTable, guess_delimiter
from asyncinweb.tasks.outputs.files import media_type_of
from asyncinweb.tasks.outputs.images import HEAD_BYTES, SVG_MEDIA_TYPE, image_type, svg_fault
from asyncinweb.web.viewers.tables import Table

Kind = Literal["image", "text", "table", "none"]

# How much of a file is read.
HEAD = 16_000
MOST_LINES = 8
MOST_CHARACTERS_IN_LINE = 200
MOST_CSV_COLUMNS = 12
# A larger picture is a download.
MOST_IMAGE_BYTES = 20_000_000
# A drawing is read in full, each time its page is opened.
MOST_SVG_BYTES = 2_000_000
CSV_SUFFIXES = (".csv", ".tsv")


@dataclass(frozen=True)
class Preview:
    """A file's preview. is_cut: the file is longer. note: how it was read."""

    kind: Kind
    text: str = ""
    table: Table | None = None
    is_cut: bool = False
    note: str = ""


NOTHING = Preview("none")


def preview_of(path: Path, name: str, size: int) -> Preview:
    """The file's preview; `name` is the visitor's name for it. Reads only its beginning."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:  # missing or unreadable: the download will say so
        return NOTHING
    if image_type(head[:HEAD_BYTES]) or _is_drawing(path, name, size):
        return Preview("image") if size <= MOST_IMAGE_BYTES else NOTHING
    return _preview_of_text(head, name, is_whole=size <= len(head))


def _is_drawing(path: Path, name: str, size: int) -> bool:
    """An SVG that browsers draw; any other file of that name would be a broken picture."""
    return media_type_of(name) == SVG_MEDIA_TYPE and size <= MOST_SVG_BYTES and not svg_fault(path.read_bytes())


def _preview_of_text(head: bytes, name: str, *, is_whole: bool) -> Preview:
    is_csv = name.lower().endswith(CSV_SUFFIXES)
    try:
        decoded = decode(head, is_whole=is_whole)
    except NoText:
        return NOTHING
    # Files other than tables can be anything, so nothing is assumed about them.
    if not _is_shown(decoded.text) or (decoded.is_assumed and not is_csv):
        return NOTHING
    note = "" if decoded.encoding == "UTF-8" else f"Read as {decoded.encoding}"
    preview = (_preview_of_csv(decoded.text, is_whole=is_whole) if is_csv else None) or _lines(
        decoded.text, is_whole=is_whole
    )
    return replace(preview, note=f"{note} (assumed)" if decoded.is_assumed else note)


def _is_shown(text: str) -> bool:
    return bool(text) and not any(each < " " and each not in "\t\n\r\f\x1b" for each in text)


def _lines(text: str, *, is_whole: bool) -> Preview:
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    # The last line may have been cut in the middle.
    whole = lines if is_whole or len(lines) == 1 else lines[:-1]
    shown = "\n".join(_cut(line) for line in whole[:MOST_LINES])
    return Preview("text", shown, is_cut=not is_whole or len(whole) > MOST_LINES)


def _preview_of_csv(text: str, *, is_whole: bool) -> Preview | None:
    """None if a quotation mark is missing: then the plain lines are more useful."""
    csv_text = CsvText.of(text)
    try:
        rows = [row.cells for row in csv_text.rows(_sign_of(csv_text), is_whole=is_whole) if any(row.cells)]
    except NoTable:
        return None
    columns, *body = rows[:MOST_LINES] or [[]]
    width = min(MOST_CSV_COLUMNS, len(columns))
    fitted = [[*map(_cut, row[:width]), *[""] * (width - len(row))] for row in body]
    table = Table(columns[:width], fitted, len(fitted), len(columns))
    return Preview("table", table=table, is_cut=not is_whole or len(rows) > MOST_LINES)


def _sign_of(csv_text: CsvText) -> str:
    try:
        return csv_text.sign or SIGNS[guess_delimiter(csv_text)]
    except NoTable:
        # Most likely a single column.
        return SIGNS["comma"]


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS_IN_LINE else text[:MOST_CHARACTERS_IN_LINE] + "…"
