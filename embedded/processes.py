"""Child processes that never outlive the process that started them."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
_POLL_SECONDS: Final = 0.05
_LOG_LINES: Final = 12


class StackError(Exception):
    """The stack cannot start or go on; the message is for the person at the terminal."""


class Children:
    """Named child processes with a log file each.

    Every child holds the read end of a pipe whose write end only this process has. It ends when the pipe
    closes, so that even SIGKILL leaves nothing behind. Children have sessions of their own: Ctrl-C reaches
    only the supervisor, which stops them in order.
    """

    def __init__(self, log_directory: Path) -> None:
        """Prepare to start children that log to ``log_directory``, which is made if needed."""
        log_directory.mkdir(parents=True, exist_ok=True)
        self._log_directory = log_directory
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.RLock()
        self._read_end, self._write_end = os.pipe()

    @property
    def pids(self) -> dict[str, int]:
        """The process id of every child that was started, by name."""
        with self._lock:
            return {name: process.pid for name, process in self._processes.items()}

    def log_path(self, name: str) -> Path:
        """Return the log file of the child ``name``."""
        return self._log_directory / f"{name}.log"

    def start(self, name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start ``python -m module`` as the child ``name``, in place of one that ended."""
        with self._lock:
            first_start = name not in self._processes
            with self.log_path(name).open("wb" if first_start else "ab") as log:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "embedded.child", "--watch-fd", str(self._read_end), module, *arguments],
                    cwd=ROOT,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[self._read_end],
                    start_new_session=True,
                )

    def ended(self) -> list[str]:
        """Return the names of the children that are not running."""
        with self._lock:
            return [name for name, process in self._processes.items() if process.poll() is not None]

    def wait_until(self, name: str, is_ready: Callable[[], bool], seconds: float) -> None:
        """Wait until ``is_ready()``, at most ``seconds``.

        Raises:
            StackError: the child ended, or took too long.
        """
        deadline = time.monotonic() + seconds
        while not is_ready():
            if name in self.ended():
                raise StackError(f"{name} did not start:\n{self.log_tail(name)}")
            if time.monotonic() > deadline:
                raise StackError(f"{name} was not ready after {seconds:.0f} s; see {self.log_path(name)}")
            time.sleep(_POLL_SECONDS)

    def log_tail(self, name: str) -> str:
        """Return the last lines that the child logged."""
        lines = self.log_path(name).read_text("utf-8", "replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-_LOG_LINES:])

    def stop(self, names: Sequence[str], grace_seconds: float) -> None:
        """Ask children to end, wait ``grace_seconds`` for all of them together, then kill what is left."""
        with self._lock:
            processes = [self._processes[name] for name in names if name in self._processes]
        for process in processes:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + grace_seconds
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()

    def close(self) -> None:
        """Close the pipe: whatever child were still there would end now."""
        os.close(self._write_end)
        os.close(self._read_end)


def _signal(process: subprocess.Popen[bytes], signal_number: int) -> None:
    if process.poll() is None:
        process.send_signal(signal_number)


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on now, outside the range of outgoing connections.

    A port that the system itself picks lies in that range: before its server listens, a client's connection
    may get it, or a probe may connect to itself. None is returned twice, nor to another process while this one
    lives: seconds may go by until its server listens.

    Raises:
        StackError: none was found.
    """
    chosen = random.SystemRandom()
    for _ in range(100):
        port = chosen.randrange(10_000, 30_000)
        if is_free(port) and _reserved(port):
            return port
    raise StackError("no free TCP port was found on 127.0.0.1")


def _reserved(port: int) -> bool:
    """Tell whether a port is now this process's: until it ends, which closes the file that is locked for it."""
    folder = Path(tempfile.gettempdir()) / f"reports-ports-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        file = os.open(folder / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        return True  # with no place for such files it is left to chance
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return False
    return True


def is_free(port: int) -> bool:
    """Tell whether a server could listen on 127.0.0.1:``port``."""
    if accepts_connections(port):
        return False
    with socket.socket() as probe:
        # As servers do: connections that are closing do not keep a port busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def accepts_connections(port: int) -> bool:
    """Tell whether something listens on 127.0.0.1:``port``."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
