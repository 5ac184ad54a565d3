"""Headers for every answer, and the two checks before every view: which page sent the request, and to which host
name."""

import re
from urllib.parse import urlsplit

from flask import Response, abort, request

from asyncinweb.settings import Settings
from asyncinweb.web import visitors
from asyncinweb.web.body_limits import MULTIPART
from asyncinweb.web.installation import installation

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
KEY_HEADER = "Idempotency-Key"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# It only reads, and programs call it without any page.
READ_ONLY_POSTS = {"asyncinweb.query"}
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:/@\[\]]+?)\.?(?::[0-9]*)?", re.IGNORECASE)
LOOPBACK_NAMES = {"localhost", "127.0.0.1", "[::1]"}
WILDCARDS = {"0.0.0.0", "::"}
PROXY_HINT = " Behind a proxy, check that it passes on the Host header with its port."


def add_headers(response: Response) -> Response:
    """Set these headers on every answer, unless a view has set a stricter one itself."""
    given = set(response.headers.keys(lower=True))
    response.headers.extend((name, value) for name, value in HEADERS.items() if name.lower() not in given)
    return response


def refuse_other_sites() -> None:
    """Refuse with 403 a change that another site's page asks for (CSRF).

    Browsers send Sec-Fetch-Site only to https and loopback, so on an intranet we rely on Origin. Other ports of
    this computer are other sites too.
    """
    if request.method in SAFE_METHODS or request.endpoint in READ_ONLY_POSTS:
        return
    # Nothing here could change, and a 404 or 405 says more.
    if request.routing_exception is not None:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if is_program():
        return
    if site is not None:
        is_ours = site in ("same-origin", "none")
    else:
        # A page in a sandbox sends `null`, which has no host.
        is_ours = origin is not None and urlsplit(origin).netloc.lower() == _host_header()
    if not is_ours:
        abort(403, _why_refused(site, origin))


def is_program() -> bool:
    """True for a request that no page of another site can make a browser send: one to the API that needs a CORS
    preflight, without a cookie and without the headers by which browsers say where it comes from
    (docs/decisions/015)."""
    return (
        visitors.API in request.blueprints
        and _is_asked_about_first()
        and not any(name in request.headers for name in ("Cookie", "Origin", "Sec-Fetch-Site"))
    )


def _is_asked_about_first() -> bool:
    """True for a request that a page of another site may send only after a CORS preflight, which we never allow.
    Any page may send a form with files, but not with this header."""
    is_form_with_key = request.mimetype == MULTIPART and KEY_HEADER in request.headers
    return request.mimetype == "application/json" or is_form_with_key


def _why_refused(site: str | None, origin: str | None) -> str:
    if visitors.API in request.blueprints and site is None and origin is None:
        return (
            f"Programs must send Content-Type: application/json (for files {MULTIPART} and an {KEY_HEADER}), and "
            "no cookie. Nothing was changed."
        )
    if site is None and origin is None:
        return "We can't tell which page this request came from, so nothing was changed."
    return f"It didn't come from this site, so nothing was changed.{PROXY_HINT if is_operator() else ''}"


def refuse_foreign_names() -> None:
    """Refuse with 400 unless the request names a host that we know, so that no other name can be pointed at the
    server."""
    match = HOST.fullmatch(_host_header())
    if match is None or match[1] not in allowed_names(installation().settings):
        abort(
            400,
            "This server doesn't answer to the host name in the address. Its operator can add the name to the "
            "allowed_hosts setting.",
        )


def is_operator() -> bool:
    """True for a visitor at the server itself: it listens on loopback, and the request used a loopback name.

    Without sign-in, we cannot tell the operator apart in any other way.
    """
    match = HOST.fullmatch(_host_header())
    return installation().settings.is_loopback and match is not None and match[1] in LOOPBACK_NAMES


def allowed_names(settings: Settings) -> set[str]:
    """The host names that the server answers to, in lower case, IPv6 addresses in brackets."""
    own = {settings.host, *settings.allowed_hosts} - WILDCARDS
    return LOOPBACK_NAMES | {_bracketed(name.lower().rstrip(".")) for name in own}


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name and not name.startswith("[") else name


def _host_header() -> str:
    # Not request.host, which falls back to the server's own name if there is no header.
    host: str = request.environ.get("HTTP_HOST", "")
    return host.lower()
