"""Who is asking, and what they may see: the one place where sign-in will change something.

There is no sign-in yet. A browser is told from others by a random cookie, a program that has none by the address
it connects from. Whoever knows a job's address may see and stop it: it carries 128 random bits and is meant to be
shared. Lists show everybody's jobs, or only one's own where the setting `listed_jobs` says so.
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
# Programs ask here; a cookie would mean nothing to them.
WITHOUT_COOKIE = {f"{NAME}.static", f"{NAME}.healthz", f"{NAME}.query"}
API = f"{NAME}.api"


@dataclass(frozen=True)
class Visitor:
    """Somebody with a browser, or a program. `owner` is what their jobs are stored under; `token` is the secret
    of a browser's cookie, empty for a program."""

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
    """What a browser's jobs are stored under: its cookie cannot be found out from it, so that a list, a backup or
    a task that reads the database gives nobody's cookie away."""
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
    """True for everybody who knows the address."""
    return True


def sees_others() -> bool:
    """True if lists show the jobs of others, too."""
    return installation().settings.listed_jobs == "all"


def listed_owner(visitor: Visitor, mine: bool) -> str | None:
    """Whose jobs a list shows: None for everybody's."""
    return visitor.owner if mine or not sees_others() else None
