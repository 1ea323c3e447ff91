"""The real deployment on LocalStack without Docker: ``python localstack/deploy.py``.

Starts LocalStack on loopback, starts the embedded model (or uses LLM_BASE_URL, LLM_MODEL), applies infra/terraform
with the packages in dist/, makes an API key, prints where the API is, and serves until Ctrl-C.
``--demo`` writes one report through it instead and stops.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[0:0] = [str(ROOT), str(ROOT / "localstack")]

from launcher import INSTALLED, LocalStack, LocalStackError  # noqa: E402
from localstack_client.session import Session  # type: ignore[import-untyped]  # noqa: E402

from embedded.demo import DemoError, run  # noqa: E402
from embedded.processes import Children, StackError, accepts_connections, free_port  # noqa: E402
from embedded.stack import StopRequested, stop_on_signals  # noqa: E402
from embedded.stack_environment import chosen_endpoint, embedded_endpoint, without_accounts  # noqa: E402
from infra.provider_mirror import MirrorError, plugin_directory  # noqa: E402

TERRAFORM: Final = ROOT / "infra" / "terraform"
PACKAGES: Final = tuple(
    ROOT / "dist" / name for name in ("api.zip", "worker.zip", "knowledge.zip", "python_runtime.txt")
)
DIRECTORY: Final = ROOT / ".local" / "localstack-deployment"


class DeployError(Exception):
    """The deployment failed; the message says at what, and what to do."""


class Terraform:
    """Terraform on one LocalStack, with its data and state outside the source tree."""

    def __init__(
        self, directory: Path, environment: Mapping[str, str], variables: Mapping[str, str], files: Sequence[str]
    ):
        """Prepare.

        Args:
            directory: for its data and state.
            environment: for its process: credentials and endpoint.
            variables: values of Terraform variables.
            files: names of variable files in infra/terraform.

        Raises:
            DeployError: terraform is not installed.
        """
        if shutil.which("terraform") is None:
            raise DeployError(
                "terraform (1.6 or newer) is not installed: see developer.hashicorp.com/terraform/install"
            )
        self._state = directory / "terraform.tfstate"
        # A named configuration file that is missing would only cause a warning before every answer.
        kept = {k: v for k, v in environment.items() if k != "TF_CLI_CONFIG_FILE"}
        self._environment = {**kept, "TF_DATA_DIR": str(directory / "terraform-data"), "TF_IN_AUTOMATION": "1"}
        self._arguments = [f"-var-file={name}" for name in files]
        for name, value in variables.items():
            self._arguments += ["-var", f"{name}={value}"]

    def init(self) -> None:
        """Fetch the provider, from a mirror where there is one."""
        try:
            mirror = plugin_directory(self._environment)
        except MirrorError as error:
            raise DeployError(str(error)) from error
        source = [f"-plugin-dir={mirror}"] if mirror else []
        self._run("init", "-backend=false", "-input=false", *source)

    def apply(self) -> None:
        """Make what is declared."""
        self._run("apply", "-auto-approve", "-input=false", f"-state={self._state}", *self._arguments)

    def plan_is_empty(self) -> bool:
        """Tell whether there is nothing left to do."""
        command = ["plan", "-detailed-exitcode", "-input=false", f"-state={self._state}", *self._arguments]
        return self._run(*command, allowed=(0, 2)).returncode == 0

    def destroy(self) -> None:
        """Remove everything."""
        self._run("destroy", "-auto-approve", "-input=false", f"-state={self._state}", *self._arguments)

    def resources(self) -> list[str]:
        """Return the addresses of what the state holds; nothing after ``destroy``."""
        shown = json.loads(self._run("show", "-json", str(self._state)).stdout)
        return [str(r["address"]) for r in shown.get("values", {}).get("root_module", {}).get("resources", [])]

    def outputs(self) -> dict[str, Any]:
        """Return the outputs, name → value."""
        text = self._run("output", "-json", f"-state={self._state}").stdout
        return {name: output["value"] for name, output in json.loads(text).items()}

    def _run(self, *arguments: str, allowed: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["terraform", f"-chdir={TERRAFORM}", arguments[0], "-no-color", *arguments[1:]],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in allowed:
            raise DeployError(f"terraform {arguments[0]} failed:\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}")
        return done


class Deployment:
    """The service on LocalStack, as a context manager.

    It has ``url``, ``api_key``, ``investigations_key``, ``writer``, ``outputs`` and ``cloud``.
    """

    def __init__(
        self,
        directory: Path = DIRECTORY,
        endpoint: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        files: Sequence[str] = ("localstack.tfvars",),
        say: Callable[[str], None] = lambda line: None,
        *,
        record_requests: bool = False,
    ) -> None:
        """Prepare; nothing runs before it is entered.

        Args:
            directory: for state, logs and data.
            endpoint: LLM_BASE_URL, LLM_MODEL of the model that writes; by default what the environment names,
                else the embedded model.
            variables: more Terraform variables.
            files: variable files in infra/terraform.
            say: is told what is being done, with the seconds of each finished step.
            record_requests: whether ``cloud.request_record_path`` shall tell what each role called.
        """
        self.api_key = ""
        self.investigations_key = ""
        self.outputs: dict[str, Any] = {}
        self.seconds: dict[str, float] = {}
        self._directory = directory
        self._endpoint = dict(endpoint) if endpoint is not None else chosen_endpoint(os.environ)
        self._variables = dict(variables or {})
        self._files = tuple(files)
        self._say = say
        self._exit = ExitStack()
        self.cloud = LocalStack(directory / "localstack", port=free_port(), record_requests=record_requests)
        self.terraform: Terraform

    @property
    def url(self) -> str:
        """What the documented paths follow."""
        return str(self.outputs["base_url"])

    @property
    def writer(self) -> str:
        """The model and the endpoint that write."""
        return f"{self._endpoint['LLM_MODEL']} ({self._endpoint['LLM_BASE_URL']})"

    @cached_property
    def session(self) -> Session:
        """What makes clients of this deployment's LocalStack: ``session.client("sqs")``."""
        return Session(localstack_host=self.cloud.address, **self.cloud.credentials)

    @property
    def environment(self) -> dict[str, str]:
        """What a program sets to work on this deployment's tables, queues and bucket."""
        credentials = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.cloud.endpoint_url,
            "NO_PROXY": "127.0.0.1,localhost",
        }
        return credentials | {k: str(v) for k, v in self.outputs.get("environment", {}).items()}

    def __enter__(self) -> Self:
        self._require_parts()
        self._directory.mkdir(parents=True, exist_ok=True)
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def _require_parts(self) -> None:
        if not INSTALLED.exists():
            raise DeployError("LocalStack is not installed: make localstack installs it")
        missing = [p.name for p in PACKAGES if not p.exists()]
        if missing:
            raise DeployError(f"dist/ lacks {', '.join(missing)}: make package builds them")

    def _start(self) -> None:
        self._step("start LocalStack", lambda: self._exit.enter_context(self.cloud))
        if not self._endpoint:
            self._step("start the embedded model", self._start_model)
        for name in ("terraform.tfstate", "terraform.tfstate.backup"):
            (self._directory / name).unlink(missing_ok=True)
        variables = {
            "emulator_endpoint": self.cloud.endpoint_url,
            "llm_base_url": self._endpoint["LLM_BASE_URL"],
            "llm_model": self._endpoint["LLM_MODEL"],
            **{k.lower(): self._endpoint[k] for k in ("LLM_CONCURRENCY", "LLM_PRICES") if k in self._endpoint},
            **self._variables,
        }
        process = {**without_accounts(os.environ), **self.environment}
        self.terraform = Terraform(self._directory, process, variables, self._files)
        self._step("terraform init", self.terraform.init)
        self._step("terraform apply (a minute or two)", self.terraform.apply)
        self.outputs = self.terraform.outputs()
        self._step("make API keys", self._make_keys)

    def _start_model(self) -> None:
        port = free_port()
        children = Children(self._directory / "logs")
        self._exit.callback(children.close)
        self._exit.callback(children.stop, ["model"], grace_seconds=2)
        self._endpoint = embedded_endpoint(port)
        self._variables.setdefault("extra_environment", json.dumps(_tuning(self._endpoint)))
        children.start("model", "embedded.model_server", ["--port", str(port)], without_accounts(os.environ))
        children.wait_until("model", lambda: accepts_connections(port), 120)

    def _make_keys(self) -> None:
        program = (
            "from chalicelib.domain.caller import INVESTIGATION_SCOPES, SCOPES; "
            "from chalicelib.services.keys import create_key; "
            "print(create_key('local', 'localstack', SCOPES).secret, "
            "create_key('local', 'localstack', INVESTIGATION_SCOPES, kind='pck_live_').secret)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**without_accounts(os.environ), **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DeployError(f"no API keys could be made:\n{done.stderr[-2000:]}")
        self.api_key, self.investigations_key = done.stdout.split()
        self._write_state()

    def _write_state(self) -> None:
        """Write stack.json, with which programs on this machine find the deployment, for this user only."""
        path = self._directory / "stack.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({"environment": self.environment}), "utf-8")
        self._exit.callback(path.unlink, missing_ok=True)

    def _step(self, name: str, work: Callable[[], object]) -> None:
        started = time.monotonic()
        self._say(f"… {name}")
        work()
        self.seconds[name] = time.monotonic() - started
        self._say(f"  {self.seconds[name]:.1f} s")


def _tuning(endpoint: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in endpoint.items() if k in ("LLM_NOTICE", "LLM_SECTION_WORDS")}


def main() -> int:
    """Deploy, then serve until Ctrl-C or write one report; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", action="store_true", help="write one report through the deployment, then stop")
    arguments = parser.parse_args()
    stop_on_signals()
    try:
        with Deployment(say=lambda line: print(line, flush=True)) as deployment:
            print(f"\nURL      {deployment.url}\nkey      {deployment.api_key}", flush=True)
            print(f"/v1 key  {deployment.investigations_key}\n", flush=True)
            if arguments.demo:
                run(deployment)
                return 0
            print(f"curl -s {deployment.url}/api/reports/templates -H 'X-API-Key: {deployment.api_key}'\n")
            print("Ctrl-C stops it", flush=True)
            threading.Event().wait()
    except (DeployError, DemoError, LocalStackError, StackError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except StopRequested:
        print("\nstopped")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
