"""Reads a document of a stranger in a process of its own, with bounds on its time and memory.

That process is given nothing but the file: no credentials, no settings.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chalicelib.domain.honey_jar import DocumentFormat
from chalicelib.knowledge.blocks import ReadDocument, UnreadableError

_MB: Final = 1024 * 1024


@dataclass(frozen=True)
class Bounds:
    """How long the reading of a document may take, and how much memory, in MB."""

    seconds: float = 180.0
    memory_mb: int = 1_200


BOUNDS: Final = Bounds()


def read_document(content: bytes, document_format: DocumentFormat, bounds: Bounds = BOUNDS) -> ReadDocument:
    """Return a document's text.

    Args:
        content: the file.
        document_format: what it is read as.
        bounds: what reading it may take.

    Raises:
        UnreadableError: it cannot be read, or not within these bounds.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "text.json"
        source.write_bytes(content)
        command = [
            *(sys.executable, "-m", "chalicelib.knowledge.reading_child", document_format, str(source), str(target)),
            *(str(bounds.memory_mb * _MB), str(math.ceil(bounds.seconds))),
        ]
        # The packages lie where this process found them; Lambda has them in no place that Python knows by itself.
        environment = {
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
            "PYTHONIOENCODING": "utf-8",
            "TMPDIR": folder,
        }
        try:
            found = subprocess.run(  # noqa: S603 - our own program, with paths of our own
                command, env=environment, cwd=folder, capture_output=True, timeout=bounds.seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise _takes_too_long(bounds) from None
        if found.returncode == 0 and target.is_file():
            return _result(target)
        # What is over is told by a signal: the processor's time, or memory that a library did not ask Python for.
        if found.returncode in (-24, -9):
            raise _takes_too_long(bounds)
        if b"MemoryError" in found.stderr or found.returncode in (-6, -11):
            raise UnreadableError("too_large", "Reading the document takes more memory than there is for one.")
        raise UnreadableError("damaged", "The file is damaged and cannot be read.")


def _takes_too_long(bounds: Bounds) -> UnreadableError:
    return UnreadableError("timeout", f"Reading the document took longer than {bounds.seconds:g} seconds.")


def _result(target: Path) -> ReadDocument:
    said = json.loads(target.read_text("utf-8"))
    if "problem" in said:
        raise UnreadableError(said["problem"], said["message"])
    return ReadDocument.from_json(said)
