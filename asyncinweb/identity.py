"""Names for processes that are never used again."""

import secrets
from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """A process: its host, that host's boot, its number, and when it started."""

    host: str
    boot_id: str
    pid: int
    pid_started: str


def new_id() -> str:
    """An id for a supervisor or a worker."""
    return secrets.token_hex(8)
