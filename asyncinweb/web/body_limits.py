"""Limits of a form before any view reads it: its size, its number of fields, and intact texts.

Werkzeug would silently treat a form that it cannot decode as empty, and a task with defaults would start.
"""

from urllib.parse import unquote_to_bytes

from flask import abort, request

# For all texts of a form together: several of the longest one fit.
MAX_TEXT_BYTES = 8_000_000
MOST_PARTS = 1_000
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
UNREADABLE = "The form contains characters that can't be read. Nothing was started."


def refuse_broken_form() -> None:
    """Refuse with 400 or 413 in plain words. `uploads` reads and checks forms with files."""
    if request.mimetype != URLENCODED:
        return
    request.max_content_length = MAX_TEXT_BYTES
    body = request.get_data()
    if body.count(b"&") >= MOST_PARTS:
        abort(413, f"The form has more than {MOST_PARTS:,} fields. Nothing was started.")
    if not is_whole_text(unquote_to_bytes(body)):
        abort(400, UNREADABLE)


def is_whole_text(data: bytes | bytearray) -> bool:
    """True for UTF-8 that every program can handle: without U+0000, at which many stop reading."""
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False
