"""Makes and revokes API keys of a deployment, with the AWS rights of whoever runs it.

``python -m infra.api_key create OWNER [--name NAME] [--scopes read,write] [--days N]`` prints a new key, this once;
with ``--v1 live`` or ``--v1 test`` it is a key to ``/v1`` (``pck_live_…``, ``pck_test_…``), with every scope of it
unless ``--scopes`` names some.
``python -m infra.api_key revoke`` reads a key from standard input, and revokes it.

Where the deployment's tables are is asked of Terraform's outputs.
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

from chalicelib.domain.caller import INVESTIGATION_SCOPES, SCOPES
from chalicelib.services.keys import KeyKind, create_key, revoke_key
from chalicelib.stores.dynamodb import ConditionFailedError

TERRAFORM: Final = Path(__file__).resolve().parent / "terraform"

_V1_KINDS: Final[Mapping[str, KeyKind]] = {"live": "pck_live_", "test": "pck_test_"}


def deployment_environment(terraform: Path) -> dict[str, str]:
    """Return the settings of the deployment whose state the folder ``terraform`` uses.

    Raises:
        subprocess.CalledProcessError: Terraform cannot tell; it has said why.
        OSError: Terraform is not installed.
    """
    command = ["terraform", f"-chdir={terraform}", "output", "-json", "environment"]
    found = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603
    return {name: str(value) for name, value in json.loads(found.stdout).items()}


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--terraform", type=Path, default=TERRAFORM, help="the folder that Terraform was applied in")
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="print a new key")
    create.add_argument("owner", help="whose reports or investigations it opens")
    create.add_argument("--name", default="", help="what it is for")
    create.add_argument("--scopes", help=f"some of {','.join(SCOPES)}; with --v1, of {','.join(INVESTIGATION_SCOPES)}")
    create.add_argument("--v1", choices=("live", "test"), help="make a key to the investigation API instead")
    create.add_argument("--days", type=int, help="how long it is valid; without it, until it is revoked")
    commands.add_parser("revoke", help="revoke the key on standard input")
    return parser.parse_args(given)


def _secret() -> str:
    return (getpass.getpass("key: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()


def _create(arguments: argparse.Namespace) -> str:
    """Make a key and return its secret."""
    expires_in = timedelta(days=arguments.days) if arguments.days else None
    kind: KeyKind = _V1_KINDS[arguments.v1] if arguments.v1 else "sk_"
    usual: Sequence[Any] = INVESTIGATION_SCOPES if arguments.v1 else ("read", "write")
    scopes = arguments.scopes.split(",") if arguments.scopes is not None else usual
    return create_key(arguments.owner, arguments.name, scopes, expires_in, kind).secret


def main(given: Sequence[str]) -> int:
    """Make or revoke a key; return the exit status."""
    arguments = _arguments(given)
    try:
        os.environ.update(deployment_environment(arguments.terraform))
        if arguments.command == "revoke":
            revoke_key(_secret())
            print("revoked; functions that have used it lately notice within 30 seconds")  # noqa: T201
        else:
            print(_create(arguments))  # noqa: T201
    except ConditionFailedError:
        print("error: there is no such key", file=sys.stderr)  # noqa: T201
        return 1
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
