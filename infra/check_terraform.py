"""Checks infra/terraform: format, validity, and (with checkov on PATH or beside this Python) policy.

``python -m infra.check_terraform [CHECKOV]`` where CHECKOV is the path of checkov's program.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from infra.provider_mirror import MirrorError, plugin_directory

FOLDER: Final = Path(__file__).resolve().parent / "terraform"


def terraform_commands() -> list[list[str]]:
    """Return what Terraform is asked."""
    mirror = plugin_directory(os.environ)
    source = [f"-plugin-dir={mirror}"] if mirror else []
    return [
        ["terraform", f"-chdir={FOLDER}", "fmt", "-check", "-diff"],
        ["terraform", f"-chdir={FOLDER}", "init", "-backend=false", "-input=false", *source],
        ["terraform", f"-chdir={FOLDER}", "validate"],
    ]


def main() -> int:
    """Run every check; return the status of the first that fails, else 0."""
    if shutil.which("terraform") is None:
        print("terraform (1.6 or newer) is not installed", file=sys.stderr)  # noqa: T201
        return 1
    with tempfile.TemporaryDirectory() as data:
        # A named configuration file that is missing would only cause a warning.
        environment = {k: v for k, v in os.environ.items() if k != "TF_CLI_CONFIG_FILE"} | {"TF_DATA_DIR": data}
        try:
            commands = terraform_commands()
        except MirrorError as error:
            print(error, file=sys.stderr)  # noqa: T201
            return 1
        if len(sys.argv) > 1:
            configuration = ["--config-file", str(FOLDER / ".checkov.yaml")]
            commands.append([sys.argv[1], "-d", str(FOLDER), "--compact", "--quiet", *configuration])
        for command in commands:
            print(f"$ {' '.join(command)}", flush=True)  # noqa: T201
            status = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603
            if status:
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
