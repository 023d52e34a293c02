"""The API keeps to its OpenAPI document, whatever it is asked: requests that are made up from it, always the same."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, cast

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config_api.app import create_app
from config_api.auth import Right, Tokens
from config_api.routes.parts import Parts
from tests.api_server import ApiServer, running_api

TOKEN = "w" * 20

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with running_api(tmp_path_factory.mktemp("api"), API_TOKENS=f"write:{TOKEN}") as server:
        yield server


# Nothing behind the API is needed to document it.
DOCUMENT = create_app(cast(Parts, None), Tokens([(Right.WRITE, TOKEN)]), 1, version("petrosa-ta-bot")).openapi()

EVENTS = "/api/v1/events"  # an answer without an end, which has tests of its own

schema = schemathesis.openapi.from_dict(DOCUMENT).exclude(path=EVENTS)


@schema.parametrize()
@settings(max_examples=8, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_answers_are_as_documented(api: ApiServer, case: Any) -> None:
    case.call_and_validate(base_url=api.url, headers={"Authorization": f"Bearer {TOKEN}"}, checks=CHECKS)


def test_the_document_that_is_served_is_that_one(api: ApiServer) -> None:
    assert api.client.get("/openapi.json").json() == orjson.loads(orjson.dumps(DOCUMENT))


def test_every_operation_says_what_it_is_and_gives_an_example() -> None:
    """Of its answer, and of its body where it takes one."""
    components = DOCUMENT["components"]["schemas"]

    def has_example(content: dict[str, Any]) -> bool:
        media = content["application/json"]
        name = media["schema"]["$ref"].rpartition("/")[2]
        return "example" in media or "example" in components[name]

    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            assert (
                not path.startswith("/api/") or path == EVENTS or has_example(operation["responses"]["200"]["content"])
            ), path
            assert "requestBody" not in operation or has_example(operation["requestBody"]["content"]), path
            for parameter in operation.get("parameters", ()):
                assert parameter["schema"].get("description") or parameter.get("description"), (path, parameter["name"])
            assert ("security" in operation) is path.startswith("/api/")
