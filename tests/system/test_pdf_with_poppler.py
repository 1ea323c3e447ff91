"""PDFs read by a reader that is not ours: Poppler (Debian package poppler-utils). A missing tool is a failure."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from chalicelib.domain.document import Document, Section, block_texts
from chalicelib.rendering.parse_markdown import parse_markdown
from chalicelib.rendering.render import render

pytestmark = pytest.mark.system

MARKDOWN = """
Zero trust means that **no network** is trusted. Ελληνικά, Русский, naïve façade, 5 ≤ 6 → done.

1. First step
2. Second step
   - nested item

| System | Risk | Cost |
|:-------|:----:|-----:|
| PLC    | high | $5 million |
| HMI    | low  | $12 million |

```python
def check(host):
    return host in ALLOWED
```

> A quotation with a [link](https://example.com/page).
"""


@pytest.fixture(scope="module")
def pdf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    document = Document(
        report_id="991a8dca-b90c-406d-9a64-dcc9b1bec33c",
        title="Größe & <Maß>",
        created_at="2026-01-20T15:30:00.000000Z",
        model="scripted-model",
        sections=(
            Section(id="one", title="First part", blocks=parse_markdown(MARKDOWN)),
            Section(id="two", title="Second part", blocks=parse_markdown("More text.\n\n" * 200)),
        ),
    )
    path = tmp_path_factory.mktemp("pdf") / "report.pdf"
    path.write_bytes(render(document, "pdf").content)
    return path


def poppler(*command: str) -> str:
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stderr == "", "Poppler complains about the file"
    return found.stdout


def test_the_text_comes_out_whole_and_in_order(pdf: Path) -> None:
    words = " ".join(poppler("pdftotext", "-layout", str(pdf), "-").split())
    missing = [w for text in block_texts(parse_markdown(MARKDOWN)) for w in text.split() if w not in words]
    assert missing == []
    order = [words.index(w) for w in ("trusted.", "First step", "PLC", "ALLOWED", "quotation", "More text.")]
    assert order == sorted(order)
    for expected in ("Größe & <Maß>", "First part", "scripted-model", "Ελληνικά, Русский", "return host in ALLOWED"):
        assert expected in words


def test_the_files_information_is_true(pdf: Path) -> None:
    information = dict(re.findall(r"^([A-Za-z ]+):\s+(.*)$", poppler("pdfinfo", str(pdf)), re.MULTILINE))
    assert information["Title"] == "Größe & <Maß>"
    assert int(information["Pages"]) >= 3
    assert "A4" in information["Page size"]


def test_every_font_is_embedded(pdf: Path) -> None:
    rows = poppler("pdffonts", str(pdf)).splitlines()[2:]
    assert rows
    assert all(row.split()[-5] == "yes" for row in rows), rows


def test_every_page_can_be_drawn(pdf: Path, tmp_path: Path) -> None:
    poppler("pdftoppm", "-r", "40", "-png", str(pdf), str(tmp_path / "page"))
    pages = sorted(tmp_path.glob("page*.png"))
    assert len(pages) >= 3
    assert all(page.stat().st_size > 1000 for page in pages)
