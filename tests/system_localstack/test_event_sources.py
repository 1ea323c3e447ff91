"""SQS that invokes functions, and API Gateway in front of one."""

from __future__ import annotations

import json
import uuid

import pytest
import requests

from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.xdist_group("localstack")]

CONSUMER = """
import json, os, boto3
sqs = boto3.client("sqs")

def handle(event, context):
    failed = []
    for record in event["Records"]:
        body = json.loads(record["body"])
        count = record["attributes"]["ApproximateReceiveCount"]
        sqs.send_message(QueueUrl=os.environ["SEEN"], MessageBody=json.dumps([body["name"], int(count)]))
        if body["bad"]:
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
"""

PROXY = """
import base64, json

def handle(event, context):
    if event["resource"] == "/file/{name}":
        body = base64.b64encode(bytes(range(256))).decode()
        headers = {"Content-Type": "application/pdf"}
        return {"statusCode": 200, "headers": headers, "body": body, "isBase64Encoded": True}
    seen = {key: event[key] for key in ("httpMethod", "path", "body", "queryStringParameters", "resource")}
    return {"statusCode": 201, "headers": {"X-Own": "yes"}, "body": json.dumps(seen)}
"""


def _queue(cloud, name: str, attributes: dict[str, str] | None = None) -> tuple[str, str]:
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes or {})["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def _taken(cloud, url: str) -> list[str]:
    sqs = cloud.client("sqs")
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in messages]


def test_failed_messages_of_a_batch_alone_come_back_and_end_as_dead_letters(cloud) -> None:
    mark = uuid.uuid4().hex[:8]
    seen, _ = _queue(cloud, f"seen-{mark}")
    dead, dead_arn = _queue(cloud, f"dead-{mark}")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    source, source_arn = _queue(cloud, f"source-{mark}", {"VisibilityTimeout": "2", "RedrivePolicy": redrive})
    function = cloud.deploy(CONSUMER, timeout=2, environment={"SEEN": seen})
    cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=source_arn,
        FunctionName=function,
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    entries = [
        {"Id": str(number), "MessageBody": json.dumps({"name": name, "bad": name.startswith("bad")})}
        for number, name in enumerate(["good-1", "bad", "good-2"])
    ]
    cloud.client("sqs").send_message_batch(QueueUrl=source, Entries=entries)
    handled: list[str] = []
    letters: list[str] = []

    def all_handled() -> bool:
        handled.extend(_taken(cloud, seen))
        letters.extend(_taken(cloud, dead))
        return bool(letters)

    wait_for(all_handled, 60, "the dead letter")
    handled.extend(_taken(cloud, seen))
    assert sorted(map(json.loads, handled)) == [["bad", 1], ["bad", 2], ["good-1", 1], ["good-2", 1]]
    assert [json.loads(letter)["name"] for letter in letters] == ["bad"]


def test_message_of_a_crashed_function_comes_back(cloud) -> None:
    mark = uuid.uuid4().hex[:8]
    seen, _ = _queue(cloud, f"seen-{mark}")
    _, source_arn = _queue(cloud, f"source-{mark}", {"VisibilityTimeout": "2"})
    crashing = CONSUMER.replace("    return {", "    count == '1' and os._exit(1)\n    return {")
    function = cloud.deploy(crashing, timeout=2, environment={"SEEN": seen})
    cloud.client("lambda").create_event_source_mapping(EventSourceArn=source_arn, FunctionName=function)
    url = cloud.client("sqs").get_queue_url(QueueName=f"source-{mark}")["QueueUrl"]
    cloud.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"name": "it", "bad": False}))
    handled: list[str] = []

    def came_twice() -> bool:
        handled.extend(_taken(cloud, seen))
        return len(handled) == 2

    wait_for(came_twice, 60, "the second delivery")
    assert [json.loads(one) for one in handled] == [["it", 1], ["it", 2]]


@pytest.fixture(scope="module")
def api_url(cloud) -> str:
    name = cloud.deploy(PROXY)
    arn = cloud.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    integration = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
    }
    operation = {"responses": {}, "x-amazon-apigateway-integration": integration}
    body = {
        "openapi": "3.0.1",
        "info": {"title": "test", "version": "1"},
        "paths": {
            "/things": {"post": operation, "get": operation},
            "/file/{name}": {
                "get": {
                    **operation,
                    "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
                }
            },
        },
        "x-amazon-apigateway-binary-media-types": ["*/*", "application/pdf"],
    }
    gateway = cloud.client("apigateway")
    api = gateway.import_rest_api(body=json.dumps(body).encode())["id"]
    gateway.create_deployment(restApiId=api, stageName="test")
    return f"{cloud.localstack.endpoint_url}/_aws/execute-api/{api}/test"


def test_api_gateway_passes_requests_and_answers(api_url) -> None:
    answer = requests.post(f"{api_url}/things?a=1", data='{"x": "ü"}'.encode(), timeout=10)
    assert (answer.status_code, answer.headers["X-Own"]) == (201, "yes")
    seen = answer.json()
    assert seen["httpMethod"] == "POST"
    assert seen["path"] == seen["resource"] == "/things"
    assert seen["queryStringParameters"] == {"a": "1"}
    assert json.loads(seen["body"]) == {"x": "ü"}


def test_api_gateway_serves_both_spellings_of_a_path(api_url) -> None:
    answers = [requests.get(f"{api_url}/things{slash}", timeout=10) for slash in ("", "/")]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["resource"] == answers[1].json()["resource"] == "/things"


def test_api_gateway_decodes_a_binary_answer(api_url) -> None:
    """This version of LocalStack decodes it for a request that names the type; AWS does for every request."""
    answer = requests.get(f"{api_url}/file/a.pdf", headers={"Accept": "application/pdf"}, timeout=10)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content == bytes(range(256))
