"""The environment variables that a function sees: its own, and those that Lambda sets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Meant for LocalStack's init program inside a container; Lambda has none of them.
_INTERNAL_PREFIX: Final = "LOCALSTACK_"
_INTERNAL: Final = frozenset({"EDGE_PORT", "AWS_LAMBDA_FUNCTION_TIMEOUT"})


def function_environment(
    given: Mapping[str, object],
    own: Mapping[str, str],
    runtime: str,
    code_directory: Path,
    runtime_directory: Path,
    private_directory: Path,
) -> dict[str, str]:
    """Return a function's whole environment.

    Args:
        given: what LocalStack would give to a container, the function's own variables included.
        own: the variables from the function's configuration, which win.
        runtime: as in the configuration, for instance ``python3.11``.
        code_directory: the unpacked package.
        runtime_directory: what Lambda's runtime brings.
        private_directory: stands in for the ``/tmp`` that each function instance has on AWS.
    """
    variables = {
        name: str(value)
        for name, value in given.items()
        if not name.startswith(_INTERNAL_PREFIX) and name not in _INTERNAL
    }
    return {
        **variables,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
        "LAMBDA_TASK_ROOT": str(code_directory),
        "LAMBDA_RUNTIME_DIR": str(runtime_directory),
        "LANG": "en_US.UTF-8",
        "PATH": os.defpath,
        # Neither the caller's AWS profile nor what other instances wrote is visible.
        "HOME": str(private_directory),
        "TMPDIR": str(private_directory),
        **own,
    }


def import_paths(code_directory: Path, layers: list[Path], runtime: str) -> list[Path]:
    """Return where a function imports from first: its package, then its layers, the last one winning.

    Args:
        code_directory: the unpacked package.
        layers: the unpacked layers in the order of the configuration.
        runtime: as in the configuration, for instance ``python3.11``.
    """
    folders = [f"python/lib/{runtime}/site-packages", "python"]
    return [code_directory, *(layer / folder for folder in folders for layer in reversed(layers))]
