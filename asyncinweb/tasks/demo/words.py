"""Counting the words of a text: the demo of text in, table out."""

import re
import unicodedata
from collections import Counter
from typing import Annotated

from pydantic import Field

from asyncinweb.tasks.current import track
from asyncinweb.tasks.registry import task

# Letters of any alphabet, with apostrophes and hyphens inside: don't, week-end.
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

SAMPLE = """\
The lighthouse keeper kept two books. In the first book he wrote down every ship that passed: the hour, the
wind, the colour of the sails. In the second book he wrote down every ship that did not pass. The second book
was by far the longer one.

A visitor asked him once what use the second book was to anyone. "None," said the keeper, "until one evening a
wife comes up the stairs, and asks whether a certain ship has passed. Then I open the first book, and if the ship
is not in it, I open the second book, and there it is. She can see that somebody has waited for it, too."

The visitor thought about this for a while. The wind had gone down, and the sea lay as flat as a table. Far out,
hardly to be seen, a sail stood against the evening. The keeper reached for a pen. Then he waited, since he
did not know yet which book it would be.
"""
COMMON_WORDS = [
    "a",
    "and",
    "as",
    "at",
    "for",
    "had",
    "he",
    "in",
    "is",
    "it",
    "of",
    "on",
    "that",
    "the",
    "to",
    "was",
]


@task(timeout=60)
def word_counts(
    text: Annotated[str, Field(max_length=200_000, title="Text")] = SAMPLE,
    shortest: Annotated[
        int, Field(ge=1, le=30, title="Shortest word", description="Leave out words with fewer letters.")
    ] = 2,
    ignore: Annotated[
        list[str], Field(title="Words to leave out", description="Capital letters don't matter.")
    ] = COMMON_WORDS,
) -> list[dict[str, object]]:
    """Count the words in a text.

    Shows how often each word occurs, most frequent first, and its share of all words in the text.
    """
    counts: Counter[str] = Counter()
    # Some systems write é as e and an accent, which would end the word.
    lines = unicodedata.normalize("NFC", text).splitlines()
    for line in track(lines, text="lines"):
        counts.update(word.casefold() for word in WORD.findall(line))
    ignored = {word.strip().casefold() for word in ignore}
    kept = {word: count for word, count in counts.items() if len(word) >= shortest and word not in ignored}
    print(f"The text has {counts.total()} words, {len(counts)} of them different. Showing {len(kept)}.")
    if not kept:
        raise ValueError("There are no words to count: the text has none, or all of them are left out.")
    ordered = sorted(kept.items(), key=lambda item: (-item[1], item[0]))
    total = counts.total()
    return [{"word": word, "count": count, "share in %": round(100 * count / total, 2)} for word, count in ordered]
