"""Logging an outage, such as of the database: once when it begins and once when it is over, not at every try."""

import logging

from asyncinweb.errors import AsyncInWebError

log = logging.getLogger(__name__)


class OutageLog:
    """One process's outages of one thing, its database by default. `begins` has a %s for the reason."""

    def __init__(
        self, begins: str = "Waiting for the database: %s", ends: str = "The database is available again"
    ) -> None:
        self._begins, self._ends = begins, ends
        self._told = ""

    def note(self, reason: AsyncInWebError | OSError | str) -> None:
        """It could not be used; the caller will try again."""
        if str(reason) != self._told:
            log.warning(self._begins, reason)
        self._told = str(reason)

    def is_over(self) -> None:
        """It could be used."""
        if self._told:
            log.info(self._ends)
        self._told = ""
