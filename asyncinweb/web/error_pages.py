"""Error pages: in plain words, without using the database or revealing internals."""

import logging
import secrets
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, make_response, request
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.wrappers import Response as AnyResponse

from asyncinweb.errors import (
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseUnusable,
    IdempotencyConflict,
    JobDamaged,
    QuotaReached,
    UnknownTask,
)
from asyncinweb.queue.stores.driver_errors import readable, sqlite3
from asyncinweb.web.installation import installation
from asyncinweb.web.problem_json import problem, wants_problem
from asyncinweb.web.shared import render

log = logging.getLogger(__name__)

RETRY_SECONDS = 5
QUOTA_SECONDS = 30

KEY_USED = "This Idempotency-Key was already used with different values. Nothing was changed. Use a new key."
DAMAGED = (
    "The database is damaged, and this page needs a part that can't be read. Nothing was changed. The person who "
    "runs this server can restore a backup: asyncinweb restore FILE"
)
UNUSABLE = "The database isn't available right now. Nothing was changed. Try again in a while."
BUSY = "The database is busy. Nothing was changed. Try again in a few seconds."


@dataclass(frozen=True)
class Words:
    """What an error page says: a heading, and a sentence if the error itself has none."""

    heading: str
    sentence: str


WORDS = {
    400: Words("This request isn't valid", "Something in the address or the form isn't right."),
    403: Words("Request blocked", "Open the page again and use its own buttons."),
    404: Words("Page not found", "There's no page at this address."),
    405: Words("Not allowed here", "This address doesn't accept that kind of request."),
    409: Words("No longer possible", "This form was already sent with different values. Open it again."),
    415: Words("Unsupported format", "This address doesn't accept that content type."),
    413: Words("Too large", "The request is larger than this server accepts. Nothing was started."),
    422: Words("Some values aren't valid", "Check the values and try again."),
    429: Words("Too many jobs waiting", "Wait until one of your jobs has started."),
    500: Words("Something went wrong on our side", "The error has been logged."),
    503: Words("Temporarily unavailable", "The server can't answer right now. Try again in a few seconds."),
}


def register(target: Flask | Blueprint) -> None:
    """Answer errors of a whole app, or of our pages inside another app."""
    target.register_error_handler(HTTPException, http_error)
    target.register_error_handler(UnknownTask, unknown_task)
    target.register_error_handler(QuotaReached, quota_reached)
    target.register_error_handler(IdempotencyConflict, idempotency_conflict)
    target.register_error_handler(JobDamaged, job_damaged)
    target.register_error_handler(DatabaseBusy, database_busy)
    target.register_error_handler(DatabaseUnusable, database_unusable)
    target.register_error_handler(DBAPIError, database_unusable)
    # Prepared statements speak to the driver directly.
    target.register_error_handler(sqlite3.Error, database_unusable)
    target.register_error_handler(Exception, unexpected)


def error_page(code: int, sentence: str = "", reference: str = "") -> Response:
    """The page for a status code, or the same in JSON for a program that calls the API."""
    words = WORDS.get(code, Words("Something went wrong", "We couldn't answer this request."))
    if wants_problem():
        return problem(code, words.heading, sentence or words.sentence, reference)
    page = render(
        "error.html", code=code, heading=words.heading, sentence=sentence or words.sentence, reference=reference
    )
    response = make_response(page, code)
    response.headers["Cache-Control"] = "no-store"
    return response


def http_error(error: HTTPException) -> AnyResponse:
    """Answer any error that has its own status. Its headers, such as Allow, are kept."""
    if isinstance(error.response, AnyResponse):
        return error.response
    code = error.code or 500
    page = error_page(code, _own_sentence(error))
    for name, value in error.get_headers(request.environ):
        if name not in ("Content-Type", "Content-Length"):
            page.headers[name] = value
    return page


def _own_sentence(error: HTTPException) -> str:
    """A view's own message, but not Werkzeug's messages for programmers."""
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


def job_damaged(error: JobDamaged) -> Response:
    return error_page(409, str(error))


def database_busy(error: DatabaseBusy) -> Response:
    log.warning("database busy method=%s path=%s", request.method, request.path)
    page = error_page(503, BUSY)
    page.headers["Retry-After"] = str(RETRY_SECONDS)
    return page


def database_unusable(error: Exception) -> Response:
    known = _in_our_words(error)
    if isinstance(error.__cause__ or error, IntegrityError | ProgrammingError):
        reference = _write_down(error)
    else:
        # A full disk is not a bug: the log gets a line for it, not a traceback for each visitor.
        reference = _reference(known)
    is_damaged = isinstance(known, DatabaseDamaged)
    if is_damaged:
        installation().damage_seen.append(str(known))
    page = error_page(503, DAMAGED if is_damaged else UNUSABLE, reference)
    page.headers["Retry-After"] = str(RETRY_SECONDS)
    return page


def _in_our_words(error: Exception) -> Exception:
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    is_ours = not isinstance(driver_error, sqlite3.Error)
    return error if is_ours else readable(driver_error, installation().database.path)


def unexpected(error: Exception) -> Response:
    return error_page(500, reference=_write_down(error))


def _write_down(error: Exception) -> str:
    """Log a bug of ours with its traceback. Returns the reference on the visitor's page that leads to it."""
    return _reference("", exc_info=error)


def _reference(words: object, exc_info: Exception | None = None) -> str:
    reference = secrets.token_hex(4)
    log.error(
        "reference=%s method=%s path=%s %s", reference, request.method, request.path, words, exc_info=exc_info
    )
    return reference
