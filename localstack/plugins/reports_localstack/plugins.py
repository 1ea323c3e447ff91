"""What LocalStack finds through its entry points; each imports its part only when it is chosen."""

from __future__ import annotations

from typing import Any

from localstack.runtime.server.core import RuntimeServerPlugin
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class LocalRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    """``LAMBDA_RUNTIME_EXECUTOR=local``: functions as processes."""

    name = "local"

    def load(self, *args: Any, **kwargs: Any) -> Any:
        """Return the executor's class."""
        from reports_localstack.runtime_executor import LocalRuntimeExecutor

        return LocalRuntimeExecutor


class LoopbackServerPlugin(RuntimeServerPlugin):
    """``GATEWAY_SERVER=loopback``: LocalStack's usual server on the address it was told."""

    name = "loopback"

    def load(self, *args: Any, **kwargs: Any) -> Any:
        """Return the server."""
        from reports_localstack.loopback_server import LoopbackServer

        return LoopbackServer()
