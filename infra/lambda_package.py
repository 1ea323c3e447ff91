"""What a Lambda package holds: trimmed, compiled, accounted for, and written as the same bytes every time.

Every function works on a folder with the unzipped package in it.
"""

from __future__ import annotations

import ast
import csv
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.utils import canonicalize_name

OWN_CODE: Final = "this project"
CHALICE: Final = "chalice, its runtime"
# What belongs to no distribution: our own code, and what Chalice adds to it.
_WITHOUT_RECORD: Final = {"app.py": OWN_CODE, "chalicelib": OWN_CODE, "chalice": CHALICE}

# Where Lambda unzips a package: tracebacks name the files as they are there.
_LAMBDA_FOLDER: Final = "/var/task"

# What a compiler or a type checker reads, and nothing that runs.
_NEVER_RUN: Final = frozenset({".c", ".h", ".pxd", ".pyi", ".pyx"})

# The earliest moment that a zip file can express.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


class PackageError(Exception):
    """The package could not be built whole."""


def files_of(folder: Path) -> Iterator[PurePosixPath]:
    """Yield the path of every file below ``folder``, relative to it and sorted."""
    yield from sorted(PurePosixPath(p.relative_to(folder).as_posix()) for p in folder.rglob("*") if p.is_file())


def called_services(source: Path) -> frozenset[str]:
    """Return the AWS services of the clients that the code below ``source`` makes.

    Raises:
        PackageError: a client's service is not written down where the client is made.
    """
    found = set()
    for file in sorted(source.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if ast.unparse(node.func) not in ("boto3.client", "boto3.resource"):
                continue
            service = node.args[0] if node.args else None
            if not (isinstance(service, ast.Constant) and isinstance(service.value, str)):
                raise PackageError(f"{file.name}:{node.lineno}: name the AWS service here, so that the package has it")
            found.add(service.value)
    return frozenset(found)


def drop_what_never_runs(folder: Path, services: Collection[str]) -> None:
    """Remove descriptions of AWS services that are not called, and what only builds and checks read.

    Raises:
        PackageError: botocore has no description of one of ``services``.
    """
    descriptions = folder / "botocore" / "data"
    unknown = sorted(service for service in services if not (descriptions / service).is_dir())
    if unknown:
        raise PackageError(f"botocore does not know {', '.join(unknown)}")
    for entry in list(descriptions.iterdir()):
        if entry.is_dir() and entry.name not in services:
            shutil.rmtree(entry)
    # Scripts and manual pages, which an installer would put elsewhere.
    for leftover in list(folder.glob("*.data")):
        shutil.rmtree(leftover)
    for path in list(files_of(folder)):
        if path.suffix in _NEVER_RUN:
            (folder / path).unlink()


def compile_bytecode(folder: Path) -> None:
    """Compile every module for this Python, once and for all.

    Lambda cannot write beside the code, so it would compile each imported module again on every
    cold start. The bytecode is unchecked: the zip keeps no times that it could be checked with.

    Raises:
        PackageError: a module does not compile.
    """
    command = [
        *(sys.executable, "-S", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"),
        *("-s", str(folder), "-p", _LAMBDA_FOLDER, str(folder)),
    ]
    # A fixed order of everything hashed: the same source gives the same bytes.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if found.returncode != 0:
        raise PackageError(f"not everything compiles:\n{found.stdout}{found.stderr}")


def _recorded(folder: Path) -> dict[str, str]:
    """Return which distribution brought each file, by the RECORD of each."""
    owners = {}
    for record in sorted(folder.glob("*.dist-info/RECORD")):
        name, _, version = record.parent.name.removesuffix(".dist-info").partition("-")
        with record.open(encoding="utf-8", newline="") as rows:
            owners.update({row[0]: f"{canonicalize_name(name)} {version}" for row in csv.reader(rows) if row})
    return owners


def _source(path: PurePosixPath) -> str:
    """Return the module that a file was compiled from, or the file itself."""
    return importlib.util.source_from_cache(str(path)) if path.parent.name == "__pycache__" else str(path)


def sizes(folder: Path) -> dict[str, Counter[str]]:
    """Return the bytes of each top-level entry, by the distribution ("name version") that brought it.

    Raises:
        PackageError: nothing that belongs into the package brought a file.
    """
    owners = _recorded(folder)
    found: dict[str, Counter[str]] = {}
    strangers = []
    for path in files_of(folder):
        # Bytecode counts as part of its module.
        source = _source(path)
        top = PurePosixPath(source).parts[0]
        owner = owners.get(source) or _WITHOUT_RECORD.get(top)
        if owner is None:
            strangers.append(str(path))
            continue
        found.setdefault(owner, Counter())[top] += (folder / path).stat().st_size
    if strangers:
        raise PackageError(f"no requirement brought {', '.join(strangers[:5])}")
    return found


def write_zip(folder: Path, target: Path) -> None:
    """Write ``folder`` to the zip file ``target``: sorted, without times, in one step.

    The same files give the same bytes, so that a rebuilt package is no change to deploy; and who
    reads ``target`` meanwhile has the old package or the new one, whole.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as made:
        try:
            with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
                for path in files_of(folder):
                    entry = zipfile.ZipInfo(str(path), _EPOCH)
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    entry.create_system = 3  # Unix, so that the permissions count.
                    entry.external_attr = 0o100644 << 16
                    archive.writestr(entry, (folder / path).read_bytes(), compresslevel=9)
            made.flush()
            Path(made.name).chmod(0o644)
            Path(made.name).replace(target)
        except BaseException:
            Path(made.name).unlink(missing_ok=True)
            raise
