"""Whatever a text holds, a PDF of it is made in bounded time, loses nothing and opens nothing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    CodeBlock,
    Document,
    ListBlock,
    ListItem,
    Paragraph,
    Reference,
    Section,
    Table,
    TableCell,
    Text,
)
from chalicelib.rendering.render_pdf import render_pdf
from tests.unit.rendering.pdf_conformance import violations
from tests.unit.rendering.samples import document, pdf_reader, pdf_text


def squeezed(text: str) -> str:
    return "".join(text.split())


def cells(*texts: str) -> tuple[TableCell, ...]:
    return tuple(TableCell(children=(Text(text=text),)) for text in texts)


def table(columns: int, rows: int) -> Table:
    return Table(
        header=cells(*(f"h{n}." for n in range(columns))),
        alignments=("left",) * columns,
        rows=tuple(cells(*(f"r{row}c{n}." for n in range(columns))) for row in range(rows)),
    )


def with_blocks(*blocks: Block) -> Document:
    return document(sections=(Section(id="s", title="S", blocks=blocks), Section(id="t", title="T", blocks=())))


class Listener:
    """A web server that only notes who connects."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.heard = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.heard += 1
            connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


def test_no_address_in_a_text_is_opened(listener: Listener) -> None:
    url = f"http://127.0.0.1:{listener.port}/x.png"
    source = (
        f"![picture]({url}) <{url}> [l]({url})\n\n<img src='{url}'>\n\n![]({url})\n\n| ![a]({url}) |\n|---|\n| {url} |"
    )
    reference = Reference(number=1, title=url, href=url)
    made = document(source, f"@import url({url})", title=url, description=url, references=(reference,))
    content = render_pdf(made).content
    assert pdf_text(content).count(url) >= 5
    socket.create_connection(("127.0.0.1", listener.port)).close()  # the listener does listen
    deadline = time.monotonic() + 5
    while not listener.heard and time.monotonic() < deadline:
        time.sleep(0.01)
    assert listener.heard == 1


def test_no_file_named_in_a_text_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "![p](/etc/hostname) ![q](file:///etc/hostname) [r](../../etc/passwd)"
    render_pdf(document(source))  # fonts are read now
    opened: list[str] = []
    real = open

    def watched(file: object, *args: object, **kwargs: object) -> object:
        opened.append(str(file))
        return real(file, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr("builtins.open", watched)
    content = render_pdf(document(source)).content
    assert not [name for name in opened if "etc" in name]
    assert "/etc/hostname" in pdf_text(content)


def test_a_hundred_and_more_levels_of_nesting_keep_their_text() -> None:
    block: Block = Paragraph(children=(Text(text="needle in the deep"),))
    for level in range(150):
        holder = ListItem(children=(block,))
        block = BlockQuote(children=(block,)) if level % 2 else ListBlock(ordered=level % 4 == 0, items=(holder,))
    content = render_pdf(with_blocks(block)).content
    assert "needle in the deep" in pdf_text(content)


def test_two_hundred_columns_keep_every_cell() -> None:
    text = pdf_text(render_pdf(with_blocks(table(200, 3))).content)
    assert all(f"h{n}." in text for n in range(200))
    assert all(f"r{row}c{n}." in text for row in range(3) for n in range(200))


def test_words_of_five_thousand_characters_are_cut_in_every_place() -> None:
    word = "".join(chr(97 + n % 26) for n in range(5000))
    blocks = (
        f"### {word}",
        word,
        f"- {word}",
        f"> {word}",
        f"```\n{word}\n```",
        f"| {word} | b |\n|---|---|\n| {word} | x |",
    )
    made = document(
        "\n\n".join(blocks),
        word,
        title=word,
        description=word,
        notices=(word,),
        references=(Reference(number=1, title=word, detail=word),),
    )
    content = render_pdf(made).content
    assert squeezed(pdf_text(content)).count(word) >= 8
    assert violations(content) == []


CONTROLS = "".join(map(chr, range(32))) + "\x7f\x85\u2028\u2029\ufeff\ufffe\u202e\u200b\ud800"


def test_control_characters_never_reach_the_file() -> None:
    text = f"before{CONTROLS}after"
    made = with_blocks(
        Paragraph(children=(Text(text=text),)),
        CodeBlock(text=text),
        Table(header=cells(text), alignments=("left",), rows=(cells(text),)),
    ).model_copy(update={"title": text, "description": text, "author": text, "keywords": (text,), "language": text})
    content = render_pdf(made).content
    assert violations(content) == []
    shown = pdf_text(content)
    assert "before" in shown
    assert not set(shown) & set(map(chr, range(32)))


@pytest.mark.parametrize(
    "title", ["</title><script>", "(((", ")))", "\\", "%PDF", "{{7*7}}", "]]>", "\N{PILE OF POO}" * 50]
)
def test_titles_that_mean_something_in_pdf_or_xml_are_titles(title: str) -> None:
    content = render_pdf(document("a", "b", title=title, author=title, keywords=(title,))).content
    assert violations(content) == []
    assert pdf_reader(content).metadata.title == title  # type: ignore[union-attr]
