"""The health check, for load balancers and monitoring."""

import os
import shutil
from pathlib import Path

from flask import Response, jsonify

from asyncinweb.errors import AsyncInWebError, DatabaseDamaged
from asyncinweb.queue.listing import Filters, list_jobs
from asyncinweb.queue.maintenance.retention import WAL_BOUND_BYTES
from asyncinweb.queue.models import Job
from asyncinweb.queue.snapshot import take_snapshot
from asyncinweb.queue.stores.driver_errors import readable_errors
from asyncinweb.queue.stores.wal import WAL_LIMIT
from asyncinweb.web.installation import installation
from asyncinweb.web.shared import pages, read_session

# The write-ahead log grows to its limit before it is copied into the file.
SPACE_BYTES = WAL_LIMIT + 1_000_000

# As many as the longest list of a page has.
MOST_LISTED = 30

WAL_IS_LARGE = (
    "The write-ahead log keeps growing because a program is holding a read transaction open. "
    "To find it: asyncinweb check"
)


@pages.get("/healthz")
def healthz() -> Response | tuple[Response, int]:
    """200 if the web process and the database answer, otherwise 503 with the problem. A warning is still a 200: a
    load balancer must not remove the server because of it."""
    problem = _problem()
    if problem:
        return jsonify(status="error", problem=problem), 503
    if installation().database.wal_bytes > WAL_BOUND_BYTES:
        return jsonify(status="ok", warning=WAL_IS_LARGE)
    return jsonify(status="ok")


def _problem() -> str:
    path = installation().database.path
    seen = installation().damage_seen
    try:
        with readable_errors(path):
            _read_what_everybody_needs()
    except DatabaseDamaged as error:
        seen.append(str(error))
    except AsyncInWebError as error:
        return _without(path, str(error))
    if seen:
        return _without(path, seen[0])
    if not os.access(path, os.W_OK):
        return "The database is read-only."
    free = shutil.disk_usage(path.parent).free
    if free < SPACE_BYTES:
        return f"The disk is full: {free / 1e6:.1f} MB left."
    return ""


def _read_what_everybody_needs() -> None:
    """The newest jobs, as pages list them, and the queue, as workers take it."""
    session = read_session()
    list_jobs(session, Filters(), limit=MOST_LISTED)
    take_snapshot(session.connection(bind_arguments={"mapper": Job}), installation().settings.lease_seconds)


def _without(path: Path, problem: str) -> str:
    # Paths on this computer stay private.
    return problem.replace(f" {path}", "")
