"""Which renderers made a file: another version may make another file from the same tree."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from chalicelib.rendering.theme import Theme

_SOURCES: Final = {".py", ".j2", ".css"}
_LIBRARIES: Final = (
    *("fonttools", "fpdf2", "jinja2", "lxml", "markupsafe", "pillow", "python-docx", "regex", "uharfbuzz"),
    *("fontpkg-noto-serif", "manimgx-fonts", "manimgx-fonts-cjk", "pymupdf-fonts"),
)


def renderer_version(theme: Theme) -> str:
    """Return a digest of the renderers' sources, their libraries and ``theme``: 16 hexadecimal digits.

    Taken from the files themselves, so that nobody has to remember to count it up.
    """
    looks = hashlib.sha256(repr(theme).encode() + theme.logo).hexdigest()
    return hashlib.sha256(f"{_sources_version()} {looks}".encode()).hexdigest()[:16]


@cache
def _sources_version() -> str:
    folder = Path(__file__).parent
    # The renderers import from the domain alone, and a file that is rendered again in vain does no harm.
    sources = sorted(path for part in (folder, folder.parent / "domain") for path in part.rglob("*"))
    digest = hashlib.sha256()
    for path in (source for source in sources if source.suffix in _SOURCES):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    digest.update(" ".join(map(_library, _LIBRARIES)).encode())
    return digest.hexdigest()


def _library(name: str) -> str:
    try:
        return f"{name}=={version(name)}"
    except PackageNotFoundError:
        return f"{name}?"
