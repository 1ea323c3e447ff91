"""An investigation's report as a Document: what it shows, in which order, and that no text in it is markup."""

import json
import re
from dataclasses import replace
from io import BytesIO
from zipfile import ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from pypdf import PdfReader

from chalicelib.domain.build_report import build_report
from chalicelib.domain.deterministic_narrative import SECTIONS, deterministic_narrative
from chalicelib.domain.document import (
    Chart,
    Citation,
    Document,
    Figure,
    Link,
    ListBlock,
    Paragraph,
    Table,
    block_texts,
    walk_blocks,
    walk_inlines,
)
from chalicelib.domain.finding import Finding, FindingNode
from chalicelib.domain.investigation import Change, InvestigationReport
from chalicelib.domain.output_format import OutputFormat
from chalicelib.rendering.narrative_document import MOST_LISTED, narrative_document
from chalicelib.rendering.numbering import reference_numbers
from chalicelib.rendering.render import render
from tests.support.bulletin_findings import FINDINGS, INVESTIGATION_ID, QUERY, a_finding, an_investigation
from tests.support.finding_strategies import finding_lists
from tests.unit.rendering.test_pdf_layout import links

HOSTILE = a_finding(
    "h",
    "[3] </td><script>alert(1)</script> | a | [x](javascript:alert(1))",
    "critical",
    summary="# Title\n\n```chart\n{}\n```\n\n[fnd_0] \ue0001\ue001 [1]: http://evil.example",
    nodes=(FindingNode("n", "<b>", "**web**|x"),),
)


def report_of(given_findings: tuple[Finding, ...]) -> InvestigationReport:
    return build_report(
        an_investigation(),
        given_findings,
        deterministic_narrative(QUERY, given_findings, len(given_findings)),
        tier="standard",
        version=2,
        generated_at="2026-05-05T10:00:00.000Z",
        evidence_revision=1,
        input_digest="d",
    )


def titles(document: Document) -> list[str]:
    return [section.title for section in document.sections]


def blocks_of(document: Document, title: str) -> tuple:
    return next(section.blocks for section in document.sections if section.title == title)


def test_the_order_of_a_bulletin() -> None:
    document = narrative_document(report_of(FINDINGS))
    assert titles(document) == ["At a glance", *SECTIONS.values(), "Endpoints", "Findings", "About this report"]
    assert (document.title, document.report_id) == (QUERY, INVESTIGATION_ID)
    assert document.notices == ("This narrative was made from the findings by fixed rules; no model wrote it.",)


def test_it_begins_with_the_severity_and_a_chart() -> None:
    paragraph, figure = blocks_of(narrative_document(report_of(FINDINGS)), "At a glance")
    assert block_texts((paragraph,)) == [
        "Severity: critical. Three findings, at three endpoints: one critical, one high and one medium."
    ]
    assert isinstance(figure, Figure)
    assert isinstance(figure.content, Chart)
    assert figure.content.labels == ("Critical", "High", "Medium", "Low")
    assert figure.content.series[0].values == (1.0, 1.0, 1.0, 0.0)


def test_citations_lead_to_the_findings() -> None:
    document = narrative_document(report_of(FINDINGS))
    _, figure = blocks_of(document, "Findings")
    rows = [block_texts((Paragraph(children=cell.children),)) for row in figure.content.rows for cell in row[:2]]
    assert [(number, said.split("\n")[:2]) for (number,), (said,) in zip(rows[::2], rows[1::2], strict=True)] == [
        ("[1]", ["Credential dumping with Mimikatz", "fin-lap-07"]),
        ("[2]", ["Sign-in from an unknown country", "j.doe"]),
        ("[3]", ["Open SMB share", "fin-lap-07 and fin-srv-02"]),
    ]
    assert document.references == ()
    for section in document.sections:
        assert "fnd_" not in " ".join(block_texts(section.blocks))
    cited = [node.number for node in walk_inlines(blocks_of(document, "What happened")) if isinstance(node, Citation)]
    assert cited == [1, 1, 2, 2, 3, 3]


def test_all_actions_stand_under_what_to_do_first() -> None:
    many = tuple(a_finding(str(n), f"Title {n}", "low") for n in range(9))
    (actions,) = blocks_of(narrative_document(report_of(many)), "What to do first")
    assert isinstance(actions, ListBlock)
    assert actions.ordered
    assert len(actions.items) == 9


def test_tables_list_endpoints_and_findings() -> None:
    document = narrative_document(report_of(FINDINGS))
    _, endpoints = blocks_of(document, "Endpoints")
    _, listed = blocks_of(document, "Findings")
    assert isinstance(endpoints.content, Table)
    assert isinstance(listed.content, Table)
    assert [len(figure.content.rows) for figure in (endpoints, listed)] == [3, 3]
    assert "fin-lap-07" in block_texts((endpoints,))


