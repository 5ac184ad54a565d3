"""What the tests of the API do over and over: read its answers, with nothing missing and nothing unknown."""

from werkzeug.test import TestResponse

from asyncinweb.web.api.models import Problem, WholeJob

JOBS = "/api/v1/jobs"


def refused(response: TestResponse, code: int) -> Problem:
    """A refusal in the one shape that all have."""
    assert response.status_code == code, response.text
    assert response.mimetype == "application/problem+json"
    problem = Problem.model_validate_json(response.text, strict=True, extra="forbid")
    assert problem.status == code
    return problem


def whole(response: TestResponse, code: int = 200) -> WholeJob:
    assert response.status_code == code, response.text
    return WholeJob.model_validate_json(response.text, strict=True, extra="forbid")
