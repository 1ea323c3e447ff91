"""What LocalStack finds through its entry points; each imports its part only when it is chosen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from localstack.runtime import hooks
from localstack.runtime.server.core import RuntimeServerPlugin
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin

from reports_localstack.request_record import VARIABLE, RequestRecord


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


@hooks.on_infra_start(should_load=lambda: VARIABLE in os.environ)
def record_requests() -> None:
    """``REPORTS_REQUEST_RECORD=PATH``: what was called with which role."""
    from localstack.aws.handlers import serve_custom_service_request_handlers

    serve_custom_service_request_handlers.append(RequestRecord(Path(os.environ[VARIABLE]), _role_of))


def _role_of(account: str, partition: str, access_key_id: str) -> str | None:
    """Return the ARN of the role that temporary credentials were handed out for."""
    from moto.sts.models import sts_backends

    assumed = sts_backends[account][partition].get_assumed_role_from_access_key(access_key_id)
    return str(assumed.role_arn) if assumed else None
