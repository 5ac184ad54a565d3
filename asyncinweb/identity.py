"""Names that are never used again: of processes, and of jobs."""

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


def new_slug() -> str:
    """A job's public name: 128 random bits as 22 characters that are safe in addresses and file names.

    Never with a leading "-": a shell command would take the name for an option.
    """
    while (slug := secrets.token_urlsafe(16)).startswith("-"):
        continue
    return slug
