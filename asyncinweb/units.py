"""How amounts are written wherever a person reads them."""

from collections.abc import Sequence


def counted(number: int, thing: str) -> str:
    """`1 file`, `1,200 files`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """`.csv`, `.csv or .tsv`, `.csv, .tsv or .txt`."""
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def size(count: int) -> str:
    """`312 bytes`, `14.2 kB`, `3.5 MB`."""
    if count < 1000:
        return counted(count, "byte")
    amount, unit = count / 1000, "kB"
    if amount >= 1000:
        amount, unit = amount / 1000, "MB"
    return f"{amount:.1f} {unit}".replace(".0 ", " ")
