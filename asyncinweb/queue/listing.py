"""Lists of jobs, newest first, filtered, in pages by the key: every page costs the same, whatever matches.

One filter has an index of its own. For several, the index with the fewest jobs is read and the others are looked
up in theirs, a limited way back; so is a search for words, which has to read the jobs themselves. What was not
looked at then is the next page.
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

# How many jobs a page looks at before it gives up: those that are read one after the other, those of an index that
# are looked up in another index, and those that are read here and there.
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
    """A page of a list, newest first. next_after: what the next older page is asked with. searched_until: no older
    job was looked at although there are some, and the page may not be full."""

    jobs: Sequence[Job]
    next_after: str | None
    searched_until: datetime | None = None


# Without what can be large and no list shows.
_LARGE = [defer(column) for column in (Job.result, Job.partial_result, Job.traceback, Job.source_line)]
_NEWEST_FIRST = select(Job).options(*_LARGE).order_by(Job.id.desc())


def list_jobs(session: Session, filters: Filters, after: str | None = None, limit: int = 50) -> Page:
    """Jobs older than the one called `after`, newest first."""
    # Behind a job that is not there any more there is nothing.
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
        """Looked up in its own index, since most jobs need not be read then."""
        # In SQLite's own words: left to itself it reads the job, which is what this is to save.
        key = self.column.key
        found = text(
            f"EXISTS (SELECT 1 FROM asyncinweb_jobs AS other INDEXED BY asyncinweb_jobs_{key}"
            f" WHERE other.{key} = :wanted_{key} AND other.id = asyncinweb_jobs.id)"
        )
        return found.bindparams(**{f"wanted_{key}": self.value})


_Older = Sequence[ColumnElement[bool]]


def _source_of(session: Session, filters: Filters, older: _Older) -> tuple[_Filter | None, list[_Filter]]:
    """The filter whose index is read, and the others: the one with the fewest jobs, since so many of it reach
    back furthest."""
    wanted = ((Job.state, filters.state or None), (Job.task, filters.task or None), (Job.owner, filters.owner))
    given = [_Filter(column, value) for column, value in wanted if value is not None]
    if len(given) > 1:
        given.sort(key=lambda each: _nth(session, [each.holds, *older], MOST_LOOKED_UP) or 0)
    return (given[0], given[1:]) if given else (None, [])


def _last_looked_at(
    session: Session, filters: Filters, source: _Filter | None, others: Sequence[_Filter], older: _Older
) -> int | None:
    """The key of the last job that this page looks at; None for all there are."""
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
