"""A text with more than one meaning, so only the visitor can say which is right."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unclear:
    """Takes the place of a value. No type hint accepts it; `advice` is the message for the visitor."""

    text: str
    advice: str

    def __str__(self) -> str:
        return self.text
