"""A version of an investigation's report as a Document, from which every format is rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from chalicelib.domain.bulletin import type_words
from chalicelib.domain.deterministic_narrative import SECTIONS
from chalicelib.domain.document import (
    Block,
    Chart,
    Citation,
    Document,
    Figure,
    Inline,
    LineBreak,
    ListBlock,
    ListItem,
    Paragraph,
    Reference,
    Section,
    Series,
    Strong,
    Table,
    TableCell,
    Text,
)
from chalicelib.domain.finding import SEVERITIES, FindingNode
from chalicelib.domain.investigation import FindingSummary, InvestigationReport, RecommendedAction
from chalicelib.domain.safe_text import plain_line
from chalicelib.domain.wording import by_severity, capitalised, counted, listed_shortly, percent
from chalicelib.rendering.parse_markdown import parse_markdown

MOST_LISTED: Final = 100
"""Findings and endpoints that a document lists; all of them stand in the report's JSON."""

_LONGEST_TITLE: Final = 200
_LONGEST_NAME: Final = 120
_LONGEST_SUMMARY: Final = 280
_CITED_AT_MOST: Final = 6
_NO_MODEL: Final = "fixed rules, without a model"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_CITED = re.compile(r"\[(fnd_[0-9a-z]+)\]")
# Citations on their way through the parser: characters that no text may have, around a number.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
# As imports of scanners' files write it, with the line of the file.
_FOUND_IN = re.compile(r"^Found in (\S.*)\.$", re.MULTILINE)
_FIRST = SECTIONS["first"]


def narrative_document(report: InvestigationReport) -> Document:
    """Return ``report`` as a Document: summary, narrative, actions, endpoints and findings, with its citations.

    Texts of findings are plain text in it whatever they look like; citations lead to the table of findings, and to
    the list of references for those beyond it.
    """
    numbers = _numbers(report)
    return Document(
        report_id=report.investigation_id,
        title=plain_line(report.query, _LONGEST_TITLE) or "Investigation",
        template_name="Security bulletin",
        created_at=report.generated_at,
        model=report.model_name or _NO_MODEL,
        notices=report.notices,
        sections=tuple(_sections(report, numbers)),
        subject=f"Severity: {report.severity}",
        keywords=("security", "findings", report.severity),
        references=tuple(_references(report, numbers)),
    )


def _numbers(report: InvestigationReport) -> Mapping[str, int]:
    """Return the reference number of each finding that is listed or cited, the gravest first."""
    cited = set(_CITED.findall(report.narrative))
    cited.update(one for action in report.recommended_actions for one in action.finding_ids[:_CITED_AT_MOST])
    cited.update(one for endpoint in report.endpoints[:MOST_LISTED] for one in endpoint.finding_ids[:_CITED_AT_MOST])
    shown = [
        finding.finding_id
        for place, finding in enumerate(report.findings_summary)
        if place < MOST_LISTED or finding.finding_id in cited
    ]
    return {finding_id: number for number, finding_id in enumerate(shown, start=1)}


def _sections(report: InvestigationReport, numbers: Mapping[str, int]) -> Iterator[Section]:
    yield Section(id="summary", title="At a glance", blocks=tuple(_glance(report)))
    for heading, text in _parts(report.narrative):
        blocks = _cited_blocks(text, numbers)
        if heading == _FIRST and report.recommended_actions:
            blocks = (_actions(report.recommended_actions, numbers),)
        yield Section(id=_slug(heading), title=heading, blocks=blocks)
    if report.endpoints:
        yield Section(id="endpoints", title="Endpoints", blocks=tuple(_endpoints(report, numbers)))
    if report.findings_summary:
        yield Section(id="findings", title="Findings", blocks=tuple(_findings(report, numbers)))
    yield Section(id="about", title="About this report", blocks=tuple(_about(report)))


def _glance(report: InvestigationReport) -> Iterator[Block]:
    counts = {severity: sum(f.severity == severity for f in report.findings_summary) for severity in SEVERITIES}
    findings = len(report.findings_summary)
    severity: tuple[Inline, ...] = (Strong(children=(Text(text=f"Severity: {report.severity}."),)),)
    if not findings:
        yield Paragraph(children=(*severity, Text(text=" No finding counts.")))
        return
    rated = f": {by_severity(counts)}" if findings > 1 else ""
    places = f", at {counted(len(report.endpoints), 'endpoint')}" if report.endpoints else ""
    told = f" {capitalised(counted(findings, 'finding'))}{places}{rated}."
    yield Paragraph(children=(*severity, Text(text=told)))
    if report.change:
        since = f"Since version {report.version - 1}: {plain_line(report.change.summary, 500).rstrip('.')}."
        yield Paragraph(children=(Text(text=since),))
    if findings > 1:
        yield _chart([(severity, counts[severity]) for severity in reversed(SEVERITIES)])


