"""Runs coroutines on an event loop of their own, so that a waiting thread can abandon them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as NotDoneYet
from typing import Any, TypeVar

POLL_SECONDS = 0.2
CLOSING_SECONDS = 10.0

Result = TypeVar("Result")


class BackgroundLoop:
    """An event loop in a thread that starts with the first coroutine. Thread-safe."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Coroutine[Any, Any, Result], watch: Callable[[], None]) -> Result:
        """Return the result of ``work``.

        Args:
            work: the coroutine.
            watch: called in this thread several times a second until ``work`` is done; what it
                raises cancels ``work`` and propagates.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            while True:
                watch()
                try:
                    return future.result(timeout=POLL_SECONDS)
                except NotDoneYet:
                    if future.done():
                        raise
        finally:
            future.cancel()

    def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Cancel what still runs, run ``last``, and end the thread. It starts again when it is needed."""
        with self._starting:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        try:
            asyncio.run_coroutine_threadsafe(_end(last), loop).result(timeout=CLOSING_SECONDS)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name=self._name, daemon=True)
                self._thread.start()
            return self._loop


async def _end(last: Callable[[], Coroutine[Any, Any, None]]) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await last()
