"""What the tables are made of: their base with its bind key, the type of times, and conditions of partial indexes.

The metadata carries a bind key, so a host's Flask-SQLAlchemy finds the right database. Never give `Base` to
`SQLAlchemy(model_class=...)`: that silently clears the key.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Dialect, Float, MetaData, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase

from asyncinweb import clock
from asyncinweb.states import FINAL, State

BIND_KEY = "asyncinweb"


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime, stored as seconds since 1970 so that SQL can compare and subtract it."""

    impl = Float
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> float | None:
        return None if value is None else value.timestamp()

    def process_result_value(self, value: float | None, dialect: Dialect) -> datetime | None:
        return None if value is None else clock.from_stored(value)

    @property
    def python_type(self) -> type[datetime]:
        return datetime


class Base(DeclarativeBase):
    """Base of this package's tables only."""

    metadata = MetaData(
        info={"bind_key": BIND_KEY},
        naming_convention={"ck": "%(table_name)s_%(constraint_name)s", "pk": "%(table_name)s_pk"},
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcTime, str: Text, float: Float}


def in_states(states: tuple[State, ...]) -> str:
    return "state IN (" + ", ".join(f"'{state}'" for state in states) + ")"


# SQLite uses a partial index only if the query repeats its condition word for word.
IS_QUEUED = "state = 'queued'"
IS_PROCESSING = "state = 'processing'"
IS_SCHEDULED = "state = 'scheduled'"
IS_WAITING = in_states(("scheduled", "queued"))
IS_FINAL = in_states(FINAL)
# Without the state, because the planner would prefer asyncinweb_jobs_state and sort all ended jobs.
HAS_ENDED_WITHOUT_EXPIRY = "finished_at IS NOT NULL AND expires_at IS NULL"
IS_UNFINISHED = in_states(("scheduled", "queued", "processing"))