def _chart(counts: Sequence[tuple[str, int]]) -> Figure:
    labels = tuple(capitalised(severity) for severity, _ in counts)
    series = Series(name="Findings", values=tuple(float(count) for _, count in counts))
    chart = Chart(type="bar", labels=labels, series=(series,), unit="findings")
    return Figure(id="severities", caption=(Text(text="Findings by severity"),), content=chart)


def _parts(narrative: str) -> Iterator[tuple[str, str]]:
    """Yield the narrative's headings and what stands under each."""
    pieces = _HEADING.split(narrative)
    if pieces[0].strip():
        yield "Narrative", pieces[0]
    yield from zip(pieces[1::2], pieces[2::2], strict=True)


def _cited_blocks(text: str, numbers: Mapping[str, int]) -> tuple[Block, ...]:
    """Return Markdown as blocks, with its citations as such."""
    bare = text.replace(_OPEN, "").replace(_CLOSE, "")

    def marked(found: re.Match[str]) -> str:
        return f"{_OPEN}{numbers[found[1]]}{_CLOSE}" if found[1] in numbers else found[0]

    return tuple(_with_citations(block) for block in parse_markdown(_CITED.sub(marked, bare)))


def _with_citations(block: Block) -> Block:
    if isinstance(block, Paragraph):
        return Paragraph(children=tuple(_cited_inlines(block.children)))
    if isinstance(block, ListBlock):
        items = tuple(ListItem(children=tuple(map(_with_citations, item.children))) for item in block.items)
        return block.model_copy(update={"items": items})
    return block


def _cited_inlines(children: Sequence[Inline]) -> Iterator[Inline]:
    for child in children:
        if not isinstance(child, Text):
            yield child
            continue
        pieces = _MARK.split(child.text)
        for place, piece in enumerate(pieces):
            if place % 2:
                yield Citation(number=int(piece))
            elif piece:
                yield Text(text=piece)
            elif 0 < place < len(pieces) - 1:
                yield Text(text=" ")


def _citations(finding_ids: Sequence[str], numbers: Mapping[str, int]) -> Iterator[Inline]:
    known = [numbers[one] for one in finding_ids if one in numbers]
    for number in known[:_CITED_AT_MOST]:
        yield Text(text=" ")
        yield Citation(number=number)
    if len(finding_ids) > _CITED_AT_MOST:
        yield Text(text=f" and {len(finding_ids) - _CITED_AT_MOST:,} more")


def _actions(actions: Sequence[RecommendedAction], numbers: Mapping[str, int]) -> ListBlock:
    items = []
    for action in actions:
        children: tuple[Inline, ...] = (
            Strong(children=(Text(text=action.action),)),
            LineBreak(),
            Text(text=action.rationale),
            *_citations(action.finding_ids, numbers),
        )
        items.append(ListItem(children=(Paragraph(children=children),)))
    return ListBlock(ordered=True, items=tuple(items))


def _endpoints(report: InvestigationReport, numbers: Mapping[str, int]) -> Iterator[Block]:
    rows = []
    for endpoint in report.endpoints[:MOST_LISTED]:
        name = plain_line(endpoint.name or endpoint.node_id, _LONGEST_NAME)
        detail = (Text(text=plain_line(endpoint.detail, _LONGEST_SUMMARY)), *_citations(endpoint.finding_ids, numbers))
        kind = capitalised(type_words([endpoint.type])[0])
        rows.append((_cell(name), _cell(kind), _cell(capitalised(endpoint.severity)), TableCell(children=detail)))
    yield Paragraph(children=(Text(text="Every node that a finding names, those with the gravest findings first."),))
    yield _table("endpoint-table", "What was found where", ("Endpoint", "Kind", "Severity", "Findings"), rows)
    yield from _left_out(len(report.endpoints), "endpoint", "in the report's JSON alone")


