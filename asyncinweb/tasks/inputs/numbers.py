"""A number as people type or paste it: decimal comma or point, U+2212 for minus, digits in groups.

A text with two meanings is refused: 1,234 is 1234 to one reader and 1.234 to another.
"""

import re
import unicodedata

from asyncinweb.tasks.inputs.unclear import Unclear

# The signs that keyboards, word processors and web pages use for minus and plus.
_SIGNS = {"−": "-", "–": "-", "‒": "-", "﹣": "-", "－": "-", "＋": "+", "﹢": "+"}
# What people put between groups of three digits, besides commas and points.
_GROUPING = {each: " " for each in "\t\xa0\u2007\u2008\u2009\u202f"} | dict.fromkeys("’＇٬", "'")
_PLAIN = str.maketrans(_SIGNS | _GROUPING | {"٫": ".", "，": ",", "．": "."})
_NUMBER = re.compile(r"(?P<sign>[+-]?) *(?P<body>[0-9., ']*[0-9][0-9., ']*)(?P<exponent>[eE][+-]?[0-9]{1,4})?")
_THREES = re.compile(r"[1-9][0-9]{0,2}(?:([ ',.])[0-9]{3})(?:\1[0-9]{3})*")
_INDIAN = re.compile(r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}")


def read_number(text: str, *, whole: bool = False) -> str | Unclear:
    """The number as Python writes it. The text itself if it is not a number, for validation to name."""
    plain = _with_plain_signs(text)
    found = _NUMBER.fullmatch(plain)
    if found is None:
        # Python would read 1_000 as a number, but visitors don't write numbers that way.
        return Unclear(text, f"{text!r} isn't a number. Write it like 1000 or 3.5") if "_" in text else text
    body = found["body"]
    if _is_ambiguous(body, whole=whole):
        return Unclear(text, _advice(text, body, whole=whole))
    number = _joined(body)
    if number is None or (whole and number.partition(".")[2].strip("0")):
        return text
    return f"{found['sign']}{number}{found['exponent'] or ''}"


def _with_plain_signs(text: str) -> str:
    """The text in ASCII: digits of any script count, but a superscript 2 doesn't."""
    return "".join(
        each if each.isascii() or (digit := unicodedata.decimal(each, None)) is None else str(digit)
        for each in text.strip().translate(_PLAIN)
    )


def _is_ambiguous(body: str, *, whole: bool) -> bool:
    """True for a single mark before exactly three digits. A point is the decimal point if decimals are allowed."""
    one_mark = re.fullmatch(r"[1-9][0-9]{0,2}([.,])[0-9]{3}", body)
    return one_mark is not None and (whole or one_mark[1] == ",")


def _advice(text: str, body: str, *, whole: bool) -> str:
    large, small = re.sub("[.,]", "", body), body.replace(",", ".")
    cure = f"Write {large} without a separator" if whole else f"Write {large} or {small}"
    return f"{text!r} could mean {large} or {small}. {cure}"


def _joined(body: str) -> str | None:
    """The text without groups and with a decimal point; None if the marks make no sense."""
    before, mark, after = _parts(body)
    if mark and body.count(mark) > 1:
        # The decimal mark occurs once, so these are all between groups.
        before, after = body, ""
    if (after and not after.isdigit()) or (before and not before.isdigit() and not _is_grouped(before)):
        return None
    digits = re.sub("[., ']", "", before)
    return f"{digits}.{after}" if after else digits or None


def _parts(body: str) -> tuple[str, str, str]:
    """The text before the last comma or point, that mark, and the rest."""
    at = max(body.rfind(","), body.rfind("."))
    return (body, "", "") if at < 0 else (body[:at], body[at], body[at + 1 :])


def _is_grouped(digits: str) -> bool:
    """True for groups of three digits with one kind of mark between them, or grouped as in India."""
    return bool(_THREES.fullmatch(digits) or _INDIAN.fullmatch(digits))
