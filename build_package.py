"""Builds the Lambda package with Chalice and refuses one that lacks a dependency.

Chalice prints "Could not install dependencies" and goes on when no wheel fits
Lambda; here that is an error. The package is dist/deployment.zip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
DIST = ROOT / "dist"
# AWS takes no more than this when unzipped, in bytes.
MAX_UNZIPPED = 250 * 1024 * 1024
# One module of each runtime requirement: what must be importable in the package.
REQUIRED = (
    "boto3",
    "botocore",
    "fpdf",
    "jinja2",
    "markdown_it",
    "openai",
    "pydantic",
    "pydantic_core",
    "pymupdf_fonts",
    "fontTools",
)


class PackageError(Exception):
    """The package could not be built whole."""


def copy_sources(target: Path) -> None:
    """Copy what belongs into the package to ``target``: Chalice packages a whole project folder."""
    for name in ("app.py", "requirements.txt"):
        shutil.copy2(ROOT / name, target / name)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in ("chalicelib", ".chalice"):
        shutil.copytree(ROOT / name, target / name, ignore=ignored)


def run_chalice(project: Path, output: Path) -> None:
    """Run ``chalice package`` and treat its warning about dependencies as the error it is.

    Raises:
        PackageError: it failed, or left a dependency out.
    """
    # The region only goes into the description that Chalice writes beside the package.
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1"}
    command = [str(Path(sys.executable).parent / "chalice"), "package", "--pkg-format", "terraform", str(output)]
    found = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    said = found.stdout + found.stderr
    if found.returncode != 0 or "Could not install dependencies" in said:
        raise PackageError(f"chalice could not package every dependency:\n{said}")


def check(package: Path) -> int:
    """Return the unzipped size of the package in bytes.

    Raises:
        PackageError: a required module is missing, or the package is too large for Lambda.
    """
    with zipfile.ZipFile(package) as archive:
        top = {Path(name).parts[0] for name in archive.namelist()}
        size = sum(entry.file_size for entry in archive.infolist())
    missing = [module for module in REQUIRED if module not in top]
    if missing:
        raise PackageError(f"the package lacks {', '.join(missing)}")
    if size > MAX_UNZIPPED:
        raise PackageError(f"the package is {size / 1e6:.0f} MB unzipped; Lambda takes {MAX_UNZIPPED / 1e6:.0f} MB")
    return size


def main() -> int:
    """Build dist/deployment.zip; return the exit status."""
    print("==> packaging with Chalice (downloads the wheels that fit Lambda; a few minutes)", flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        project, output = Path(folder) / "project", Path(folder) / "output"
        project.mkdir()
        copy_sources(project)
        try:
            run_chalice(project, output)
            size = check(output / "deployment.zip")
        except PackageError as error:
            print(f"error: {error}", file=sys.stderr)  # noqa: T201
            return 1
        DIST.mkdir(exist_ok=True)
        shutil.move(output / "deployment.zip", DIST / "deployment.zip")
    zipped = (DIST / "deployment.zip").stat().st_size
    print(f"dist/deployment.zip: {zipped / 1e6:.1f} MB zipped, {size / 1e6:.1f} MB unzipped")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