def _findings(report: InvestigationReport, numbers: Mapping[str, int]) -> Iterator[Block]:
    rows = []
    for finding in report.findings_summary[:MOST_LISTED]:
        title = plain_line(finding.title, _LONGEST_TITLE)
        described: list[Inline] = [Strong(children=(Text(text=title),))]
        place, summary = _place_and_rest(finding)
        said = _beyond_title(title, plain_line(summary, _LONGEST_SUMMARY))
        for line in filter(None, (place, said)):
            described.extend([LineBreak(), Text(text=line)])
        rated = f"{capitalised(finding.severity)}, {percent(finding.confidence)}"
        cells = (
            TableCell(children=(Citation(number=numbers[finding.finding_id], is_source=True),)),
            TableCell(children=tuple(described)),
            _cell(rated.replace(" %", "\N{NO-BREAK SPACE}%")),
        )
        rows.append(cells)
    yield Paragraph(children=(Text(text="The numbers are those by which the text cites them."),))
    headings = ("No.", "Finding and place", "Severity, confidence")
    yield _table("finding-table", "The findings, the gravest first", headings, rows)
    where = "in the report's JSON; of them, the references have those that are cited"
    yield from _left_out(len(report.findings_summary), "finding", where)


def _beyond_title(title: str, summary: str) -> str:
    """Return what a summary says that the title above it does not: scanners often begin with the same words."""
    if title.casefold().startswith(summary.rstrip(".…").casefold()):
        return ""
    if not summary.casefold().startswith(title.rstrip(".…").casefold()):
        return summary
    rest = summary[len(title.rstrip(".…")) :]
    return rest.lstrip(" .…:;,") if rest[:1] in " .…:;," else summary


def _place_and_rest(finding: FindingSummary) -> tuple[str, str]:
    """Return where a finding is and the rest of its summary: a line ``Found in …`` there may know it better."""
    for found in _FOUND_IN.finditer(finding.summary):
        if any(node.name and found[1].startswith(node.name) for node in finding.nodes):
            rest = finding.summary[: found.start()] + finding.summary[found.end() :]
            return plain_line(found[1], _LONGEST_SUMMARY), rest
    return _places(finding.nodes), finding.summary


def _left_out(count: int, noun: str, where: str) -> Iterator[Block]:
    if count > MOST_LISTED:
        rest = capitalised(counted(count - MOST_LISTED, f"more {noun}"))
        verb = "stands" if count == MOST_LISTED + 1 else "stand"
        yield Paragraph(children=(Text(text=f"{rest} {verb} {where}."),))


def _about(report: InvestigationReport) -> Iterator[Block]:
    check = report.citation_check
    written = (
        f"The narrative was written by {report.model_name}" if report.model_name else "No model wrote the narrative"
    )
    sentences = [
        f"This is version {report.version} of the report on investigation {report.investigation_id}.",
        f"{written} (tier asked for: {report.model}).",
        "Severity, endpoints and actions were computed from the findings.",
    ]
    if check.claims:
        held = "all" if check.supported == check.claims else f"{check.supported:,}"
        kept = "" if check.supported == check.claims else " Sentences that are not were left out."
        sentences.append(
            f"Of {counted(check.claims, 'statement')} checked against the findings, {held} "
            f"{'is' if held == '1' else 'are'} supported by them.{kept}"
        )
    yield Paragraph(children=(Text(text=" ".join(sentences)),))


def _references(report: InvestigationReport, numbers: Mapping[str, int]) -> Iterator[Reference]:
    for finding in report.findings_summary[MOST_LISTED:]:
        if finding.finding_id in numbers:
            yield Reference(
                number=numbers[finding.finding_id],
                title=plain_line(finding.title, _LONGEST_TITLE).rstrip(".") or "untitled",
                detail=_detail(finding),
            )


def _detail(finding: FindingSummary) -> str:
    parts = [f"rated {finding.severity}, {percent(finding.confidence)}", _places(finding.nodes), finding.finding_id]
    return "; ".join(filter(None, parts))


def _places(nodes: Sequence[FindingNode]) -> str:
    names = list(dict.fromkeys(plain_line(node.name or node.node_id, _LONGEST_NAME) for node in nodes))
    one, several, _ = type_words({node.type for node in nodes})
    return listed_shortly(names, 3, one, several)


def _table(identifier: str, caption: str, headings: Sequence[str], rows: Sequence[tuple[TableCell, ...]]) -> Figure:
    table = Table(header=tuple(map(_cell, headings)), alignments=("left",) * len(headings), rows=tuple(rows))
    return Figure(id=identifier, caption=(Text(text=caption),), content=table)


def _cell(text: str) -> TableCell:
    return TableCell(children=(Text(text=text),) if text else ())


def _slug(heading: str) -> str:
    return re.sub(r"[^a-z]+", "-", heading.lower()).strip("-") or "narrative"
