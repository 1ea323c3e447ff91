"""The service's tables, queues and bucket in this process, for a test or a module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.emulated_resources import emulated_resources
from tests.support.no_limits import NO_LIMITS
from tests.support.service import forget_everything

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    **NO_LIMITS,
}


@contextmanager
def made_resources() -> Iterator[None]:
    """Make everything that infra/resources.json declares, and have the service use it."""
    with pytest.MonkeyPatch.context() as patched:
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patched.delenv(name, raising=False)
        for name, value in _ENVIRONMENT.items():
            patched.setenv(name, value)
        with emulated_resources() as environment:
            for name, value in environment.items():
                patched.setenv(name, value)
            forget_everything()
            yield
    forget_everything()
