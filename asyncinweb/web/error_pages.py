"""Error pages: in plain words, without the database, and without a word about the inside."""

import logging
import secrets
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, make_response, request
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.wrappers import Response as AnyResponse

from asyncinweb.errors import (
    DatabaseBusy,
    DatabaseUnusable,
    IdempotencyConflict,
    QuotaReached,
    UnknownTask,
)
from asyncinweb.queue.stores.driver_errors import readable
from asyncinweb.web.installation import installation
from asyncinweb.web.problem_json import problem, wants_problem
from asyncinweb.web.shared import render

log = logging.getLogger(__name__)

RETRY_SECONDS = 5
QUOTA_SECONDS = 30

KEY_USED = "This Idempotency-Key was used before with other values. Nothing was changed; use a new one."
UNUSABLE = "The database cannot be used right now. Nothing was changed; please try again in a while."
BUSY = "The database is busy. Nothing was changed; please try again in a few seconds."


@dataclass(frozen=True)
class Words:
    """What an error page says: a heading, and a sentence where the error itself brings none."""

    heading: str
    sentence: str


WORDS = {
    400: Words("This request cannot be understood", "Something in the address or in the form is wrong."),
    403: Words("Not allowed from there", "Please open the page again and use its own buttons."),
    404: Words("Nothing here", "There is no page with this address."),
    405: Words("Not this way", "This address cannot be opened like that."),
    409: Words("Not possible any more", "This form was sent before with other values. Please open it again."),
    415: Words("Not in this form", "What was sent is of a type that this address does not take."),
    413: Words("Too much at once", "What was sent is larger than this server accepts. Nothing was started."),
    422: Words("Something is not right", "The values do not fit."),
    429: Words("Too many at once", "Please wait until one of your jobs is done."),
    500: Words("Something went wrong", "The mistake is on our side, and it has been written down."),
    503: Words("Just a moment", "The server cannot answer right now. Please try again in a few seconds."),
}


def register(target: Flask | Blueprint) -> None:
    """Answer errors of a whole app, or of our pages inside somebody's app."""
    target.register_error_handler(HTTPException, http_error)
    target.register_error_handler(UnknownTask, unknown_task)
    target.register_error_handler(QuotaReached, quota_reached)
    target.register_error_handler(IdempotencyConflict, idempotency_conflict)
    target.register_error_handler(DatabaseBusy, database_busy)
    target.register_error_handler(DatabaseUnusable, database_unusable)
    target.register_error_handler(DBAPIError, database_unusable)
    target.register_error_handler(Exception, unexpected)


def error_page(code: int, sentence: str = "", reference: str = "") -> Response:
    """The page for a status code; for a program that asks the API the same in JSON."""
    words = WORDS.get(code, Words("Something went wrong", "The request could not be answered."))
    if wants_problem():
        return problem(code, words.heading, sentence or words.sentence, reference)
    page = render(
        "error.html", code=code, heading=words.heading, sentence=sentence or words.sentence, reference=reference
    )
    response = make_response(page, code)
    response.headers["Cache-Control"] = "no-store"
    return response


def http_error(error: HTTPException) -> AnyResponse:
    """Any error with a status of its own. Its headers, such as Allow, are kept."""
    if isinstance(error.response, AnyResponse):
        return error.response
    code = error.code or 500
    page = error_page(code, _own_sentence(error))
    for name, value in error.get_headers(request.environ):
        if name not in ("Content-Type", "Content-Length"):
            page.headers[name] = value
    return page


def _own_sentence(error: HTTPException) -> str:
    """What a view said, but not what Werkzeug says to programmers."""
    standard = default_exceptions.get(error.code or 500)
    is_own = standard is type(error) and error.description != standard.description
    return str(error.description) if is_own else ""


def unknown_task(error: UnknownTask) -> Response:
    return error_page(404, str(error))


def quota_reached(error: QuotaReached) -> Response:
    page = error_page(429, str(error))
    page.headers["Retry-After"] = str(QUOTA_SECONDS)
    return page


def idempotency_conflict(error: IdempotencyConflict) -> Response:
    return error_page(409, KEY_USED if wants_problem() else "")


def database_busy(error: DatabaseBusy) -> Response:
    log.warning("database busy method=%s path=%s", request.method, request.path)
    page = error_page(503, BUSY)
    page.headers["Retry-After"] = str(RETRY_SECONDS)
    return page


def database_unusable(error: Exception) -> Response:
    known = readable(error.orig, installation().database.path) if isinstance(error, DBAPIError) else error
    if isinstance(error.__cause__ or error, IntegrityError | ProgrammingError):
        reference = _write_down(error)
    else:
        # A full disk is no mistake of the program: its log has a line for it, not a traceback for each visitor.
        reference = _reference(known)
    page = error_page(503, UNUSABLE, reference)
    page.headers["Retry-After"] = str(RETRY_SECONDS)
    return page


def unexpected(error: Exception) -> Response:
    return error_page(500, reference=_write_down(error))


def _write_down(error: Exception) -> str:
    """Log a mistake of ours with its traceback; the reference that leads from the visitor's page to it."""
    return _reference("", exc_info=error)


def _reference(words: object, exc_info: Exception | None = None) -> str:
    reference = secrets.token_hex(4)
    log.error(
        "reference=%s method=%s path=%s %s", reference, request.method, request.path, words, exc_info=exc_info
    )
    return reference
