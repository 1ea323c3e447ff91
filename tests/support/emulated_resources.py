"""The declared tables, queues, keys and bucket inside this process, as new for each test.

Making them takes fifty calls, and a client as long as ten. Resources are made once; each later use puts a copy of
the emulator's state of then in place. Clients are made once for each environment they are made in.
"""

from __future__ import annotations

import copy
import copyreg
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import boto3
import moto.core.models
import pytest
from moto import mock_aws
from moto.backends import get_backend

from embedded.resources import create_resources

# Calls through requests, which nothing here makes to AWS, cost more than all else to be ready for.
moto.core.models.RESPONSES_METHODS.clear()

_SERVICES: Final[tuple[Any, ...]] = ("dynamodb", "sqs", "s3", "kms")

# The copy of a lock, which the emulator's queues have, is a lock of its own.
for _lock in (threading.Lock, threading.RLock, threading.Condition):
    copyreg.pickle(type(_lock()), lambda _, make=_lock: (make, ()))


@contextmanager
def emulated_resources() -> Iterator[Mapping[str, str]]:
    """Have boto3 call an emulator in this process that holds what infra/resources.json declares, and nothing else.

    Yields:
        The environment that names the resources.
    """
    environment, state = _as_made()
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "client", _client)
        _put_in_place(copy.deepcopy(state))
        yield environment


@cache
def _as_made() -> tuple[Mapping[str, str], Mapping[tuple[str, str, str], dict[str, Any]]]:
    """Make the resources; return the environment that names them, and the state of the emulator's backends."""
    with mock_aws():
        environment = create_resources(boto3, "test")
        state = {
            (service, account, region): copy.deepcopy(vars(backend))
            for service in _SERVICES
            for account, regions in get_backend(service).items()
            for region, backend in regions.items()
        }
    return environment, state


def _put_in_place(state: Mapping[tuple[str, str, str], dict[str, Any]]) -> None:
    for (service, account, region), attributes in state.items():
        vars(get_backend(service)[account][region]).update(attributes)


_make_client: Final[Any] = boto3.client
_clients: dict[tuple[Any, ...], Any] = {}


def _client(service: str, **options: Any) -> Any:
    """Return a client that an earlier test made with the same options in the same environment, or a new one."""
    settings = tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
    made_as = (service, tuple(sorted(options.items())), settings)
    if made_as not in _clients:
        _clients[made_as] = _make_client(service, **options)
    return _clients[made_as]
