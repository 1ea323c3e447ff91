"""The service deployed by Terraform on LocalStack, with a scripted model that writes for it.

Tests run in the order of their files, but for those marked ``run_last``: they come after all others, and those
with ``run_last(1)`` at the very end. What the run measured is shown at its end.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from embedded.processes import ROOT
from tests.e2e_localstack.controls import Controls
from tests.e2e_localstack.figures import Figures
from tests.model_server import ModelServer
from tests.support.client import Client
from tests.support.waiting import wait_for

# The folder cannot be imported as a package: LocalStack's own package has its name.
sys.path.append(str(ROOT / "localstack"))

# Made outside Terraform, as on AWS; the generators read it.
MODEL_KEY_PARAMETER = "/local/llm-api-key"
MODEL_KEY = "the-models-key"

# The owner of the client's key.
OPERATOR = "local"

_FIGURES = pytest.StashKey[Figures]()


@dataclass(frozen=True)
class Deployed:
    """A deployment, the model behind it, a client with its key, its controls, and what was measured."""

    deployment: Any
    model: ModelServer
    client: Client
    controls: Controls
    figures: Figures


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Deployed]:
    from deploy import Deployment  # type: ignore[import-not-found]

    with ModelServer() as model:
        endpoint = {"LLM_BASE_URL": model.base_url, "LLM_MODEL": "scripted-model"}
        settings = {"LLM_PATIENCE_SECONDS": "0", "RESERVE_SECONDS": "5", "MAX_TAKEOVERS": "1"}
        settings |= {"WEBHOOK_ALLOW_LOOPBACK": "1", "WEBHOOK_CACHE_SECONDS": "0"}
        with Deployment(
            directory=tmp_path_factory.mktemp("deployment"),
            endpoint=endpoint,
            variables={
                "extra_environment": json.dumps(settings),
                "llm_api_key_parameter": MODEL_KEY_PARAMETER,
                "operators": json.dumps([OPERATOR]),
            },
            files=("localstack.tfvars", "localstack-e2e.tfvars"),
            say=lambda line: print(line, flush=True),  # noqa: T201
            record_requests=True,
        ) as deployment:
            ssm = deployment.session.client("ssm")
            ssm.put_parameter(Name=MODEL_KEY_PARAMETER, Value=MODEL_KEY, Type="SecureString")
            figures = pytestconfig.stash[_FIGURES] = Figures(deployment.seconds)
            client = Client(deployment.url, deployment.api_key, every=0.3)
            _measure_cold_start(deployment, client, figures)
            yield Deployed(deployment, model, client, Controls(deployment), figures)


def _measure_cold_start(deployment: Any, client: Client, figures: Figures) -> None:
    """Time the first request, which finds no process of the API's function."""
    started = time.perf_counter()
    assert client.request("GET", "/api/reports/templates").status_code == 200
    figures.first_request_ms = (time.perf_counter() - started) * 1000
    logs, group = deployment.session.client("logs"), f"/aws/lambda/{deployment.outputs['functions']['api']}"

    def init_ms() -> list[str]:
        events = logs.filter_log_events(logGroupName=group)["events"]
        return [found[1] for e in events if (found := re.search(r"Init Duration: ([\d.]+) ms", e["message"]))]

    figures.init_ms = float(wait_for(init_ms, 10, "the log of the first request")[0])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        mark = item.get_closest_marker("run_last")
        return 0 if mark is None else 1 + sum(mark.args)

    items.sort(key=rank)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _FIGURES not in config.stash:
        return
    figures = config.stash[_FIGURES]
    sections = {"measured on LocalStack": list(figures.lines()), "rights, and how they were used": figures.rights}
    for title, lines in sections.items():
        if lines:
            terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)
