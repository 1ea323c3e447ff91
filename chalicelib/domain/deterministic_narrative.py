"""A security bulletin made from findings alone: no model writes it, so nothing in it can be made up.

It stands where no model could write, and section by section where what a model wrote did not hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from chalicelib.domain.bulletin import (
    DOUBTFUL_BELOW,
    LONGEST_NAME,
    LONGEST_TITLE,
    Facts,
    Issue,
    facts_of,
    ratings,
    shown_name,
    titles_shortly,
    type_words,
    where,
)
from chalicelib.domain.finding import SEVERITIES, Finding
from chalicelib.domain.investigation import CitationCheck, Endpoint, Narrative
from chalicelib.domain.safe_text import any_mixed, as_markdown, first_sentence, plain_line, quoted
from chalicelib.domain.wording import capitalised, counted, days, listed, listed_shortly, number, percent

SECTIONS: Final[Mapping[str, str]] = {
    "happened": "What happened",
    "severity": "How bad it is, and why",
    "where": "Where",
    "unknown": "What is not known",
    "first": "What to do first",
}
"""The sections of every narrative, in their order, and their headings."""

NOT_WRITTEN_BY_A_MODEL: Final = "This narrative was made from the findings by fixed rules; no model wrote it."

_LONGEST_QUERY: Final = 300
_LONGEST_SAID: Final = 260
_LONGEST_LISTED: Final = 80
_LARGEST_WORD: Final = 12
_CITED_AT_MOST: Final = 4
_ISSUES_TOLD: Final = 5
_ENDPOINTS_TOLD: Final = 5
_ACTIONS_TOLD: Final = 3
_NAMES_TOLD: Final = 3
# The ways to go on from one issue to the next; each takes the issue, its place and its rating.
_NEXT: Final = (
    "It is followed by {what}, {rated}.",
    "Then there is {what}, {rated}.",
    "{what} was found as well, {rated}.",
    "Also reported is {what}, {rated}.",
)

_CLAIM = re.compile(r"\[fnd_[0-9a-z]+\][.!?:]")
_SAYING: Final = ("The finding says", "Its summary reads", "In the words of the finding", "It is described so")

_NOTHING: Final[Mapping[str, str]] = {}

Paragraph = list[str]


def deterministic_narrative(query: str, findings: Sequence[Finding], looked_at: int) -> Narrative:
    """Return a narrative that only says what the findings say.

    It is marked as degraded unless there is no finding: then it is all that there is to say, and no model is asked.

    Args:
        query: what the investigation asked.
        findings: the snapshot; dismissed findings do not count.
        looked_at: how many findings were looked at to select them.
    """
    facts = facts_of(findings, looked_at)
    text = narrative_text({key: section_text(key, query, facts) for key in SECTIONS})
    claims = claims_in(text)
    notices = (NOT_WRITTEN_BY_A_MODEL,) if facts.findings else ()
    return Narrative(text, bool(facts.findings), "", CitationCheck(claims, claims), notices)


def section_text(key: str, query: str, facts: Facts) -> str:
    """Return one section of the narrative, without its heading, as Markdown."""
    return _joined(_WRITERS[key](query, facts) if facts.findings else _WRITERS_OF_NOTHING[key](query, facts))


def happened_with(query: str, facts: Facts, explained: Mapping[str, str]) -> str:
    """Return what happened with explanations from elsewhere, by finding id, in place of the findings' own words."""
    return _joined(_happened(query, facts, explained))


def told_issues(facts: Facts) -> Sequence[Issue]:
    """Return the issues that the narrative tells one by one."""
    return facts.issues[:_ISSUES_TOLD]


def _joined(paragraphs: Sequence[Paragraph | str]) -> str:
    return "\n\n".join(" ".join(paragraph) if isinstance(paragraph, list) else paragraph for paragraph in paragraphs)


def narrative_text(sections: Mapping[str, str]) -> str:
    """Return the whole narrative from its sections' texts."""
    return "\n\n".join(f"## {heading}\n\n{sections[key]}" for key, heading in SECTIONS.items())


def claims_in(text: str) -> int:
    """Count the sentences of a narrative that cite findings, whoever wrote them: citations stand before the stop."""
    return len(_CLAIM.findall(text))


def citation(findings: Sequence[Finding]) -> str:
    """Return the citations of findings, the first few of many: `` [fnd_…][fnd_…]``."""
    return " " + "".join(f"[{finding.id}]" for finding in findings[:_CITED_AT_MOST])


