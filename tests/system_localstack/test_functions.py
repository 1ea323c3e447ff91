"""Lambda functions as processes: what Lambda promises, LocalStack without Docker keeps."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.xdist_group("localstack")]

SOURCE = """
import json, os, sys, time
loaded = time.time()
calls = 0

def handle(event, context):
    global calls
    calls += 1
    deed = (event or {}).get("do")
    if deed == "raise":
        raise KeyError("no such thing")
    if deed == "sleep":
        print("before the nap", flush=True)
        time.sleep(event["seconds"])
    if deed == "exit":
        os._exit(event["status"])
    if deed == "sys.exit":
        sys.exit(3)
    if deed == "large":
        return "x" * event["bytes"]
    if deed == "print":
        print("printed: " + event["text"])
        print("to stderr", file=sys.stderr)
    return {
        "pid": os.getpid(), "calls": calls, "event": event, "request_id": context.aws_request_id,
        "remaining_ms": context.get_remaining_time_in_millis(), "name": context.function_name,
        "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb,
    }
"""


@pytest.fixture(scope="module")
def function(cloud):
    return cloud.deploy(SOURCE, timeout=5)


def test_first_call_starts_a_process_and_the_next_ones_find_it_warm(cloud) -> None:
    name = cloud.deploy(SOURCE)
    first, second, third = (cloud.invoke(name, {"n": n}) for n in range(3))
    assert [one.payload["calls"] for one in (first, second, third)] == [1, 2, 3]
    assert first.payload["pid"] == second.payload["pid"] == third.payload["pid"]
    assert "Init Duration" in first.log
    assert "Init Duration" not in second.log


def test_event_and_context_are_lambdas(cloud, function) -> None:
    event = {"text": "Zürich 東京 🙂", "number": 1.5, "list": [None, True]}
    payload = cloud.invoke(function, event).payload
    assert payload["event"] == event
    assert payload["name"] == function
    assert payload["arn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    assert payload["memory"] == "128"
    assert 3000 < payload["remaining_ms"] <= 5000


def test_warm_calls_take_milliseconds(cloud, function) -> None:
    """Far below the 40 ms that a delayed acknowledgement would add to each."""
    client = cloud.client("lambda")
    client.invoke(FunctionName=function, Payload=b"{}")
    times = []
    for _ in range(20):
        started = time.perf_counter()
        client.invoke(FunctionName=function, Payload=b"{}")
        times.append(time.perf_counter() - started)
    assert min(times) < 0.04


def test_exception_is_the_callers_and_the_process_lives(cloud, function) -> None:
    pid = cloud.invoke(function).payload["pid"]
    failed = cloud.invoke(function, {"do": "raise"})
    assert failed.error == "Unhandled"
    assert failed.payload["errorType"] == "KeyError"
    assert failed.payload["errorMessage"] == "'no such thing'"
    assert "[ERROR] KeyError" in failed.log
    assert cloud.invoke(function).payload["pid"] == pid


def test_overrunning_function_is_killed_and_the_next_call_gets_a_fresh_process(cloud) -> None:
    name = cloud.deploy(SOURCE, timeout=1)
    pid = cloud.invoke(name).payload["pid"]
    started = time.monotonic()
    failed = cloud.invoke(name, {"do": "sleep", "seconds": 30})
    assert time.monotonic() - started < 10
    assert failed.payload["errorType"] == "Sandbox.Timedout"
    assert failed.payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert "before the nap" in failed.log
    assert not psutil.pid_exists(pid)
    recovered = cloud.invoke(name).payload
    assert (recovered["calls"], recovered["pid"] != pid) == (1, True)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"do": "exit", "status": 7}, "Runtime exited with error: exit status 7"),
        ({"do": "exit", "status": 0}, "Runtime exited without providing a reason"),
        ({"do": "sys.exit"}, "Runtime exited with error: exit status 3"),
    ],
)
def test_function_that_ends_its_process_fails_and_recovers(cloud, function, event, reason) -> None:
    failed = cloud.invoke(function, event)
    assert failed.payload["errorType"] == "Runtime.ExitError"
    assert failed.payload["errorMessage"].endswith(reason)
    assert cloud.invoke(function).payload["calls"] == 1


def test_process_that_is_killed_between_calls_is_replaced(cloud, function) -> None:
    pid = cloud.invoke(function).payload["pid"]
    psutil.Process(pid).kill()
    wait_for(lambda: not psutil.pid_exists(pid), 5, "the end of the process")
    assert cloud.invoke(function).payload["calls"] == 1


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("import not_there", "Runtime.ImportModuleError", "No module named 'not_there'"),
        ("def handle(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'main'"),
        ("raise ValueError('bad setting')", "ValueError", "bad setting"),
        ("other = 1", "Runtime.HandlerNotFound", "Handler 'handle' missing"),
        ("import os; os._exit(1)", "Runtime.ExitError", "exit status 1"),
    ],
)
def test_function_that_cannot_be_initialised_says_why_each_time(cloud, source, kind, message) -> None:
    name = cloud.deploy(source)
    for _ in range(2):
        failed = cloud.invoke(name)
        assert failed.error == "Unhandled"
        assert failed.payload["errorType"] == kind
        assert message in failed.payload["errorMessage"]
        assert failed.log.startswith("START RequestId")


def test_answer_that_is_too_large_is_refused(cloud, function) -> None:
    assert len(cloud.invoke(function, {"do": "large", "bytes": 6 * 1024 * 1024}).payload) == 6 * 1024 * 1024
    failed = cloud.invoke(function, {"do": "large", "bytes": 6 * 1024 * 1024 + 200})
    assert failed.payload["errorType"] == "Function.ResponseSizeTooLarge"
    assert cloud.invoke(function).error is None


def test_output_goes_to_the_result_to_cloudwatch_and_to_the_log(cloud, function) -> None:
    mark = f"line {time.time_ns()}"
    result = cloud.invoke(function, {"do": "print", "text": mark})
    first, *_, end, report = result.log.splitlines()
    assert first.startswith(f"START RequestId: {result.payload['request_id']}")
    assert f"printed: {mark}\nto stderr\n" in result.log
    assert end == f"END RequestId: {result.payload['request_id']}"
    assert "Max Memory Used: 0 MB" not in report
    logs = cloud.client("logs")

    def logged() -> bool:
        group = f"/aws/lambda/{function}"
        events = logs.filter_log_events(logGroupName=group)["events"]
        return any(mark in event["message"] for event in events)

    wait_for(logged, 10, "the line in CloudWatch")
    assert f"[{function}] printed: {mark}" in cloud.localstack.log_path.read_text()


def test_simultaneous_calls_get_processes_of_their_own(cloud) -> None:
    name = cloud.deploy(SOURCE)
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: cloud.invoke(name, {"do": "sleep", "seconds": 1}), range(3)))
    assert len({result.payload["pid"] for result in results}) == 3


def test_function_sees_its_own_code_first_and_nothing_of_localstack(cloud) -> None:
    source = """
