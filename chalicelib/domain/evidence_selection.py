"""Which findings an investigation takes as its evidence: those that fit its query and scope."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final

from chalicelib.domain.clock import parse_stamp, stamp
from chalicelib.domain.finding import Finding
from chalicelib.domain.investigation import Investigation

# A word, and what names of hosts, packages, files and vulnerabilities are made of besides.
_TOKEN = re.compile(r"\w(?:[\w.:/@+-]*\w)?")
_JOINTS = re.compile(r"[.:/@+]+")
_HYPHENS = re.compile(r"[_-]+")
# Scripts that write words without spaces between them: their pairs of characters are compared.
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_DURATION = re.compile(r"(\d+)([smhd])")
_SECONDS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST_SECONDS: Final = 100 * 365 * 86_400
_SHORTEST_WORD: Final = 2
_SHORTEST_INFLECTED: Final = 4
_SHORTEST_STEM: Final = 3

# Words of questions, and words that nearly every question about security holds: they tell nothing apart.
_GENERAL: Final = """
    a about above active affect affected after again against all also am among an and any anything are around as at
    be because been before being below between both but by can check could current currently did do does doing down
    during each ever every everything exist explain few find for found from further get give go goes going had happen
    happened happening has have having he help her here him his how i if in indicate into investigate is it its just
    know last latest like list look looking made make many may me might more most much must my need new no nor not now
    of off on once only or other our out over own please possible potential recent recently report reported review
    same scan see seen she should show since so some still such summarise summarize summary tell than that the their
    them then there these they this those through to today too under until up us use used using very was we week
    were what when where whether which while who whom whose why will with within without would yesterday yet you
    your
    agent asset attack attacker component computer danger dangerous data detect detected detection device endpoint
    environment event evidence finding fleet high host incident inventory investigation issue item low machine medium
    network node object overview posture problem recommendation resource result risk score secure security server
    severity situation state status system target team thing threat update vulnerability vulnerable weakness
"""


@dataclass(frozen=True)
class Selection:
    """What a finding must have to be evidence; what is empty or None asks for nothing.

    Args:
        words: one of these in its title, summary, tags or node names (as :func:`words_of` gives them).
        tags: every one of these tags.
        seen_since: discovered then or later, a stamp.
        agents: one of these as a node, or as its tag ``agent_id``.
    """

    words: frozenset[str] = frozenset()
    tags: tuple[tuple[str, str], ...] = ()
    seen_since: str | None = None
    agents: frozenset[str] = frozenset()

    def takes(self, finding: Finding, names: frozenset[str] | None = None) -> bool:
        """Tell whether a finding is evidence; one that is dismissed never is.

        Args:
            finding: which.
            names: what :func:`names_in` returns for it, where it is compared with many selections.
        """
        named = _known_words(_texts_of(finding)) if names is None else names
        return (
            not finding.dismissed
            and (self.seen_since is None or finding.discovered_at >= self.seen_since)
            and all(finding.tags.get(name) == value for name, value in self.tags)
            and (not self.agents or not self.agents.isdisjoint(_agents_of(finding)))
            and (not self.words or not self.words.isdisjoint(named))
        )


def selection_of(investigation: Investigation) -> Selection:
    """Return what an investigation asks of its evidence; times count back from when it was asked for."""
    since = None
    if investigation.scope.last_seen_within is not None:
        since = _before(investigation.created_at, investigation.scope.last_seen_within)
    return Selection(
        words=words_of(investigation.query),
        tags=tuple(sorted(investigation.scope.tags.items())),
        seen_since=since,
        agents=frozenset(investigation.agent_ids),
    )


def names_in(finding: Finding) -> frozenset[str]:
    """Return every word that a query may name a finding by, in its basic form."""
    return frozenset(_known_words(_texts_of(finding)))


def words_of(query: str) -> frozenset[str]:
    """Return the words of a query that tell findings apart, in their basic form; none if it is wholly general."""
    return frozenset(
        form
        for token in _tokens(query)
        for form in _forms(token)
        if len(form) >= _SHORTEST_WORD and form not in _unspecific()
    )


def _before(moment: str, duration: str) -> str | None:
    """Return the stamp that lies ``duration`` (``90m``, ``7d``) before; None where that is before all time."""
    found = _DURATION.fullmatch(duration)
    if found is None:
        return None
    # The number may have any length.
    seconds = min(int(found[1][:18]), _LONGEST_SECONDS) * _SECONDS[found[2]]
    if seconds >= _LONGEST_SECONDS:
        return None
    return stamp(parse_stamp(moment) - timedelta(seconds=seconds))


def _agents_of(finding: Finding) -> Iterator[str]:
    yield from (node.node_id for node in finding.nodes)
    if "agent_id" in finding.tags:
        yield finding.tags["agent_id"]


def _texts_of(finding: Finding) -> Iterator[str]:
    yield finding.title
    yield finding.summary
    for name, value in finding.tags.items():
        yield name
        yield value
    for node in finding.nodes:
        yield node.node_id
        yield node.name


def _known_words(texts: Iterable[str]) -> Iterator[str]:
    """Yield every word that a query may name these texts by: names as a whole, and their parts."""
    for text in texts:
        for token in _tokens(text):
            yield from _forms(token)
            for part in _JOINTS.split(token):
                yield from _forms(part)
                for piece in _HYPHENS.split(part):
                    yield from _forms(piece)


def _tokens(text: str) -> Iterator[str]:
    yield from _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())


def _forms(token: str) -> Iterator[str]:
    """Yield the forms in which words are compared: one, or the pairs of characters where there are no spaces."""
    unspaced = _UNSPACED.findall(token)
    if not unspaced:
        yield _stem(token)
        return
    for run in unspaced:
        yield from (run[at : at + 2] for at in range(max(1, len(run) - 1)))
    yield from (_stem(rest) for rest in _UNSPACED.sub(" ", token).split())


@cache
def _unspecific() -> frozenset[str]:
    return frozenset(map(_stem, _GENERAL.split()))


def _stem(word: str) -> str:
    """Return an English word without the ending of a plural or a verb; what is no plain word stays.

    The result need not be a word: it is only compared with others that were made here.
    """
    if not word.isalpha() or not word.isascii() or len(word) < _SHORTEST_INFLECTED:
        return word
    if word.endswith("ies"):
        return word.removesuffix("ies") + "y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word.removesuffix("s")
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            stem = word.removesuffix(ending)
            return stem[:-1] if stem[-1] == stem[-2] and stem[-1] not in "ls" else stem.removesuffix("e")
    return word.removesuffix("e")
