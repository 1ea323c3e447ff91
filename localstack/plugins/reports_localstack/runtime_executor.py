"""Runs LocalStack's Lambda functions as processes of this machine instead of in containers.

There is no sandbox: a function can do whatever the user can who started LocalStack.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Final

from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from reports_localstack.function_environment import function_environment, import_paths
from reports_localstack.function_process import Call, FunctionCode, FunctionProcess
from reports_localstack.runtime_folder import make_runtime_folder

SUPPORTED_RUNTIME: Final = f"python{sys.version_info[0]}.{sys.version_info[1]}"

_functions_log = logging.getLogger("reports_localstack.functions")


class LocalRuntimeExecutor(RuntimeExecutor):
    """One execution environment: at most one process at a time, a fresh one after each that was lost."""

    def __init__(self, id: str, function_version: Any) -> None:  # noqa: A002 - LocalStack's name
        super().__init__(id=id, function_version=function_version)
        self._lock = threading.Lock()
        self._process: FunctionProcess | None = None
        self._environment: dict[str, str] = {}
        self._stopped = False

    @classmethod
    def prepare_version(cls, function_version: Any) -> None:
        """Unpack the code of a function and of its layers.

        Raises:
            LambdaRuntimeException: it needs another Python than LocalStack runs on, or none.
        """
        runtime = function_version.config.runtime
        if runtime != SUPPORTED_RUNTIME:
            raise LambdaRuntimeException(
                f"LocalStack without Docker runs {SUPPORTED_RUNTIME} functions alone, this one wants {runtime}"
            )
        for code in _archives(function_version):
            code.prepare_for_execution()
        make_runtime_folder(_runtime_directory())

    @classmethod
    def cleanup_version(cls, function_version: Any) -> None:
        """Keep everything: other versions may share the code, and all of it goes with the next start."""

    @classmethod
    def validate_environment(cls) -> bool:
        """Tell that functions can run here."""
        return True

    def start(self, env_vars: dict[str, str]) -> None:
        """Start the function's imports; whether they worked is told by the first invocation, as on AWS."""
        config = self.function_version.config
        private_directory = self._private_directory()
        private_directory.mkdir(parents=True, exist_ok=True)
        self._environment = function_environment(
            env_vars,
            config.environment or {},
            config.runtime,
            self._code_directory(),
            _runtime_directory(),
            private_directory,
        )
        self._usable_process()

    def stop(self) -> None:
        """Kill the function, also in the middle of an invocation."""
        with self._lock:
            self._stopped = True
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            self._log(process.rest_of_output())
        shutil.rmtree(self._private_directory(), ignore_errors=True)

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Run one invocation in the process that is there, or in a new one if that has ended.

        Raises:
            LambdaRuntimeException: the environment was stopped.
        """
        config = self.function_version.config
        call = Call(
            request_id=payload["invoke-id"],
            function_arn=payload["invoked-function-arn"],
            trace_id=payload["trace-id"],
            payload=payload["payload"].encode(),
            timeout_seconds=config.timeout,
            memory_mb=config.memory_size,
            version=self.function_version.id.qualifier,
        )
        outcome = self._usable_process().invoke(call)
        self._log(outcome.logs)
        return InvocationResult(call.request_id, outcome.payload, outcome.is_error, outcome.logs)

    def get_logs(self) -> str:
        """Return nothing: what was printed came with each invocation's result."""
        return ""

    def get_address(self) -> str:
        """Return where the function runs."""
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        """Return where a function finds LocalStack."""
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        """Return nothing: no init program reports back to LocalStack."""
        return ""

    def _usable_process(self) -> FunctionProcess:
        with self._lock:
            if self._stopped:
                raise LambdaRuntimeException("the execution environment was stopped")
            if self._process is None or not self._process.usable:
                if self._process is not None:
                    # It may have left processes behind.
                    self._process.kill()
                self._process = FunctionProcess(self._code(), self._environment)
            return self._process

    def _code(self) -> FunctionCode:
        config = self.function_version.config
        directory = self._code_directory()
        layers = [layer.code.get_unzipped_code_location() for layer in config.layers or []]
        return FunctionCode(
            handler=config.handler,
            directory=directory,
            paths=import_paths(directory, layers, config.runtime),
            runtime=_runtime_directory(),
        )

    def _code_directory(self) -> Path:
        return Path(self.function_version.config.code.get_unzipped_code_location())

    def _private_directory(self) -> Path:
        return Path(tempfile.gettempdir(), "lambda-private", self.id)

    def _log(self, text: str) -> None:
        for line in text.splitlines():
            _functions_log.info("[%s] %s", self.function_version.id.function_name, line)


def _archives(function_version: Any) -> list[Any]:
    config = function_version.config
    return [config.code, *(layer.code for layer in config.layers or [])]


def _runtime_directory() -> Path:
    return Path(tempfile.gettempdir(), "lambda-runtime")
