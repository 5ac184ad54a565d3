"""openapi.json: the API's own description (OpenAPI 3.1), written from its operations and models."""

import re
from functools import cache
from importlib.metadata import version
from typing import Any

from flask import Response, url_for
from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import models_json_schema

from asyncinweb.web.api.blueprint import JSON, OPERATIONS, Operation, answer_json, operation
from asyncinweb.web.api.models import Problem
from asyncinweb.web.api.submissions import JOB_FIELD
from asyncinweb.web.body_limits import MULTIPART
from asyncinweb.web.error_pages import WORDS
from asyncinweb.web.problem_json import MEDIA_TYPE
from asyncinweb.web.security import KEY_HEADER

REFERENCES = "#/components/schemas/{model}"
PARAMETER = re.compile(r"<(\w+)>")
# Errors that any request can get: unknown host name, a bug of ours, a busy database.
ALWAYS = (400, 500, 503)
# Errors that any change can get: asked for by another site, too large, not JSON.
ON_CHANGE = (403, 413, 415)
HELP = {
    "slug": "The job's public name.",
    "name": "The file's name.",
}
KEY_PARAMETER = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "Sending the same key again returns the same job, or 409 if the values differ. A job with "
    "files needs a key.",
}


FILE = {"type": "string", "contentMediaType": "application/octet-stream"}


class Description(BaseModel):
    """An OpenAPI document."""

    model_config = ConfigDict(extra="allow")
    openapi: str


@operation("GET", "/openapi.json", answer=Description)
def openapi() -> Response:
    """This description."""
    server = url_for(".openapi").removesuffix("/openapi.json")
    return answer_json(Description(**_document(), servers=[{"url": server}]))


@cache
def _document() -> dict[str, Any]:
    models = {model for each in OPERATIONS for model in (each.answer, each.body) if model} | {Problem}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = models_json_schema([(model, "validation") for model in ordered], ref_template=REFERENCES)
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(PARAMETER.sub(r"{\1}", each.path), {})[each.method.lower()] = _described(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "asyncinweb",
            "version": version("asyncinweb"),
            "description": "Submit slow tasks as jobs, follow them, fetch their results.",
        },
        "paths": paths,
        "components": {"schemas": schemas["$defs"]},
    }


def _described(each: Operation) -> dict[str, Any]:
    refusals = sorted({*ALWAYS, *each.refusals, *(ON_CHANGE if each.method == "POST" else ())})
    described: dict[str, Any] = {
        "operationId": each.name,
        "summary": each.summary,
        "parameters": _parameters(each),
        "responses": {
            str(each.status): {"description": "Done.", "content": _content(each)},
            **{str(code): _refusal(code) for code in refusals},
        },
    }
    if each.status == 201:
        described["responses"]["201"]["headers"] = {
            "Location": {"description": "The job.", "schema": {"type": "string"}}
        }
    if each.body:
        described["requestBody"] = {"required": True, "content": _bodies(each, each.body)}
    return described


def _bodies(each: Operation, model: type[BaseModel]) -> dict[str, Any]:
    bodies: dict[str, Any] = {JSON: {"schema": _ref(model)}}
    if each.takes_files:
        bodies[MULTIPART] = {
            "schema": {
                "type": "object",
                "description": "The job first, then its files, each named after its parameter. For a list, send "
                "several files with the same name. Leave these parameters out of `arguments`.",
                "properties": {JOB_FIELD: _ref(model)},
                "required": [JOB_FIELD],
                "additionalProperties": {"anyOf": [FILE, {"type": "array", "items": FILE}]},
            },
            "encoding": {JOB_FIELD: {"contentType": JSON}},
        }
    return bodies


def _content(each: Operation) -> dict[str, Any]:
    if each.answer is None:
        return {"*/*": {}}
    return {JSON: {"schema": _ref(each.answer)}}


def _refusal(code: int) -> dict[str, Any]:
    return {"description": WORDS[code].heading, "content": {MEDIA_TYPE: {"schema": _ref(Problem)}}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REFERENCES.format(model=model.__name__)}


def _parameters(each: Operation) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": HELP[name]}
        for name in PARAMETER.findall(each.path)
    ]
    headers = [KEY_PARAMETER] if each.name == "submit" else []
    return [*in_path, *_query_parameters(each.query), *headers]


def _query_parameters(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    properties: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "schema": _plain(schema),
            "description": schema["description"],
        }
        for name, schema in properties.items()
    ]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema for a parameter in an address, which cannot be null."""
    facts = {name: value for name, value in schema.items() if name not in ("title", "description")}
    choices = [each for each in facts.pop("anyOf", []) if each != {"type": "null"}]
    if facts.get("default", 0) is None:
        del facts["default"]
    return {**facts, **(choices[0] if choices else {})}
