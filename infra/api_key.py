"""Makes and revokes API keys of a deployment, with the AWS rights of whoever runs it.

``python -m infra.api_key create OWNER [--name NAME] [--scopes read,write] [--days N]`` prints a new key, this once.
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
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from chalicelib.services.keys import create_key, revoke_key
from chalicelib.stores.dynamodb import ConditionFailedError

TERRAFORM: Final = Path(__file__).resolve().parent / "terraform"


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
    create.add_argument("owner", help="whose reports it reads and writes")
    create.add_argument("--name", default="", help="what it is for")
    create.add_argument("--scopes", default="read,write", help="some of read,write,admin")
    create.add_argument("--days", type=int, help="how long it is valid; without it, until it is revoked")
    commands.add_parser("revoke", help="revoke the key on standard input")
    return parser.parse_args(given)


def _secret() -> str:
    return (getpass.getpass("key: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()


def main(given: Sequence[str]) -> int:
    """Make or revoke a key; return the exit status."""
    arguments = _arguments(given)
    try:
        os.environ.update(deployment_environment(arguments.terraform))
        if arguments.command == "revoke":
            revoke_key(_secret())
            print("revoked; functions that have used it lately notice within 30 seconds")  # noqa: T201
        else:
            expires_in = timedelta(days=arguments.days) if arguments.days else None
            print(create_key(arguments.owner, arguments.name, arguments.scopes.split(","), expires_in).secret)  # noqa: T201
    except ConditionFailedError:
        print("error: there is no such key", file=sys.stderr)  # noqa: T201
        return 1
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
