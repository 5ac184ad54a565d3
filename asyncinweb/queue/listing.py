"""Lists of jobs, newest first, filtered, in pages by key: every page costs the same, however many jobs match.

A single filter has its own index. For several, we read the index with the fewest jobs and look the others up in
theirs, back to a limit; the same goes for a text search, which has to read the jobs themselves. The next page
continues where this one stopped.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, TextClause, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session, defer

from asyncinweb.queue.models import Job
from asyncinweb.states import State

# How many jobs a page looks at before it stops: read one after the other, looked up from one index in another, and
# read from scattered places.
MOST_IN_ROW, MOST_LOOKED_UP, MOST_SCATTERED = 10_000, 5_000, 1_000


@dataclass(frozen=True)
class Filters:
    """Which jobs a list shows; None or "" for all."""

    state: State | None = None
    task: str | None = None
    owner: str | None = None
    words: str = ""


@dataclass(frozen=True)
class Page:
    """A page of a list, newest first. next_after: the `after` of the next, older page. searched_until: older jobs
    exist but were not looked at, so the page may not be full."""

    jobs: Sequence[Job]
    next_after: str | None
    searched_until: datetime | None = None


# Without the columns that can be large and that no list shows.
_LARGE = [defer(column) for column in (Job.result, Job.partial_result, Job.traceback, Job.source_line)]
_NEWEST_FIRST = select(Job).options(*_LARGE).order_by(Job.id.desc())


def list_jobs(session: Session, filters: Filters, after: str | None = None, limit: int = 50) -> Page:
    """Jobs older than the one called `after`, newest first."""
    # After a job that has been deleted, the list is empty.
    older = [Job.id < (session.scalar(select(Job.id).where(Job.slug == after)) or 0)] if after else []
    source, others = _source_of(session, filters, older)
    last = _last_looked_at(session, filters, source, others, older)
    jobs = session.scalars(_query(filters, source, others, older, last).limit(limit + 1)).all()
    if len(jobs) > limit:
        return Page(jobs[:limit], jobs[limit - 1].slug)
    if last is None:
        return Page(jobs, None)
    slug, created_at = session.execute(select(Job.slug, Job.created_at).where(Job.id == last)).one()
    return Page(jobs, slug, created_at)


@dataclass(frozen=True)
class _Filter:
    """One filter that has an index."""

    column: InstrumentedAttribute[str]
    value: str

    @property
    def holds(self) -> ColumnElement[bool]:
        return self.column == self.value

    @property
    def holds_in_index(self) -> TextClause:
        """Looked up in its own index, so that most jobs need not be read."""
        # Spelled out for SQLite, which would otherwise read the job, and that is what we want to avoid.
        key = self.column.key
        found = text(
            f"EXISTS (SELECT 1 FROM asyncinweb_jobs AS other INDEXED BY asyncinweb_jobs_{key}"
            f" WHERE other.{key} = :wanted_{key} AND other.id = asyncinweb_jobs.id)"
        )
        return found.bindparams(**{f"wanted_{key}": self.value})


_Older = Sequence[ColumnElement[bool]]


def _source_of(session: Session, filters: Filters, older: _Older) -> tuple[_Filter | None, list[_Filter]]:
    """The filter whose index is read, and the others. We read the one with the fewest jobs, because a limited
    number of them reaches back furthest."""
    wanted = ((Job.state, filters.state or None), (Job.task, filters.task or None), (Job.owner, filters.owner))
    given = [_Filter(column, value) for column, value in wanted if value is not None]
    if len(given) > 1:
        given.sort(key=lambda each: _nth(session, [each.holds, *older], MOST_LOOKED_UP) or 0)
    return (given[0], given[1:]) if given else (None, [])


def _last_looked_at(
    session: Session, filters: Filters, source: _Filter | None, others: Sequence[_Filter], older: _Older
) -> int | None:
    """The key of the last job that this page looks at; None for no limit."""
    if not filters.words and not others:
        return None
    most = (MOST_SCATTERED if source else MOST_IN_ROW) if filters.words else MOST_LOOKED_UP
    return _nth(session, [*([source.holds] if source else []), *older], most)


def _query(
    filters: Filters, source: _Filter | None, others: Sequence[_Filter], older: _Older, last: int | None
) -> Select[Any]:
    query = _NEWEST_FIRST.where(*older)
    if source:
        query = query.where(source.holds, *(each.holds_in_index for each in others))
    if last is not None:
        query = query.where(Job.id >= last)
    if filters.words:
        as_in_json = json.dumps(filters.words, ensure_ascii=False)[1:-1]
        query = query.where(Job.arguments.contains(as_in_json, autoescape=True))
    return query


def _nth(session: Session, conditions: Sequence[ColumnElement[bool]], number: int) -> int | None:
    return session.scalar(select(Job.id).where(*conditions).order_by(Job.id.desc()).offset(number - 1).limit(1))
