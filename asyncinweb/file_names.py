"""One rule for the names of files: those that visitors upload, that jobs save, and that results have.

A name is shown, sent and used in a folder, so it must name one file there and must not deceive. Everything else is
kept, such as joiners, narrow spaces and a leading dot.
"""

import re
import unicodedata
from pathlib import PurePosixPath

# The limit of Linux file systems, and of most others.
MOST_BYTES = 255
INSTEAD = "file"
_LONGEST_SUFFIX_BYTES = 40
# These turn the text after them around, so that gpj.exe reads as exe.jpg.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SEPARATORS = re.compile(r"[/\\]")


def fault_of_name(name: str) -> str:
    """Why this name is not allowed, in words that follow the name; "" if it is allowed."""
    if not name:
        return "is empty"
    if not name.strip("."):
        return "names a folder"
    if _SEPARATORS.search(name):
        return "contains a slash"
    wrong = next((each for each in name if is_dangerous(each)), "")
    if wrong:
        why = "reverses the text after it" if wrong in _DIRECTIONS else "can't be shown"
        return f"contains U+{ord(wrong):04X}, which {why}"
    size = len(name.encode())
    return f"is {size} bytes long; the limit is {MOST_BYTES}" if size > MOST_BYTES else ""


def clean_name(name: str) -> str:
    """The nearest allowed name: the last part of a path, without forbidden characters, and with its suffix."""
    last = _SEPARATORS.split(name)[-1]
    shown = "".join(each for each in last if not is_dangerous(each)).strip()
    if not shown.strip("."):
        return INSTEAD
    return shown if len(shown.encode()) <= MOST_BYTES else _shortened(shown)


def is_dangerous(character: str) -> bool:
    """True for a character that deceives a reader or a program; it is never there on purpose."""
    # Control characters, line and paragraph ends, and half characters.
    return character in _DIRECTIONS or unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs")


def _shortened(name: str) -> str:
    suffix = PurePosixPath(name).suffix
    suffix = suffix if len(suffix.encode()) <= _LONGEST_SUFFIX_BYTES else ""
    room = MOST_BYTES - len(f"…{suffix}".encode())
    # A character that does not fit completely is left out.
    return f"{name.removesuffix(suffix).encode()[:room].decode(errors='ignore')}…{suffix}"
