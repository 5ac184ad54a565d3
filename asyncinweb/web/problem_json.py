"""Errors as programs read them: application/problem+json (RFC 9457)."""

import json
from collections.abc import Mapping

from flask import Response, request, url_for

from asyncinweb.web.installation import NAME

MEDIA_TYPE = "application/problem+json"


def wants_problem() -> bool:
    """True for any address below the API's, even one that does not exist."""
    root = url_for(f"{NAME}.api.openapi").removesuffix("openapi.json")
    return f"{request.script_root}{request.path}/".startswith(root)


def facts_of(code: int, title: str, detail: str) -> dict[str, object]:
    """The fields of every problem."""
    return {"type": "about:blank", "title": title, "status": code, "detail": detail}


def problem(
    code: int, title: str, detail: str, reference: str = "", errors: Mapping[str, str] | None = None
) -> Response:
    """The answer to a program. `errors`: what is wrong, by field name."""
    facts = facts_of(code, title, detail)
    if reference:
        facts["reference"] = reference
    if errors:
        facts["errors"] = dict(errors)
    response = Response(json.dumps(facts), code, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response
