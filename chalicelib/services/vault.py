"""A report's vault as its worker uses it: taken from earlier attempts, and filled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.clock import now
from chalicelib.domain.report import Report
from chalicelib.privacy.token_map import TokenMap
from chalicelib.services.claims import ClaimEndedError
from chalicelib.stores.stores import stores
from chalicelib.stores.vault_store import DataKey, VaultDamagedError, VaultTakenError, Whose

_Result = TypeVar("_Result")


class VaultFailedError(Exception):
    """The vault cannot be used: nothing that rests on it may be sent."""


class Vault:
    """The vault of a claimed report."""

    def __init__(self, report: Report) -> None:
        self._whose = Whose(report.owner, report.id, report.attempt)
        self._key: DataKey | None = None
        # A first attempt makes the item with its first token, and a report without one needs none.
        self._is_there = report.attempt > 1

    @property
    def is_there(self) -> bool:
        """Whether something is to be destroyed at the report's end."""
        return self._is_there

    def open(self) -> TokenMap:
        """Return the tokens of earlier attempts; none for a first attempt, or where they were destroyed.

        No AWS call for a first attempt, else two: see ``VaultStore.take_over``.

        Raises:
            VaultFailedError: it cannot be used.
            ClaimEndedError: a later attempt has it.
        """
        if not self._is_there:
            return TokenMap()
        contents = _or_fail(lambda: stores().vault.take_over(self._whose, now()))
        if contents is None:
            return TokenMap()
        self._key = contents.key
        return _or_fail(lambda: TokenMap.from_json(contents.secret))

    def keep(self, tokens: str) -> None:
        """Store all tokens of the report, as JSON: one AWS call, and one more the first time.

        Raises:
            VaultFailedError: it cannot be used.
            ClaimEndedError: a later attempt has it, or the report was cancelled.
        """
        _or_fail(lambda: self._kept(tokens))

    def _kept(self, tokens: str) -> None:
        vault = stores().vault
        self._key = self._key or vault.new_key(self._whose)
        vault.put(self._whose, self._key, tokens, now(), is_new=not self._is_there)
        self._is_there = True


def _or_fail(work: Callable[[], _Result]) -> _Result:
    try:
        return work()
    except VaultTakenError as error:
        raise ClaimEndedError("the report was cancelled, or another worker has it") from error
    except (ClientError, BotoCoreError, VaultDamagedError, ValueError) as error:
        # Without its cause: a message may quote what was sent.
        raise VaultFailedError(type(error).__name__) from None
