"""Rules of a SARIF run, and what they say of a result: its title, severity, weakness and certainty."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.domain.finding import MAX_SUMMARY, Severity
from chalicelib.domain.finding_import import WrongValueError
from chalicelib.domain.json_object import JsonObject

_SEVERITY_OF_LEVEL: Final[Mapping[str, Severity]] = {
    "error": "high",
    "warning": "medium",
    "note": "low",
    "none": "low",
}
# The bounds of CVSS, which "security-severity" follows.
_SEVERITY_FROM: Final[tuple[tuple[float, Severity], ...]] = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"))
_CERTAINTIES: Final[Mapping[str, float]] = {
    "very-high": 0.95,
    "high": 0.9,
    "medium": 0.7,
    "low": 0.4,
}
_CWE = re.compile(r"\bCWE[-_ /]{0,2}0*([1-9][0-9]{0,4})\b", re.IGNORECASE)
_CWE_NUMBER = re.compile(r"(?:CWE-)?0*([1-9][0-9]{0,4})", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([0-9]{1,3})\}")
# Tools mark words of a plain message as links to its locations by number.
_EMBEDDED_LINK = re.compile(r"\[((?:[^\[\]\\]|\\.){1,1000})\]\((?:[0-9]{1,6}|[a-z]{1,10}:[^\s()]{1,1000})\)")
_OLDEST_FAMILY: Final = 5
_MOST_WEAKNESSES: Final = 20


@dataclass(frozen=True)
class Rule:
    """What a rule says of its results.

    Args:
        id: its id; empty where the file does not describe it.
        title: its short description, or else empty.
        name: its name for programs.
        about: its description.
        messages: texts that results name by id.
        level: the level of its results, and where it stands.
        score: the score of its results, 0 to 10.
        confidence: how sure it is, 0 to 1.
        weaknesses: as ``CWE-78``.
    """

    id: str
    title: str
    name: str
    about: str
    messages: JsonObject
    level: tuple[str, str]
    score: float | None
    confidence: float | None
    weaknesses: tuple[str, ...]


def _rule(rule: JsonObject) -> Rule:
    properties, configuration = rule.object("properties"), rule.object("defaultConfiguration")
    return Rule(
        id=rule.text("id").strip(),
        title=rule.object("shortDescription").text("text").strip(),
        name=rule.text("name").strip(),
        about=(rule.object("fullDescription").text("text") or rule.object("help").text("text")).strip(),
        messages=rule.object("messageStrings"),
        level=(configuration.text("level") or "warning", configuration.at("level")),
        score=_score(properties),
        confidence=_confidence(properties, "precision"),
        weaknesses=tuple(_weaknesses(properties, [r.object("target") for r in rule.objects("relationships")])),
    )


class Rules:
    """The rules that a run's results name, by place and by id. Each is read once, however many results it has."""

    def __init__(self, tool: JsonObject) -> None:
        """Find the rules of a run's ``tool``.

        Raises:
            WrongValueError: they are not what SARIF says.
        """
        components = (tool.object("driver"), *tool.objects("extensions"))
        self._components = tuple(tuple(component.objects("rules")) for component in components)
        self._by_id: dict[str, JsonObject] = {}
        for rule in (rule for component in self._components for rule in component):
            self._by_id.setdefault(rule.text("id"), rule)
        self._read: dict[str, Rule] = {}

    def rule_of(self, result: JsonObject) -> Rule:
        """Return the rule of a result; an empty one where the run does not describe it.

        Raises:
            WrongValueError: it is not what SARIF says.
        """
        found = self._found(result)
        if found.path not in self._read:
            self._read[found.path] = _rule(found)
        return self._read[found.path]

    def _found(self, result: JsonObject) -> JsonObject:
        named = result.object("rule")
        number = result.whole("ruleIndex")
        described = self._described(named, number if number is not None else named.whole("index"))
        return described or self._family(rule_id_of(result)) or JsonObject({}, "")

    def _described(self, named: JsonObject, number: int | None) -> JsonObject | None:
        extension = named.object("toolComponent").whole("index")
        component = 0 if extension is None else extension + 1
        if number is None or not 0 <= component < len(self._components):
            return None
        rules = self._components[component]
        return rules[number] if 0 <= number < len(rules) else None

    def _family(self, rule_id: str) -> JsonObject | None:
        """Return the rule of this id, or that which it belongs to: ``CA1000`` for ``CA1000/1``."""
        for _ in range(_OLDEST_FAMILY):
            if rule_id in self._by_id:
                return self._by_id[rule_id]
            rule_id = rule_id.rpartition("/")[0]
        return None


def rule_id_of(result: JsonObject) -> str:
    """Return the id of the rule that a result names, or an empty text."""
    return (result.text("ruleId") or result.object("rule").text("id")).strip()


