"""The emulator as its clients see it: over HTTP."""

from __future__ import annotations

import socket
import time
import urllib.request
from statistics import median

import pytest

from embedded.aws_emulator import EmulatorServer
from embedded.resources import create_resources
from tests.support.emulator_session import EmulatorSession


@pytest.fixture(scope="module")
def resources(session: EmulatorSession) -> dict[str, str]:
    return create_resources(session, "test")


def test_it_listens_on_loopback_alone(emulator: EmulatorServer) -> None:
    assert emulator.server_address[0] == "127.0.0.1"


def test_creating_resources_is_idempotent_over_http(session: EmulatorSession, resources: dict[str, str]) -> None:
    assert create_resources(session, "test") == resources


def test_a_small_call_waits_for_no_timer(session: EmulatorSession, resources: dict[str, str]) -> None:
    dynamodb = session.client("dynamodb")
    seconds = []
    for _ in range(20):
        started = time.perf_counter()
        dynamodb.get_item(TableName=resources["REPORTS_TABLE"], Key={"pk": {"S": "a"}, "sk": {"S": "b"}})
        seconds.append(time.perf_counter() - started)
    # Nagle's algorithm with delayed acknowledgements shows as 40 ms; a call takes about 3.
    assert median(seconds) < 0.03


def test_many_calls_share_one_connection(emulator: EmulatorServer) -> None:
    request = b"GET /moto-api/data.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", emulator.port)) as connection:
        for _ in range(3):
            connection.sendall(request)
            answer = connection.makefile("rb")
            status = answer.readline()
            headers = dict(line.decode().rstrip().split(": ", 1) for line in iter(answer.readline, b"\r\n"))
            assert status.startswith(b"HTTP/1.1 200")
            assert len(answer.read(int(headers["Content-Length"]))) == int(headers["Content-Length"])


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_an_object_comes_back_byte_for_byte_through_a_presigned_link(
    session: EmulatorSession, resources: dict[str, str], size: int
) -> None:
    content = (bytes(range(256)) * (size // 256 + 1))[:size]
    bucket = resources["ARTIFACTS_BUCKET"]
    s3 = session.client("s3")
    s3.put_object(Bucket=bucket, Key="report é.pdf", Body=content, ContentType="application/pdf")
    assert s3.head_object(Bucket=bucket, Key="report é.pdf")["ContentLength"] == size
    link = s3.generate_presigned_url(
        "get_object",
        Params={
            "Bucket": bucket,
            "Key": "report é.pdf",
            "ResponseContentDisposition": 'attachment; filename="r.pdf"',
        },
        ExpiresIn=60,
    )
    with urllib.request.urlopen(link) as answer:
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="r.pdf"'
        assert answer.read() == content


def test_wrong_calls_are_answered_as_by_aws(session: EmulatorSession) -> None:
    sqs = session.client("sqs")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="none")
    s3 = session.client("s3")
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.get_object(Bucket="none", Key="none")
