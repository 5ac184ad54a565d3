"""What is being started. Shared by both halves of a start: `serve`, and `supervision`, which is loaded later."""

from collections.abc import Callable
from dataclasses import dataclass

from asyncinweb.settings import Settings


@dataclass(frozen=True)
class Start:
    """What is being started, and how to report it at the terminal."""

    settings: Settings
    url: str | None
    say: Callable[[str], None]
    open_browser: bool
