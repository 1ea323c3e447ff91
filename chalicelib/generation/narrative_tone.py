"""What a narrative must not do in any words: play findings down, give advice, rate or deny what they do not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from chalicelib.domain.bulletin import Facts
from chalicelib.domain.finding import Finding
from chalicelib.generation.narrative_words import word_set

_LEVEL: Final = r"(critical|high|medium|moderate|low|minor|informational)"
_SAID_FIRST = re.compile(
    rf"\b{_LEVEL}(?=[- ](?:overall )?(?:severity|risk|rating|rated|priority|finding|findings|issue|issues|impact)\b)"
    rf"|\b{_LEVEL}(?= in (?:severity|risk|priority|impact|importance|rating)\b)",
    re.IGNORECASE,
)
_SAID_LAST = re.compile(
    r"\b(?:severity|rated|rating|risk|is|are|was|were|remains?|stays?|considered|deemed|classified|ranked|judged|"
    r"assessed|regarded)"
    r"(?: level)?(?: is| was| of| as| to be| remains| stays|:| in fact| in reality| \w+ly| only| just| very| rather| "
    rf"quite| of| a| an){{0,4}} {_LEVEL}\b(?![- ](?:confidence|certainty|privilege|port|volume|entropy|number))",
    re.IGNORECASE,
)
SEVERITY_SAID: Final = (_SAID_FIRST, _SAID_LAST)
"""How a severity is said."""

# What else may be high or low.
_OTHER_MEASURE = re.compile(
    r"\b(?:confidence|certainty|privileges?|complexity|integrity|likelihood|probability|entropy|trust)\b"
    r"(?:\s+[\w.-]+){0,4}\s*$",
    re.IGNORECASE,
)
# Words that rate a thing low, whatever they stand beside; "trivial to exploit" is no such word.
_BELITTLED = re.compile(
    r"\b(?:minor|negligible|insignificant|unimportant|trivial(?! to )|inconsequential|immaterial)\b", re.IGNORECASE
)
_AS_LOW: Final = {"minor": "low", "informational": "low", "moderate": "medium"}
_OVERALL = re.compile(
    r"\b(?:overall|in general|as a whole|total|the severity|this investigation|the report)\b", re.IGNORECASE
)
_PLAYED_DOWN = re.compile(
    r"\bfalse (?:positives?|alarms?)\b|\bbenign\b|\bharmless\b|\bnothing to worry\b|"
    r"\b(?:safe(?:ly)? to|can(?: safely)? be|may be) (?:ignored?|dismissed?|closed?|postponed|neglected)\b|"
    r"\b(?:can|may|could) (?:safely )?wait\b|\bno (?:further |immediate |urgent )?action\b|"
    r"\b(?:no|little|limited|minimal|low|hardly any|barely any|scarcely any|small) "
    r"(?:real |actual |serious |further |great )?(?:risk|threat|danger|impact|concern|harm|consequence|importance|"
    r"relevance|urgency|cause for|reason (?:for|to)|need (?:for|to))\b|"
    r"\bnot (?:\w+ly )?(?:yet )?(?:a |an |of )?(?:real |serious |actual |great |immediate )?(?:malicious|threat|"
    r"danger(?:ous)?|serious|concern(?:ing)?|risk(?:y)?|problem(?:atic)?|urgent|critical|severe|grave|significant|"
    r"important|relevant|worrying|harmful|suspicious|exploitable|unusual)\b|"
    r"\b(?:is|are|was|were|been|be) (?:\w+ly )?(?:safe|secure|resolved|mitigated|contained|fixed|authori[sz]ed|"
    r"sanctioned|approved|expected|intended|intentional|legitimate|normal|routine|acceptable|planned)\b|"
    r"\b(?:authori[sz]ed|sanctioned|approved|planned|scheduled|routine|training|penetration|red[- ]team) "
    r"(?:exercises?|tests?|testing|activity|drills?|work|maintenance|operations?)\b|"
    r"\b(?:normal|regular|routine|usual|expected) (?:operations?|behaviou?r|activity|use|business|work)\b|"
    r"\bby design\b|\bnothing (?:bad|serious|unusual|malicious|suspicious)\b|\bonly a (?:test|drill)\b",
    re.IGNORECASE,
)
_TO_THE_READER = re.compile(
    r"\b(?:previous|prior|above|these|all) instructions\b|\bsystem prompt\b|\bas an ai\b|\blanguage model\b|\bplease\b|"
    r"\b(?:you|we|i|your|our|my)\b|\brecommend(?:ed|s|ations?)?\b|\badvis(?:e|ed|able)\b|\bshould\b|\bmust\b|\bshall\b|"
    r"\bought to\b|\bneed(?:s|ed)? to\b|\b(?:has|have|had) to\b|\bhad better\b|\blet us\b|"
    r"\bneeds? (?:immediate |urgent |further )?(?:attention|review|action|deletion|removal)\b|"
    r"\bis (?:\w+ly )?(?:best|important|necessary|advisable|essential|crucial|vital|wise|better|imperative|time) "
    r"(?:to|that)\b|\bbest (?:practice|to)\b",
    re.IGNORECASE,
)
_ORDER: Final = (
    r"(?:run|execute|download|install|uninstall|disable|enable|delete|remove|visit|open|click|call|contact|send|email|"
    r"turn|stop|start|ignore|dismiss|close|mark|set|change|reset|rotate|isolate|block|patch|update|upgrade|apply|"
    r"review|ensure|make sure|verify|check|consider|use|avoid|implement|monitor|investigate|replace|do not|never|"
    r"wipe|erase|destroy|restore|restart|reboot|revoke|quarantine|grant|give|pay|follow|copy|move|transfer|reinstall|"
    r"shut|unplug|disconnect|go to|see)\b"
)
_BEFORE_ORDER: Final = (
    r"(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|next|then|finally|lastly|also|additionally|afterwards?|now|immediately|"
    r"and|but|so|therefore|instead|otherwise|in addition|as (?:a|the) (?:first|next|last) step|after that|at once|just|"
    r"simply|always|quickly|to (?:fix|solve|mitigate|prevent|remedy|stop|avoid|address)\b[^,]{0,80},)"
)
_ORDERS = re.compile(
    rf"(?:^|[:;\u2014\u2013]\s*|,\s*(?:and|then|so|next)\s+)(?:{_BEFORE_ORDER}[\s,]+){{0,4}}{_ORDER}", re.IGNORECASE
)
# Consequences and causes that a finding has to name itself.
_LOADED = re.compile(
    r"\b(ransom|wip(?:e|ed|ing)\b|steal|stole|theft|thie(?:f|v)|exfiltrat|leak|publish|sold\b|sell|breach|backdoor|"
    r"malware|trojan|worm\b|virus|phish|insider|espionage|nation|botnet|rootkit|sabotag|extort|blackmail|fraud)",
    re.IGNORECASE,
)
_NEGATION: Final = r"(?:not|\w+n't|never|no|none|nobody|nothing|neither|nor|without|cannot)"
_NEGATED = re.compile(rf"\b{_NEGATION}\b(?! only\b)((?:\W+\w+){{0,5}})", re.IGNORECASE)
_NEGATED_IN_POOL: Final = (
    rf"\b(?:{_NEGATION}|miss(?:es|ing)|lack(?:s|ing)?|absen(?:t|ce)|fail(?:s|ed|ure)?|disabled?)\b(?:\W+\w+){{0,8}}?\W+"
)
_LEFT_OUT: Final = word_set(
    "a an the been be being was were is are has have had did does do any of in on at to by and or for it that this "
    "than other used use with which from as"
)


def playing_down_or_advice(text: str) -> str:
    """Return what is wrong with how a sentence speaks, whatever it speaks of, or nothing."""
    if _PLAYED_DOWN.search(text):
        return "it plays findings down"
    if _TO_THE_READER.search(text) or _ORDERS.search(text):
        return "it gives advice or speaks to the reader"
    return ""


def wrong_severity(text: str, findings: Sequence[Finding], facts: Facts) -> str:
    """Return a problem where a sentence rates something as neither its findings nor all of them are rated."""
    said = severities_said(text)
    if not said:
        return ""
    allowed = {str(finding.severity) for finding in findings or facts.findings}
    if _OVERALL.search(text) and not (facts.severity in said and said <= allowed):
        # "The severity is critical because two critical and one high finding …"
        allowed = {str(facts.severity)}
    wrong = said - allowed
    return f"the severity is not {min(wrong)}" if wrong else ""


def severities_said(text: str) -> set[str]:
    """Return the severities that a sentence gives to something; what calls it minor calls it low."""
    said = {"low"} if _BELITTLED.search(text) else set()
    for pattern in SEVERITY_SAID:
        for found in pattern.finditer(text):
            level = next(filter(None, found.groups())).lower()
            if not _OTHER_MEASURE.search(text[: found.start()]):
                said.add(_AS_LOW.get(level, level))
    return said


def loaded_word(text: str, pool: str) -> str:
    """Return a word for a cause or consequence that ``pool`` does not speak of, or nothing."""
    for found in _LOADED.finditer(text):
        if found[0].casefold()[:5] not in pool:
            return f"no finding speaks of “{found[0]}”"
    return ""


def wrong_negation(text: str, pool: str) -> str:
    """Return a problem where a sentence says that something is not so, and ``pool`` does not say it.

    Args:
        text: the sentence.
        pool: the text that it rests on, folded.
    """
    for found in _NEGATED.finditer(text.replace("\u2019", "'")):
        denied = [word for word in re.findall(r"\w{3,}", found[1].casefold()) if word not in _LEFT_OUT]
        if not any(_is_denied(word[: max(4, len(word) - 3)], pool) for word in denied):
            return "it says that something is not so, which the finding does not say"
    return ""


def _is_denied(stem: str, pool: str) -> bool:
    start = re.escape(stem)
    return bool(re.search(rf"\b(?:un|in|im|non-?|mis|dis){start}|{_NEGATED_IN_POOL}{start}", pool))
