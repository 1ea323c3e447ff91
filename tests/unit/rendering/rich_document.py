"""A Document with every kind of node, more than once where that matters."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    Citation,
    Document,
    Footnote,
    FootnoteMark,
    Paragraph,
    Reference,
    Section,
    Text,
)
from chalicelib.rendering.parse_markdown import parse_markdown
from tests.unit.rendering.samples import RICH_MARKDOWN


def chart(kind: str, **fields: Any) -> str:
    """Return a chart of three labels as it is written in Markdown."""
    series: list[dict[str, Any]] = [{"name": "North", "values": [1234.5, None, 3]}]
    if kind != "donut":
        series.append({"name": "South", "values": [2, 5 if kind == "stacked_bar" else -7, 4]})
    described = {"type": kind, "title": f"Sales as {kind}", "labels": ["Q1", "Q2", "Q3"], "series": series} | fields
    return f"```chart\n{json.dumps(described)}\n```"


FIGURES = f"""
### Charts

{chart("bar", unit="million EUR")}

Figure: Sales of *both* regions

{chart("stacked_bar")}

{chart("line", unit="%")}

{chart("donut")}

### Tables

| Name | Count |
|------|------:|
| a    | 1     |

Table: A captioned table

```python
print("x")
```

Listing: A captioned listing

> ### A quoted heading
>
> 1. nested
>    - list
>
>      with a paragraph
>
>      | in | it |
>      |----|----|
>      | a  | b  |
>
>      Table: A table in a list in a quotation

---

See [the table](#table-1), [this section](#details) and [nothing](#nowhere).
"""


def _calls() -> tuple[Block, ...]:
    return (
        Paragraph(
            children=(
                Text(text="Noted"),
                FootnoteMark(id="first"),
                Text(text=", again"),
                FootnoteMark(id="first"),
                Text(text=", elsewhere"),
                FootnoteMark(id="second"),
                Text(text=", missing"),
                FootnoteMark(id="gone"),
                Text(text=". Cited "),
                Citation(number=1),
                Text(text=" and "),
                Citation(number=1),
                Text(text=", uncertain"),
                Citation(number=7),
                Text(text="."),
            )
        ),
        BlockQuote(children=()),
    )


def rich_document(**fields: Any) -> Document:
    """Return the document; ``fields`` replace its own."""
    values: dict[str, Any] = {
        "report_id": "rep-1",
        "title": "A title",
        "description": "What it is about",
        "template_name": "Basic",
        "style": "technical",
        "language": "en-GB",
        "created_at": "2026-01-20T15:30:00Z",
        "model": "tiny-model-1",
        "author": "Ann Author",
        "subject": "A subject",
        "keywords": ("one", "two"),
        "notices": ("Beware.",),
        "sections": (
            Section(id="summary", title="Summary", blocks=parse_markdown(RICH_MARKDOWN)),
            Section(id="details", title="Details & more", blocks=(*parse_markdown(FIGURES), *_calls())),
            Section(
                id="x y", title="\u0645\u0631\u062d\u0628\u0627", blocks=parse_markdown("\u05e9\u05dc\u05d5\u05dd 123")
            ),
        ),
        "footnotes": (
            Footnote(
                id="second", children=(Paragraph(children=(Text(text="It has a note"), FootnoteMark(id="third"))),)
            ),
            Footnote(
                id="first", children=parse_markdown("A note with [a link](https://example.org/n).\n\n- and\n- a list")
            ),
            Footnote(id="third", children=parse_markdown("called by a note")),
            Footnote(id="fourth", children=parse_markdown("nobody calls this one")),
        ),
        "references": (
            Reference(number=1, title="A source", href="https://example.org/s?a=1&b=2", detail="page 3"),
            Reference(number=2, title="An uncited source", href="not an address"),
        ),
    }
    return Document(**(values | fields))
