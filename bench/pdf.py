"""How fast a PDF is made, and in how much memory, beside three other ways to make one of the same text.

python bench/pdf.py [--check]

One run, one machine, one content: headings, paragraphs with marks, lists and tables, in Noto Sans.
What each makes is not alike: fpdf2's multi_cell sets paragraphs alone; ReportLab makes contents and
outline too, and reads the text twice for that; ours has structure, notes and running headers besides.
With --check the claims of docs/document.md that hold on any two cores decide the exit status.
"""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from fpdf import FPDF

from chalicelib.domain.document import (
    Block,
    Document,
    Heading,
    ListBlock,
    Paragraph,
    Section,
    Table,
    block_texts,
    plain_text,
    word_count,
)
from chalicelib.rendering.parse_markdown import parse_markdown
from chalicelib.rendering.pdf_fonts import font_file
from chalicelib.rendering.render_pdf import render_pdf

REPORT_WORDS: Final = 12_000
LONG_REPORT_WORDS: Final = 58_000
LEAST_REPORT_SPEED: Final = 25_000
LEAST_PROSE_SPEED: Final = 40_000
MOST_MEGABYTES: Final = 200
TABLE_ROWS: Final = (1_000, 10_000)
MOST_GROWTH: Final = 2.0

SENTENCES: Final = (
    "The service accepted %d requests and kept each of them until a worker had written it.",
    "A **slower** model needs about %d seconds for a section, while the queue stays *fair* to all.",
    "In the following quarter costs fell by %d percent, which nobody had planned; see `cost_model`.",
    "Readers asked for figures rather than adjectives, so section %d lists what was measured.",
)
TABLE: Final = """\
| Region | Requests | Share | Remark |
|:--|--:|--:|:--|
| North %d | 12,345 | 3.5 %% | grew after the second quarter |
| South %d | 1,204.5 | 12.25 %% | no change worth a remark |
| West %d | 880 | 7 %% | measured from the gateway's own log |"""
LIST: Final = """\
1. Take what was measured in week %d.
2. Leave out what had been retried.
   - Retries are counted apart.
   - So are cancelled reports.
3. Add the rest."""


def prose(number: int) -> str:
    """Return a paragraph of six sentences."""
    return " ".join(SENTENCES[(number + i) % len(SENTENCES)] % (number * 7 + i) for i in range(6))


def sections(words: int, plain: bool) -> list[str]:
    """Return the Markdown of sections with about ``words`` words in all; ``plain`` leaves only paragraphs."""
    parts: list[list[str]] = [[]]
    count = number = 0
    while count < words:
        chunk = prose(number)
        if not plain and number % 5 == 0:
            chunk = f"### Finding {number}\n\n{chunk}"
        if not plain and number % 6 == 3:
            chunk += f"\n\n{TABLE % (number, number, number)}"
        if not plain and number % 9 == 4:
            chunk += f"\n\n{LIST % number}"
        count += len(chunk.split())
        number += 1
        if len(parts[-1]) == 14:
            parts.append([])
        parts[-1].append(chunk)
    return ["\n\n".join(part) for part in parts]


def document(words: int, plain: bool = False) -> Document:
    """Return a report of about ``words`` words."""
    return Document(
        report_id="bench",
        title="A benchmark",
        created_at="2026-01-20T15:30:00Z",
        model="none",
        sections=tuple(
            Section(id=f"s{number}", title=f"Section {number}", blocks=parse_markdown(source))
            for number, source in enumerate(sections(words, plain), start=1)
        ),
    )


def long_table(rows: int) -> Document:
    """Return a report of one table of three columns."""
    lines = ["| a | b | c |", "|---|---|--:|", *(f"| row {n} | what it says | {n} |" for n in range(rows))]
    section = Section(id="s1", title="Rows", blocks=parse_markdown("\n".join(lines)))
    title, created_at = "A long table", "2026-01-20T15:30:00Z"
    return Document(report_id="bench", title=title, created_at=created_at, model="none", sections=(section,))


# The others


def with_fpdf2(report: Document) -> int:
    """Set the texts of ``report`` with FPDF.multi_cell, one font, no structure; return the number of pages."""
    pdf = FPDF(unit="pt", format="A4")
    pdf.add_font("body", "", font_file("NotoSans_Regular"))
    pdf.set_font("body", size=10)
    pdf.add_page()
    for section in report.sections:
        for text in (section.title, *block_texts(section.blocks)):
            pdf.multi_cell(0, 14.5, text, align="L", new_x="LMARGIN", new_y="NEXT")
            pdf.ln(7)
    pdf.output()
    return int(pdf.pages_count)


