"""LocalStack as a child that ends with the process that started it: ``python -P -m reports_localstack.serve FD``."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
import traceback
from typing import Final

GRACE_SECONDS: Final = 10.0
"""How long LocalStack may take to stop by itself."""


def _end_with(watch_fd: int) -> None:
    """Wait until the pipe closes, ask LocalStack to stop, then end it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while os.read(watch_fd, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def main() -> None:
    """Watch the starter and become LocalStack."""
    watch_fd = int(sys.argv.pop(1))
    os.set_inheritable(watch_fd, False)
    threading.Thread(target=_end_with, args=(watch_fd,), daemon=True, name="watch-starter").start()
    from localstack.runtime.main import main as run_localstack

    status = 1
    try:
        run_localstack()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is stopped by now; Python itself would wait seconds more for idle threads of pools.
    os._exit(status)


if __name__ == "__main__":
    main()
