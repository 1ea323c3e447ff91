"""The folder with what Lambda's own Python runtime brings besides the standard library."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

RUNTIME_MODULES: Final = (
    "awslambdaric",
    "runtime_client",
    "simplejson",
    "snapshot_restore_py",
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "dateutil",
    "urllib3",
    "six",
)
"""The client of the Runtime API and, as on AWS, an SDK for functions that do not bring their own."""


def make_runtime_folder(folder: Path) -> None:
    """Link the runtime's modules, and none of the others installed beside them, into ``folder``.

    Raises:
        ModuleNotFoundError: one of them is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in RUNTIME_MODULES:
        source = _location(name)
        link = folder / source.name
        if not link.is_symlink():
            link.symlink_to(source)


def _location(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed beside LocalStack")
    origin = Path(found.origin)
    return origin.parent if found.submodule_search_locations else origin
