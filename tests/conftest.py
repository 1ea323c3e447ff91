"""Fixtures: a scripted model endpoint over real HTTP, and the service over moto in this process."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from embedded.emulator_corrections import apply_corrections
from embedded.resources import create_resources
from tests.model_server import ModelServer
from tests.support.service import Service, forget_everything


apply_corrections()


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, model_server: ModelServer) -> Iterator[Service]:
    """The service with its resources made, and a model endpoint to write with."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LLM_BASE_URL": model_server.base_url,
        "LLM_API_KEY": "test",
        "LLM_MODEL": "scripted-model",
        "LEASE_SECONDS": "30",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        for name, value in create_resources(boto3, "test").items():
            monkeypatch.setenv(name, value)
        forget_everything()
        yield Service()
    forget_everything()
