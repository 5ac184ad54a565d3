"""A text that has no single meaning, so nobody may pick one for the visitor."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unclear:
    """Stands where a value should be. No type hint accepts it; `advice` is the message for the visitor."""

    text: str
    advice: str

    def __str__(self) -> str:
        return self.text