def level_overrides(invocation: JsonObject) -> dict[str, str]:
    """Return the levels that a run of the tool gave to rules, by the rules' ids."""
    return {
        override.object("descriptor").text("id"): override.object("configuration").text("level")
        for override in invocation.objects("ruleConfigurationOverrides")
    }


def severity_of(result: JsonObject, rule: Rule, overrides: Mapping[str, str]) -> Severity:
    """Return how bad a result is: by its score where it or its rule has one, else by its level.

    Raises:
        WrongValueError: a score or a level that SARIF does not know.
    """
    own = _score(result.object("properties"))
    score = rule.score if own is None else own
    if score is not None:
        return next((severity for bound, severity in _SEVERITY_FROM if score >= bound), "low")
    level, path = _level(result, rule, overrides)
    if level not in _SEVERITY_OF_LEVEL:
        raise WrongValueError(path, f"must be one of {', '.join(_SEVERITY_OF_LEVEL)}")
    return _SEVERITY_OF_LEVEL[level]


def _score(properties: JsonObject) -> float | None:
    value = properties.fields.get("security-severity")
    if value is None or value == "":
        return None
    try:
        score = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        score = -1.0
    if not 0 <= score <= 10:
        raise WrongValueError(properties.at("security-severity"), "must be a number from 0 to 10")
    return score


def _level(result: JsonObject, rule: Rule, overrides: Mapping[str, str]) -> tuple[str, str]:
    """Return a result's level and where it stands."""
    if result.has("level"):
        return result.text("level"), result.at("level")
    if (result.text("kind") or "fail") != "fail":
        return "none", result.at("kind")
    if override := overrides.get(rule_id_of(result)):
        return override, "invocations.ruleConfigurationOverrides"
    return rule.level


def confidence_of(result: JsonObject, rule: Rule) -> float | None:
    """Return how sure the tool is, 0 to 1; None where it does not say."""
    own = _confidence(result.object("properties"), "confidence", "issue_confidence", "precision")
    return rule.confidence if own is None else own


def _confidence(properties: JsonObject, *names: str) -> float | None:
    for stated in map(properties.fields.get, names):
        if isinstance(stated, str) and stated.lower() in _CERTAINTIES:
            return _CERTAINTIES[stated.lower()]
        if isinstance(stated, int | float) and not isinstance(stated, bool) and 0 <= stated <= 1:
            return float(stated)
    return None


def weaknesses_of(result: JsonObject, rule: Rule) -> list[str]:
    """Return the weaknesses that a result or its rule names, as ``CWE-78``, each once."""
    own = _weaknesses(result.object("properties"), result.objects("taxa"))
    return list(dict.fromkeys([*own, *rule.weaknesses]))


def _weaknesses(properties: JsonObject, taxa: Sequence[JsonObject]) -> list[str]:
    stated: Any = properties.fields.get("cwe")
    texts = [*properties.texts("tags"), *(s for s in (stated if isinstance(stated, list) else [stated]))]
    numbers = [number for text in texts if isinstance(text, str) for number in _CWE.findall(text[:500])]
    ids = [taxon.text("id") for taxon in taxa if taxon.object("toolComponent").text("name").upper() == "CWE"]
    numbers += [match[1] for text in ids if (match := _CWE_NUMBER.fullmatch(text.strip()))]
    return [f"CWE-{number}" for number in dict.fromkeys(numbers)][:_MOST_WEAKNESSES]


def message_of(message: JsonObject, *dictionaries: JsonObject) -> str:
    """Return the plain text of a message; an empty one where there is none.

    Args:
        message: the message.
        dictionaries: where a message that is named only by its id may stand.

    Raises:
        WrongValueError: it is none, or too long with its arguments put in.
    """
    text, named = message.text("text"), message.text("id")
    if not text and named:
        text = next((d.object(named).text("text") for d in dictionaries if d.has(named)), "")
    arguments = message.texts("arguments")
    if arguments:
        text = _filled(text, arguments, message.path)
    return _EMBEDDED_LINK.sub(r"\1", text).strip()


def _filled(text: str, arguments: list[str], path: str) -> str:
    """Put arguments in, watching the length: a short text can name a long argument many times."""
    parts: list[str] = []
    length = end = 0
    for place in _PLACEHOLDER.finditer(text):
        number = place[1]
        known = number is not None and int(number) < len(arguments)
        filled = arguments[int(number)] if known else place[0] if number is not None else place[0][0]
        parts += [text[end : place.start()], filled]
        length += place.start() - end + len(filled)
        end = place.end()
        if length > MAX_SUMMARY:
            raise WrongValueError(path, f"must be at most {MAX_SUMMARY:,} characters with its arguments")
    return "".join([*parts, text[end:]])
