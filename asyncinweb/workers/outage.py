"""Logging an outage of the database: once when it begins and once when it is over, not at every try."""

import logging

from asyncinweb.errors import AsyncInWebError

log = logging.getLogger(__name__)


class OutageLog:
    """One process's outages of one database."""

    def __init__(self) -> None:
        self._told = ""

    def note(self, error: AsyncInWebError | OSError) -> None:
        """The database could not be used; the caller will try again."""
        if str(error) != self._told:
            log.warning("Waiting for the database: %s", error)
        self._told = str(error)

    def is_over(self) -> None:
        """The database could be used."""
        if self._told:
            log.info("The database is available again")
        self._told = ""
