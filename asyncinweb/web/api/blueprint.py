"""The JSON API: its blueprint, how a view joins it and its description, and how requests are read.

Its views are in `jobs`, `tasks` and `openapi`; `submissions` reads jobs that come with files.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import Blueprint, Response, abort, request
from pydantic import BaseModel, ValidationError
from werkzeug.wrappers import Response as AnyResponse

from asyncinweb.errors import BadArguments
from asyncinweb.tasks.clean_values import json_text
from asyncinweb.validation_messages import requirement
from asyncinweb.web.api.json_body import NotJson, strict_json
from asyncinweb.web.body_limits import MULTIPART
from asyncinweb.web.error_pages import WORDS
from asyncinweb.web.problem_json import problem
from asyncinweb.web.shared import pages

# Arguments are small values; large ones are uploaded as files.
MOST_BYTES = 8_000_000
JSON = "application/json"

api = Blueprint("api", __name__, url_prefix="/api/v1")

Model = TypeVar("Model", bound=BaseModel)
View = Callable[..., AnyResponse]


@dataclass(frozen=True)
class Operation:
    """One entry of the API, as openapi.json describes it. `answer`: None for the bytes of a file.

    takes_files: the body may be a form, with the JSON as one of its fields.
    """

    method: str
    path: str
    name: str
    summary: str
    status: int
    answer: type[BaseModel] | None
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    refusals: tuple[int, ...]
    takes_files: bool = False


OPERATIONS: list[Operation] = []


def operation(
    method: str,
    path: str,
    *,
    answer: type[BaseModel] | None,
    status: int = 200,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    refusals: tuple[int, ...] = (),
    takes_files: bool = False,
) -> Callable[[View], View]:
    """Add a view to the API and to its description. Its docstring's first line is the summary."""

    def add(view: View) -> View:
        summary = str(view.__doc__).partition("\n")[0]
        OPERATIONS.append(
            Operation(method, path, view.__name__, summary, status, answer, query, body, refusals, takes_files)
        )
        api.add_url_rule(path, view.__name__, view, methods=[method])
        return view

    return add


@api.before_request
def require_json() -> None:
    """Refuse with 415 a change that is not JSON. No form of another site can send this type
    (docs/decisions/015)."""
    if request.method != "POST" or (request.mimetype == MULTIPART and _takes_files()):
        return
    if request.mimetype != JSON:
        abort(415, f"Send Content-Type: {JSON}, even without a body.")
    request.max_content_length = MOST_BYTES


def _takes_files() -> bool:
    name = str(request.endpoint).rpartition(".")[-1]
    return any(each.takes_files for each in OPERATIONS if each.name == name)


def read_body(model: type[Model]) -> Model:
    """The request's JSON as this model. Answers 400 if it is not valid JSON; raises BadArguments if it does not
    fit."""
    return read_json(request.get_data(), model)


def read_json(body: bytes, model: type[Model], where: str = "") -> Model:
    """JSON as this model. Answers 400, beginning with `where`, if it is not valid; raises BadArguments if it does
    not fit."""
    try:
        strict_json(body)
        return model.model_validate_json(body, strict=True)
    except NotJson as error:
        abort(400, f"{where}{error}")
    except ValidationError as error:
        raise BadArguments("request", in_words(error)) from None


def read_query(model: type[Model]) -> Model:
    """The address's query as this model; empty values are ignored. Answers 422 if it does not fit."""
    given = {name: value for name, value in request.args.items() if value}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise BadArguments("request", in_words(error)) from None


def in_words(error: ValidationError) -> dict[str, str]:
    """What is wrong, by field name."""
    return {
        ".".join(str(part) for part in each["loc"]) or "body": requirement(
            each["type"], each.get("ctx", {}), each["msg"]
        )
        for each in error.errors(include_url=False, include_input=False)
    }


def answer_json(model: BaseModel, status: int = 200) -> Response:
    """A model as the answer."""
    response = Response(json_text(model.model_dump()), status, mimetype=JSON)
    response.headers["Cache-Control"] = "no-store"
    return response


@api.errorhandler(BadArguments)
def bad_arguments(error: BadArguments) -> Response:
    return problem(422, WORDS[422].heading, str(error), errors=error.messages)


pages.register_blueprint(api)
