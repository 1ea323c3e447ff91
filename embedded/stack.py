"""Starts the whole service on this machine and keeps it running until Ctrl-C: ``python -m embedded.stack``.

The AWS emulator, the model server, the worker and the API are separate processes. A worker, API or model
that dies is started again; the emulator holds all data, so without it everything stops.
"""

from __future__ import annotations

import atexit
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final

from embedded.processes import ROOT, Children, StackError, accepts_connections, free_port, is_free
from embedded.stack_environment import (
    WITHOUT_MODEL,
    chosen_endpoint,
    embedded_endpoint,
    stack_settings,
    without_accounts,
)

DEFAULT_PORT: Final = 8000
DEFAULT_DIRECTORY: Final = ROOT / ".local"
_START_SECONDS: Final = 60.0
_MODEL_START_SECONDS: Final = 120.0
_SHORT_LIFE_SECONDS: Final = 5.0
_MAX_SHORT_LIVES: Final = 5
_WATCH_SECONDS: Final = 0.1
_SAMPLE_BODY: Final = """{
    "template_id": "cc030440-0005-470f-8341-6ec798d00445",
    "title": "Security Analysis Report",
    "parameters": {
      "user_query": "Provide a comprehensive 1000 word analysis of zero-trust architecture."
    },
    "output_format": "pdf"
  }"""

_SAMPLE_INVESTIGATION: Final = """{
    "query": "Did anyone get into the build servers?",
    "findings": [{
      "title": "SSH login of a departed employee",
      "summary": "The account of a departed employee logged in to build-01 from an unknown network.",
      "severity": "high",
      "nodes": [{"node_id": "build-01", "type": "server", "name": "build-01"}]
    }]
  }"""


