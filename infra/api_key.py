"""Makes and revokes API keys of a deployment, with the AWS rights of whoever runs it.

``python -m infra.api_key create OWNER [--name NAME] [--scopes read,write] [--days N]`` prints a new key, this once;
with ``--v1 live`` or ``--v1 test`` it is a key to ``/v1`` (``pck_live_…``, ``pck_test_…``), with every scope of it
unless ``--scopes`` names some.
``python -m infra.api_key revoke`` reads a key from standard input, and revokes it.

Where the deployment's tables are is asked of Terraform's outputs, or with ``--running FILE`` read from what a stack
on this machine says of itself (``.local/stack.json``). ``make key`` finds out which it is.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from chalicelib.domain.caller import INVESTIGATION_SCOPES, SCOPES
from chalicelib.services.keys import KeyKind, create_key, revoke_key
from chalicelib.stores.dynamodb import ConditionFailedError

TERRAFORM: Final = Path(__file__).resolve().parent / "terraform"

_START: Final = "start one with: make run"
_MOST_DAYS: Final = 3_650

_V1_KINDS: Final[Mapping[str, KeyKind]] = {"live": "pck_live_", "test": "pck_test_"}


class NoDeploymentError(Exception):
    """There is no deployment that a key could be made in; the message says what to do."""


def deployment_environment(terraform: Path) -> dict[str, str]:
    """Return the settings of the deployment whose state the folder ``terraform`` uses.

    Raises:
        NoDeploymentError: Terraform is not installed, or cannot tell; then it has said why.
    """
    command = ["terraform", f"-chdir={terraform}", "output", "-json", "environment"]
    try:
        found = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603
    except FileNotFoundError:
        raise NoDeploymentError(f"no stack runs on this machine, and terraform is not installed; {_START}") from None
    except subprocess.CalledProcessError:
        raise NoDeploymentError(
            f"terraform knows of no deployment in {terraform}; apply it there, or {_START}"
        ) from None
    return {name: str(value) for name, value in json.loads(found.stdout).items()}


def running_environment(state: Path) -> dict[str, str]:
    """Return the settings of a stack that runs on this machine, as its state file has them.

    Raises:
        NoDeploymentError: there is no such file, or it is no state of a stack.
    """
    try:
        read = json.loads(state.read_text("utf-8"))
    except (OSError, ValueError):
        read = None
    if not isinstance(read, dict) or not isinstance(read.get("environment"), dict):
        raise NoDeploymentError(f"{state} is no state of a running stack; {_START}")
    return {name: str(value) for name, value in read["environment"].items()}


def _days(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {_MOST_DAYS}")
    return int(text)


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--terraform", type=Path, default=TERRAFORM, help="the folder that Terraform was applied in")
    parser.add_argument("--running", type=Path, help="the state file of a stack on this machine, instead of Terraform")
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="print a new key")
    create.add_argument("owner", help="whose reports or investigations it opens")
    create.add_argument("--name", default="", help="what it is for")
    create.add_argument("--scopes", help=f"some of {','.join(SCOPES)}; with --v1, of {','.join(INVESTIGATION_SCOPES)}")
    create.add_argument("--v1", choices=("live", "test"), help="make a key to the investigation API instead")
    create.add_argument("--days", type=_days, help="how long it is valid; without it, until it is revoked")
    commands.add_parser("revoke", help="revoke the key on standard input")
    return parser.parse_args(given)


def _secret() -> str:
    return (getpass.getpass("key: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()


def _create(arguments: argparse.Namespace) -> str:
    """Make a key and return its secret."""
    expires_in = timedelta(days=arguments.days) if arguments.days else None
    kind: KeyKind = _V1_KINDS[arguments.v1] if arguments.v1 else "sk_"
    usual: Sequence[Any] = INVESTIGATION_SCOPES if arguments.v1 else ("read", "write")
    scopes = [s.strip() for s in arguments.scopes.split(",")] if arguments.scopes is not None else usual
    return create_key(arguments.owner, arguments.name, scopes, expires_in, kind).secret


def main(given: Sequence[str]) -> int:
    """Make or revoke a key; return the exit status."""
    arguments = _arguments(given)
    try:
        if arguments.running:
            os.environ.update(running_environment(arguments.running))
        else:
            os.environ.update(deployment_environment(arguments.terraform))
        if arguments.command == "revoke":
            revoke_key(_secret())
            print("revoked; functions that have used it lately notice within 30 seconds")  # noqa: T201
        else:
            print(_create(arguments))  # noqa: T201
    except ConditionFailedError:
        return _failed("there is no such key")
    except (NoDeploymentError, ValueError) as error:
        return _failed(str(error))
    except EndpointConnectionError:
        if arguments.running:
            return _failed(f"the stack of {arguments.running} has ended; {_START}, or remove that file")
        return _failed("AWS cannot be reached")
    except (ClientError, BotoCoreError) as error:
        return _failed(f"{error} (AWS_PROFILE or AWS_ACCESS_KEY_ID, and AWS_REGION, are those of the deployment?)")
    return 0


def _failed(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
