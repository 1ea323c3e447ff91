"""Makes ``.venv-localstack`` with LocalStack and the plugins: ``python3 localstack/install.py``.

Does nothing when it is up to date already. Needs nothing but the standard library.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent
ENVIRONMENT: Final = FOLDER.parent / ".venv-localstack"
REQUIREMENTS: Final = FOLDER / "requirements.txt"
PLUGINS: Final = FOLDER / "plugins"

PYTHON_VERSION: Final = "3.11"
"""What the locked LocalStack runs on; functions run on it as well, so it is also the Lambda runtime."""

PREBUILT: Final = ENVIRONMENT / "prebuilt" / "usr" / "lib" / "localstack"
"""What LocalStack calls its static libraries; the launcher links it into each state directory."""

_STAMP: Final = ENVIRONMENT / ".installed"
_ASK_VERSION: Final = "import sys; print('%d.%d' % sys.version_info[:2])"


class InstallError(Exception):
    """It cannot be installed; the message is for the person at the terminal."""


def find_python() -> str:
    """Return the path of a Python of the version that LocalStack needs.

    Raises:
        InstallError: there is none.
    """
    for candidate in _candidates():
        if _version_of(candidate) == PYTHON_VERSION:
            return candidate
    raise InstallError(
        f"LocalStack needs Python {PYTHON_VERSION}, and none was found. Install it (with its venv module), or name "
        f"one with: PYTHON_FOR_LOCALSTACK=/path/to/python{PYTHON_VERSION}"
    )


def is_current() -> bool:
    """Tell whether everything is installed as the files in this folder say."""
    return _STAMP.exists() and _STAMP.read_text() == _wanted()


def install() -> None:
    """Make the environment anew.

    Raises:
        InstallError: there is no suitable Python, or a step failed; its own output came before.
    """
    python = find_python()
    if ENVIRONMENT.exists() and not (ENVIRONMENT / "pyvenv.cfg").exists() and any(ENVIRONMENT.iterdir()):
        raise InstallError(f"{ENVIRONMENT} is not a virtual environment; move it away")
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    _run([python, "-m", "venv", str(ENVIRONMENT)])
    _run([*pip, "-r", str(REQUIREMENTS)])
    # Editable: the plugins read a file of the project, and a change in them works at the next start.
    _run([*pip, "--no-deps", "-e", str(PLUGINS)])
    _prebuild_service_catalog()
    _STAMP.write_text(_wanted())


def _candidates() -> Iterator[str]:
    if named := os.environ.get("PYTHON_FOR_LOCALSTACK"):
        yield named
        return
    # Of a virtual environment the Python it was made with, which stays when the environment goes.
    yield os.path.realpath(sys.executable)
    if found := shutil.which(f"python{PYTHON_VERSION}"):
        yield found
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        yield os.path.join(folder, f"python{PYTHON_VERSION}")


def _version_of(python: str) -> str | None:
    """Ask a Python for its version; None when it does not run (a version manager's shim may not)."""
    try:
        answer = subprocess.run([python, "-I", "-c", _ASK_VERSION], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def _wanted() -> str:
    digest = hashlib.sha256()
    for file in (REQUIREMENTS, PLUGINS / "pyproject.toml"):
        digest.update(file.read_bytes())
    # An editable install points to this folder, wherever it lies.
    digest.update(str(FOLDER).encode())
    return digest.hexdigest()


def _prebuild_service_catalog() -> None:
    """Make the index of all AWS services, which would cost every start's first call five seconds and more."""
    PREBUILT.mkdir(parents=True)
    root = ENVIRONMENT / "prebuilt"
    # -P: the folder that this file lies in is called like LocalStack's package.
    command = [str(ENVIRONMENT / "bin" / "python"), "-P", "-m", "localstack.aws.spec"]
    _run(command, {"FILESYSTEM_ROOT": str(root), "HOME": str(root), "OVERRIDE_IN_DOCKER": "0"})


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    status = subprocess.run(command, cwd=FOLDER.parent, env=environment, check=False).returncode
    if status != 0:
        raise InstallError(f"this failed with status {status}: {' '.join(command)}")


def main() -> int:
    """Install if needed; return the exit status."""
    if is_current():
        return 0
    print(f"==> installing LocalStack into {ENVIRONMENT.name} (about two minutes and 520 MB, once)", flush=True)
    started = time.monotonic()
    try:
        install()
    except InstallError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"==> LocalStack is installed after {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
