"""The routes of webhooks: who is told of the end of reports, and what became of that."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.api.authentication import report_user, report_writer
from chalicelib.api.envelope import json_response
from chalicelib.api.idempotency import REPLAYED, idempotency_conflict, request_name
from chalicelib.api.json_body import read_json_object
from chalicelib.api.limits import count_request
from chalicelib.api.problems import ProblemError
from chalicelib.api.routing import ANY_TYPE, query_of, request_of
from chalicelib.api.webhook_requests import (
    is_delivery_id,
    is_report_id,
    is_subscription_id,
    parse_deliveries_query,
    refused_target,
)
from chalicelib.api.webhook_views import delivery_view, secret_view, subscription_view
from chalicelib.domain.webhook import MAX_SUBSCRIPTIONS
from chalicelib.services import deliveries, subscriptions
from chalicelib.services.idempotency import IdempotencyConflictError
from chalicelib.services.not_found import NotFoundError
from chalicelib.stores.webhook_store import TooManySubscriptionsError
from chalicelib.webhooks.target import TargetError

webhooks = Blueprint(__name__)
_request = request_of(webhooks)


def _subscription_id(given: str) -> str:
    if not is_subscription_id(given):
        raise _not_found()
    return given


def _log_id(given: str) -> str:
    """Return whose deliveries are meant: a subscription's, or those of a report that has a webhook of its own."""
    lowered = given.lower()
    if not is_subscription_id(lowered) and not is_report_id(lowered):
        raise _not_found()
    return lowered


def _not_found(what: str = "Webhook") -> ProblemError:
    return ProblemError(404, f"{what} not found")


@webhooks.route("/api/webhooks", methods=["POST"])
def create_webhook() -> Response:
    """Subscribe to events of the caller's reports."""
    from chalicelib.api.webhook_bodies import parse_report_subscription

    caller = report_writer(_request())
    body = read_json_object(_request().raw_body)
    name = request_name(_request(), caller, "POST /api/webhooks", body)
    new = parse_report_subscription(body)
    try:
        made = subscriptions.create_subscription(caller.owner, new, name)
    except TargetError as error:
        raise refused_target(error) from None
    except TooManySubscriptionsError:
        raise ProblemError(409, f"At most {MAX_SUBSCRIPTIONS} webhooks can be kept") from None
    except IdempotencyConflictError:
        raise idempotency_conflict() from None
    return _with_secret(made, 201)


def _with_secret(made: subscriptions.WithSecret, status: int) -> Response:
    data = {"webhook": subscription_view(made.subscription), **secret_view(made)}
    return json_response({"success": True, "data": data}, status, None if made.secret else REPLAYED)


@webhooks.route("/api/webhooks", methods=["GET"], content_types=ANY_TYPE)
def list_webhooks() -> Response:
    """List the caller's subscriptions."""
    caller = report_user(_request())
    found = subscriptions.list_subscriptions(caller.owner)
    return json_response({"success": True, "data": {"webhooks": [subscription_view(s) for s in found]}})


@webhooks.route("/api/webhooks/{webhook_id}", methods=["GET"], content_types=ANY_TYPE)
def get_webhook(webhook_id: str) -> Response:
    """Show a subscription."""
    caller = report_user(_request())
    try:
        return _one(subscriptions.subscription(caller.owner, _subscription_id(webhook_id)))
    except NotFoundError:
        raise _not_found() from None


def _one(subscription: Any) -> Response:
    return json_response({"success": True, "data": {"webhook": subscription_view(subscription)}})


@webhooks.route("/api/webhooks/{webhook_id}", methods=["PATCH"])
def change_webhook(webhook_id: str) -> Response:
    """Change a subscription."""
    from chalicelib.api.webhook_bodies import parse_report_change

    caller, wanted = report_writer(_request()), _subscription_id(webhook_id)
    changes = parse_report_change(read_json_object(_request().raw_body))
    try:
        return _one(subscriptions.change_subscription(caller.owner, wanted, changes))
    except TargetError as error:
        raise refused_target(error) from None
    except NotFoundError:
        raise _not_found() from None


@webhooks.route("/api/webhooks/{webhook_id}", methods=["DELETE"], content_types=ANY_TYPE)
def delete_webhook(webhook_id: str) -> Response:
    """Delete a subscription."""
    caller = report_writer(_request())
    try:
        subscriptions.delete_subscription(caller.owner, _subscription_id(webhook_id))
    except NotFoundError:
        raise _not_found() from None
    return json_response({"success": True, "message": "Webhook deleted"})


@webhooks.route("/api/webhooks/{webhook_id}/rotate", methods=["POST"], content_types=ANY_TYPE)
def rotate_webhook(webhook_id: str) -> Response:
    """Give a subscription a new secret; the one before signs, too, for a day."""
    caller, wanted = report_writer(_request()), _subscription_id(webhook_id)
    name = request_name(_request(), caller, f"POST /api/webhooks/{wanted}/rotate", {})
    try:
        return _with_secret(subscriptions.rotate_secret(caller.owner, wanted, name), 201)
    except NotFoundError:
        raise _not_found() from None


@webhooks.route("/api/webhooks/{webhook_id}/test", methods=["POST"], content_types=ANY_TYPE)
def test_webhook(webhook_id: str) -> Response:
    """Send a subscription an event that is a test; the limit of lists bounds how many are sent to others."""
    caller, wanted = report_writer(_request()), _log_id(webhook_id)
    name = request_name(_request(), caller, f"POST /api/webhooks/{wanted}/test", {})
    count_request(_request(), caller.account, "list")
    try:
        return _accepted(deliveries.send_test(caller.owner, wanted, name))
    except NotFoundError:
        raise _not_found() from None


def _accepted(delivery: Any) -> Response:
    return json_response({"success": True, "data": {"delivery": delivery_view(delivery)}}, 202)


@webhooks.route("/api/webhooks/{webhook_id}/deliveries", methods=["GET"], content_types=ANY_TYPE)
def list_webhook_deliveries(webhook_id: str) -> Response:
    """Show what became of the events that a subscription was told of, newest first."""
    caller, wanted = report_user(_request()), _log_id(webhook_id)
    query = parse_deliveries_query(query_of(_request()))
    try:
        page = deliveries.deliveries_page(caller.owner, wanted, query.status, query.limit, query.before)
    except NotFoundError:
        raise _not_found() from None
    data = {"deliveries": [delivery_view(d) for d in page.deliveries], "next_cursor": page.before}
    return json_response({"success": True, "data": data})


@webhooks.route("/api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", methods=["POST"], content_types=ANY_TYPE)
def replay_webhook_delivery(webhook_id: str, delivery_id: str) -> Response:
    """Send a delivery again that has ended."""
    caller, wanted = report_writer(_request()), _log_id(webhook_id)
    if not is_delivery_id(delivery_id):
        raise _not_found("Delivery")
    name = request_name(_request(), caller, f"POST /api/webhooks/{wanted}/deliveries/{delivery_id}/replay", {})
    count_request(_request(), caller.account, "list")
    try:
        return _accepted(deliveries.replay(caller.owner, wanted, delivery_id, name))
    except NotFoundError:
        raise _not_found("Delivery") from None
