"""Addresses of static files that change with their content, so that browsers can cache them for ever."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Response, request, url_for

from asyncinweb.settings import asset_dir
from asyncinweb.web.installation import NAME
from asyncinweb.web.shared import pages

FOREVER = "public, max-age=31536000, immutable"


def asset(name: str) -> str:
    """The address of a static file, with the first eight digits of its content's SHA-256."""
    return url_for(f"{NAME}.static", filename=name, v=_digest(asset_dir("static") / NAME / name))


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


@pages.after_request
def keep_for_ever(response: Response) -> Response:
    """Serve only an address with the right digest: a cache must not keep new content under an old address."""
    # For OPTIONS nothing has been checked yet, so the name may lead anywhere, even to the database.
    is_file = request.endpoint == f"{NAME}.static" and request.method in ("GET", "HEAD")
    if is_file and response.status_code in (200, 304):
        path = asset_dir("static") / NAME / str((request.view_args or {})["filename"])
        if request.args.get("v") == _digest(path):
            response.headers["Cache-Control"] = FOREVER
    return response