def _happened(query: str, facts: Facts, explained: Mapping[str, str] = _NOTHING) -> list[Paragraph | str]:
    findings = facts.findings
    stamps = sorted(finding.discovered_at for finding in findings)
    when = days(stamps[0], stamps[-1])
    asked = _asked(query)
    if len(findings) == 1:
        return [[asked, f"The evidence holds one finding that counts, discovered {when}."], *_issues(facts, explained)]
    held = f"The evidence holds {counted(len(findings), 'finding')} that count, {ratings(findings)}."
    return [
        [asked, held, f"{'Both' if len(findings) == 2 else 'They'} were discovered {when}."],
        *_issues(facts, explained),
    ]


def _asked(query: str) -> str:
    shown = _quote(query, _LONGEST_QUERY)
    return f"The investigation asked: {shown}" if shown[-2] in "?!…" else f"The investigation asked: {shown}."


def _issues(facts: Facts, explained: Mapping[str, str]) -> list[Paragraph | str]:
    told, rest = told_issues(facts), facts.issues[_ISSUES_TOLD:]
    paragraphs: list[Paragraph | str] = [[_first_issue(told[0], facts), *_said(told[0], 0, explained)]]
    following: Paragraph = []
    for place, issue in enumerate(told[1:]):
        sentence = _NEXT[place % len(_NEXT)].format(what=_what(issue), rated=_rated(issue))
        following.append(capitalised(sentence[:-1] + citation(issue.findings) + "."))
        following.extend(_said(issue, place + 1, explained))
    if following:
        paragraphs.append(following)
    if rest:
        paragraphs.append([_remaining(rest)])
    return paragraphs


def _first_issue(issue: Issue, facts: Facts) -> str:
    if len(facts.findings) == 1:
        lead, certain = "It is", f"and reported with a confidence of {percent(issue.gravest.confidence)}"
        return f"{lead} {_what(issue)}, {_rated(issue)} {certain}{citation(issue.findings)}."
    equals = sum(other.gravest.severity == facts.severity for other in facts.issues)
    lead = "The gravest is" if equals == 1 else f"Of the {counted(equals, 'issue')} rated highest, the first is"
    if len(facts.issues) == 1:
        lead = "All of them are"
        return f"{lead} of one kind, {_what(issue)}, {_rated(issue)}{citation(issue.findings)}."
    return f"{lead} {_what(issue)}, {_rated(issue)}{citation(issue.findings)}."


def _what(issue: Issue) -> str:
    """Return the issue's title and where it is, with the number of times it was found."""
    times = len(issue.findings)
    if times == 1:
        return f"{as_markdown(issue.title)}{as_markdown(where(issue.nodes))}"
    often = "found twice" if times == 2 else f"found {number(times)} times"
    return f"{as_markdown(issue.title)} ({often}{as_markdown(where(issue.nodes))})"


def _rated(issue: Issue) -> str:
    severities = {finding.severity for finding in issue.findings}
    return f"rated {issue.gravest.severity}" if len(severities) == 1 else f"rated up to {issue.gravest.severity}"


def _said(issue: Issue, place: int, explained: Mapping[str, str]) -> list[str]:
    """Return what the gravest finding of an issue says for itself, unless its title says it already."""
    finding = issue.gravest
    if finding.id in explained:
        return [explained[finding.id]]
    said = first_sentence(finding.summary, _LONGEST_SAID)
    plain, title = said.strip(" .").casefold(), plain_line(finding.title, LONGEST_TITLE).strip(" .…").casefold()
    adds_little = plain.startswith(title) and len(plain) < len(title) + 20
    if not plain or adds_little or title.startswith(plain):
        return []
    lead = _SAYING[place % len(_SAYING)] if len(issue.findings) == 1 else "One of them reads"
    return [f"{lead}: {_quote(said, _LONGEST_SAID)}{citation([finding])}."]


def _remaining(issues: Sequence[Issue]) -> str:
    findings = [finding for issue in issues for finding in issue.findings]
    titles = as_markdown(titles_shortly([issue.gravest.title for issue in issues], _NAMES_TOLD))
    if len(findings) == 1:
        return f"One more finding, {titles}, is rated {findings[0].severity}{citation(findings)}."
    cited = citation([issue.gravest for issue in issues])
    return f"A further {counted(len(findings), 'finding')} ({ratings(findings)}) concern {titles}{cited}."


def _severity(_: str, facts: Facts) -> list[Paragraph | str]:
    gravest = facts.gravest
    reason = [f"{facts.reason[:-1]}{citation(gravest)}.", *_confidence(facts)]
    others = [finding for finding in facts.findings if finding.severity != facts.severity]
    if not others:
        return [reason]
    are_rated = "is rated" if len(others) == 1 else "are rated"
    return [reason, [f"Apart from that, {counted(len(others), 'finding')} {are_rated} lower: {ratings(others)}."]]


