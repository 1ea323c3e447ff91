"""Listening to the calls of AWS clients, as botocore tells of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def listening(clients: Iterable[Any], event: str, listener: Callable[..., Any]) -> Iterator[None]:
    """Have ``listener`` called with every such event of the clients."""
    emitters = [client.meta.events for client in clients]
    for emitter in emitters:
        emitter.register(event, listener)
    try:
        yield
    finally:
        for emitter in emitters:
            emitter.unregister(event, listener)