def with_reportlab(report: Document) -> int:
    """Set ``report`` with ReportLab's platypus: contents, outline, lists and tables; return the number of pages."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.platypus import BaseDocTemplate, Frame, PageBreak, PageTemplate, Spacer
    from reportlab.platypus import Paragraph as Words
    from reportlab.platypus import Table as Grid
    from reportlab.platypus.tableofcontents import TableOfContents

    for name in ("Regular", "Bold", "Italic", "BoldItalic"):
        pdfmetrics.registerFont(TTFont(f"Noto{name}", str(font_file(f"NotoSans_{name}"))))
    pdfmetrics.registerFontFamily(
        "NotoRegular", normal="NotoRegular", bold="NotoBold", italic="NotoItalic", boldItalic="NotoBoldItalic"
    )
    body = ParagraphStyle("body", fontName="NotoRegular", fontSize=10, leading=14.5, spaceAfter=7)
    headings = [ParagraphStyle(f"h{n}", parent=body, fontName="NotoBold", fontSize=17 - 4 * n) for n in range(2)]

    class Template(BaseDocTemplate):
        def afterFlowable(self, flowable: Any) -> None:  # noqa: N802 - ReportLab's name
            level = getattr(flowable, "level", None)
            if level is not None:
                text, key = flowable.getPlainText(), f"k{id(flowable)}"
                self.canv.bookmarkPage(key)
                self.canv.addOutlineEntry(text, key, level)
                self.notify("TOCEntry", (level, text, self.page, key))

    def heading(text: str, level: int) -> Any:
        made = Words(escape(text), headings[level])
        made.level = level
        return made

    def flowables(blocks: tuple[Block, ...]) -> list[Any]:
        made: list[Any] = []
        for block in blocks:
            if isinstance(block, Heading):
                made.append(heading(plain_text(block.children), 1))
            elif isinstance(block, Paragraph):
                made.append(Words(_markup(block, ("<b>", "</b>", "<i>", "</i>", "", "")), body))
            elif isinstance(block, ListBlock):
                for number, item in enumerate(block.items, start=1):
                    made += [Words(f"{number}.", body), *flowables(item.children)]
            elif isinstance(block, Table):
                rows = [
                    [Words(escape(plain_text(c.children)), body) for c in row] for row in (block.header, *block.rows)
                ]
                made += [Grid(rows, repeatRows=1), Spacer(0, 7)]
        return made

    file = io.BytesIO()
    template = Template(file, pagesize=A4)
    template.addPageTemplates(PageTemplate("p", [Frame(70, 74, 455, 690, id="f")]))
    story: list[Any] = [Words(report.title, headings[0]), TableOfContents(), PageBreak()]
    for section in report.sections:
        story += [heading(section.title, 0), *flowables(section.blocks)]
    template.multiBuild(story)
    return int(template.page)


def with_weasyprint(report: Document) -> int:
    """Set ``report`` with WeasyPrint from HTML with contents; return the number of pages."""
    from weasyprint import HTML

    style = (
        f"@font-face {{ font-family: N; src: url({font_file('NotoSans_Regular').as_uri()}) }}"
        "@page { size: A4; margin: 74pt 70pt } body { font: 10pt/1.45 N } nav a::after { content: target-counter("
        "attr(href), page) } table { width: 100%; border-collapse: collapse } td { border-bottom: 1px solid #ccc }"
    )
    parts = [f"<h1>{escape(report.title)}</h1><nav>"]
    parts += [f'<p><a href="#{section.id}">{escape(section.title)}</a></p>' for section in report.sections]
    parts.append("</nav>")
    for section in report.sections:
        parts.append(f'<h2 id="{section.id}">{escape(section.title)}</h2>{_html(section.blocks)}')
    html = f"<!doctype html><html lang=en><style>{style}</style><body>{''.join(parts)}</body></html>"
    made = HTML(string=html).render()
    made.write_pdf()
    return len(made.pages)


def _markup(block: Paragraph, tags: tuple[str, ...]) -> str:
    from chalicelib.rendering.inline_runs import flatten

    bold, end_bold, italic, end_italic, code, end_code = tags
    parts = []
    for text, marks in flatten(block.children):
        shown = escape(text)
        shown = f"{bold}{shown}{end_bold}" if marks.bold else shown
        shown = f"{italic}{shown}{end_italic}" if marks.italic else shown
        parts.append(f"{code}{shown}{end_code}" if marks.code else shown)
    return "".join(parts)


def _html(blocks: tuple[Block, ...]) -> str:
    parts = []
    for block in blocks:
        if isinstance(block, Heading):
            parts.append(f"<h3>{escape(plain_text(block.children))}</h3>")
        elif isinstance(block, Paragraph):
            parts.append(f"<p>{_markup(block, ('<b>', '</b>', '<i>', '</i>', '<code>', '</code>'))}</p>")
        elif isinstance(block, ListBlock):
            items = "".join(f"<li>{_html(item.children)}</li>" for item in block.items)
            parts.append(f"<ol>{items}</ol>" if block.ordered else f"<ul>{items}</ul>")
        elif isinstance(block, Table):
            rows = [
                "".join(f"<td>{escape(plain_text(c.children))}</td>" for c in r) for r in (block.header, *block.rows)
            ]
            parts.append(f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>")
    return "".join(parts)


# Measuring


def best_of(rounds: int, run: Callable[[], object]) -> float:
    """Return the shortest of ``rounds`` durations of ``run``, in seconds."""
    durations = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        durations.append(time.perf_counter() - start)
    return min(durations)


_MEASURED: Final = """
import sys
sys.path[:0] = {path!r}
import pdf
pages = pdf.render_pdf(pdf.document({words})).pages if {words} else 0
print(pages, next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def peak_megabytes(words: int) -> tuple[int, float]:
    """Return pages, and the most memory of a new process that makes a report of ``words`` words. Linux only."""
    path = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    command = [sys.executable, "-c", _MEASURED.format(path=path, words=words)]
    pages, kilobytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(pages), int(kilobytes) / 1024


def line(name: str, words: int, seconds: float, pages: int) -> float:
    """Print what was measured and return words a second."""
    speed = words / seconds
    print(f"  {name:34} {seconds:6.2f} s  {speed:8,.0f} words/s  {pages:4} pages")
    return speed


def main() -> int:
    """Print all measurements; with --check, return 1 if a claim does not hold."""
    report, plain = document(REPORT_WORDS), document(REPORT_WORDS, plain=True)
    words, plain_words = word_count(report), word_count(plain)
    render_pdf(report)  # fonts are unpacked once for each process
    sources = sections(REPORT_WORDS, plain=False)
    parsing = best_of(2, lambda: [parse_markdown(source) for source in sources])
    print(f"{words:,} words with headings, lists and tables (parsing the Markdown: {parsing:.2f} s)")
    speed = line("this project", words, best_of(5, lambda: render_pdf(report)), render_pdf(report).pages)
    others: list[tuple[str, Callable[[Document], int]]] = [
        ("fpdf2's multi_cell, texts alone", with_fpdf2),
        ("ReportLab platypus", with_reportlab),
        ("WeasyPrint, one font", with_weasyprint),
    ]
    for name, make in others:
        try:
            pages = make(report)
        except (ImportError, OSError) as error:  # WeasyPrint needs Pango, which no package brings
            print(f"  {name:34} left out: {error}")
            continue
        line(name, words, best_of(2, lambda make=make: make(report)), pages)  # type: ignore[misc]
    print(f"{plain_words:,} words of plain paragraphs")
    plain_speed = line("this project", plain_words, best_of(5, lambda: render_pdf(plain)), render_pdf(plain).pages)
    few, many = (best_of(1, lambda rows=rows: render_pdf(long_table(rows))) for rows in TABLE_ROWS)  # type: ignore[misc]
    growth = many / few / (TABLE_ROWS[1] / TABLE_ROWS[0])
    print(f"A table of {TABLE_ROWS[1]:,} rows: {many:.2f} s, a row {growth:.2f} times what it is of {TABLE_ROWS[0]:,}")
    (pages, most), (_, imported) = peak_megabytes(LONG_REPORT_WORDS), peak_megabytes(0)
    print(f"Memory of a process that makes {pages} pages: {most:.0f} MB at most; {imported:.0f} MB after its imports")
    kept = speed >= LEAST_REPORT_SPEED and plain_speed >= LEAST_PROSE_SPEED and most < MOST_MEGABYTES
    kept = kept and growth < MOST_GROWTH
    return 0 if kept or "--check" not in sys.argv[1:] else 1


if __name__ == "__main__":
    sys.exit(main())
