"""Who is asking, and what they may see: the one place where sign-in will change something.

There is no sign-in yet. A browser is told from others by a random cookie. Whoever knows a job's address may see
and stop it, since an address carries 128 random bits and is meant to be shared. `/` shows a visitor's own jobs;
`/jobs` shows all, since without sign-in everybody who reaches the server is trusted alike.
"""

import re
import secrets
from dataclasses import dataclass

from flask import Response, g, request

from asyncinweb.queue.models import Job

COOKIE = "asyncinweb_visitor"
YEAR = 365 * 86_400
# 16 bytes in base64, as token_urlsafe(16) writes them.
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
# Programs ask here; a cookie would mean nothing to them.
WITHOUT_COOKIE = {"asyncinweb.static", "asyncinweb.healthz", "asyncinweb.query"}


@dataclass(frozen=True)
class Visitor:
    """Somebody with a browser. `owner` is what their jobs are stored under."""

    owner: str


def recognise() -> None:
    """Find out who is asking, before any view."""
    token = request.cookies.get(COOKIE, "")
    is_known = TOKEN.fullmatch(token) is not None
    g.asyncinweb_visitor = Visitor(token if is_known else secrets.token_urlsafe(16))
    g.asyncinweb_is_new = not is_known


def remember(response: Response) -> Response:
    """Give a new visitor the cookie."""
    if g.get("asyncinweb_is_new") and request.endpoint not in WITHOUT_COOKIE:
        response.set_cookie(
            COOKIE,
            current().owner,
            max_age=YEAR,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure,
        )
    return response


def current() -> Visitor:
    """Who is asking."""
    visitor: Visitor = g.asyncinweb_visitor
    return visitor


def may_see(visitor: Visitor, job: Job) -> bool:
    """True for everybody who knows the address."""
    return True


def listed_owner(visitor: Visitor, mine: bool) -> str | None:
    """Whose jobs a list shows: None for everybody's."""
    return visitor.owner if mine else None