def test_very_many_findings_are_listed_up_to_a_bound() -> None:
    many = tuple(a_finding(str(n), f"Title {n}", "low") for n in range(2_000))
    document = narrative_document(report_of(many))
    _, table, rest = blocks_of(document, "Findings")
    assert len(table.content.rows) == MOST_LISTED
    assert block_texts((rest,))[0].startswith("1,900 more findings stand in the report's JSON; ")
    assert all(reference.number > MOST_LISTED for reference in document.references)


def test_the_source_of_a_citation_beyond_the_table_is_a_reference() -> None:
    many = tuple(a_finding(f"{n:03}", f"Title {n:03}", "low") for n in range(MOST_LISTED + 5))
    report = report_of(many)
    last = report.findings_summary[-1]
    report = replace(report, narrative=f"## What happened\n\nIt is so [{last.finding_id}].")
    document = narrative_document(report)
    reference = document.references[-1]
    assert (reference.title, reference.detail) == (last.title, f"rated low, 90 %; {last.finding_id}")
    (cited,) = [node for node in walk_inlines(blocks_of(document, "What happened")) if isinstance(node, Citation)]
    assert (cited.number, cited.is_source) == (reference.number, False)


def test_the_place_is_told_once_and_with_its_line() -> None:
    summary = "Use of exec.\n\nFound in src/app.py:7.\n\nCode there: exec(x)"
    one = a_finding("s", "Use of exec", "low", summary=summary, nodes=(FindingNode("f", "file", "src/app.py"),))
    other = replace(one, id=one.id + "x", summary="Use of exec.\n\nFound in haste.")
    _, figure = blocks_of(narrative_document(report_of((one, other))), "Findings")
    said = [block_texts((Paragraph(children=row[1].children),))[0] for row in figure.content.rows]
    assert sorted(said) == [
        "Use of exec\nsrc/app.py\nFound in haste.",
        "Use of exec\nsrc/app.py:7\nCode there: exec(x)",
    ]


@pytest.mark.parametrize("output_format", ["html", "docx", "pdf"])
def test_citations_of_the_text_lead_to_the_row_of_the_finding(output_format: OutputFormat) -> None:
    content = render(narrative_document(report_of(FINDINGS)), output_format).content
    if output_format == "html":
        assert re.findall(r'<td><span id="reference-(\d)">\[\1\]', content.decode()) == ["1", "2", "3"]
        assert 'href="#reference-1"' in content.decode()
    elif output_format == "docx":
        text = ZipFile(BytesIO(content)).read("word/document.xml").decode()
        targets = set(re.findall(r'w:anchor="([^"]*)"', text))
        row = text[text.index("Finding and place") :]
        assert len(targets & set(re.findall(r'w:bookmarkStart [^>]*w:name="([^"]*)"', row))) >= 3
    else:
        pages = [page.extract_text() for page in PdfReader(BytesIO(content)).pages]
        assert not any("References" in page for page in pages)
        table = next(number for number, page in enumerate(pages, start=1) if "Finding and place" in page)
        assert sum(target == table for _, target in links(content)) >= 6


def test_no_findings_make_a_short_document() -> None:
    document = narrative_document(report_of(()))
    assert titles(document) == ["At a glance", *SECTIONS.values(), "About this report"]
    assert block_texts(blocks_of(document, "At a glance")) == ["Severity: low. No finding counts."]
    assert document.references == ()


def test_a_later_version_says_what_changed() -> None:
    report = replace(report_of(FINDINGS), change=Change("1 finding is new"))
    assert "Since version 1: 1 finding is new." in block_texts(blocks_of(narrative_document(report), "At a glance"))


def test_hostile_findings_are_plain_text() -> None:
    document = narrative_document(report_of((HOSTILE, *FINDINGS)))
    numbers = reference_numbers(document)
    assert numbers == {1, 2, 3, 4}
    for section in document.sections:
        inlines = list(walk_inlines(section.blocks))
        assert not any(isinstance(node, Link) for node in inlines)
        assert {node.number for node in inlines if isinstance(node, Citation)} <= numbers
        assert [block for block in walk_blocks(section.blocks) if isinstance(block, Chart)] == (
            [block.content for block in section.blocks if isinstance(block, Figure) and block.id == "severities"]
        )
    assert any("[3] </td><script>" in text for section in document.sections for text in block_texts(section.blocks))
    html = render(document, "html").content.decode()
    assert "<script>alert" not in html
    assert not re.search(r'href="(?!#)[^"]*(?:evil|javascript)', html)


@pytest.mark.parametrize("output_format", ["pdf", "md", "html"])
def test_it_renders_in_every_format(output_format: OutputFormat) -> None:
    assert render(narrative_document(report_of((*FINDINGS, HOSTILE))), output_format).content


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(finding_lists)
def test_whatever_findings_say_it_is_a_document_that_can_be_stored(given_findings: list[Finding]) -> None:
    document = narrative_document(report_of(tuple(given_findings)))
    assert Document.model_validate_json(document.model_dump_json()) == document
    assert json.loads(document.model_dump_json())["references"] == [
        reference.model_dump() for reference in document.references
    ]
