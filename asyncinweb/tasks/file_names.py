"""One rule for the names of files: those that visitors upload, that jobs save, and that results have.

A name is shown, sent and used in a folder, so it names one file there and deceives nobody. Everything else in it
is kept, such as joiners, narrow spaces and a leading dot.
"""

import re
import unicodedata
from pathlib import PurePosixPath

# What Linux file systems allow, and with them most others.
MOST_BYTES = 255
INSTEAD = "file"
_LONGEST_SUFFIX_BYTES = 40
# These turn the text after them around, so that gpj.exe reads exe.jpg.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SEPARATORS = re.compile(r"[/\\]")


def fault_of_name(name: str) -> str:
    """Why this is no name for a file, to follow the name; "" if it is one."""
    if not name:
        return "is empty"
    if not name.strip("."):
        return "names a folder"
    if _SEPARATORS.search(name):
        return "contains a slash"
    wrong = next((each for each in name if is_dangerous(each)), "")
    if wrong:
        why = "turns text around" if wrong in _DIRECTIONS else "can't be shown"
        return f"contains U+{ord(wrong):04X}, which {why}"
    size = len(name.encode())
    return f"is {size} bytes long; at most {MOST_BYTES} are possible" if size > MOST_BYTES else ""


def clean_name(name: str) -> str:
    """The nearest name for a file: the last part of a path, without what makes it none, and with its suffix."""
    last = _SEPARATORS.split(name)[-1]
    shown = "".join(each for each in last if not is_dangerous(each)).strip()
    if not shown.strip("."):
        return INSTEAD
    return shown if len(shown.encode()) <= MOST_BYTES else _shortened(shown)


def is_dangerous(character: str) -> bool:
    """True for what deceives a reader or a program; in a name it is never meant."""
    # Control characters, the ends of a line or a paragraph, and halves of characters.
    return character in _DIRECTIONS or unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs")


def _shortened(name: str) -> str:
    suffix = PurePosixPath(name).suffix
    suffix = suffix if len(suffix.encode()) <= _LONGEST_SUFFIX_BYTES else ""
    room = MOST_BYTES - len(f"…{suffix}".encode())
    # A character that does not fit whole is left out.
    return f"{name.removesuffix(suffix).encode()[:room].decode(errors='ignore')}…{suffix}"
