"""Denied requests, counted in the access table for each minute and whoever made them.

A counter becomes an event of the audit once its minute is over; then it is gone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from boto3.dynamodb.conditions import Attr, Key

from chalicelib.stores.dynamodb import Delete, Item, Table

PARTITION: Final = "DENIALS"
"""The partition key of all counters; policies name it."""


@dataclass(frozen=True)
class Denial:
    """Denied requests of one minute by one actor with one answer.

    Args:
        minute: ``2026-01-20T15:30``.
        tenant: of the actor; ``-`` for nobody known.
        actor: a key, a user or an address.
        address: where the first came from.
        status: the HTTP status of the answer.
        route: the pattern of the first one's path, with its method.
        request_id: the first one's.
        count: how many there were.
    """

    minute: str
    tenant: str
    actor: str
    address: str
    status: int
    route: str
    request_id: str
    count: int = 1


class DenialStore:
    """Counters of denied requests. One AWS call each."""

    def __init__(self, access_table: str) -> None:
        self._table = Table(access_table)

    def count(self, denial: Denial, expires_at: int) -> None:
        """Count a denied request.

        Args:
            denial: the request; the first of its minute gives the counter its address, route and request id.
            expires_at: when the counter may be deleted, should nobody have settled it, in seconds since 1970.
        """
        self._table.update(
            (PARTITION, _sort_key(denial)),
            assign_once={
                "tenant": denial.tenant,
                "actor": denial.actor,
                "status": denial.status,
                "address": denial.address,
                "route": denial.route,
                "request_id": denial.request_id,
                "expires_at": expires_at,
            },
            add={"count": denial.count},
        )

    def before(self, minute: str) -> Iterator[Denial]:
        """Yield the counters of the minutes before ``minute``, the oldest first: one call per MB."""
        key = Key("pk").eq(PARTITION) & Key("sk").lt(minute)
        for item in self._table.query_all(key, consistent=True):
            yield _to_denial(item)

    def settled(self, denial: Denial) -> Delete:
        """Return the write that deletes a counter; its condition fails where that has counted on or is gone."""
        return Delete(self._table.name, (PARTITION, _sort_key(denial)), Attr("count").eq(denial.count))


def _sort_key(denial: Denial) -> str:
    who = json.dumps([denial.tenant, denial.actor, denial.status])
    return f"{denial.minute}#{hashlib.sha256(who.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def _to_denial(item: Item) -> Denial:
    return Denial(
        minute=str(item["sk"]).partition("#")[0],
        tenant=item["tenant"],
        actor=item["actor"],
        address=item["address"],
        status=item["status"],
        route=item["route"],
        request_id=item["request_id"],
        count=item["count"],
    )
