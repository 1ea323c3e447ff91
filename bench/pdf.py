"""How fast a PDF is made, against fpdf2's own paragraph setter on the same text in the same run.

python bench/pdf.py [words]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fpdf import FPDF

from chalicelib.domain.document import Document, Section, word_count
from chalicelib.rendering.parse_markdown import parse_markdown
from chalicelib.rendering.pdf_fonts import font_file
from chalicelib.rendering.render_pdf import render_pdf

SENTENCES = (
    "The service accepted %d requests and kept each of them until a worker had written it.",
    "A **slower** model needs about %d seconds for a section, while the queue stays *fair* to all.",
    "In the following quarter costs fell by %d percent, which nobody had planned; see `cost_model`.",
    "Readers asked for figures rather than adjectives, so section %d lists what was measured.",
)


def markdown(words: int) -> str:
    """Return about ``words`` words of report-like Markdown."""
    parts: list[str] = []
    count = number = 0
    while count < words:
        paragraph = " ".join(SENTENCES[(number + i) % len(SENTENCES)] % (number * 7 + i) for i in range(6))
        parts.append(paragraph if number % 5 else f"### Finding {number}\n\n{paragraph}")
        count += len(paragraph.split())
        number += 1
    return "\n\n".join(parts)


def plain_fpdf2(text: str) -> bytes:
    """Set ``text`` with FPDF.multi_cell and one font."""
    pdf = FPDF(unit="pt", format="A4")
    pdf.add_font("body", "", font_file("NotoSans_Regular"))
    pdf.set_font("body", size=10)
    pdf.add_page()
    for paragraph in text.split("\n\n"):
        pdf.multi_cell(0, 14.5, paragraph, align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(7)
    return bytes(pdf.output())


def best_of(rounds: int, run: Callable[[], object]) -> float:
    """Return the shortest of ``rounds`` durations of ``run``, in seconds."""
    durations = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        durations.append(time.perf_counter() - start)
    return min(durations)


def main() -> None:
    """Print words a second of both, and their ratio."""
    text = markdown(int(sys.argv[1]) if len(sys.argv) > 1 else 12_000)
    parse_seconds = best_of(2, lambda: parse_markdown(text))
    document = Document(
        report_id="bench",
        title="A benchmark",
        created_at="2026-01-20T15:30:00Z",
        model="none",
        sections=(
            Section(id="a", title="One", blocks=parse_markdown(text)),
            Section(id="b", title="Two", blocks=()),
        ),
    )
    words = word_count(document)
    pages = render_pdf(document).pages
    ours = best_of(3, lambda: render_pdf(document))
    theirs = best_of(2, lambda: plain_fpdf2(text))
    print(f"{words} words, {pages} pages; parsing the Markdown: {parse_seconds:.2f} s")
    print(f"render_pdf        {ours:6.2f} s  {words / ours:8.0f} words/s")
    print(f"FPDF.multi_cell   {theirs:6.2f} s  {words / theirs:8.0f} words/s")
    print(f"render_pdf is {theirs / ours:.1f} times as fast")


if __name__ == "__main__":
    main()
