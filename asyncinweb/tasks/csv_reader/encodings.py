"""From the bytes of a text file to its text. What the bytes prove counts as known; what they only suggest counts
as assumed.

A guess among 8-bit encodings looks at words: in the right encoding they have the letters of one language, capitals
only where words begin, and no signs in their middle. Libraries guess from letter frequencies, which a short table
of names does not have: docs/decisions compares them.
"""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Literal, get_args

Encoding = Literal[
    "UTF-8",
    "UTF-16",
    "UTF-32",
    "Windows-1252",
    "Windows-1250",
    "ISO-8859-2",
    "Windows-1251",
    "Windows-1253",
    "Windows-1254",
    "Windows-1255",
    "Windows-1256",
    "KOI8-R",
    "IBM850",
    "IBM866",
    "Mac Roman",
    "Shift-JIS",
    "EUC-JP",
    "GB18030",
    "Big5",
    "EUC-KR",
]
NAMES: tuple[Encoding, ...] = get_args(Encoding)
FALLBACK: Encoding = "Windows-1252"
# The longer ones first: a UTF-32 mark begins with one of UTF-16.
MARKS: tuple[tuple[bytes, str, Encoding], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
CODECS = {"Mac Roman": "mac_roman", "Shift-JIS": "cp932", "EUC-KR": "cp949"}
# How much a guess looks at, and how many different words.
SAMPLE_BYTES, MOST_WORDS = 100_000, 100
# A guess needs at least this share of plausible words.
LEAST_SHARE = 0.7


class NoText(ValueError):
    """These bytes are not text."""


@dataclass(frozen=True)
class Decoded:
    """A text. is_assumed: another encoding could be the right one."""

    text: str
    encoding: Encoding
    is_assumed: bool


def decode(data: bytes, encoding: Encoding | None = None, *, is_whole: bool = True) -> Decoded:
    """The text of a file, or of its beginning, in this encoding or in its apparent one. Raises NoText."""
    for mark, codec, name in MARKS:
        if data.startswith(mark) and encoding in (None, name):
            return Decoded(
                _decoded(data[len(mark) :], codec, is_whole=is_whole, errors="replace"), name, is_assumed=False
            )
    if encoding is not None:
        return Decoded(_as_chosen(data, encoding, is_whole=is_whole), encoding, is_assumed=False)
    if b"\0" in data:
        return _wide(data, is_whole=is_whole)
    if (text := _strict(data, "utf-8", is_whole=is_whole)) is not None:
        return Decoded(text, "UTF-8", is_assumed=False)
    guess = _guess(data[:SAMPLE_BYTES])
    return Decoded(_decoded(data, _codec(guess), is_whole=is_whole, errors="replace"), guess, is_assumed=True)


def _as_chosen(data: bytes, encoding: Encoding, *, is_whole: bool) -> str:
    if encoding not in ("UTF-16", "UTF-32"):
        return _decoded(data, _codec(encoding), is_whole=is_whole, errors="replace")
    ends = [_decoded(data, f"{encoding}-{end}", is_whole=is_whole, errors="replace") for end in ("le", "be")]
    return max(ends, key=_readable_share)


def _wide(data: bytes, *, is_whole: bool) -> Decoded:
    """Text with zero bytes, which only UTF-16 and UTF-32 have."""
    for name in ("UTF-32", "UTF-16"):
        texts = [_strict(data, f"{name}-{end}", is_whole=is_whole) for end in ("le", "be")]
        best = max((text for text in texts if text), key=_readable_share, default="")
        if _readable_share(best) > 0.95:
            return Decoded(best, "UTF-32" if name == "UTF-32" else "UTF-16", is_assumed=True)
    raise NoText(
        "The file isn't text: it contains null bytes, as pictures and programs do. Export the table as CSV."
    )


def _readable_share(text: str) -> float:
    """Consists of ASCII and letters. With the bytes swapped, digits and commas become rare Chinese characters."""
    sample = text[:10_000]
    plain = sum(each.isascii() and (each.isprintable() or each in "\t\r\n") for each in sample)
    letters = sum(not each.isascii() and each.isalpha() and ord(each) < 0x3400 for each in sample)
    common = sum(0x3400 <= ord(each) < 0xD800 for each in sample) if plain else 0
    return (plain + letters + common) / len(sample) + plain / 1e6 if sample else 0.0


def _codec(encoding: Encoding) -> str:
    return CODECS.get(encoding, encoding)


def _strict(data: bytes, codec: str, *, is_whole: bool) -> str | None:
    try:
        return _decoded(data, codec, is_whole=is_whole, errors="strict")
    except UnicodeDecodeError:
        return None


def _decoded(data: bytes, codec: str, *, is_whole: bool, errors: str) -> str:
    # Incrementally, because the last character of a beginning may be cut in the middle.
    return codecs.getincrementaldecoder(codec)(errors).decode(data, is_whole)


# --- guessing ---------------------------------------------------------------------------------------------------

WESTERN = "äöüßÄÖÜàâçéèêëîïôùûÿœæÀÂÇÉÈÊËÎÏÔÙÛŒÆáíóúñÁÍÓÚÑãõÃÕìòÌÒåøÅØªº"
ICELANDIC = "áéíóúýðþæöÁÉÍÓÚÝÐÞÆÖ"
TURKISH = "çğıöşüÇĞİÖŞÜâîûÂÎÛ"
CENTRAL = "ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽőűöüŐŰÖÜăâîşţĂÂÎŞŢđĐäÄľĺŕĽĹŔôÔëËßçÇ"
CYRILLIC = "".join(map(chr, range(0x410, 0x450))) + "ёЁіІїЇєЄґҐўЎ"
GREEK = "".join(map(chr, range(0x386, 0x3CF)))
HEBREW = "".join(map(chr, range(0x5D0, 0x5EB)))
# These end a word; no Hebrew word continues after one.
HEBREW_ENDS = "ךםןףץ"
ARABIC = "".join(map(chr, range(0x621, 0x653))) + "پچژگکی"
INNER_SIGNS = "€£§°©®«»„“”‘‚–—…²³¿¡´µ×±\xa0№"
# Between letters, these two are plausible too.
SIGNS = f"{INNER_SIGNS}’·"
# The first of equally good ones.
ALPHABETS: tuple[tuple[Encoding, str], ...] = (
    ("Windows-1252", WESTERN),
    ("Windows-1255", HEBREW),
    ("Windows-1254", TURKISH),
    ("Windows-1252", ICELANDIC),
    ("Windows-1250", CENTRAL),
    ("ISO-8859-2", CENTRAL),
    ("Windows-1251", CYRILLIC),
    ("KOI8-R", CYRILLIC),
    ("IBM866", CYRILLIC),
    ("Windows-1253", GREEK),
    ("Windows-1256", ARABIC),
    ("Mac Roman", WESTERN),
    ("IBM850", WESTERN),
)
# The first bytes of the characters that a language uses most.
COMMON: tuple[tuple[Encoding, tuple[tuple[int, int], ...]], ...] = (
    ("EUC-KR", ((0xB0, 0xC8),)),
    ("GB18030", ((0xB0, 0xD7),)),
    ("Shift-JIS", ((0x82, 0x83), (0x88, 0x97))),
    ("EUC-JP", ((0xA4, 0xA5), (0xB0, 0xCF))),
    ("Big5", ((0xA4, 0xC6),)),
)
LATIN = (WESTERN, ICELANDIC, TURKISH, CENTRAL)
_APART = re.compile(r"[\s,;|\"'()/\\]+")


def _guess(data: bytes) -> Encoding:
    """The encoding in which most words with non-ASCII letters are plausible."""
    shares = [(_share(data, name, _is_word_in(alphabet)), name) for name, alphabet in ALPHABETS]
    shares += [(_share(data, name, _is_common_in(name, ranges)), name) for name, ranges in COMMON]
    best = max(shares, key=lambda each: each[0])
    return best[1] if best[0] >= LEAST_SHARE else FALLBACK


def _share(data: bytes, encoding: Encoding, worth: Callable[[str], float]) -> float:
    text = _strict(data, _codec(encoding), is_whole=False)
    if text is None:
        return 0.0
    worths = [worth(word) for word in _foreign_words(text)]
    return sum(worths) / len(worths) if worths else 0.0


def _foreign_words(text: str) -> list[str]:
    found = dict.fromkeys(word for word in _APART.split(text) if not word.isascii())
    return list(islice(found, MOST_WORDS))


def _is_word_in(alphabet: str) -> Callable[[str], float]:
    is_latin = alphabet in LATIN
    no_word = re.compile(rf"[^\x00-\x7f{alphabet}{SIGNS}]|([^\W\d_][{INNER_SIGNS}]|[®©²³±´])[^\W\d_]")
    # Latin words have few non-ASCII letters in a row; words in other alphabets have no ASCII letters next to them.
    mixed = rf"[{alphabet}]{{3}}" if is_latin else rf"[{alphabet}][a-zA-Z]|[a-zA-Z][{alphabet}]"
    wrong = re.compile(rf"{mixed}|[{HEBREW_ENDS}][{HEBREW}]")

    def worth(word: str) -> float:
        if no_word.search(word) or wrong.search(word) or _has_inner_capital(word):
            return 0.0
        is_shouted = len(word) > 1 and word.isupper() and not is_latin
        return 0.9 if is_shouted else 1.0

    return worth


def _has_inner_capital(word: str) -> bool:
    """A capital after a small letter, where one of them isn't ASCII: McDonald is a name."""
    return any(a.islower() and b.isupper() and not (a.isascii() and b.isascii()) for a, b in pairwise(word))


def _is_common_in(encoding: Encoding, ranges: tuple[tuple[int, int], ...]) -> Callable[[str], float]:
    def worth(word: str) -> float:
        foreign = [each for each in word if not each.isascii()]
        if re.search("[a-zA-Z][^\x00-\x7f]|[^\x00-\x7f][a-zA-Z]", word):
            return 0.0
        first_bytes = [each.encode(_codec(encoding), "replace")[0] for each in foreign]
        common = sum(any(low <= byte <= high for low, high in ranges) for byte in first_bytes)
        # A little less than certain, so that an alphabet in which all words are plausible comes first.
        return 0.99 * common / len(foreign)

    return worth