import importlib.util, json, sys, six

def handle(event, context):
    return {
        "six": six.WHOSE,
        "boto3": importlib.util.find_spec("boto3") is not None,
        "visible": [name for name in event if importlib.util.find_spec(name)],
        "path": sys.path,
    }
"""
    name = cloud.deploy(source, {"six.py": "WHOSE = 'mine'"})
    hidden = ["localstack", "reports_localstack", "moto", "yaml", "requests", "pip", "chalicelib", "plux"]
    payload = cloud.invoke(name, hidden).payload
    assert payload["six"] == "mine"
    assert payload["visible"] == []
    assert payload["boto3"], "Lambda's runtime brings an SDK"
    assert not any("site-packages" in entry for entry in payload["path"] if "lambda-runtime" not in entry)


def test_environment_is_lambdas_and_the_functions_own(cloud, monkeypatch) -> None:
    source = "import os\ndef handle(event, context): return {**os.environ, 'cwd': os.getcwd()}"
    name = cloud.deploy(source, environment={"OWN": "value", "AWS_LAMBDA_FUNCTION_TIMEOUT": "mine"})
    seen = cloud.invoke(name).payload
    assert seen["OWN"] == "value"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.11"
    assert seen["AWS_REGION"] == seen["AWS_DEFAULT_REGION"] == "us-east-1"
    assert seen["AWS_ENDPOINT_URL"] == cloud.localstack.endpoint_url
    assert seen["AWS_LAMBDA_FUNCTION_TIMEOUT"] == "mine"
    assert seen["LAMBDA_TASK_ROOT"] == seen["cwd"]
    assert Path(seen["HOME"]).is_relative_to(cloud.localstack.log_path.parent)
    foreign = ("LOCALSTACK", "VIRTUAL_ENV", "PYTHON", "FILESYSTEM", "GATEWAY", "PROVIDER", "EDGE", "SQS_", "DISABLE_")
    assert not [key for key in seen if key.startswith(foreign)]


def test_function_reaches_the_services_with_its_role(cloud) -> None:
    source = """
