"""Text that tries to be something else: no format crashes, runs it, loses it, or opens what it names."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.document import (
    BlockQuote,
    CodeBlock,
    Document,
    Footnote,
    FootnoteMark,
    ListBlock,
    ListItem,
    Paragraph,
    Reference,
    Section,
    Strong,
    Table,
    TableCell,
    Text,
)
from chalicelib.domain.output_format import OUTPUT_FORMATS, OutputFormat
from chalicelib.rendering.render import render
from chalicelib.rendering.render_markdown import render_markdown
from tests.unit.rendering.format_texts import TEXT_OF, squeezed
from tests.unit.rendering.samples import document

every_format = pytest.mark.parametrize("output_format", OUTPUT_FORMATS)

MARKUP = "<script>alert(1)</script></title></style><!--{{7*7}}{%raw%}${x}]]><![CDATA[&lt;\"'"
CONTROLS = "".join(map(chr, (*range(9), 11, 12, *range(14, 32), *range(127, 160)))) + "\ud800\udfff\ufffe\uffff"


def everywhere(text: str) -> Document:
    """Return a document that has ``text`` wherever a text can be."""
    words = (Text(text=text),)
    name = text.encode(errors="ignore").decode()
    cell = TableCell(children=words)
    chart: dict[str, Any] = {
        "kind": "chart",
        "type": "bar",
        "title": text,
        "labels": [text],
        "series": [{"name": text, "values": [1]}],
        "unit": text,
    }
    figure: dict[str, Any] = {
        "kind": "figure",
        "id": name,
        "caption": [{"kind": "text", "text": text}],
        "content": chart,
    }
    blocks: tuple[Any, ...] = (
        Paragraph(children=(*words, FootnoteMark(id=name))),
        CodeBlock(text=text, language=text),
        Table(header=(cell,), alignments=("left",), rows=((cell,),)),
        figure,
    )
    return Document(
        report_id=text,
        title=text,
        description=text,
        template_name=text,
        style=text,
        language=text,
        created_at=text,
        model=text,
        notices=(text,),
        sections=(Section(id=text, title=text, blocks=blocks), Section(id=text, title=text, blocks=())),
        author=text,
        subject=text,
        keywords=(text,),
        footnotes=(Footnote(id=name, children=(Paragraph(children=words),)),),
        references=(Reference(number=1, title=text, href=text, detail=text),),
    )


def shown(written: Document, output_format: OutputFormat) -> str:
    return squeezed(TEXT_OF[output_format](render(written, output_format).content))


@every_format
def test_markup_everywhere_is_text(output_format: OutputFormat) -> None:
    content = render(everywhere(MARKUP), output_format).content
    if output_format == "html":
        assert b"<script" not in content
        # The page has a title, and so has every chart.
        assert content.count(b"</title>") == 1 + content.count(b"<svg")
        assert content.count(b"</style>") == 1
    text = squeezed(TEXT_OF[output_format](content))
    if output_format == "md":
        text = text.replace("\\", "")
    assert "49" not in text
    assert text.count("{{7*7}}{%raw%}${x}") >= 10
    assert text.count("<script>alert(1)</script></title></style>") >= 10


@every_format
def test_characters_that_no_file_may_hold_are_left_out_and_their_neighbours_stay(output_format: OutputFormat) -> None:
    content = render(everywhere(f"left{CONTROLS}right"), output_format).content
    text = TEXT_OF[output_format](content)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]", text)
    assert len(re.findall("left\ufffd*\\s*\ufffd*right", text)) >= 10


@every_format
def test_a_word_of_5000_characters_stays_whole(output_format: OutputFormat) -> None:
    word = "".join(chr(97 + number % 26) for number in range(5000))
    # A header as tall as this one does not stand again where its table goes on.
    written = document(word, f"| {word} |\n|---|\n| {word} |", title=word)
    assert shown(written, output_format).count(word) >= 4


@every_format
def test_a_table_of_200_columns_keeps_every_cell(output_format: OutputFormat) -> None:
    cells = tuple(TableCell(children=(Text(text=f"c{number:03}"),)) for number in range(200))
    table = Table(header=cells, alignments=("right",) * 200, rows=(cells,) * 3)
    text = shown(document(sections=(Section(id="s", title="S", blocks=(table,)),)), output_format)
    assert all(text.count(f"c{number:03}") >= 4 for number in range(200))


@every_format
def test_a_table_of_10000_rows_keeps_every_row(output_format: OutputFormat) -> None:
    rows = tuple((TableCell(children=(Text(text=f"r{number:05}"),)),) for number in range(10_000))
    header = (TableCell(children=(Text(text="row"),)),)
    table = Table(header=header, alignments=("left",), rows=rows)
    text = shown(document(sections=(Section(id="s", title="S", blocks=(table,)),)), output_format)
    assert len(set(re.findall(r"r\d{5}", text))) == 10_000


@every_format
@pytest.mark.parametrize("kind", ["quotations", "lists", "both"])
def test_deep_nesting_loses_nothing(kind: str, output_format: OutputFormat) -> None:
    block: Any = Paragraph(children=(Text(text="innermost"),))
    for depth in range(30):
        says = Paragraph(children=(Text(text=f"level{depth:02}"),))
        if kind == "lists" or (kind == "both" and depth % 2):
            block = ListBlock(ordered=bool(depth % 3), items=(ListItem(children=(says, block)),))
        else:
            block = BlockQuote(children=(says, block))
    stored = document(sections=(Section(id="s", title="S", blocks=(block,)),)).model_dump_json()
    text = shown(Document.model_validate_json(stored), output_format)
    assert "innermost" in text
    assert all(f"level{depth:02}" in text for depth in range(30))


@every_format
def test_deep_marks_lose_nothing(output_format: OutputFormat) -> None:
    node: Any = Text(text="innermost")
    for _ in range(60):
        node = Strong(children=(node,))
    written = document(sections=(Section(id="s", title="S", blocks=(Paragraph(children=(node,)),)),))
    assert "innermost" in shown(Document.model_validate_json(written.model_dump_json()), output_format)


# Rendered in a process of its own, which notes every file that it opens and every address that it turns to.
WATCHED = """
import json, sys
from pathlib import Path
from chalicelib.rendering.render import render
from chalicelib.domain.document import Document

