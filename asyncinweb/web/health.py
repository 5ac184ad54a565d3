"""Is it well? For load balancers and monitoring."""

from flask import Response, jsonify
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from asyncinweb.queue.models import Job
from asyncinweb.web.shared import here, pages, reading


@pages.get("/healthz")
def healthz() -> Response | tuple[Response, int]:
    """200 if the web part and the database answer, else 503 with what is wrong."""
    problem = _problem()
    if problem:
        return jsonify(status="error", problem=problem), 503
    return jsonify(status="ok")


def _problem() -> str:
    # An open connection goes on reading a file that has been removed.
    if not here().database.path.exists():
        return "The database file is gone."
    try:
        reading().execute(select(Job.id).limit(1)).first()
    except SQLAlchemyError as error:
        return f"The database cannot be read: {getattr(error, 'orig', None) or error}."
    return ""
