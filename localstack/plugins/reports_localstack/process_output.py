"""What a process prints, collected so that it can be cut at the end of each invocation."""

from __future__ import annotations

import os
import select
import threading
from typing import Final

MAX_PENDING_BYTES: Final = 1024 * 1024
"""Output that nobody took is kept up to this size; the oldest goes first."""

_CHUNK_BYTES: Final = 65536


class ProcessOutput:
    """A pipe for a process's standard output and error, emptied all the time."""

    def __init__(self) -> None:
        """Make the pipe; call ``started`` when the process has its end of it."""
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._pending = bytearray()
        self._lock = threading.Lock()

    def fileno(self) -> int:
        """Return the end to write to, for ``subprocess.Popen``."""
        return self._write_end

    def started(self) -> None:
        """Leave the writing end to the process alone, and start to read."""
        os.close(self._write_end)
        threading.Thread(target=self._pump, daemon=True, name="function-output").start()

    def take(self) -> str:
        """Return everything printed since the last call, including what no thread has read so far."""
        with self._lock:
            self._read()
            text = self._pending.decode("utf-8", "replace")
            self._pending.clear()
        return text

    def _pump(self) -> None:
        poll = select.poll()
        poll.register(self._read_end, select.POLLIN)
        open_still = True
        while open_still:
            poll.poll()
            with self._lock:
                open_still = self._read()
        with self._lock:
            os.close(self._read_end)
            self._read_end = -1

    def _read(self) -> bool:
        """Read what is there; return whether more can follow."""
        while self._read_end >= 0:
            try:
                chunk = os.read(self._read_end, _CHUNK_BYTES)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self._pending += chunk
            del self._pending[:-MAX_PENDING_BYTES]
        return False
