"""Finds a local mirror of Terraform's AWS provider, for machines that cannot ask the registry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

PROVIDER: Final = Path("registry.terraform.io") / "hashicorp" / "aws"

# Where software is commonly put; a mirror is looked for up to two folders below.
_ROOTS: Final = ("/opt", "/srv", "/usr/local", "/usr/local/share", "/usr/share", "/var/lib")


class MirrorError(Exception):
    """A mirror was named that is none."""


def plugin_directory(environment: Mapping[str, str]) -> str | None:
    """Return the folder of a mirror that holds the AWS provider, or None: then Terraform asks the registry.

    Args:
        environment: ``TF_PLUGIN_DIR`` names the folder; without it the common places are looked at.

    Raises:
        MirrorError: the folder that TF_PLUGIN_DIR names holds no AWS provider.
    """
    given = environment.get("TF_PLUGIN_DIR")
    if given:
        if not (Path(given) / PROVIDER).is_dir():
            raise MirrorError(f"TF_PLUGIN_DIR={given} holds no {PROVIDER}")
        return given
    for root in (*map(Path, _ROOTS), Path.home() / ".terraform.d"):
        for below in ("", "*/", "*/*/"):
            found = next(root.glob(f"{below}{PROVIDER}"), None)
            if found is not None:
                return str(found.parents[len(PROVIDER.parts) - 1])
    return None
