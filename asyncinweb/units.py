"""How amounts are written wherever a person reads them."""


def size(count: int) -> str:
    """`312 bytes`, `14.2 kB`, `3.5 MB`."""
    if count < 1000:
        return f"{count} byte{'' if count == 1 else 's'}"
    amount, unit = count / 1000, "kB"
    if amount >= 1000:
        amount, unit = amount / 1000, "MB"
    return f"{amount:.1f} {unit}".replace(".0 ", " ")