seen = []
def note(event, arguments):
    if event in ("open", "os.open", "os.listdir", "socket.connect", "socket.getaddrinfo", "subprocess.Popen"):
        seen.append(f"{event} {arguments[:2]!r}")
sys.addaudithook(note)
document = Document.model_validate_json(sys.stdin.read())
for output_format in sys.argv[2:]:
    render(document, output_format)
open(sys.argv[1]).close()
print(json.dumps(seen))
"""


def test_no_address_and_no_path_in_a_text_is_opened(tmp_path: Path) -> None:
    bait = tmp_path / "bait.png"
    bait.write_bytes(b"\x89PNG\r\n\x1a\n")
    control = tmp_path / "opened-by-the-test"
    control.write_text("")
    addresses = ["http://127.0.0.1:9/bait.png", f"file://{bait}", str(bait), "//127.0.0.1:9/bait.png", "data:,bait"]
    source = "\n\n".join(
        f"![p]({address}) [l]({address}) <img src='{address}'> <{address}>\n\n[r]: {address}\n\n{address}"
        for address in addresses
    )
    written = document(
        source,
        references=tuple(Reference(number=n, title="t", href=a) for n, a in enumerate(addresses, start=1)),
    )
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(control), *OUTPUT_FORMATS],
        input=written.model_dump_json(),
        capture_output=True,
        text=True,
        check=True,
    )
    seen: list[str] = json.loads(done.stdout)
    assert any(control.name in event for event in seen), "the watcher sees nothing"
    assert [event for event in seen if "bait" in event or not event.startswith(("open", "os."))] == []


def test_what_would_be_fetched_is_a_link() -> None:
    text = render_markdown(document("![picture](http://example.org/p.png)")).decode()
    assert "[picture](http://example.org/p.png)" in text
    assert "!" not in text
