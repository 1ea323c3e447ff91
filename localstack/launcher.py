"""Starts LocalStack without Docker, on loopback only: ``python localstack/launcher.py --port 4566``.

Needs nothing but the standard library, so any Python from 3.11 on runs it; LocalStack itself runs in
``.venv-localstack``, which ``localstack/install.py`` makes. Other programs use the class::

    with LocalStack(Path(".local/localstack"), port=4566) as cloud:
        localstack_client.session.Session(localstack_host=cloud.address, **cloud.credentials).client("sqs")
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, Self

from localstack_environment import DEFAULT_PORT, REQUEST_RECORD, process_environment

ROOT: Final = Path(__file__).resolve().parent.parent
PYTHON: Final = ROOT / ".venv-localstack" / "bin" / "python"
INSTALLED: Final = ROOT / ".venv-localstack" / ".installed"
PREBUILT: Final = ROOT / ".venv-localstack" / "prebuilt" / "usr" / "lib" / "localstack"
DEFAULT_DIRECTORY: Final = ROOT / ".local" / "localstack"
REGION: Final = "us-east-1"

READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.05
_LOG_LINES: Final = 15
_OWNER_MARK: Final = ".made-by-launcher"


class LocalStackError(Exception):
    """LocalStack cannot start or has ended; the message is for the person at the terminal."""


class LocalStack:
    """One LocalStack with its functions; it ends with this process, however that ends."""

    def __init__(
        self,
        directory: Path = DEFAULT_DIRECTORY,
        port: int = DEFAULT_PORT,
        environment: Mapping[str, str] | None = None,
        *,
        record_requests: bool = False,
    ) -> None:
        """Prepare; nothing is touched before ``start``.

        Args:
            directory: for its state, code of functions and log; what an earlier run left there is removed.
            port: the TCP port on 127.0.0.1.
            environment: settings of LocalStack besides its usual ones, or in their place.
            record_requests: whether to write down what is called with a role's rights (``request_record_path``).
        """
        self._directory = directory.resolve()
        self._port = port
        self._environment = {**process_environment(self._directory, port), **(environment or {})}
        if record_requests:
            self._environment[REQUEST_RECORD] = str(self.request_record_path)
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: tuple[int, int] | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._port}"

    @property
    def endpoint_url(self) -> str:
        """The address for all services."""
        return f"http://{self.address}"

    @property
    def credentials(self) -> dict[str, str]:
        """What a boto3 client or session takes besides the address."""
        return {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}

    @property
    def client_environment(self) -> dict[str, str]:
        """The same for a process: variables for the AWS SDKs and Terraform."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    @property
    def log_path(self) -> Path:
        """Where LocalStack and the functions log."""
        return self._directory / "localstack.log"

    @property
    def request_record_path(self) -> Path:
        """What was called with a role's rights, a JSON object a line, if that is recorded."""
        return self._directory / "requests.jsonl"

    @property
    def pid(self) -> int:
        """The process id of LocalStack.

        Raises:
            LocalStackError: it was not started.
        """
        if self._process is None:
            raise LocalStackError("LocalStack was not started")
        return self._process.pid

    def start(self) -> None:
        """Remove what an earlier run left, start, and wait until requests are answered.

        Raises:
            LocalStackError: it is not installed, the port is taken, the directory holds other things,
                or it did not start.
        """
        if not INSTALLED.exists():
            raise LocalStackError("LocalStack is not installed; run: python3 localstack/install.py")
        if not _is_free(self._port):
            raise LocalStackError(f"127.0.0.1:{self._port} is taken; choose another port")
        self._clear_directory()
        self._pipe = os.pipe()
        read_end = self._pipe[0]
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                # -P: this folder is called like LocalStack's package and must not be found in its place.
                [str(PYTHON), "-P", "-m", "reports_localstack.serve", str(read_end)],
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[read_end],
                # Ctrl-C reaches the launcher alone, which stops everything in order.
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def is_running(self) -> bool:
        """Tell whether LocalStack was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop LocalStack and the functions; what it logged stays. A second call changes nothing."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._pipe is not None:
            for end in self._pipe:
                os.close(end)
            self._pipe = None

    def log_tail(self) -> str:
        """Return the last lines of the log."""
        with contextlib.suppress(FileNotFoundError):
            lines = self.log_path.read_text("utf-8", "replace").splitlines()
            return "\n".join(f"    {line}" for line in lines[-_LOG_LINES:])
        return ""

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _clear_directory(self) -> None:
        mark = self._directory / _OWNER_MARK
        if self._directory.exists():
            if not mark.exists() and any(self._directory.iterdir()):
                raise LocalStackError(f"{self._directory} holds something else than LocalStack's state")
            shutil.rmtree(self._directory)
        for folder in ("tmp", "home"):
            (self._directory / folder).mkdir(parents=True)
        libraries = self._directory / "usr" / "lib"
        libraries.mkdir(parents=True)
        (libraries / "localstack").symlink_to(PREBUILT)
        mark.touch()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if not self.is_running():
                raise LocalStackError(f"LocalStack did not start:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise LocalStackError(f"LocalStack was not ready after {READY_SECONDS:.0f} s; see {self.log_path}")
            time.sleep(_POLL_SECONDS)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/_localstack/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections that are closing do not keep a port busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def main() -> int:
    """Run LocalStack until a signal; return the exit status."""
    parser = argparse.ArgumentParser(description="LocalStack without Docker, on loopback only.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="TCP port on 127.0.0.1 (%(default)s)")
    parser.add_argument("--directory", type=Path, default=DEFAULT_DIRECTORY, help="state and log (%(default)s)")
    parser.add_argument("--ready-file", type=Path, help="made when requests are answered")
    arguments = parser.parse_args()
    stop = threading.Event()

    def request_stop(signal_number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, request_stop)
    cloud = LocalStack(arguments.directory, arguments.port)
    started = time.monotonic()
    try:
        with cloud:
            print(f"LocalStack answers on {cloud.endpoint_url} after {time.monotonic() - started:.1f} s", flush=True)
            if arguments.ready_file:
                arguments.ready_file.touch()
            while not stop.wait(0.5):
                if not cloud.is_running():
                    raise LocalStackError(f"LocalStack ended:\n{cloud.log_tail()}")
    except LocalStackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        if arguments.ready_file:
            arguments.ready_file.unlink(missing_ok=True)
    print("LocalStack has stopped", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
