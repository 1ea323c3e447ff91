"""Vaults against the emulated KMS and DynamoDB: whose they are, what opens them, when they are gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from secrets import token_urlsafe
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.domain.clock import now
from chalicelib.settings import settings
from chalicelib.stores import aws
from chalicelib.stores.dynamodb import Table
from chalicelib.stores.stores import stores
from chalicelib.stores.vault_store import KEEP, VaultDamagedError, VaultStore, VaultTakenError, Whose
from tests.support.tables import made_resources

WHOSE = Whose("alice", "r-1", 1)
LATER = Whose("alice", "r-1", 2)
SECRET = "Änne Kern, \ud83d half of a pair, 日本語"


@pytest.fixture(scope="module", autouse=True)
def resources() -> Iterator[None]:
    with made_resources():
        yield


@pytest.fixture
def vault() -> Iterator[VaultStore]:
    yield stores().vault
    table: Any = aws.dynamodb_client()
    for item in table.scan(TableName=settings().vault_table)["Items"]:
        table.delete_item(TableName=settings().vault_table, Key={"pk": item["pk"], "sk": item["sk"]})


def filled(vault: VaultStore, secret: str = SECRET) -> None:
    vault.put(WHOSE, vault.new_key(WHOSE), secret, now(), is_new=True)


def items() -> list[Any]:
    found: list[Any] = aws.dynamodb_client().scan(TableName=settings().vault_table)["Items"]
    return found


def test_a_later_attempt_opens_what_an_earlier_one_sealed(vault: VaultStore) -> None:
    filled(vault)
    contents = vault.take_over(LATER, now())
    assert contents is not None
    assert contents.secret == SECRET
    assert SECRET not in repr(contents)
    assert "Kern" not in repr(items())


def test_the_earlier_attempt_can_add_nothing_any_more(vault: VaultStore) -> None:
    key = vault.new_key(WHOSE)
    vault.put(WHOSE, key, "first", now(), is_new=True)
    vault.put(WHOSE, key, "second", now(), is_new=False)
    contents = vault.take_over(LATER, now())
    assert contents is not None
    assert contents.secret == "second"
    with pytest.raises(VaultTakenError):
        vault.put(WHOSE, key, "third", now(), is_new=False)
    with pytest.raises(VaultTakenError):
        vault.take_over(WHOSE, now())


def test_an_empty_vault_keeps_the_earlier_attempt_out_as_well(vault: VaultStore) -> None:
    assert vault.take_over(LATER, now()) is None
    with pytest.raises(VaultTakenError):
        filled(vault)


@pytest.mark.parametrize("other", [Whose("mallory", "r-1", 2), Whose("alice", "r-2", 2)])
def test_it_does_not_open_as_another_s(vault: VaultStore, other: Whose) -> None:
    filled(vault)
    table = Table(settings().vault_table)
    item = table.get(("R#r-1", "head"))
    assert item is not None
    table.put({**item, "pk": f"R#{other.report_id}"})
    with pytest.raises(ClientError):
        vault.take_over(other, now())


def test_what_was_changed_in_the_table_does_not_open(vault: VaultStore) -> None:
    filled(vault)
    table = Table(settings().vault_table)
    item = table.get(("R#r-1", "head"))
    assert item is not None
    table.put({**item, "sealed": bytes(item["sealed"])[:-1] + b"\0"})
    with pytest.raises(VaultDamagedError) as failure:
        vault.take_over(LATER, now())
    assert "Kern" not in str(failure.value)


def test_a_large_one_lies_in_several_items_of_at_most_300_kb(vault: VaultStore) -> None:
    import random

    large = "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9FFF), k=400_000)))
    filled(vault, large)
    sizes = [len(item["sealed"]["B"]) for item in items()]
    assert len(sizes) > 1
    assert max(sizes) <= 300_100
    contents = vault.take_over(LATER, now())
    assert contents is not None
    assert contents.secret == large


def test_after_a_week_it_is_gone_though_nobody_deleted_it(vault: VaultStore) -> None:
    filled(vault)
    assert vault.take_over(LATER, now() + KEEP + timedelta(seconds=1)) is None
    (item,) = items()
    assert "key" not in item


def test_each_attempt_gives_it_another_week(vault: VaultStore) -> None:
    filled(vault)
    assert vault.take_over(LATER, now() + timedelta(days=6)) is not None
    assert vault.take_over(Whose("alice", "r-1", 3), now() + timedelta(days=12)) is not None


def test_a_destroyed_one_is_not_made_again_by_the_worker_that_had_it(vault: VaultStore) -> None:
    key = vault.new_key(WHOSE)
    vault.put(WHOSE, key, "first", now(), is_new=True)
    vault.destroy("r-1")
    with pytest.raises(VaultTakenError):
        vault.put(WHOSE, key, "second", now(), is_new=False)
    assert items() == []


def test_its_table_has_no_backups() -> None:
    answer = aws.dynamodb_client().describe_continuous_backups(TableName=settings().vault_table)
    recovery: Any = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]  # type: ignore[typeddict-item]
    assert recovery["PointInTimeRecoveryStatus"] == "DISABLED"


def test_where_a_part_has_expired_nothing_is_left_and_the_report_begins_anew(vault: VaultStore) -> None:
    filled(vault, "".join(f"{number}: {token_urlsafe(24)}, " for number in range(20_000)))
    beside = [item for item in items() if item["sk"]["S"] != "head"]
    assert beside
    client: Any = aws.dynamodb_client()
    client.delete_item(TableName=settings().vault_table, Key={name: beside[0][name] for name in ("pk", "sk")})
    assert vault.take_over(LATER, now()) is None
    assert not any("key" in item for item in items())
    vault.put(LATER, vault.new_key(LATER), SECRET, now(), is_new=False)
    contents = vault.take_over(Whose("alice", "r-1", 3), now())
    assert contents is not None
    assert contents.secret == SECRET
