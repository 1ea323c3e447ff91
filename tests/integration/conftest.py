"""What the tests of the writing share: a scripted model endpoint, and a client of it, that lose no time in waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.generation import retrying
from chalicelib.generation.model_client import ModelClient
from tests.model_server import ModelServer
from tests.support.model_asking import client_of


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
