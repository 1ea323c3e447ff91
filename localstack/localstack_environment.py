"""The variables that LocalStack is started with, with and without Docker."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

DEFAULT_PORT: Final = 4566

SHARED: Final = {
    # Nothing is fetched from or told to anybody.
    "SKIP_SSL_CERT_DOWNLOAD": "1",
    "DISABLE_EVENTS": "1",
    "DNS_ADDRESS": "0",
    # Terraform's provider refuses the queue addresses of the other strategies.
    "SQS_ENDPOINT_STRATEGY": "off",
    # So that a presigned link expires, and a tampered one fails.
    "S3_SKIP_SIGNATURE_VALIDATION": "0",
    "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.05",
    # A report that is asked for after a while of rest starts within a second, not ten.
    "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
}
"""The same in docker-compose.yml, which also has ``LOCALSTACK_HOST`` with the default port."""

REQUEST_RECORD: Final = "REPORTS_REQUEST_RECORD"
"""Names a file, in which the plugin ``record_requests`` then writes down what each role called."""


def process_environment(directory: Path, port: int) -> dict[str, str]:
    """Return the whole environment of a LocalStack process without Docker.

    Args:
        directory: where all its files go, an absolute path.
        port: the TCP port on 127.0.0.1.
    """
    address = f"127.0.0.1:{port}"
    return {
        **SHARED,
        "LOCALSTACK_HOST": address,
        "GATEWAY_LISTEN": address,
        "GATEWAY_SERVER": "loopback",
        "LAMBDA_RUNTIME_EXECUTOR": "local",
        "PROVIDER_OVERRIDE_DYNAMODB": "moto",
        "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "moto",
        "OVERRIDE_IN_DOCKER": "0",
        "FILESYSTEM_ROOT": str(directory),
        "TMPDIR": str(directory / "tmp"),
        # Its caches of entry points and settings, which may be older than what is installed.
        "HOME": str(directory / "home"),
        # Nothing else of the caller's environment: no account, endpoint or proxy gets in.
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
