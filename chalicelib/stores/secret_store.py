"""Secrets in SSM Parameter Store, read once per process."""

from __future__ import annotations

from functools import cache

from chalicelib.stores.aws import ssm_client


@cache
def secret_parameter(name: str) -> str:
    """Return the value of a SecureString: one AWS call on a cold start.

    Raises:
        ClientError: there is no such parameter, or this function may not read it.
    """
    return str(ssm_client().get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
