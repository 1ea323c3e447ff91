"""One LocalStack for all tests that leave it running, and small functions to invoke."""

from __future__ import annotations

import base64
import io
import json
import os
import sys
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from localstack_client.session import Session

from embedded.processes import ROOT, free_port

# The folder cannot be imported as a package: LocalStack's own package has its name.
sys.path.append(str(ROOT / "localstack"))

from launcher import LocalStack

ROLE = "arn:aws:iam::000000000000:role/function"


@dataclass(frozen=True)
class Result:
    """What an invocation answered."""

    payload: Any
    error: str | None
    log: str


class Cloud:
    """A LocalStack with clients for it."""

    def __init__(self, localstack: LocalStack) -> None:
        self.localstack = localstack
        self._session = Session(localstack_host=localstack.address, **localstack.credentials)

    def client(self, service: str) -> Any:
        """Make a client that goes through localstack-client."""
        return self._session.client(service)

    def deploy(
        self,
        source: str,
        files: Mapping[str, str] | None = None,
        timeout: int = 10,
        environment: Mapping[str, str] | None = None,
        **configuration: Any,
    ) -> str:
        """Make a function of the module ``main`` with this source; return its name."""
        name = f"function-{uuid.uuid4().hex[:8]}"
        aws_lambda = self.client("lambda")
        aws_lambda.create_function(
            **{
                "FunctionName": name,
                "Runtime": "python3.11",
                "Role": ROLE,
                "Handler": "main.handle",
                "Timeout": timeout,
                "Code": {"ZipFile": self.zipped({"main.py": source, **(files or {})})},
                "Environment": {"Variables": dict(environment or {})},
                **configuration,
            }
        )
        aws_lambda.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1})
        return name

    def invoke(self, name: str, event: Any = None) -> Result:
        """Call a function and wait for its answer."""
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
        log = base64.b64decode(answer.get("LogResult", "")).decode()
        return Result(json.loads(answer["Payload"].read() or "null"), answer.get("FunctionError"), log)

    @staticmethod
    def zipped(files: Mapping[str, str]) -> bytes:
        """Return a zip with these files."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return buffer.getvalue()


@pytest.fixture(autouse=True, scope="session")
def _no_account_of_the_caller() -> Iterator[None]:
    """localstack-client lets AWS_ENDPOINT_URL win over the address it is given."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    state = tmp_path_factory.mktemp("localstack") / "state"
    with LocalStack(state, free_port(), record_requests=True) as localstack:
        yield Cloud(localstack)


@pytest.fixture
def cloud_at(tmp_path: Path) -> Callable[[int], Cloud]:
    """Make clients for a LocalStack that something else has started on a port."""
    return lambda port: Cloud(LocalStack(tmp_path / "never-started", port))
