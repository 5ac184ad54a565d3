"""openapi.json describes the API that is there."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from asyncinweb.web.api.models import JobRequest


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/openapi.json").json
    return found


def test_it_is_valid(document: dict[str, Any]) -> None:
    validator = pytest.importorskip("openapi_spec_validator")

    validator.validate(document)
    assert document["openapi"] == "3.1.0"


def test_every_address_of_the_api_stands_in_it_and_no_other(app: Flask, document: dict[str, Any]) -> None:
    described = {(method, path) for path, methods in document["paths"].items() for method in methods}
    there = {
        (method.lower(), re.sub(r"<(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert described == there
    assert len(there) == 10


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(document)))

    assert references == set(document["components"]["schemas"])


def test_bodies_are_described_by_the_models_that_check_them(document: dict[str, Any]) -> None:
    described = document["components"]["schemas"]["JobRequest"]

    assert set(described["properties"]) == set(JobRequest.model_fields)
    assert described["required"] == ["task"]
    assert described["additionalProperties"] is False


def test_only_submitting_takes_a_form_and_the_job_is_a_field_of_it(document: dict[str, Any]) -> None:
    bodies = {
        path: described["post"]["requestBody"]["content"]
        for path, described in document["paths"].items()
        if "requestBody" in described.get("post", {})
    }
    form = bodies["/jobs"]["multipart/form-data"]

    assert [path for path, content in bodies.items() if "multipart/form-data" in content] == ["/jobs"]
    assert form["schema"]["properties"] == {"job": bodies["/jobs"]["application/json"]["schema"]}
    assert form["schema"]["required"] == ["job"]
