"""Runs a module as a child of the stack: ``python -m embedded.child --watch-fd 5 embedded.worker --slots 2``.

The child ends when the stack does, even when the stack is killed: it reads from a pipe whose other end only
the stack holds, and the pipe closes with the stack.
"""

from __future__ import annotations

import argparse
import os
import runpy
import signal
import sys
import threading
import time
from typing import Final

GRACE_SECONDS: Final = 5.0
"""How long a child may take to stop by itself once the stack is gone."""


def _end_with(watch_fd: int) -> None:
    """Wait until the pipe closes, ask this process to stop, then end it."""
    # Signals belong to the module's own threads: a module may block them and wait for them.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while os.read(watch_fd, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def main() -> None:
    """Watch the stack, lower the priority if asked to, and become the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watch-fd", type=int, required=True, help="read end of the stack's pipe")
    parser.add_argument("--nice", type=int, default=0, help="added to the scheduling niceness")
    parser.add_argument("module")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    os.set_inheritable(arguments.watch_fd, False)
    if arguments.nice:
        os.nice(arguments.nice)
    threading.Thread(target=_end_with, args=(arguments.watch_fd,), daemon=True, name="watch-stack").start()
    sys.argv = [arguments.module, *arguments.arguments]
    runpy.run_module(arguments.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
