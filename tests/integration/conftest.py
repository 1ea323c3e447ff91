"""What tests share: a scripted model endpoint, a client of it, and a service that is made once for a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.generation import retrying
from chalicelib.generation.model_client import ModelClient
from chalicelib.stores.stores import stores
from tests.conftest import service_here
from tests.model_server import ModelServer
from tests.support.honey_jars import messages
from tests.support.model_asking import client_of
from tests.support.service import Service
from tests.support.table_state import Kept, keep, put_back


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long before a failed request is sent again."""
    monkeypatch.setattr(retrying, "FIRST_WAIT_SECONDS", 0.01)


@pytest.fixture
def server(short_waits: None, model_server: ModelServer) -> ModelServer:
    """A model endpoint; a file that needs one of another kind has its own ``server``."""
    return model_server


@pytest.fixture
def client(short_waits: None, server: ModelServer) -> Iterator[ModelClient]:
    """A client of ``server``."""
    with client_of(server) as made:
        yield made


@pytest.fixture(scope="module")
def module_service() -> Iterator[tuple[Service, Kept]]:
    """One service for all tests of a module, and what its tables hold at first."""
    with pytest.MonkeyPatch.context() as patch, ModelServer() as model, service_here(patch, model) as made:
        yield made, keep()


@pytest.fixture
def emptied_service(module_service: tuple[Service, Kept]) -> Iterator[Service]:
    """The module's service; each test finds its tables, its bucket and its queue of honey jars as they were."""
    made, empty = module_service
    yield made
    put_back(empty)
    stores().artifacts.discard_below("")
    messages()
