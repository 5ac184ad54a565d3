"""What a reverse proxy says about the visitor; trusted only from the proxy in the setting `trusted_proxy`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADERS = (
    "HTTP_FORWARDED",
    "HTTP_X_REAL_IP",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
)


class ProxyHeaders:
    """WSGI middleware. A request's address, scheme and host name are those that the trusted proxy added last. From
    anyone else, such headers are dropped before the app can see them."""

    def __init__(self, app: "WSGIApplication", trusted_proxy: str) -> None:
        self._app = app
        # Also in the form in which a server on `::` sees an IPv4 address.
        self._trusted = {trusted_proxy, f"::ffff:{trusted_proxy}"} if trusted_proxy else set()
        self._behind_proxy = ProxyFix(app, x_for=1, x_proto=1, x_host=1)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("REMOTE_ADDR") in self._trusted:
            return self._behind_proxy(environ, start_response)
        for name in HEADERS:
            environ.pop(name, None)
        return self._app(environ, start_response)
