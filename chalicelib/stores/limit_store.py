"""Who has done what lately: the windows of the limits, one item for each caller and limit.

An item has a slot for each request that its window holds, ``s0``, ``s1``, …, each with the moment at which it was
taken, in microseconds. A request takes any slot that is empty or whose moment has left the window, on the condition
that it still is. No slot is taken twice within a window, so no window ever holds more requests than there are slots,
however many processes take at the same time; and a request is refused only if every slot is in use. That is one
write of one item, with no counter or version that all of them would have to agree on: requests meet only where they
happen to choose the same slot, and the refused write says which are free.

Usage of keys is counted in the same items, ``u<day>_<key>``, because they are written anyway.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from boto3.dynamodb.conditions import Attr

from chalicelib.stores.dynamodb import ConditionFailedError, Item, ItemKey, Table, key_is

MICROSECONDS: Final = 1_000_000

_USAGE_ITEM: Final = "usage"
# Usage is shown for this many days; the items live a little longer than what is in them.
KEPT_DAYS: Final = 30
_KEPT_SECONDS: Final = (KEPT_DAYS + 1) * 86_400
_DAY_SECONDS: Final = 86_400
# DynamoDB takes an expression of 4 KB, and a count's name has up to 40 characters.
_REMOVED_AT_ONCE: Final = 20
MOST_COUNTED: Final = 20
"""So many keys' counts go with one write."""


@dataclass(frozen=True)
class Ticket:
    """A slot that a request has taken: what is needed to give it back.

    Args:
        caller: whose it is.
        limit: of which limit.
        slot: its number.
        at: when it was taken, in microseconds since 1970; the last three digits are random and make it unique.
        until: when it leaves the window, likewise.
    """

    caller: str
    limit: str
    slot: int
    at: int
    until: int

    def to_text(self) -> str:
        """Return it as it is kept in a record."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @staticmethod
    def from_text(text: str) -> Ticket:
        """Return the ticket that ``to_text`` wrote."""
        return Ticket(**json.loads(text))


class SlotTakenError(Exception):
    """Another request has the slot; ``slots`` are all of them as they are."""

    def __init__(self, slots: Mapping[int, int]) -> None:
        super().__init__("the slot is taken")
        self.slots = slots


def _item_key(caller: str, limit: str) -> ItemKey:
    return f"L#{caller}", limit


def _slots(item: Item) -> dict[int, int]:
    return {int(name[1:]): int(value) for name, value in item.items() if name[0] == "s" and name[1:].isdecimal()}


def _usage_name(utc_day: int, key_id: str) -> str:
    return f"u{utc_day}_{key_id}"


class LimitStore:
    """The windows of the limits, and the usage of keys. One AWS call each."""

    def __init__(self, access_table: str) -> None:
        self._table = Table(access_table)

    def take(
        self, ticket: Ticket, free_before: int, usage: Mapping[str, int], outdated: Iterable[str] = ()
    ) -> tuple[dict[int, int], list[str]]:
        """Take the slot of ``ticket`` if it is empty, or was taken at ``free_before`` or earlier.

        Args:
            ticket: what is to be taken.
            free_before: the moment at which the window begins, in microseconds.
            usage: how many requests are to be added to each key's count of the day, of at most 20 keys.
            outdated: names of counts that an earlier call has called outdated, to be removed with the same write.

        Returns:
            All slots as they are now, and the names of counts that are outdated.

        Raises:
            SlotTakenError: the slot is in use; nothing was counted.
        """
        name = f"s{ticket.slot}"
        today = ticket.at // MICROSECONDS // _DAY_SECONDS
        try:
            item = self._table.update(
                _item_key(ticket.caller, ticket.limit),
                assign={name: ticket.at, "expires_at": self._expiry(ticket.at)},
                add={_usage_name(today, key_id): number for key_id, number in usage.items()},
                remove=list(outdated)[:_REMOVED_AT_ONCE],
                condition=Attr(name).not_exists() | Attr(name).lte(free_before),
            )
        except ConditionFailedError as error:
            slots = _slots(error.current or {})
            # The answer to this very write was lost, and the SDK sent it again: the moment is nobody else's.
            if slots.get(ticket.slot) == ticket.at:
                return slots, []
            raise SlotTakenError(slots) from error
        return _slots(item), [n for n in item if _is_usage(n) and _day_of(n) <= today - KEPT_DAYS]

    def give_back(self, ticket: Ticket) -> bool:
        """Empty a slot, if it is still that of ``ticket``; tell whether it was."""
        name = f"s{ticket.slot}"
        try:
            self._table.update(
                _item_key(ticket.caller, ticket.limit), remove=[name], condition=Attr(name).eq(ticket.at)
            )
        except ConditionFailedError:
            return False
        return True

    def add_usage(self, caller: str, usage: Mapping[str, int], at: int) -> None:
        """Add to the counts of keys where no limit is written that would carry them.

        Args:
            caller: whose keys.
            usage: how many requests of each key, of at most 20.
            at: now, in microseconds since 1970.
        """
        today = at // MICROSECONDS // _DAY_SECONDS
        self._table.update(
            _item_key(caller, _USAGE_ITEM),
            assign={"expires_at": self._expiry(at)},
            add={_usage_name(today, key_id): number for key_id, number in usage.items()},
        )

    def usage(self, caller: str, key_id: str) -> dict[int, int]:
        """Return how many requests of a key were counted on each of the last days: days since 1970 → requests."""
        counted: dict[int, int] = {}
        for item in self._table.query_all(key_is("pk", f"L#{caller}"), consistent=True):
            for name, number in item.items():
                if _is_usage(name) and name.partition("_")[2] == key_id:
                    counted[_day_of(name)] = counted.get(_day_of(name), 0) + number
        return counted

    def _expiry(self, at: int) -> int:
        return at // MICROSECONDS + _KEPT_SECONDS


def _is_usage(name: str) -> bool:
    return name[0] == "u" and name[1].isdecimal()


def _day_of(name: str) -> int:
    return int(name[1:].partition("_")[0])
