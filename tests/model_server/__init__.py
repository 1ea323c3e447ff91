"""A scripted OpenAI-compatible model server: real HTTP, chosen speed and length, faults on demand.

In a test::

    with ModelServer(tokens_per_second=0) as server:
        server.fault("error", status=500, times=2)
        ...  # point the code under test at server.base_url
        assert len(server.requests()) == 3

From a shell: ``python -m tests.model_server --port 8094``, then ``POST /control``.
"""

from tests.model_server.server import ModelServer

__all__ = ["ModelServer"]
