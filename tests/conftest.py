"""Fixtures: a scripted model endpoint over real HTTP, and the service over moto in this process."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from chalicelib.generation import retrying
from embedded.emulator_corrections import apply_corrections
from embedded.emulator_shortcuts import apply_shortcuts
from embedded.stack import Stack
from tests.model_server import ModelServer
from tests.support.client import Client
from tests.support.emulated_resources import emulated_resources
from tests.support.no_limits import NO_LIMITS
from tests.support.service import Service, forget_everything

apply_corrections()
apply_shortcuts()


def pytest_collection_finish() -> None:
    """Leave what stays to the end, thousands of tests and their modules, out of every search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@contextmanager
def service_here(monkeypatch: pytest.MonkeyPatch, model_server: ModelServer) -> Iterator[Service]:
    """Make the service's resources in this process, and give it a model endpoint to write with."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LLM_BASE_URL": model_server.base_url,
        "LLM_API_KEY": "test",
        "LLM_MODEL": "scripted-model",
        "LEASE_SECONDS": "30",
        "LLM_PATIENCE_SECONDS": "0",
        # Long enough that no call is counted twice on a busy machine.
        "WEBHOOK_CACHE_SECONDS": "30",
        **NO_LIMITS,
    }.items():
        monkeypatch.setenv(name, value)
    # A failed request to the model is sent again soon.
    monkeypatch.setattr(retrying, "FIRST_WAIT_SECONDS", 0.01)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with emulated_resources() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        forget_everything()
        yield Service()
    forget_everything()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, model_server: ModelServer) -> Iterator[Service]:
    """The service with its resources made, and a model endpoint to write with."""
    with service_here(monkeypatch, model_server) as made:
        yield made


@dataclass(frozen=True)
class RunningStack:
    """A stack in processes of its own, the model that writes for it, and a client with its key."""

    stack: Stack
    model: ModelServer
    client: Client


@contextmanager
def running_stack(directory: Path, env: Mapping[str, str] | None = None, slots: int = 2) -> Iterator[RunningStack]:
    """Start a stack that a scripted model writes for."""
    with ModelServer() as model:
        endpoint = {
            "LLM_BASE_URL": model.base_url,
            "LLM_API_KEY": "test",
            "LLM_MODEL": "scripted-model",
            "LLM_PATIENCE_SECONDS": "0",
        }
        settings = {
            **endpoint,
            "RESEND_SECONDS": "2",
            "LEASE_SECONDS": "3",
            "WEBHOOK_CACHE_SECONDS": "0",
            "FIGURES_CACHE_SECONDS": "0",
            **NO_LIMITS,
            **(env or {}),
        }
        with Stack(env=settings, directory=directory, slots=slots, sweep_seconds=0.5) as stack:
            yield RunningStack(stack, model, Client(stack.url, stack.api_key))


@pytest.fixture(scope="module")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """One stack for those tests of a module that leave it as they found it.

    Not for all modules: an idle stack polls its queues, which would cost all later tests a third of a core.
    """
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def own_stack(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningStack]:
    """A stack for one test that hurts it; ``parametrize`` it with the number of slots."""
    with running_stack(tmp_path, slots=getattr(request, "param", 2)) as running:
        yield running
