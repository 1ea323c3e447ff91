"""Runs jobs in threads: a bounded number at a time, all of them stopped by the first failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TypeVar

from chalicelib.generation.watch import Watch

Place = TypeVar("Place")
Result = TypeVar("Result")

POLL_SECONDS = 0.5


def side_by_side(
    places: Sequence[Place],
    work: Callable[[Place], Result],
    done: Callable[[Place, Result], None],
    *,
    concurrency: int,
    watch: Watch,
) -> None:
    """Do ``work`` for every place, in their order, at most ``concurrency`` at a time.

    Args:
        places: what there is to do.
        work: does one of them, in a thread of its own.
        done: takes in what came out; always called by the caller's thread.
        concurrency: most threads.
        watch: is asked meanwhile whether to go on.

    Raises:
        BaseException: the first failure of ``work``, ``done`` or the watch; all others stop at once.
    """

    def watched(place: Place) -> Result:
        try:
            watch.raise_failure()
            return work(place)
        except BaseException as failure:
            watch.stop(failure)  # at once, so that no other thread begins a new request
            raise

    with ThreadPoolExecutor(max_workers=max(1, concurrency), thread_name_prefix="section") as pool:
        running = {pool.submit(watched, place): place for place in places}
        try:
            _collect(running, done, watch)
        except BaseException as failure:
            watch.stop(failure)
            pool.shutdown(wait=True, cancel_futures=True)
            _save_the_rest(running, done)
            # A thread may have seen a mere consequence first; the first failure counts.
            raise watch.failure or failure from None


def _collect(running: dict[Future[Result], Place], done: Callable[[Place, Result], None], watch: Watch) -> None:
    pending = set(running)
    while pending:
        finished, pending = wait(pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in finished:
            result = future.result()
            done(running.pop(future), result)
        watch.check()


def _save_the_rest(running: dict[Future[Result], Place], done: Callable[[Place, Result], None]) -> None:
    """Take in what was finished at the moment of the failure: it is paid for, and nobody shall ask for it again."""
    for future, place in running.items():
        if not future.cancelled() and future.exception() is None:
            with suppress(Exception):
                done(place, future.result())
