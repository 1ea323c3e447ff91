"""Pages of a list that an index sorts by time, newest first, and the places where pages begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from chalicelib.stores.dynamodb import Item, ItemKey, Table, key_is

ORDER: Final = "order"
"""The range key of the indexes of lists."""


def place(moment: str, item_id: str) -> str:
    """Return what lists are sorted by: a stamp, then the id."""
    return f"{moment}#{item_id}"


def list_page(
    table: Table,
    index: str,
    attribute: str,
    value: str,
    *,
    limit: int,
    start: Item | None,
    key_of: Callable[[str], ItemKey],
) -> tuple[list[ItemKey], Item | None]:
    """Return the keys of one page, and where the next one starts (None: this was the last): one AWS call.

    A start holds a place in time alone. Which list is read comes from the arguments, so that a start from
    another list, or a forged one, shows nothing that the caller could not list anyway.

    Args:
        table: the table.
        index: the index with keys alone.
        attribute: the index's hash key.
        value: which list.
        limit: how many keys at most.
        start: what the page before gave, or None for the newest.
        key_of: the key of the item with an id.
    """
    first = None
    if start is not None:
        pk, sk = key_of(str(start[ORDER]).rpartition("#")[2])
        first = {"pk": pk, "sk": sk, attribute: value, ORDER: str(start[ORDER])}
    # DynamoDB tells of more whenever it stops at a limit; only another key shows that there is more.
    page = table.query(key_is(attribute, value), index=index, limit=limit + 1, newest_first=True, start=first)
    shown = page.items[:limit]
    more = len(page.items) > limit or (page.next_key is not None and bool(shown))
    return [(i["pk"], i["sk"]) for i in shown], {ORDER: shown[-1][ORDER]} if more else None
