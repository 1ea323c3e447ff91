"""The folder's modules by their own names: as a package it would be mistaken for LocalStack's own."""

from __future__ import annotations

import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[3] / "localstack"

for folder in (_FOLDER, _FOLDER / "plugins"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
