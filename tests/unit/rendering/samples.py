"""Documents and readers that several rendering tests share."""

from __future__ import annotations

import io
import re
import unicodedata
from typing import Any

from pypdf import PdfReader

from chalicelib.domain.document import Document, Section, block_texts
from chalicelib.rendering.parse_markdown import parse_markdown

RICH_MARKDOWN = """\
Sales grew from $5 million to **$12 million** in *two years*; see `growth_rate(x)` and the
[annual report](https://example.org/report?a=1&b=2), or [the method](#method).

### Findings

1. First item
2. Second item
   - nested **bullet**
   - another one
3. Third item

> A quotation
> over two lines.

| Region | Revenue | Comment |
|:-------|--------:|---------|
| Europe | 12,345 | strong in the **north** |
| Asia | \u22122 % | `n/a` |

```python
def f(x):
    return  x + 1
```

Ελληνικά, Русский, Türkçe, Tiếng Việt → ✓ • \u2013 “quoted” € ≤ … and ~~struck~~ text.
"""

HOSTILE_WORDS = "<script>alert(1)</script></title> {{7*7}} {% raw %} ${x} \x00\x07\x1b[31m \ud800 ]]> & &amp; \\ ' \" `"


def document(*markdown: str, **fields: Any) -> Document:
    """Return a Document with one section for each of ``markdown``."""
    sections = tuple(
        Section(id=f"part-{number}", title=f"Part {number}", blocks=parse_markdown(source))
        for number, source in enumerate(markdown, start=1)
    )
    values: dict[str, Any] = {
        "report_id": "rep-1",
        "title": "A title",
        "created_at": "2026-01-20T15:30:00Z",
        "model": "tiny-model-1",
        "sections": sections,
    }
    return Document(**(values | fields))


def pdf_reader(content: bytes) -> PdfReader:
    """Open a PDF strictly, so that a malformed one is an error."""
    return PdfReader(io.BytesIO(content), strict=True)


def page_texts(content: bytes) -> list[str]:
    """Return the text of every page without its running header, which the first has not, and its footer."""
    texts = [re.sub(r"[^\n]*page \d+ of \d+$", "", page.extract_text()) for page in pdf_reader(content).pages]
    return texts[:1] + [re.sub(r"[^\n]*\n$", "", text) for text in texts[1:]]


def pdf_text(content: bytes) -> str:
    """Return the text of all pages without their headers and footers, white space collapsed."""
    return " ".join(" ".join(page_texts(content)).split())


def words_of(document: Document) -> list[str]:
    """Return the words of all sections as a PDF shows them, in reading order."""
    texts = [text for section in document.sections for text in (section.title, *block_texts(section.blocks))]
    return unicodedata.normalize("NFC", " ".join(texts)).split()


def is_subsequence(words: list[str], text: str) -> bool:
    """Tell whether ``words`` occur in ``text`` in their order; others may stand between them."""
    position = 0
    for word in words:
        position = text.find(word, position)
        if position < 0:
            return False
        position += len(word)
    return True
