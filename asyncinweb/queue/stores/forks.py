"""Connections stay with the process that opened them: a forked child opens its own.

It neither uses nor closes its parent's: SQLite would then drop locks that the parent relies on.
"""

import os
import weakref

from sqlalchemy import Engine, Pool

_engines: "weakref.WeakSet[Engine]" = weakref.WeakSet()
# Kept, since what is dropped is closed.
_of_parents: list[Pool] = []


def leave_at_fork(engine: Engine) -> None:
    """Let a child that this process forks begin with no connection of this engine."""
    _engines.add(engine)


def _leave_connections() -> None:
    for engine in list(_engines):
        _of_parents.append(engine.pool)
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_leave_connections)
