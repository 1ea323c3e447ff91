"""The routes of subscriptions to events of investigations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.api.envelope import json_response
from chalicelib.api.idempotency import REPLAYED
from chalicelib.api.problems import ProblemError, invalid
from chalicelib.api.routing import ANY_TYPE, query_of, request_of
from chalicelib.api.v1 import requests
from chalicelib.api.v1.access import account_with
from chalicelib.api.v1.idempotency import request_name
from chalicelib.api.v1.problems import idempotency_conflict
from chalicelib.api.v1.views import page_view
from chalicelib.api.webhook_requests import (
    is_delivery_id,
    is_subscription_id,
    parse_deliveries_query,
    parse_subscriptions_query,
    refused_target,
)
from chalicelib.api.webhook_views import delivery_view, filtered_view, secret_view
from chalicelib.domain.narrative_job import owner_of
from chalicelib.domain.webhook import MAX_SUBSCRIPTIONS
from chalicelib.services import deliveries, subscriptions
from chalicelib.services.idempotency import IdempotencyConflictError, RequestName
from chalicelib.services.not_found import NotFoundError
from chalicelib.stores.webhook_store import TooManySubscriptionsError
from chalicelib.webhooks.target import TargetError

investigation_webhooks = Blueprint(__name__)
_request = request_of(investigation_webhooks)


def _owner() -> str:
    return owner_of(account_with(_request(), "webhooks:manage"))


def _id(given: str) -> str:
    if not is_subscription_id(given):
        raise requests.not_found("subscription")
    return given


def _name(owner: str, route: str, body: Mapping[str, Any]) -> RequestName | None:
    return request_name(_request(), owner, route, body)


def _with_secret(made: subscriptions.WithSecret) -> Response:
    body = {**filtered_view(made.subscription), **secret_view(made)}
    return json_response(body, 201, None if made.secret else REPLAYED)


@investigation_webhooks.route("/v1/webhooks/subscriptions", methods=["POST"])
def create_subscription() -> Response:
    """Subscribe to events of the account's investigations."""
    from chalicelib.api.webhook_bodies import parse_investigation_subscription

    owner = _owner()
    body = requests.json_body(_request())
    new = parse_investigation_subscription(body)
    try:
        return _with_secret(
            subscriptions.create_subscription(owner, new, _name(owner, "POST /v1/webhooks/subscriptions", body))
        )
    except TargetError as error:
        raise refused_target(error) from None
    except TooManySubscriptionsError:
        raise invalid("url", f"an account has at most {MAX_SUBSCRIPTIONS} subscriptions") from None
    except IdempotencyConflictError:
        raise idempotency_conflict() from None


@investigation_webhooks.route("/v1/webhooks/subscriptions", methods=["GET"], content_types=ANY_TYPE)
def list_subscriptions() -> Response:
    """List the account's subscriptions, newest first."""
    owner = _owner()
    query = parse_subscriptions_query(query_of(_request()), requests.MAX_LIMIT, requests.DEFAULT_LIMIT)
    found, following = subscriptions.subscriptions_page(owner, query.limit, query.before)
    return json_response(page_view("subscriptions", [filtered_view(s) for s in found], following))


@investigation_webhooks.route("/v1/webhooks/subscriptions/{subscription_id}", methods=["GET"], content_types=ANY_TYPE)
def get_subscription(subscription_id: str) -> Response:
    """Show a subscription."""
    owner = _owner()
    try:
        return json_response(filtered_view(subscriptions.subscription(owner, _id(subscription_id))))
    except NotFoundError:
        raise _gone() from None


@investigation_webhooks.route("/v1/webhooks/subscriptions/{subscription_id}", methods=["PATCH"])
def change_subscription(subscription_id: str) -> Response:
    """Change a subscription."""
    from chalicelib.api.webhook_bodies import parse_investigation_change

    owner, wanted = _owner(), _id(subscription_id)
    changes = parse_investigation_change(requests.json_body(_request()))
    try:
        return json_response(filtered_view(subscriptions.change_subscription(owner, wanted, changes)))
    except TargetError as error:
        raise refused_target(error) from None
    except NotFoundError:
        raise _gone() from None


@investigation_webhooks.route(
    "/v1/webhooks/subscriptions/{subscription_id}", methods=["DELETE"], content_types=ANY_TYPE
)
def delete_subscription(subscription_id: str) -> Response:
    """Delete a subscription."""
    owner, wanted = _owner(), _id(subscription_id)
    try:
        subscriptions.delete_subscription(owner, wanted)
    except NotFoundError:
        raise _gone() from None
    return json_response({"id": wanted, "deleted": True})


@investigation_webhooks.route(
    "/v1/webhooks/subscriptions/{subscription_id}/rotate", methods=["POST"], content_types=ANY_TYPE
)
def rotate_subscription(subscription_id: str) -> Response:
    """Give a subscription a new secret; the one before signs, too, for a day."""
    owner, wanted = _owner(), _id(subscription_id)
    name = _name(owner, f"POST /v1/webhooks/subscriptions/{wanted}/rotate", {})
    try:
        return _with_secret(subscriptions.rotate_secret(owner, wanted, name))
    except NotFoundError:
        raise _gone() from None


@investigation_webhooks.route(
    "/v1/webhooks/subscriptions/{subscription_id}/test", methods=["POST"], content_types=ANY_TYPE
)
def test_subscription(subscription_id: str) -> Response:
    """Send a subscription an event that is a test."""
    owner, wanted = _owner(), _id(subscription_id)
    name = _name(owner, f"POST /v1/webhooks/subscriptions/{wanted}/test", {})
    try:
        return json_response(delivery_view(deliveries.send_test(owner, wanted, name)), 202)
    except NotFoundError:
        raise _gone() from None


@investigation_webhooks.route(
    "/v1/webhooks/subscriptions/{subscription_id}/deliveries", methods=["GET"], content_types=ANY_TYPE
)
def list_deliveries(subscription_id: str) -> Response:
    """Show what became of the events that a subscription was told of, newest first."""
    owner, wanted = _owner(), _id(subscription_id)
    query = parse_deliveries_query(query_of(_request()), requests.MAX_LIMIT, requests.DEFAULT_LIMIT)
    try:
        page = deliveries.deliveries_page(owner, wanted, query.status, query.limit, query.before)
    except NotFoundError:
        raise _gone() from None
    return json_response(page_view("deliveries", [delivery_view(d) for d in page.deliveries], page.before))


@investigation_webhooks.route(
    "/v1/webhooks/subscriptions/{subscription_id}/deliveries/{delivery_id}/replay",
    methods=["POST"],
    content_types=ANY_TYPE,
)
def replay_delivery(subscription_id: str, delivery_id: str) -> Response:
    """Send a delivery again that has ended."""
    owner, wanted = _owner(), _id(subscription_id)
    if not is_delivery_id(delivery_id):
        raise requests.not_found("delivery")
    name = _name(owner, f"POST /v1/webhooks/subscriptions/{wanted}/deliveries/{delivery_id}/replay", {})
    try:
        return json_response(delivery_view(deliveries.replay(owner, wanted, delivery_id, name)), 202)
    except NotFoundError:
        raise requests.not_found("delivery") from None


def _gone() -> ProblemError:
    return requests.not_found("subscription")
