"""The API's cold start does not pay for writing and rendering."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "openai",
    "fpdf",
    "uharfbuzz",
    "fontTools",
    "PIL",
    "markdown_it",
    "numpy",
    "jinja2",
    "httpx2",
    "moto",
    "pydantic",
    "cryptography",
    "names",
    "phonenumbers",
    "stdnum",
    "chalicelib.privacy",
)


def test_importing_the_app_loads_no_writing_or_rendering_library() -> None:
    program = f"import sys, app; print([m for m in {HEAVY!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
