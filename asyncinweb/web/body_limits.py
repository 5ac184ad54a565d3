"""What a form may be before any view reads it: how large, how many fields, and texts that are whole.

Werkzeug would silently make an empty form of one that it cannot decode, and a task with defaults would start.
"""

from urllib.parse import unquote_to_bytes

from flask import abort, request

# The texts of a form, all together: the longest one fits several times.
MAX_TEXT_BYTES = 8_000_000
MOST_PARTS = 1_000
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
UNREADABLE = "The form contains characters that can't be read. Nothing was started."


def refuse_broken_form() -> None:
    """400 or 413 in words. A form with files is read, and checked, by `uploads`."""
    if request.mimetype != URLENCODED:
        return
    request.max_content_length = MAX_TEXT_BYTES
    body = request.get_data()
    if body.count(b"&") >= MOST_PARTS:
        abort(413, f"The form has more than {MOST_PARTS:,} fields. Nothing was started.")
    if not is_whole_text(unquote_to_bytes(body)):
        abort(400, UNREADABLE)


def is_whole_text(data: bytes | bytearray) -> bool:
    """True for UTF-8 that any program can hold: without U+0000, at which many of them stop reading."""
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False
