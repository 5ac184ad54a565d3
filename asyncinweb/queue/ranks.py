"""The fair order of waiting jobs: claims go by (priority descending, rank, id).

As in start-time fair queueing (Goyal, Vin, Cheng 1996), a job's rank is a virtual start time: the one now being
served, or one after the owner's last waiting job if that is later. So a visitor who queues 10,000 jobs delays
another visitor's single job by at most one. The rank now being served is that of the first waiting job: it needs
no counter, because ranks only ever compare waiting jobs.
"""

from sqlalchemy import Connection, bindparam, select, text

from asyncinweb.queue.columns import IS_QUEUED, IS_WAITING
from asyncinweb.queue.damaged_rows import count_of
from asyncinweb.queue.models import Job
from asyncinweb.queue.stores.prepared import Prepared


def now_served(connection: Connection, priority: int) -> int:
    """The rank of this priority's first waiting job; 0 if there is none. Also for a job that comes back."""
    row = _HEAD.row(connection, priority=priority)
    return count_of(row[0]) if row else 0


def for_new(connection: Connection, priority: int, owner: str) -> int:
    """The rank of a job that `owner` adds now."""
    row = _LAST_OF_OWNER.row(connection, priority=priority, owner=owner)
    after_own = count_of(row[0]) + 1 if row and row[0] is not None else 0
    return max(after_own, now_served(connection, priority))


_HEAD = Prepared(
    select(Job.rank).where(text(IS_QUEUED), Job.priority == bindparam("priority")).order_by(Job.rank).limit(1)
)
_LAST_OF_OWNER = Prepared(
    select(Job.rank)
    .where(text(IS_WAITING), Job.owner == bindparam("owner"), Job.priority == bindparam("priority"))
    .order_by(Job.rank.desc())
    .limit(1)
)
