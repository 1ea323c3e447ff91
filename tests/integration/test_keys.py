"""API keys: only a hash is kept, and a revoked or expired one opens nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from chalicelib.services import keys
from chalicelib.services.keys import caller_of, create_key, revoke_key
from chalicelib.settings import settings
from chalicelib.stores import aws
from tests.support.service import counted_calls


@pytest.mark.usefixtures("service")
class TestKeys:
    def test_a_secret_has_its_documented_form(self) -> None:
        created = create_key("bob", "laptop", ["read"])
        assert created.secret.startswith("sk_")
        assert len(created.secret) == 46
        assert created.record.id.startswith("ak_")

    def test_the_secret_is_nowhere_in_the_table(self) -> None:
        secret = create_key("bob", "laptop", ["read"]).secret
        found = aws.dynamodb_client().scan(TableName=settings().access_table)["Items"]
        assert found
        assert secret not in json.dumps(found, default=str)

    @pytest.mark.parametrize("scopes", [[], ["root"], ["read", "everything"]])
    def test_unknown_scopes_are_refused(self, scopes: list[str]) -> None:
        with pytest.raises(ValueError, match="scopes"):
            create_key("bob", "laptop", scopes)  # type: ignore[arg-type]

    def test_an_expired_key_stands_for_nobody(self) -> None:
        assert caller_of(create_key("bob", "old", ["read"], timedelta(seconds=-1)).secret) is None
        assert caller_of(create_key("bob", "new", ["read"], timedelta(days=1)).secret) is not None

    def test_a_key_is_read_once_while_it_is_cached(self) -> None:
        secret = create_key("bob", "laptop", ["read"]).secret
        with counted_calls() as calls:
            for _ in range(5):
                assert caller_of(secret) is not None
        assert calls.total() == 1

    def test_a_revoked_key_lives_at_most_as_long_as_the_cache(self, monkeypatch: pytest.MonkeyPatch) -> None:
        secret = create_key("bob", "laptop", ["read"]).secret
        assert caller_of(secret) is not None
        # Another process revokes it: this one still knows the key.
        cached = dict(keys._known)
        revoke_key(secret)
        keys._known.update(cached)
        assert caller_of(secret) is not None
        read_at = next(iter(cached.values()))[1]
        monkeypatch.setattr(keys.time, "monotonic", lambda: read_at + 30.001)
        assert caller_of(secret) is None

    def test_the_cache_never_outlives_30_seconds(self) -> None:
        assert settings().key_cache_seconds <= 30

    def test_odd_secrets_cost_no_call(self) -> None:
        with counted_calls() as calls:
            for secret in ("", "sk", "nonsense", "sk_" + "x" * 1000):
                assert caller_of(secret) is None
        assert calls.total() == 0
