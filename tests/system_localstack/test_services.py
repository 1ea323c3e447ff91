"""DynamoDB, SQS and S3 in LocalStack: what the service relies on, and the embedded emulator cannot show."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from botocore.exceptions import ClientError

from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.xdist_group("localstack")]


@pytest.fixture(scope="module")
def table(cloud):
    dynamodb = cloud.client("dynamodb")
    dynamodb.create_table(
        TableName="jobs",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return "jobs"


def test_one_of_twenty_conditional_updates_wins(cloud, table) -> None:
    """The long expression keeps an emulator busy between check and write, so that a missing lock shows."""
    dynamodb = cloud.client("dynamodb")
    padding = ", ".join(f"a{number} = :taken" for number in range(150))
    for attempt in range(5):
        key = {"pk": {"S": f"job-{attempt}"}}
        dynamodb.put_item(TableName=table, Item={**key, "state": {"S": "waiting"}})
        together = threading.Barrier(20)

        def claim(owner: int, key=key, together=together) -> bool:
            together.wait()
            try:
                dynamodb.update_item(
                    TableName=table,
                    Key=key,
                    UpdateExpression=f"SET {padding}, #s = :taken, #o = :owner",
                    ConditionExpression="#s = :waiting",
                    ExpressionAttributeNames={"#s": "state", "#o": "owner"},
                    ExpressionAttributeValues={
                        ":taken": {"S": "taken"},
                        ":waiting": {"S": "waiting"},
                        ":owner": {"N": str(owner)},
                    },
                )
            except dynamodb.exceptions.ConditionalCheckFailedException:
                return False
            return True

        with ThreadPoolExecutor(20) as pool:
            won = list(pool.map(claim, range(20)))
        owner = dynamodb.get_item(TableName=table, Key=key)["Item"]["owner"]["N"]
        assert [number for number, winner in enumerate(won) if winner] == [int(owner)]


def test_failed_transaction_changes_nothing_and_names_the_reason(cloud, table) -> None:
    dynamodb = cloud.client("dynamodb")
    put = {"Put": {"TableName": table, "Item": {"pk": {"S": "new"}}}}
    check = {"TableName": table, "Key": {"pk": {"S": "absent"}}, "ConditionExpression": "attribute_exists(pk)"}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as refused:
        dynamodb.transact_write_items(TransactItems=[put, {"ConditionCheck": check}])
    assert [reason["Code"] for reason in refused.value.response["CancellationReasons"]] == [
        "None",
        "ConditionalCheckFailed",
    ]
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"pk": {"S": "new"}})


def test_transactions_stay_fast_in_a_full_table(cloud, table) -> None:
    """Uncorrected, moto copies the whole table for each: seconds with this many items."""
    dynamodb = cloud.client("dynamodb")
    attributes = {f"a{number}": {"S": "text"} for number in range(10)}
    for start in range(0, 2000, 25):
        requests_ = [
            {"PutRequest": {"Item": {"pk": {"S": f"filler-{number}"}, **attributes}}}
            for number in range(start, start + 25)
        ]
        dynamodb.batch_write_item(RequestItems={table: requests_})
    times = []
    for number in range(5):
        started = time.perf_counter()
        item = {"pk": {"S": f"transacted-{number}"}}
        dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": item}}])
        times.append(time.perf_counter() - started)
    assert min(times) < 0.1


def test_message_comes_back_after_its_visibility_and_goes_to_the_dead_letters(cloud) -> None:
    sqs = cloud.client("sqs")
    dead = sqs.create_queue(QueueName="once-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": 2}}'
    queue = sqs.create_queue(QueueName="once", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "1"})[
        "QueueUrl"
    ]
    sqs.send_message(QueueUrl=queue, MessageBody="text")
    for _ in range(2):
        received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
        assert [message["Body"] for message in received] == ["text"]

    def dead_letters() -> list[str]:
        sqs.receive_message(QueueUrl=queue)
        return [message["Body"] for message in sqs.receive_message(QueueUrl=dead).get("Messages", [])]

    assert wait_for(dead_letters, 10, "the dead letter") == ["text"]


def test_presigned_link_works_until_it_expires_and_not_when_tampered_with(cloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="artifacts")
    s3.put_object(Bucket="artifacts", Key="a.pdf", Body=b"%PDF-", ContentType="application/pdf")
    link = s3.generate_presigned_url("get_object", {"Bucket": "artifacts", "Key": "a.pdf"}, ExpiresIn=2)
    answer = requests.get(link, timeout=5)
    assert (answer.status_code, answer.content) == (200, b"%PDF-")
    assert requests.get(link.replace("a.pdf", "b.pdf"), timeout=5).status_code == 403
    wait_for(lambda: requests.get(link, timeout=5).status_code == 403, 10, "the refusal")


def test_link_that_a_function_presigns_expires_too(cloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="from-function")
    s3.put_object(Bucket="from-function", Key="k", Body=b"content")
    source = """
import boto3
from botocore.config import Config
def handle(event, context):
    s3 = boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    return s3.generate_presigned_url("get_object", {"Bucket": "from-function", "Key": "k"}, ExpiresIn=3)
"""
    link = cloud.invoke(cloud.deploy(source, timeout=20)).payload
    assert requests.get(link, timeout=5).content == b"content"
    wait_for(lambda: requests.get(link, timeout=5).status_code == 403, 10, "the refusal")


def test_unknown_table_and_queue_are_the_services_own_errors(cloud) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cloud.client("dynamodb").get_item(TableName="none", Key={"pk": {"S": "x"}})
    with pytest.raises(ClientError, match=r"NonExistentQueue|QueueDoesNotExist"):
        cloud.client("sqs").get_queue_url(QueueName="none")
