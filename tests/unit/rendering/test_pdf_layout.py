"""What stands where on the pages of a PDF: cover, contents, notes, figures, references, and what stays together."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image

from chalicelib.domain.document import Document, Reference, Section
from chalicelib.rendering.citations import with_citations
from chalicelib.rendering.parse_markdown import parse_with_footnotes
from chalicelib.rendering.pdf_table import decimal_tail
from chalicelib.rendering.render_html import render_html
from chalicelib.rendering.render_pdf import render_pdf
from chalicelib.rendering.theme import Theme
from tests.unit.rendering.samples import document, page_texts, pdf_reader, pdf_text


def noted(*sources: str, **fields: Any) -> Document:
    """Return a document of ``sources``, footnotes and citations of references 1 to 3 included."""
    parsed = [parse_with_footnotes(source, f"{number}.") for number, source in enumerate(sources)]
    sections = tuple(
        Section(id=f"part-{n}", title=f"Part {n}", blocks=with_citations(part.blocks, {1, 2, 3}))
        for n, part in enumerate(parsed, start=1)
    )
    notes = tuple(note for part in parsed for note in part.footnotes)
    return document(sections=sections, footnotes=notes, **fields)


def pages(written: Document, theme: Theme | None = None) -> list[str]:
    return page_texts(render_pdf(written, theme).content)


def links(content: bytes) -> list[tuple[int, int]]:
    """Return the pages (counted from 1) that links inside the document go from and to."""
    reader = pdf_reader(content)
    numbers = {page.indirect_reference.idnum: n for n, page in enumerate(reader.pages, start=1)}  # type: ignore[union-attr]
    found = []
    for number, page in enumerate(reader.pages, start=1):
        for reference in page.get("/Annots", []):  # type: ignore[attr-defined]
            destination = reference.get_object().get("/Dest")
            if destination:
                found.append((number, numbers[destination[0].indirect_reference.idnum]))
    return found


# Cover and contents


def test_a_report_of_several_sections_has_a_cover_of_its_own() -> None:
    texts = pages(document("one", "two", description="About it", notices=("Beware.",)))
    assert len(texts) == 3
    for shown in ("A title", "About it", "20 January 2026", "Beware."):
        assert shown in texts[0]
    assert "one" not in texts[0] + texts[1]


def test_a_report_of_one_section_begins_below_its_title() -> None:
    (only,) = pages(document("one"))
    assert only.index("A title") < only.index("one")
    assert "Contents" not in only


def test_contents_list_headings_with_their_pages_and_link_to_them() -> None:
    source = "\n\n".join(f"### Topic-{n}\n\n{'word ' * 500}\n\n#### Deep-{n}\n\ntext" for n in range(4))
    content = render_pdf(document(source, "x")).content
    texts = page_texts(content)
    entries = dict(re.findall(r"^(Topic-\d|Part \d) (\d+)$", texts[1], re.MULTILINE))
    assert len(entries) == 6
    for title, number in entries.items():
        assert title in texts[int(number) - 1]
    assert "Deep" not in texts[1]
    assert sorted(to for origin, to in links(content) if origin == 2) == sorted(map(int, entries.values()))


def test_long_contents_take_several_pages_and_keep_their_numbers_right() -> None:
    texts = pages(document(*["x"] * 140))
    listed = dict(re.findall(r"^(Part \d+) (\d+)$", "\n".join(texts[1:6]), re.MULTILINE))
    assert len(listed) == 140
    for title, number in listed.items():
        assert f"{title}\n" in texts[int(number) - 1]


def test_too_many_headings_leave_the_contents_to_the_sections() -> None:
    source = "\n\n".join(f"### Topic-{n}\n\ntext" for n in range(200))
    assert "Topic" not in pages(document(source, "x"))[1]


def test_the_running_header_names_the_section_that_goes_on() -> None:
    reader = pdf_reader(render_pdf(document("word " * 1500, "next " * 1500)).content)
    texts = [page.extract_text().splitlines() for page in list(reader.pages)[2:]]
    assert len(texts) > 3
    for lines in texts:
        expected = "Part 1" if lines[0].startswith(("word", "Part 1")) else "Part 2"
        assert lines[-2] == f"A title {expected}"


# Notes


def test_a_footnote_stands_at_the_foot_of_the_page_that_marks_it() -> None:
    source = "\n\n".join(f"Paragraph {n} {'word ' * 60} marked-{n}x[^{n}]" for n in range(30))
    source += "\n\n" + "\n\n".join(f"[^{n}]: Note-{n} says more." for n in range(30))
    texts = pages(noted(source))
    assert len(texts) > 3
    for n in range(30):
        (at,) = [number for number, text in enumerate(texts) if f"marked-{n}x" in text]
        assert f"Note-{n} says" in texts[at]
        assert texts[at].index(f"marked-{n}x") < texts[at].index(f"Note-{n} says")


def test_footnotes_are_numbered_through_the_report_and_link_both_ways() -> None:
    content = render_pdf(noted("a[^x]\n\n[^x]: First.", "b[^x] c[^y]\n\n[^x]: Second.\n[^y]: Third.")).content
    text = pdf_text(content)
    assert [re.search(rf"(\d) {word}", text)[1] for word in ("First", "Second", "Third")] == ["1", "2", "3"]  # type: ignore[index]
    assert len([pair for pair in links(content) if pair == (3, 3)]) == 6


def test_a_long_footnote_goes_on_at_the_foot_of_the_next_page() -> None:
    words = " ".join(f"n{number}." for number in range(1500))
    texts = pages(noted(f"{'before ' * 300}\n\nmark[^a] {'after ' * 900}\n\n[^a]: {words}"))
    holding = [number for number, text in enumerate(texts) if re.search(r"\bn\d+\.", text)]
    assert len(holding) > 2
    found = re.findall(r"\bn\d+\.", " ".join(texts))
    assert found == words.split()


def test_a_footnote_marked_in_a_table_stands_below_it() -> None:
    rows = "".join(f"| {n} | b{n}[^n{n}] |\n" for n in range(80))
    notes = "\n".join(f"[^n{n}]: Note-{n}." for n in range(80))
    texts = pages(noted(f"| A | B |\n|---|---|\n{rows}\n\n{notes}"))
    for n in range(80):
        assert any(f"b{n}" in text and f"Note-{n}." in text for text in texts)


def test_notes_with_blocks_and_notes_in_notes_keep_their_text() -> None:
    source = "a[^1]\n\n[^1]: One.\n\n    - item-a\n    - item-b[^2]\n\n    ```\n    code-line\n    ```\n\n[^2]: Two."
    text = pdf_text(render_pdf(noted(source)).content)
    for shown in ("One.", "item-a", "item-b", "code-line", "Two."):
        assert shown in text


# References


def test_code_in_a_note_keeps_the_white_space_before_its_lines() -> None:
    code = "    ```\n    def f():\n\n            return 1\n    ```"
    text = pages(noted(f"Marked[^1].\n\n[^1]: Note.\n\n{code}"))[0]
    assert re.search(r"def f\(\):\s*\n {8}return 1", text)


def test_references_tell_where_they_are_cited_and_link_there() -> None:
    references = (
        Reference(number=1, title="First source", href="https://example.org/1", detail="Somebody, 2024"),
        Reference(number=2, title="Never cited"),
    )
    content = render_pdf(noted("x [1] " + "word " * 1500 + "[1]", "y [1], [7]", references=references)).content
    texts = page_texts(content)
    last = len(texts)
    (shown,) = re.findall(r"First source\. Somebody, 2024\. https://example\.org/1 \S+\s*pages ([\d, ]+)", texts[-1])
    cited = [int(number) for number in shown.split(",")]
    bodies = [text.split("References\n")[0] for text in texts]
    assert cited == [number for number, text in enumerate(bodies, start=1) if "[1]" in text]
    assert {(last, number) for number in cited} <= set(links(content))
    assert {(number, last) for number in cited} <= set(links(content))
    assert "Never cited" in texts[-1]
    assert "[7]" in " ".join(texts)


def test_references_stand_in_outline_and_contents() -> None:
    content = render_pdf(noted("a [1]", "b", references=(Reference(number=1, title="S"),))).content
    assert [entry.title for entry in pdf_reader(content).outline] == ["Part 1", "Part 2", "References"]  # type: ignore[union-attr]
    assert "References 3" in page_texts(content)[1]


def test_a_source_with_another_scheme_is_text() -> None:
    content = render_pdf(noted("a", references=(Reference(number=1, title="S", href="file:///etc/passwd"),))).content
    assert "file:///etc/passwd" in pdf_text(content)
    assert b"/URI" not in content


# Tables and figures


def test_captions_are_numbered_by_kind_and_stand_with_their_content() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n\nTable: A table."
    chart = '```chart\n{"type": "bar", "labels": ["a"], "series": [{"values": [1]}]}\n```\n\nFigure: A chart.'
    code = "```\nx\n```\n\nListing: Some code."
    text = pdf_text(render_pdf(noted(f"{table}\n\n{chart}\n\n{table}\n\n{code}")).content)
    for shown in ("Table 1. A table.", "Figure 1. A chart.", "Table 2. A table.", "Listing 1. Some code."):
        assert shown in text


def test_a_figure_can_be_linked_to() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n\nTable: A table."
    content = render_pdf(noted("see [the table](#0.table-1)", f"y\n\n{table}", "z")).content
    assert len(links(content)) >= 3
    linked = render_pdf(document("see [it](#table-1)", sections=())).content
    assert links(linked) == []


def blue_words(content: bytes) -> str:
    """Return the text in the colour of links, of all pages."""
    found: list[str] = []
    color: list[float] = []

    def remember(operator: bytes, operands: Any, *_: Any) -> None:
        if operator in (b"rg", b"g"):
            color[:] = [round(float(part) * 255) for part in operands]

    def visit(text: str, *_: Any) -> None:
        if color == [*Theme().link]:
            found.append(text)

    for page in pdf_reader(content).pages:
        page.extract_text(visitor_operand_before=remember, visitor_text=visit)
    return "".join(found)


@pytest.mark.parametrize("target", ["my-heading", "part-2", "section-3", "table-1", "note-1", "reference-1"])
def test_a_link_leads_to_every_place_that_has_a_name_in_html(target: str) -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n\nTable: A table."
    parsed = parse_with_footnotes(f"[see](#{target})\n\n### My heading\n\n[^n]\n\n{table}\n\n[^n]: A note.")
    written = document("x", "y", "z", references=(Reference(number=1, title="A source"),), footnotes=parsed.footnotes)
    first, second, third = written.sections
    sections = (first.model_copy(update={"blocks": parsed.blocks}), second, third.model_copy(update={"id": "α"}))
    written = written.model_copy(update={"sections": sections})
    assert link_texts(render_pdf(written).content).count("see") == 1
    html = render_html(written).decode()
    name = re.search(r'<a href="#([^"]*)"[^>]*>see<', html)
    assert name
    assert f'id="{name[1]}"' in html


def test_a_name_may_hold_letters_that_addresses_cannot() -> None:
    written = document("[see](#α)", "y")
    first, second = written.sections
    content = render_pdf(
        written.model_copy(update={"sections": (first, second.model_copy(update={"id": "α"}))})
    ).content
    assert "see" in link_texts(content)


def link_texts(content: bytes) -> list[str]:
    """Return the descriptions of the links that stay inside the document."""
    annotations = [a.get_object() for page in pdf_reader(content).pages for a in page.get("/Annots", [])]  # type: ignore[attr-defined]
    return [str(annotation.get("/Contents")) for annotation in annotations if "/Dest" in annotation]


def test_the_first_of_two_headings_alike_is_the_one_that_a_link_means() -> None:
    filler = "word " * 900
    content = render_pdf(document(f"[see](#same)\n\n{filler}\n\n### Same\n\n{filler}\n\n### Same")).content
    ((start, end),) = links(content)
    texts = page_texts(content)
    assert start == 1
    assert end == next(number for number, text in enumerate(texts, start=1) if "Same" in text)


@pytest.mark.parametrize("target", ["nowhere", "/note/1", "contents"])
def test_a_link_to_a_name_that_nothing_has_is_plain_text(target: str) -> None:
    content = render_pdf(document(f"before [seen](#{target}) after", "y")).content
    assert "before seen after" in pdf_text(content)
    assert "seen" not in link_texts(content)
    assert "seen" not in blue_words(content)
    assert "seen" in blue_words(render_pdf(document("before [seen](https://e.org) after", "y")).content)


def test_a_chart_and_its_caption_share_a_page() -> None:
    chart = '```chart\n{"type": "bar", "labels": ["Leftmost"], "series": [{"values": [1]}]}\n```\n\nFigure: Caption-%d.'
    texts = pages(noted("\n\n".join("word " * (50 + 13 * n) + f"\n\n{chart % n}" for n in range(12))))
    for n in range(12):
        (text,) = [text for text in texts if f"Caption-{n}." in text]
        assert "Leftmost" in text[: text.index(f"Caption-{n}.")]


@pytest.mark.parametrize(
    ("number", "tail"),
    [
        ("12", ""), ("12.5", ".5"), ("1,234", ""), ("1,234.5", ".5"), ("1.234,5", ",5"), ("3,5", ",5"),
        ("12.5 %", ".5 %"), ("7 %", " %"), ("1,234,567", ""), ("−0.25", ".25"), ("$5", ""), ("1.2.3", ""), ("x", ""),
    ],
)  # fmt: skip
def test_the_tail_of_a_number_begins_at_its_decimal_point(number: str, tail: str) -> None:
    assert decimal_tail(number) == tail


def test_numbers_of_a_column_stand_below_one_another_at_their_points() -> None:
    values = ["1.25", "12,345.5", "7", "10.125"]
    rows = "".join(f"| r{n} | {value} | text |\n" for n, value in enumerate(values))
    content = render_pdf(document(f"| A | B | C |\n|---|---|---|\n{rows}")).content
    placed: dict[str, float] = {}

    def remember(text: str, _: Any, matrix: Any, *__: Any) -> None:
        if text.strip() in values:
            placed[text.strip()] = float(matrix[4])

    pdf_reader(content).pages[0].extract_text(visitor_text=remember)
    starts = [placed[value] for value in values]
    digit = 9.2 * 0.572  # the width of a digit of Noto Sans at the size of tables
    assert starts[0] - starts[3] == pytest.approx(digit, abs=0.1)
    assert starts[2] == pytest.approx(starts[0], abs=0.1)
    assert starts[2] - starts[1] > 4 * digit


def test_the_header_of_a_table_stands_above_a_row_that_goes_on_from_page_to_page() -> None:
    texts = pages(noted(f"| Headone | Headtwo |\n|---|---|\n| {'word ' * 2500} | x |"))
    assert len(texts) >= 4
    assert all(text.lstrip().startswith("Headone") for text in texts[1:])
    assert " ".join(texts).count("word") == 2500


def test_names_that_hold_digits_are_not_numbers() -> None:
    rows = "".join(f"| Q{n} | {n} |\n" for n in range(1, 4))
    content = render_pdf(document(f"| A | B |\n|---|---|\n{rows}")).content
    found: list[float] = []

    def remember(text: str, _: Any, matrix: Any, *__: Any) -> None:
        if re.fullmatch(r"Q\d", text.strip()):
            found.append(float(matrix[4]))

    pdf_reader(content).pages[0].extract_text(visitor_text=remember)
    assert found == [pytest.approx(75.0, abs=0.1)] * 3


# Lines that stay together


@pytest.mark.parametrize("lines", [2, 3, 4, 5])
def test_no_paragraph_leaves_one_line_alone(lines: int) -> None:
    paragraph = " ".join(f"line{n}-{'x' * 60}" for n in range(lines))  # one word fills a line
    for offset in range(0, 50, 7):
        filler = "\n\n".join(["filler"] * offset)
        for text in pages(document(f"{filler}\n\n{paragraph}\n\n{paragraph}\n\n{paragraph}", "x"))[2:]:
            count = len(re.findall(r"line\d-", text))
            assert count % lines != 1 or lines * 3 == count
            assert count % lines != lines - 1


# Theme


def logo() -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (40, 20), (200, 30, 30, 128)).save(file, "PNG")
    return file.getvalue()


def test_what_stands_before_a_right_to_left_title_stands_at_the_right() -> None:
    def bar(title: str) -> float:
        boxes = re.findall(rb"([\d.]+) [\d.]+ 54(?:\.0+)? -?4(?:\.0+)? re", drawn(document("x", "y", title=title), 0))
        assert len(boxes) == 1
        return float(boxes[0])

    assert bar("A title") == 70
    assert bar("كلمة title") > 450


def drawn(written: Document, page: int) -> bytes:
    """Return the operators of a page, counted from 0."""
    contents = pdf_reader(render_pdf(written).content).pages[page].get_contents()
    assert contents is not None
    return contents.get_data()


def test_numbers_of_right_to_left_sources_stand_at_the_right() -> None:
    sources = (Reference(number=1, title="Source"), Reference(number=2, title="كلمة أولى"))
    places: dict[str, float] = {}

    def visit(text: str, _: Any, matrix: list[float], *__: Any) -> None:
        places.update(dict.fromkeys(re.findall(r"\[\d\]", text), matrix[4]))

    pdf_reader(render_pdf(document("x", references=sources)).content).pages[0].extract_text(visitor_text=visit)
    assert places["[1]"] < 100
    assert places["[2]"] > 500


def test_lines_of_a_chart_are_dashed_as_in_html() -> None:
    series = ", ".join(f'{{"name": "s{n}", "values": [{n}, {n + 1}]}}' for n in range(6))
    written = document(f'```chart\n{{"type": "line", "labels": ["a", "b"], "series": [{series}]}}\n```')
    dashes = re.findall(rb"\[([\d ]*)\] 0 d", drawn(written, 0))
    lines = [dash.decode() for dash in dashes][-6:]
    rules = re.findall(r"^([.s\d, ]+) \{ stroke-dasharray: ([\d ]+); \}", render_html(written).decode(), re.MULTILINE)
    in_html = {name: dash for names, dash in rules for name in names.split(", ")}
    assert lines == [in_html.get(f".s{number}", "") for number in range(6)]
    assert len(set(lines)) == 4


def test_a_theme_gives_paper_name_and_sign() -> None:
    content = render_pdf(document("a", "b"), Theme(page="letter", organisation="Example Ltd", logo=logo())).content
    reader = pdf_reader(content)
    assert [float(side) for side in reader.pages[0].mediabox[2:]] == [612, 792]
    assert "Example Ltd" in page_texts(content)[0]
    assert len(reader.pages[0].images) == 1
    assert len(reader.pages[1].images) == 0


def test_a_theme_colours_titles() -> None:
    contents = pdf_reader(render_pdf(document("a"), Theme(accent=(200, 0, 0))).content).pages[0].get_contents()
    assert contents is not None
    assert b"0.7843 0 0 rg" in contents.get_data()
