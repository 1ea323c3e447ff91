from __future__ import annotations

import json
import re
from pathlib import Path
from string import Template
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import app
from infra.openapi import API_FUNCTION, GATEWAY_ERRORS, functions_of_routes, invoke_arn, openapi_body, render

TERRAFORM = Path(__file__).resolve().parents[3] / "infra" / "terraform"
ANY = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"

FUNCTIONS = functions_of_routes()
BODY = openapi_body(app.routes, FUNCTIONS)

segments = st.sampled_from(["api", "v1", "reports", "status", "{report_id}", "{version}"])
paths = st.lists(segments, min_size=1, max_size=4, unique=True).map(lambda found: "/" + "/".join(found))
route_tables = st.dictionaries(paths, st.sets(st.sampled_from(["GET", "POST", "DELETE"]), min_size=1), max_size=6)


def operations(body: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation) for path, methods in body["paths"].items() for method, operation in methods.items()
    ]


def test_the_file_that_terraform_reads_is_made_from_the_routes_as_they_are() -> None:
    message = "run: python -m infra.openapi > infra/terraform/openapi.json"
    assert (TERRAFORM / "openapi.json").read_text("utf-8") == render(BODY), message


def test_every_route_of_the_app_is_there_with_its_methods() -> None:
    served = {(path, method.lower()) for path, methods in app.routes.items() for method in methods}
    assert served <= {(path, method) for path, method, _ in operations(BODY)}


def test_every_operation_goes_to_the_function_of_its_route_and_all_others_to_the_api_s() -> None:
    for path, _, operation in operations(BODY):
        integration = operation[INTEGRATION]
        assert (integration["type"], integration["httpMethod"], integration["uri"]) == (
            "aws_proxy",
            "POST",
            invoke_arn(FUNCTIONS.get(path, API_FUNCTION)),
        )


def test_a_function_of_its_own_is_for_a_route_that_the_app_serves() -> None:
    assert set(FUNCTIONS) <= set(app.routes)


def test_the_functions_addresses_are_the_only_things_left_to_fill_in() -> None:
    text = render(BODY)
    names = {API_FUNCTION, *FUNCTIONS.values()}
    assert set(re.findall(r"\$\{.*?\}", text)) == {invoke_arn(name) for name in names}
    assert "%{" not in text
    filled = json.loads(Template(text).substitute({f"{name}_invoke_arn": f"arn:aws:lambda:{name}" for name in names}))
    assert {o[INTEGRATION]["uri"] for _, _, o in operations(filled)} == {f"arn:aws:lambda:{name}" for name in names}


def test_a_base64_answer_is_decoded_for_every_client() -> None:
    types = BODY["x-amazon-apigateway-binary-media-types"]
    assert types[0] == "*/*"
    assert set(types) > set(app.api.binary_types)


def test_nothing_asks_the_gateway_to_check_keys() -> None:
    # It would take X-API-Key for a key of its own.
    assert "security" not in render(BODY)


@given(route_tables)
def test_no_path_and_no_method_is_left_to_the_gateway(routes: dict[str, set[str]]) -> None:
    body = openapi_body(routes)
    assert {"/", "/{proxy+}"} <= set(body["paths"])
    for path, methods in body["paths"].items():
        assert ANY in methods
        parent = path.rpartition("/")[0] or "/"
        assert parent in body["paths"]


@given(route_tables)
def test_every_parameter_in_a_path_is_declared_as_required(routes: dict[str, set[str]]) -> None:
    for path, _, operation in operations(openapi_body(routes)):
        declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path" and p["required"]}
        assert declared == set(re.findall(r"{(\w+)\+?}", path))


@given(route_tables)
def test_equal_routes_give_equal_text_whatever_their_order(routes: dict[str, set[str]]) -> None:
    turned_round = dict(reversed(list(routes.items())))
    assert render(openapi_body(routes)) == render(openapi_body(turned_round))


@pytest.mark.parametrize("kind", GATEWAY_ERRORS)
def test_what_the_gateway_answers_itself_has_the_envelope_of_the_api(kind: str) -> None:
    response = BODY["x-amazon-apigateway-gateway-responses"][kind]
    body = json.loads(response["responseTemplates"]["application/json"])
    assert body == {"success": False, "error": GATEWAY_ERRORS[kind].error}
    assert response["responseParameters"]["gatewayresponse.header.Cache-Control"] == "'no-store'"
    # What is not in quotes is a variable of the gateway's: the same id as in its access log.
    assert response["responseParameters"]["gatewayresponse.header.X-Request-Id"] == "context.requestId"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("MISSING_AUTHENTICATION_TOKEN", "404"),
        ("REQUEST_TOO_LARGE", "413"),
        ("THROTTLED", "429"),
        ("UNSUPPORTED_MEDIA_TYPE", "400"),
    ],
)
def test_errors_of_the_gateway_have_the_documented_status(kind: str, status: str) -> None:
    assert BODY["x-amazon-apigateway-gateway-responses"][kind]["statusCode"] == status


def test_who_is_throttled_learns_when_to_come_back() -> None:
    parameters = BODY["x-amazon-apigateway-gateway-responses"]["THROTTLED"]["responseParameters"]
    assert parameters["gatewayresponse.header.Retry-After"] == "'1'"


def test_errors_without_a_status_keep_the_gateway_s_own() -> None:
    assert "statusCode" not in BODY["x-amazon-apigateway-gateway-responses"]["DEFAULT_5XX"]
