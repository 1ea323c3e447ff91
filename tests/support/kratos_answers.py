"""What Ory Kratos answers to ``GET /sessions/whoami``, as its API documents it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

IDENTITY_ID = "7458af86-c1d8-401c-978a-8da89133f78b"

_IDENTITY: dict[str, Any] = {
    "id": IDENTITY_ID,
    "schema_id": "default",
    "schema_url": "https://kratos.example.com/schemas/ZGVmYXVsdA",
    "state": "active",
    "state_changed_at": "2026-01-02T08:00:00.123456Z",
    "traits": {"email": "alice@example.com", "role": "user", "teams": ["blue", "red"]},
    "verifiable_addresses": [
        {
            "id": "0b1d3a8c-9f68-4bd0-9a37-6d7e6b1f3a11",
            "value": "alice@example.com",
            "verified": True,
            "via": "email",
            "status": "completed",
            "created_at": "2026-01-02T08:00:00.123456Z",
            "updated_at": "2026-01-02T08:00:00.123456Z",
        }
    ],
    "recovery_addresses": [
        {
            "id": "2a1d3a8c-9f68-4bd0-9a37-6d7e6b1f3a12",
            "value": "alice@example.com",
            "via": "email",
            "created_at": "2026-01-02T08:00:00.123456Z",
            "updated_at": "2026-01-02T08:00:00.123456Z",
        }
    ],
    "metadata_public": None,
    "created_at": "2026-01-02T08:00:00.123456Z",
    "updated_at": "2026-01-02T08:00:00.123456Z",
}

_SESSION: dict[str, Any] = {
    "id": "f38bdebe-e567-42c9-a562-1bd4dee40998",
    "active": True,
    "expires_at": "2999-01-01T00:00:00.654554495Z",
    "authenticated_at": "2026-01-20T10:42:57.654562Z",
    "authenticator_assurance_level": "aal2",
    "authentication_methods": [
        {"method": "password", "aal": "aal1", "completed_at": "2026-01-20T10:42:57.654554495Z"},
        {"method": "totp", "aal": "aal2", "completed_at": "2026-01-20T10:43:20.004554495Z"},
    ],
    "issued_at": "2026-01-20T10:42:57.654562Z",
    "identity": _IDENTITY,
    "devices": [
        {
            "id": "5d1d3a8c-9f68-4bd0-9a37-6d7e6b1f3a13",
            "ip_address": "203.0.113.9",
            "user_agent": "Mozilla/5.0",
            "location": "Munich, DE",
        }
    ],
}

UNAUTHORIZED: dict[str, Any] = {
    "error": {
        "code": 401,
        "status": "Unauthorized",
        "reason": "No valid session credentials found in the request.",
        "message": "The request could not be authorized",
    }
}

SECOND_FACTOR_REQUIRED: dict[str, Any] = {
    "error": {
        "id": "session_aal2_required",
        "code": 403,
        "status": "Forbidden",
        "reason": "An active session was found but it does not fulfil the requested Authenticator Assurance Level.",
        "message": "Session does not fulfill the requested Authenticator Assurance Level",
    },
    "redirect_browser_to": "https://kratos.example.com/self-service/login/browser?aal=aal2",
}


def session(**changes: Any) -> dict[str, Any]:
    """Return a session's body with top-level fields changed."""
    return copy.deepcopy(_SESSION) | changes


def session_of(**changes: Any) -> dict[str, Any]:
    """Return a session's body with fields of its identity changed."""
    return session(identity=copy.deepcopy(_IDENTITY) | changes)


def in_seconds(seconds: float) -> str:
    """Return a moment from now as Kratos writes it: with nanoseconds."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"