def _confidence(facts: Facts) -> Paragraph:
    gravest = facts.gravest
    shares = sorted(finding.confidence for finding in gravest)
    certain = f"a confidence of {percent(shares[0])}"
    if percent(shares[0]) != percent(shares[-1]):
        certain = f"a confidence between {percent(shares[0])} and {percent(shares[-1])}"
    them = {1: "It is", 2: "Both are"}.get(len(gravest), "They are")
    sentence = f"{them} reported with {certain}."
    tail = (
        ["The severity follows the rating alone; a doubtful finding counts until it is dismissed."]
        if shares[0] < DOUBTFUL_BELOW
        else []
    )
    return [sentence, *tail]


def _where(_: str, facts: Facts) -> list[Paragraph | str]:
    endpoints = facts.endpoints
    if not endpoints:
        return [["No finding names a host, a file or an account, so the place can only be taken from their texts."]]
    placed = [finding for finding in facts.findings if finding.nodes]
    kinds = _kinds(endpoints)
    if len(endpoints) == 1:
        everything = "The finding" if len(placed) == 1 else "Both findings" if len(placed) == 2 else "All findings"
        lead = everything if len(placed) == len(facts.findings) else capitalised(counted(len(placed), "finding"))
        verb = "concerns" if len(placed) == 1 else "concern"
        only = endpoints[0]
        kind = type_words([only.type])[0]
        return [[f"{lead} {verb} one {kind}, {_name(only)}{citation(placed)}."]]
    opening = f"The findings name {kinds}."
    told = endpoints[:_ENDPOINTS_TOLD]
    lines = [f"- {_endpoint_line(endpoint, facts)}" for endpoint in told]
    paragraphs: list[Paragraph | str] = [[opening, *_most_affected(facts)], "\n".join(lines)]
    if len(endpoints) > len(told):
        paragraphs.append([_other_endpoints(endpoints[len(told) :])])
    return paragraphs


def _kinds(endpoints: Sequence[Endpoint]) -> str:
    """Return how many nodes there are of each kind: ``three hosts and one account``."""
    kinds: dict[tuple[str, str, str], int] = {}
    for endpoint in endpoints:
        words = type_words([endpoint.type])
        kinds[words] = kinds.get(words, 0) + 1
    most_first = sorted(kinds.items(), key=lambda kind: -kind[1])
    return listed([counted(count, one, several) for (one, several, _), count in most_first])


def _most_affected(facts: Facts) -> list[str]:
    most = max(facts.endpoints, key=lambda endpoint: len(endpoint.finding_ids))
    share = len(most.finding_ids)
    equals = sum(len(endpoint.finding_ids) == share for endpoint in facts.endpoints)
    if share < 2 or equals > 1:
        return []
    if share == len(facts.findings):
        return [f"Every finding concerns {_name(most)}."]
    part = "Most of them" if share > len(facts.findings) / 2 else f"The most, {_of(share, len(facts.findings))},"
    return [f"{part} concern {_name(most)}."]


def _of(part: int, whole: int) -> str:
    return f"{number(part)} of {number(whole)}" if whole <= _LARGEST_WORD else f"{part:,} of {whole:,}"


def _endpoint_line(endpoint: Endpoint, facts: Facts) -> str:
    kind = type_words([endpoint.type])[0]
    ids = set(endpoint.finding_ids)
    findings = [finding for finding in facts.findings if finding.id in ids]
    named = as_markdown(titles_shortly([finding.title for finding in findings], 2, _LONGEST_LISTED))
    rated = f"rated {findings[0].severity}" if len(findings) == 1 else ratings(findings)
    return f"{_name(endpoint)} ({kind}): {counted(len(findings), 'finding')}, {rated}, {named}{citation(findings)}."


def _other_endpoints(endpoints: Sequence[Endpoint]) -> str:
    worst = max(endpoints, key=lambda endpoint: SEVERITIES.index(endpoint.severity)).severity
    if len(endpoints) == 1:
        return f"One more, {_name(endpoints[0])}, has nothing worse than {worst}."
    return (
        f"On the other {number(len(endpoints))}, nothing is rated worse than {worst}; the list of endpoints has them."
    )


def _unknown(_: str, facts: Facts) -> list[Paragraph | str]:
    first: Paragraph = [
        "This report rests on findings that were sent in; no system was examined for it.",
        "What no finding mentions is not known, and is not thereby safe.",
    ]
    second = [*_doubts(facts), *_gaps(facts), *_lookalikes(facts)]
    return [first, second] if second else [first]


