"""The service deployed by Terraform on LocalStack, with a scripted model that writes for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from embedded.processes import ROOT
from tests.model_server import ModelServer
from tests.support.client import Client

# The folder cannot be imported as a package: LocalStack's own package has its name.
sys.path.append(str(ROOT / "localstack"))


@dataclass(frozen=True)
class Deployed:
    """A deployment, the model behind it, and a client with its key."""

    deployment: Any
    model: ModelServer
    client: Client


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    from deploy import Deployment  # type: ignore[import-not-found]

    with ModelServer() as model:
        endpoint = {"LLM_BASE_URL": model.base_url, "LLM_MODEL": "scripted-model"}
        with Deployment(
            directory=tmp_path_factory.mktemp("deployment"),
            endpoint=endpoint,
            variables={"extra_environment": '{"LLM_PATIENCE_SECONDS": "0", "RESERVE_SECONDS": "10"}'},
            files=("localstack.tfvars", "localstack-e2e.tfvars"),
            say=lambda line: print(line, flush=True),  # noqa: T201
        ) as deployment:
            yield Deployed(deployment, model, Client(deployment.url, deployment.api_key))
