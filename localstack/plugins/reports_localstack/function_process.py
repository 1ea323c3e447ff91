"""One process of a Lambda function: started, invoked again and again, killed when it overruns its time."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reports_localstack.process_output import ProcessOutput
from reports_localstack.runtime_api import EventKind, Invocation, RuntimeApi, RuntimeEvent

INIT_SECONDS: Final = 10.0
"""What Lambda grants a function for its imports, besides its own timeout."""

_MAIN: Final = Path(__file__).with_name("function_main.py")
# Lambda's client ends the process by itself when its answer was refused as too large.
_FATAL: Final = frozenset({EventKind.INIT_ERROR, EventKind.TOO_LARGE, EventKind.EXIT})


@dataclass(frozen=True)
class FunctionCode:
    """Where a function's code lies and how it is called."""

    handler: str
    directory: Path
    """The unpacked package, which is also the working directory."""
    paths: Sequence[Path]
    """What is imported from, before everything else."""
    runtime: Path
    """What Lambda's runtime brings; it is imported from last."""


@dataclass(frozen=True)
class Call:
    """One invocation as LocalStack asks for it."""

    request_id: str
    function_arn: str
    trace_id: str
    payload: bytes
    timeout_seconds: float
    memory_mb: int
    version: str


@dataclass(frozen=True)
class Outcome:
    """What came of an invocation; an error's payload is the JSON object that Lambda answers with."""

    payload: bytes
    is_error: bool
    logs: str


class FunctionProcess:
    """A running function; not for concurrent invocations, which Lambda does not do either."""

    def __init__(self, code: FunctionCode, environment: Mapping[str, str]) -> None:
        """Start the process; its imports begin at once.

        Args:
            code: what to run.
            environment: all that the function sees; the address of the Runtime API is added.
        """
        self._events: queue.SimpleQueue[RuntimeEvent] = queue.SimpleQueue()
        self._api = RuntimeApi(self._events.put)
        self._output = ProcessOutput()
        self._initialised = False
        self._killed = threading.Lock()
        self._started = time.monotonic()
        watch_fd = _lifeline()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-S", "-P", str(_MAIN)),
                *(str(watch_fd), str(code.runtime), code.handler, *map(str, code.paths)),
            ],
            cwd=code.directory,
            env={**environment, "AWS_LAMBDA_RUNTIME_API": self._api.address},
            stdin=subprocess.DEVNULL,
            stdout=self._output.fileno(),
            stderr=subprocess.STDOUT,
            pass_fds=[watch_fd],
            # A group of its own, so that whatever the function starts ends with it.
            process_group=0,
        )
        self._output.started()
        threading.Thread(target=self._wait_for_exit, daemon=True, name="function-exit").start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """Whether it can take an invocation."""
        return self._process.poll() is None

    def invoke(self, call: Call) -> Outcome:
        """Have the function handle one event, and wait for it.

        When the result is an error that says nothing about the event (the process ended, could not be
        initialised, answered too much or took too long), the process is gone afterwards.
        """
        was_cold = not self._initialised
        failure = self._initialise(call) if was_cold else None
        init_ms = (time.monotonic() - self._started) * 1000 if was_cold else None
        started = time.monotonic()
        event = failure or self._handle(call)
        duration_ms = (time.monotonic() - started) * 1000
        memory_mb = _peak_memory_mb(self.pid)
        if event is None or event.kind in _FATAL:
            self.kill()
        logs = _framed(call, self._output.take(), duration_ms, init_ms, memory_mb)
        if event is not None and event.kind is EventKind.RESPONSE:
            return Outcome(event.body, is_error=False, logs=logs)
        return Outcome(_error_payload(call, event), is_error=True, logs=logs)

    def kill(self) -> None:
        """End the process and everything it started; a second call changes nothing."""
        # Once only: later, the group's number may belong to somebody else.
        if not self._killed.acquire(blocking=False):
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._api.close()

    def rest_of_output(self) -> str:
        """Return what was printed after the last invocation."""
        return self._output.take()

    def _initialise(self, call: Call) -> RuntimeEvent | None:
        """Wait for the imports; return what went wrong, or None."""
        event = self._next_event(INIT_SECONDS + call.timeout_seconds)
        if event is None:
            return RuntimeEvent(EventKind.INIT_ERROR, body=json.dumps(_timeout_error(call)).encode())
        if event.kind is EventKind.READY:
            self._initialised = True
            return None
        return event

    def _handle(self, call: Call) -> RuntimeEvent | None:
        """Hand over the event and wait for its result; None when the time is over."""
        deadline_ms = int((time.time() + call.timeout_seconds) * 1000)
        self._api.offer(Invocation(call.request_id, call.function_arn, call.trace_id, deadline_ms, call.payload))
        return self._next_event(call.timeout_seconds)

    def _next_event(self, seconds: float) -> RuntimeEvent | None:
        try:
            return self._events.get(timeout=seconds)
        except queue.Empty:
            return None

    def _wait_for_exit(self) -> None:
        self._events.put(RuntimeEvent(EventKind.EXIT, exit_status=self._process.wait()))


def _error_payload(call: Call, event: RuntimeEvent | None) -> bytes:
    if event is None:
        return json.dumps(_timeout_error(call)).encode()
    if event.kind is EventKind.EXIT:
        return json.dumps(_exit_error(call, event.exit_status)).encode()
    return event.body


def _timeout_error(call: Call) -> dict[str, str]:
    message = f"RequestId: {call.request_id} Error: Task timed out after {call.timeout_seconds:.2f} seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": message}


def _exit_error(call: Call, exit_status: int) -> dict[str, str]:
    if exit_status == 0:
        reason = "Runtime exited without providing a reason"
    elif exit_status > 0:
        reason = f"Runtime exited with error: exit status {exit_status}"
    else:
        name = signal.strsignal(-exit_status) or f"signal {-exit_status}"
        reason = f"Runtime exited with error: signal: {name.lower()}"
    return {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {call.request_id} Error: {reason}"}


def _framed(call: Call, output: str, duration_ms: float, init_ms: float | None, memory_mb: int) -> str:
    """Return the log of one invocation between the lines that Lambda itself writes."""
    if output and not output.endswith("\n"):
        output += "\n"
    report = (
        f"REPORT RequestId: {call.request_id}\tDuration: {duration_ms:.2f} ms\t"
        f"Billed Duration: {int(duration_ms) + 1} ms\tMemory Size: {call.memory_mb} MB\t"
        f"Max Memory Used: {memory_mb} MB"
    )
    if init_ms is not None:
        report += f"\tInit Duration: {init_ms:.2f} ms"
    return (
        f"START RequestId: {call.request_id} Version: {call.version}\n{output}"
        f"END RequestId: {call.request_id}\n{report}\n"
    )


def _peak_memory_mb(pid: int) -> int:
    """Return the largest resident size of a process in MB, or 0 where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return 0


_lifeline_lock: Final = threading.Lock()
_lifeline_ends: list[int] = []


def _lifeline() -> int:
    """Return the end that functions read of a pipe whose other end this process alone holds, and never closes."""
    with _lifeline_lock:
        if not _lifeline_ends:
            _lifeline_ends.extend(os.pipe())
        return _lifeline_ends[0]