def _doubts(facts: Facts) -> list[str]:
    doubtful = [finding for finding in facts.findings if finding.confidence < DOUBTFUL_BELOW]
    if not doubtful:
        return []
    named = as_markdown(titles_shortly([finding.title for finding in doubtful], _NAMES_TOLD))
    below = f"confidence below {percent(DOUBTFUL_BELOW)}"
    if len(doubtful) == 1:
        return [f"Whether {named} is so is in doubt: it was reported with a {below}{citation(doubtful)}."]
    count = counted(len(doubtful), "finding")
    return [f"{capitalised(count)} were reported with a {below} and need to be verified: {named}{citation(doubtful)}."]


def _gaps(facts: Facts) -> list[str]:
    sentences = []
    nowhere = [finding for finding in facts.findings if not finding.nodes]
    if nowhere and len(nowhere) < len(facts.findings):
        verb = "does" if len(nowhere) == 1 else "do"
        count = counted(len(nowhere), "finding")
        sentences.append(f"{capitalised(count)} {verb} not say which system is concerned{citation(nowhere)}.")
    bare = [finding for finding in facts.findings if not finding.reasoning_chain]
    if len(bare) == len(facts.findings):
        one = len(bare) == 1
        sentences.append(
            "The finding does not show the steps that led to it."
            if one
            else "The findings do not show the steps that led to them."
        )
    elif bare:
        it = "it" if len(bare) == 1 else "them"
        sentences.append(
            f"For {counted(len(bare), 'finding')}, the steps that led to {it} were not recorded{citation(bare)}."
        )
    return sentences


def _lookalikes(facts: Facts) -> list[str]:
    names = any_mixed(endpoint.name for endpoint in facts.endpoints)
    if not names:
        return []
    shown = listed_shortly([f"“{as_markdown(plain_line(name, LONGEST_NAME))}”" for name in names], _NAMES_TOLD, "issue")
    cited = citation([f for f in facts.findings if any(node.name in names for node in f.nodes)])
    if len(names) == 1:
        return [f"The name {shown} mixes letters of different alphabets, so it may pass for another one{cited}."]
    return [f"The names {shown} mix letters of different alphabets, so they may pass for others{cited}."]


def _first(_: str, facts: Facts) -> list[Paragraph | str]:
    told = facts.actions[:_ACTIONS_TOLD]
    known = {finding.id: finding for finding in facts.findings}
    lines = [
        f"{action.priority}. {as_markdown(action.action[:-1])}{citation([known[of] for of in action.finding_ids])}."
        for action in told
    ]
    more = len(facts.actions) - len(told)
    if not more:
        return ["\n".join(lines)]
    follow = "One more action follows" if more == 1 else f"{capitalised(counted(more, 'more action'))} follow"
    return ["\n".join(lines), [f"{follow} in the list of recommended actions."]]


def _nothing_happened(query: str, facts: Facts) -> list[Paragraph | str]:
    asked = _asked(query)
    if not facts.looked_at:
        return [[asked, "There were no findings to look at, so there is nothing to report."]]
    looked = f"It looked at {counted(facts.looked_at, 'stored finding')}"
    if facts.looked_at == 1:
        return [[asked, f"{looked}, which has no bearing on the question or does not count any more."]]
    return [[asked, f"{looked}; none of them both bears on the question and still counts."]]


def _nothing_bad(_: str, facts: Facts) -> list[Paragraph | str]:
    return [[facts.reason]]


def _nowhere(_: str, __: Facts) -> list[Paragraph | str]:
    return [["No host, file or account is concerned as far as the evidence goes."]]


def _all_unknown(_: str, facts: Facts) -> list[Paragraph | str]:
    sentences = ["This report rests on findings that were sent in before; no system was examined for it."]
    if facts.looked_at:
        sentences.append("The question may concern something that no finding covers, or that findings name otherwise.")
    sentences.append("That nothing was found may mean that nothing is there, or that nobody has looked.")
    return [sentences]


def _collect_first(_: str, facts: Facts) -> list[Paragraph | str]:
    if facts.looked_at:
        return [["Check whether the systems in question deliver findings at all, and ask again in wider terms."]]
    return [["Send in findings of the systems in question, then have the report written again."]]


def _name(endpoint: Endpoint) -> str:
    return f"**{as_markdown(shown_name(endpoint.name or endpoint.node_id))}**"


def _quote(text: str, longest: int) -> str:
    return as_markdown(quoted(text, longest))


_WRITERS: Final[Mapping[str, Callable[[str, Facts], list[Paragraph | str]]]] = {
    "happened": _happened,
    "severity": _severity,
    "where": _where,
    "unknown": _unknown,
    "first": _first,
}
_WRITERS_OF_NOTHING: Final[Mapping[str, Callable[[str, Facts], list[Paragraph | str]]]] = {
    "happened": _nothing_happened,
    "severity": _nothing_bad,
    "where": _nowhere,
    "unknown": _all_unknown,
    "first": _collect_first,
}
