"""AWS clients of one emulator."""

from __future__ import annotations

from typing import Any

import boto3


class EmulatorSession:
    """Makes clients of the emulator at a port, whatever this process's environment says."""

    def __init__(self, port: int) -> None:
        self._endpoint = f"http://127.0.0.1:{port}"
        self._session = boto3.Session("testing", "testing", region_name="us-east-1")

    def client(self, service_name: Any, /) -> Any:
        return self._session.client(service_name, endpoint_url=self._endpoint)