class Stack:
    """The embedded stack, as a context manager.

    After ``start`` (or entering): ``url``, ``api_key``, ``investigations_key``, ``aws_endpoint_url``,
    ``environment`` (what the stack sets for its processes), and ``pids``, which follows restarts.
    """

    def __init__(
        self,
        env: Mapping[str, str] | None = None,
        port: int = 0,
        directory: Path = DEFAULT_DIRECTORY,
        slots: int = 2,
        sweep_seconds: float = 5.0,
        visibility_seconds: int | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Prepare; nothing runs before ``start``.

        Args:
            env: settings for all processes; ``LLM_BASE_URL`` and its kind choose the model that writes.
            port: the API's TCP port on 127.0.0.1; 0 for any free one.
            directory: where stack.json and logs/ go.
            slots: how many reports are written at the same time.
            sweep_seconds: seconds between two sweeps.
            visibility_seconds: visibility timeout of the queues, instead of the declared one.
            say: is told what is being waited for.

        Raises:
            StackError: an endpoint is named without a model.
        """
        self.directory = directory
        self.api_key = ""
        self.investigations_key = ""
        self.environment: dict[str, str] = {}
        self.aws_endpoint_url = ""
        self.failure: str | None = None
        self._given = dict(env or {})
        self._endpoint = chosen_endpoint({**os.environ, **self._given})
        self._port = port
        self._slots = slots
        self._sweep_seconds = sweep_seconds
        self._visibility_seconds = visibility_seconds
        self._say = say
        self._children: Children | None = None
        self._commands: dict[str, tuple[str, list[str]]] = {}
        self._started_at: dict[str, float] = {}
        self._short_lives: dict[str, int] = {}
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self._ready_file = Path()

    @property
    def url(self) -> str:
        """Where the API listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name: supervisor, emulator, worker, api, and model if one is embedded."""
        children = self._children.pids if self._children else {}
        return {"supervisor": os.getpid(), **children}

    @property
    def writer(self) -> str:
        """The model and the endpoint that write."""
        if self._endpoint == WITHOUT_MODEL:
            return "no model (LLM=off): reports are digests of honey jars"
        where = "embedded, " if not self._endpoint else ""
        return f"{self.environment['LLM_MODEL']} ({where}{self.environment['LLM_BASE_URL']})"

    @property
    def log_directory(self) -> Path:
        """Where the processes' logs are."""
        return self.directory / "logs"

    def start(self) -> None:
        """Start everything and wait until it is ready.

        Raises:
            StackError: the port is busy, or a process did not start. Nothing is left running.
        """
        if self._port and not is_free(self._port):
            raise StackError(f"Port {self._port} is busy: choose another, as in PORT={self._port + 1} make run")
        self._stopping.clear()
        self.failure = None
        # A signal may arrive between the end of ``start`` and the block that would call ``stop``.
        atexit.register(self.stop)
        self._children = Children(self.log_directory)
        try:
            self._start_children(self._children)
            self._watcher = threading.Thread(target=self._watch, daemon=True, name="watch-children")
            self._watcher.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything; a second call does nothing."""
        self._stopping.set()
        atexit.unregister(self.stop)
        if self._children is None:
            return
        # One that a signal kept from starting cannot be waited for.
        if self._watcher and self._watcher.is_alive() and self._watcher is not threading.current_thread():
            self._watcher.join()
        self._children.stop(["api", "worker"], grace_seconds=5)
        self._children.stop(["model", "emulator"], grace_seconds=2)
        self._children.close()
        self._children = None
        self._remove_state()

    def wait(self) -> None:
        """Block until the stack cannot go on.

        Raises:
            StackError: always; a signal handler's exception ends the wait otherwise.
        """
        while self.failure is None:
            time.sleep(_WATCH_SECONDS)
        raise StackError(self.failure)

    def __enter__(self) -> Stack:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_children(self, children: Children) -> None:
        emulator_port, model_port = free_port(), free_port()
        self._port = self._port or free_port()
        self._ready_file = self.log_directory / "worker.ready"
        self.aws_endpoint_url = f"http://127.0.0.1:{emulator_port}"
        self.environment = {
            **stack_settings(os.environ, self.aws_endpoint_url, self._slots),
            **(self._endpoint or embedded_endpoint(model_port)),
            **self._given,
        }
        self._launch("emulator", "embedded.aws_emulator", "--port", str(emulator_port))
        if not self._endpoint:
            self._launch("model", "embedded.model_server", "--port", str(model_port))
        self._say("starting the AWS emulator")
        children.wait_until("emulator", lambda: accepts_connections(emulator_port), _START_SECONDS)
        self._say("making tables, queues, the bucket and API keys")
        self._prepare()
        worker = ["--slots", str(self._slots), "--sweep-seconds", str(self._sweep_seconds)]
        self._launch("worker", "embedded.worker", *worker, "--ready-file", str(self._ready_file))
        self._launch("api", "embedded.api_server", "--port", str(self._port))
        self._say("starting the worker and the API")
        children.wait_until("worker", self._ready_file.exists, _START_SECONDS)
        children.wait_until("api", lambda: accepts_connections(self._port), _START_SECONDS)
        if not self._endpoint:
            self._say("loading the model")
            children.wait_until("model", lambda: _answers(model_port, "/health"), _MODEL_START_SECONDS)
        self._write_state()

    def _prepare(self) -> None:
        """Make the resources and the key in a process with the stack's environment, not with the caller's."""
        command = [sys.executable, "-m", "embedded.prepare", "--prefix", "reports", "--owner", "local"]
        if self._visibility_seconds is not None:
            command += ["--visibility-seconds", str(self._visibility_seconds)]
        finished = subprocess.run(
            command, check=False, cwd=ROOT, env=self._process_environment(), capture_output=True, text=True
        )
        if finished.returncode:
            raise StackError(f"the resources could not be made:\n{finished.stderr.strip()[-2000:]}")
        made: dict[str, Any] = json.loads(finished.stdout)
        self.environment = {**self.environment, **made["environment"]}
        self.api_key = made["api_key"]
        self.investigations_key = made["investigations_key"]

    def _launch(self, name: str, module: str, *arguments: str) -> None:
        assert self._children is not None
        if name == "worker":
            self._ready_file.unlink(missing_ok=True)
        self._commands[name] = (module, list(arguments))
        self._started_at[name] = time.monotonic()
        self._children.start(name, module, arguments, self._process_environment())

    def _process_environment(self) -> dict[str, str]:
        return {**without_accounts(os.environ), **self.environment}

    def _watch(self) -> None:
        assert self._children is not None
        while not self._stopping.wait(_WATCH_SECONDS):
            for name in self._children.ended():
                if not self._revive(name, self._children):
                    return

    def _revive(self, name: str, children: Children) -> bool:
        """Start a child again; return False where that is of no use."""
        if name == "emulator":
            self.failure = f"the AWS emulator ended, and all data with it:\n{children.log_tail(name)}"
            return False
        lived = time.monotonic() - self._started_at[name]
        self._short_lives[name] = self._short_lives.get(name, 0) + 1 if lived < _SHORT_LIFE_SECONDS else 0
        if self._short_lives[name] > _MAX_SHORT_LIVES:
            self.failure = f"{name} keeps ending:\n{children.log_tail(name)}"
            return False
        if self._short_lives[name] > 1 and self._stopping.wait(1.0):
            return False
        module, arguments = self._commands[name]
        self._launch(name, module, *arguments)
        self._write_state()
        self._say(f"{name} had ended and was started again")
        return True

    def _write_state(self) -> None:
        """Write stack.json for scripts: whole or not at all, and for this user only."""
        state = {
            "url": self.url,
            "api_key": self.api_key,
            "investigations_key": self.investigations_key,
            "aws_endpoint_url": self.aws_endpoint_url,
            # Everything a script needs to call AWS as the processes do; the model's key is nobody else's.
            "environment": {k: v for k, v in self.environment.items() if k != "LLM_API_KEY"},
            "pids": self.pids,
        }
        descriptor, temporary = tempfile.mkstemp(dir=self.directory, prefix=".stack-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(state, file, indent=2)
        Path(temporary).replace(self.directory / "stack.json")

    def _remove_state(self) -> None:
        path = self.directory / "stack.json"
        with suppress(OSError, ValueError, KeyError):
            # Another stack may have taken the place in the meantime.
            if json.loads(path.read_text("utf-8"))["pids"]["supervisor"] == os.getpid():
                path.unlink()
        self._ready_file.unlink(missing_ok=True)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class StopRequested(BaseException):
    """A signal asked this process to end."""


def stop_on_signals() -> None:
    """Turn Ctrl-C, SIGTERM and SIGHUP into ``StopRequested`` in the main thread, once."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def request_stop(signal_number: int, frame: FrameType | None) -> None:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)  # stopping must not be interrupted half-way
        raise StopRequested

    for number in signals:
        signal.signal(number, request_stop)


def _port_of(environment: Mapping[str, str]) -> int:
    text = environment.get("PORT") or str(DEFAULT_PORT)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise StackError(f"PORT={text!r} is no TCP port")
    return int(text)


def _welcome(stack: Stack) -> str:
    return f"""
  API      {stack.url}
  API key  {stack.api_key}
  /v1 key  {stack.investigations_key}
  writes   {stack.writer}
  logs     {_short(stack.log_directory)}

Ask for a report:

curl -X POST "{stack.url}/api/reports/" \\
  -H "Content-Type: application/json" \\
  -H "X-API-Key: {stack.api_key}" \\
  -d '{_SAMPLE_BODY}'

Send in findings and ask for a narrative of them:

curl -X POST "{stack.url}/v1/investigations" \\
  -H "Content-Type: application/json" \\
  -H "Authorization: Bearer {stack.investigations_key}" \\
  -d '{_SAMPLE_INVESTIGATION}'

Ctrl-C stops everything; reports are kept in memory only.
"""


def _short(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def main() -> int:
    """Run the stack until a signal; return the exit status."""
    stop_on_signals()
    try:
        with Stack(port=_port_of(os.environ), say=lambda line: print(f"… {line}", flush=True)) as stack:
            print(_welcome(stack), flush=True)
            stack.wait()
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except StopRequested:
        print("\nstopped", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
