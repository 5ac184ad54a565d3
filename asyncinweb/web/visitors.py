"""Who is asking, and what they may see: the only module that sign-in will change.

There is no sign-in yet. A browser is recognised by a random cookie, a program without one by the address it
connects from. Anyone who knows a job's address may view and stop it: it contains 128 random bits, and is meant to
be shared. Lists show everyone's jobs, or only the visitor's own if the setting `listed_jobs` says so.
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass

from flask import Response, g, request

from asyncinweb.queue.models import Job
from asyncinweb.web.installation import NAME, installation

COOKIE = "asyncinweb_visitor"
YEAR = 365 * 86_400
# 16 bytes in base64, as token_urlsafe(16) writes them.
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
# For programs, to which a cookie would mean nothing.
WITHOUT_COOKIE = {f"{NAME}.static", f"{NAME}.healthz", f"{NAME}.query"}
API = f"{NAME}.api"


@dataclass(frozen=True)
class Visitor:
    """A person with a browser, or a program. `owner`: the name under which their jobs are stored. `token`: the
    secret of a browser's cookie, empty for a program."""

    owner: str
    token: str = ""


def recognise() -> None:
    """Find out who is asking, before any view."""
    token = request.cookies.get(COOKIE, "")
    is_known = TOKEN.fullmatch(token) is not None
    g.asyncinweb_is_new = not is_known
    if not is_known and API in request.blueprints:
        g.asyncinweb_visitor = Visitor(f"program:{request.remote_addr}")
        return
    if not is_known:
        token = secrets.token_urlsafe(16)
    g.asyncinweb_visitor = Visitor(owner_of_token(token), token)


def owner_of_token(token: str) -> str:
    """The owner name for a browser's jobs. It does not reveal the cookie, so a list, a backup or a task that reads
    the database gives no cookie away."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).decode().rstrip("=")


def remember(response: Response) -> Response:
    """Give a new visitor the cookie."""
    visitor: Visitor | None = g.get("asyncinweb_visitor")
    if visitor and visitor.token and g.asyncinweb_is_new and request.endpoint not in WITHOUT_COOKIE:
        response.set_cookie(
            COOKIE,
            visitor.token,
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
    """True for anyone who knows the job's address."""
    return True


def sees_others() -> bool:
    """True if lists also show other people's jobs."""
    return installation().settings.listed_jobs == "all"


def listed_owner(visitor: Visitor, *, mine: bool) -> str | None:
    """Whose jobs a list shows; None for everyone's."""
    return visitor.owner if mine or not sees_others() else None
