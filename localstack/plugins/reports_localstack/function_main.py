"""Becomes a Lambda function: ``python -S -P function_main.py WATCH_FD RUNTIME HANDLER PATH…``.

Runs in the function's own process, with nothing but the standard library on its path; from there on it sees
the function's code first and, last, the folder with what Lambda's runtime brings.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def _end_with(watch_fd: int) -> None:
    """Wait until LocalStack is gone, however it went, then end this process and all that it started."""
    # Signals belong to the function's own threads.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while os.read(watch_fd, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    """Set the paths and hand over to Lambda's own client of the Runtime API."""
    watch_fd, runtime, handler, *paths = sys.argv[1:]
    os.set_inheritable(int(watch_fd), False)
    threading.Thread(target=_end_with, args=(int(watch_fd),), daemon=True, name="watch-localstack").start()
    sys.path[:0] = paths
    sys.path.append(runtime)
    sys.argv = ["awslambdaric", handler]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