import boto3
def handle(event, context):
    boto3.client("sqs").send_message(QueueUrl=event["queue"], MessageBody="from the function")
    return boto3.client("sts").get_caller_identity()["Arn"]
"""
    queue = cloud.client("sqs").create_queue(QueueName="called-from-function")["QueueUrl"]
    name = cloud.deploy(source, timeout=20)
    assert cloud.invoke(name, {"queue": queue}).payload.startswith("arn:aws:sts::000000000000:assumed-role/function/")
    messages = cloud.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert messages[0]["Body"] == "from the function"


def test_layers_are_importable_and_the_last_one_wins(cloud) -> None:
    aws_lambda = cloud.client("lambda")
    layers = [
        aws_lambda.publish_layer_version(
            LayerName=f"layer-{number}", Content={"ZipFile": cloud.zipped({"python/shared.py": f"NUMBER = {number}"})}
        )["LayerVersionArn"]
        for number in (1, 2)
    ]
    source = "import shared\ndef handle(event, context): return shared.NUMBER"
    assert cloud.invoke(cloud.deploy(source, Layers=layers)).payload == 2


def test_new_code_runs_in_a_new_process(cloud) -> None:
    name = cloud.deploy("def handle(event, context): return 'old'")
    assert cloud.invoke(name).payload == "old"
    aws_lambda = cloud.client("lambda")
    code = cloud.zipped({"main.py": "def handle(event, context): return 'new'"})
    aws_lambda.update_function_code(FunctionName=name, ZipFile=code)
    aws_lambda.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1})
    assert cloud.invoke(name).payload == "new"


def test_deleted_function_leaves_no_process(cloud) -> None:
    name = cloud.deploy(SOURCE)
    pid = cloud.invoke(name).payload["pid"]
    cloud.client("lambda").delete_function(FunctionName=name)
    wait_for(lambda: not psutil.pid_exists(pid), 10, "the end of the process")


def test_other_runtimes_are_refused_with_a_reason(cloud) -> None:
    aws_lambda = cloud.client("lambda")
    aws_lambda.create_function(
        FunctionName="of-another-python",
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/function",
        Handler="main.handle",
        Code={"ZipFile": cloud.zipped({"main.py": ""})},
    )

    def state() -> dict:
        configuration = aws_lambda.get_function_configuration(FunctionName="of-another-python")
        return configuration if configuration["State"] != "Pending" else {}

    configuration = wait_for(state, 10, "a state")
    assert configuration["State"] == "Failed"
    assert "python3.11 functions alone" in json.dumps(configuration)
