"""An AWS emulator for the tests of a file, and a session whose clients ask it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from embedded.aws_emulator import EmulatorServer
from tests.support.emulator_session import EmulatorSession


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorServer]:
    """An emulator that listens on a free port."""
    server = EmulatorServer(0)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def session(emulator: EmulatorServer) -> EmulatorSession:
    """Makes clients of ``emulator``."""
    return EmulatorSession(emulator.port)
