"""moto with its shortcuts answers what it answers without them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from embedded.emulator_shortcuts import apply_shortcuts

TABLE: Final = "shortcuts"
KEY: Final = {"pk": {"S": "a"}}
NUMBERS: Final = {"L": [{"N": str(number)} for number in range(5)]}
ITEM: Final[dict[str, Any]] = {
    "number": {"N": "7"},
    "text": {"S": "é"},
    "list": NUMBERS,
    "map": {"M": {"inner": {"M": {"list": NUMBERS}}}},
    "names": {"SS": ["a", "b"]},
}

UPDATES: Final[tuple[tuple[str, dict[str, str], dict[str, Any]], ...]] = (
    ("SET #t = :s, fresh = :m", {"#t": "text"}, {":s": {"S": "other"}, ":m": {"M": {"x": {"N": "1"}}}}),
    ("SET #n = #n + :one, other = if_not_exists(other, :one)", {"#n": "number"}, {":one": {"N": "1"}}),
    ("SET #l = list_append(#l, :l), #m.#i.#l[1] = :s", {"#l": "list", "#m": "map", "#i": "inner"},
     {":l": {"L": [{"S": "last"}]}, ":s": {"S": "second"}}),
    ("REMOVE #l[0], #l[3], #l[1]", {"#l": "list"}, {}),
    ("REMOVE nothing SET #m.#i.#n = :n", {"#m": "map", "#i": "inner", "#n": "new"}, {":n": {"NULL": True}}),
    ("ADD #n :two, #s :c DELETE #s :a", {"#n": "number", "#s": "names"},
     {":two": {"N": "2"}, ":c": {"SS": ["c"]}, ":a": {"SS": ["a"]}}),
    ("SET #m.#missing.#x = :n", {"#m": "map", "#missing": "missing", "#x": "x"}, {":n": {"N": "1"}}),
    ("SET #t = #t + :one", {"#t": "text"}, {":one": {"N": "1"}}),
    ("SET #n = :a, #n = :b", {"#n": "number"}, {":a": {"N": "1"}, ":b": {"N": "2"}}),
    ("SET pk = :one", {}, {":one": {"S": "b"}}),
    ("SET nonsense", {}, {}),
)  # fmt: skip


def answers() -> list[Any]:
    """Return what moto makes of each update, of an item that is there and, twice, of one that is not."""
    with mock_aws():
        client = boto3.client("dynamodb", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return [_answer(client, update, key) for update in UPDATES for key in ("a", "new", "new")]


def _answer(client: Any, update: tuple[str, dict[str, str], dict[str, Any]], key: str) -> Any:
    expression, names, values = update
    client.put_item(TableName=TABLE, Item=ITEM | KEY)
    optional = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
    try:
        found = client.update_item(
            TableName=TABLE,
            Key={"pk": {"S": key}},
            UpdateExpression=expression,
            ReturnValues="ALL_NEW",
            **{name: given for name, given in optional.items() if given},
        )["Attributes"]
    except ClientError as error:
        return str(error)
    for name in ("SS", "NS"):
        found = {attribute: {name: sorted(v[name])} if name in v else v for attribute, v in found.items()}
    return found


def test_updates_do_what_they_did() -> None:
    program = f"import json; from {__name__} import answers; print(json.dumps(answers()))"
    without = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ
    )
    apply_shortcuts()
    assert json.loads(without.stdout) == answers() == answers()


@pytest.mark.parametrize(("size", "is_taken"), [(404_900, True), (405_100, False)])
def test_an_item_that_is_too_large_is_refused(size: int, is_taken: bool) -> None:
    apply_shortcuts()
    with mock_aws():
        client = boto3.client("dynamodb", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        item = KEY | {"one": {"S": "x" * 200_000}, "two": {"S": "ü" * ((size - 200_009) // 2)}}
        if is_taken:
            client.put_item(TableName=TABLE, Item=item)
        else:
            with pytest.raises(ClientError, match="size"):
                client.put_item(TableName=TABLE, Item=item)
