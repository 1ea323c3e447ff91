"""What to do about a finding: by its class of weakness or kind where that is certain, else nothing.

Only structured fields are read for it (tags, and CVE numbers in titles): prose of a finding
never decides what is recommended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from chalicelib.domain.finding import Finding


@dataclass(frozen=True)
class Remedy:
    """A step to take: ``do`` (imperative, the place follows it) and ``how``; ``key`` is the same for the same step."""

    key: str
    do: str
    how: str


_CWE = re.compile(r"\bCWE[-_ ]?0*([1-9]\d{0,4})\b", re.IGNORECASE)
_CVE = re.compile(r"\bCVE-\d{4}-\d{4,7}\b", re.IGNORECASE)
_NUMBER = re.compile(r"0*([1-9]\d{0,4})")
_KIND_TAGS: Final = ("kind", "category", "class", "type", "finding_type", "issue_type")

_INJECTION = Remedy(
    "command-injection",
    "Check how programs and code are run",
    "pass arguments as a list without a shell, and let no input decide what runs",
)
_BY_CWE: Final[tuple[tuple[tuple[int, ...], Remedy], ...]] = (
    ((77, 78, 88), _INJECTION),
    (
        (89, 564, 943),
        Remedy("sql-injection", "Bind parameters in database queries", "never join input into the text of a query"),
    ),
    (
        (79, 80, 83, 116),
        Remedy(
            "xss",
            "Escape what is written into web pages",
            "turn automatic escaping on, and allow no markup from outside",
        ),
    ),
    (
        (94, 95, 96, 913),
        Remedy(
            "code-injection", "Stop running text as code", "parse the input, or choose from a fixed list of actions"
        ),
    ),
    (
        (502,),
        Remedy(
            "deserialisation",
            "Stop loading objects from untrusted data",
            "use a format that carries data alone, or verify a signature first",
        ),
    ),
    (
        (22, 23, 36, 73),
        Remedy(
            "path-traversal",
            "Restrict which paths and addresses input can name",
            "resolve them first, and refuse whatever leaves what is intended",
        ),
    ),
    (
        (377, 378, 379),
        Remedy(
            "temporary-files",
            "Create temporary files safely",
            "let the library choose an unpredictable name with private permissions",
        ),
    ),
    (
        (732, 276, 277, 278, 279),
        Remedy("permissions", "Tighten permissions", "grant only what the owner and the service need"),
    ),
    (
        (798, 259, 260, 321, 522),
        Remedy(
            "secrets",
            "Remove stored credentials and replace them",
            "treat them as known to others, issue new ones, and keep these in a secret store",
        ),
    ),
    (
        (327, 328, 326, 916, 757),
        Remedy(
            "weak-cryptography",
            "Replace weak algorithms",
            "use current ones from a maintained library, or mark the use as not security-relevant where it is not",
        ),
    ),
    (
        (330, 338, 1241),
        Remedy(
            "weak-randomness",
            "Draw security-relevant random values from the operating system's generator",
            "ordinary generators can be predicted",
        ),
    ),
    (
        (295, 296, 297, 299),
        Remedy("certificates", "Turn certificate checks on", "trust the needed authority instead of every certificate"),
    ),
    ((319, 311), Remedy("plain-transport", "Encrypt the connection", "send nothing confidential over plain protocols")),
    (
        (611, 776, 20110),
        Remedy("xml", "Parse XML with external entities turned off", "use a parser hardened against entity expansion"),
    ),
    (
        (918,),
        Remedy(
            "ssrf",
            "Restrict the addresses that the server may call",
            "allow known hosts alone, after resolving the name",
        ),
    ),
    (
        (605,),
        Remedy(
            "all-interfaces",
            "Bind services to the interfaces that they need",
            "listening on all of them exposes the service to every network",
        ),
    ),
    (
        (400, 770, 1333),
        Remedy(
            "exhaustion",
            "Limit time and size of what is processed",
            "set timeouts and bounds, so that one request cannot take all resources",
        ),
    ),
    (
        (703, 390, 391, 396, 755),
        Remedy(
            "errors",
            "Make checks and the handling of errors explicit",
            "assertions are left out of optimised code, and a dropped error hides what went wrong",
        ),
    ),
    (
        (489, 215),
        Remedy("debugging", "Turn debugging off in production", "debug pages and consoles hand out code and secrets"),
    ),
    (
        (306, 287, 862, 863, 285, 284),
        Remedy("access-control", "Require authentication and check permissions", "for every request, on the server"),
    ),
    ((352,), Remedy("csrf", "Protect changing requests against forgery", "with tokens bound to the session")),
    ((601,), Remedy("redirects", "Redirect only to known targets", "compare them with a list")),
    (
        (434,),
        Remedy(
            "uploads", "Check uploaded files", "accept expected types alone, and store them where nothing runs them"
        ),
    ),
    (
        (200, 201, 209, 532),
        Remedy("disclosure", "Stop giving out internal information", "keep it out of answers and logs"),
    ),
    (
        (1104, 937, 1035, 1395),
        Remedy("outdated", "Update outdated components", "to a version that its maintainers support"),
    ),
)

_BY_KIND: Final[tuple[tuple[tuple[str, ...], Remedy], ...]] = (
    (
        ("malware", "ransomware", "trojan", "backdoor", "webshell"),
        Remedy(
            "malware",
            "Isolate what is affected",
            "keep a copy for the investigation, then rebuild it from a known good state",
        ),
    ),
    (
        ("persistence",),
        Remedy("persistence", "Remove the foothold", "after isolating the system and saving the evidence"),
    ),
    (
        ("credential_access", "credential_theft", "stolen_credentials", "credential_dumping"),
        Remedy(
            "credentials",
            "Reset the credentials that may be known to others",
            "end their sessions and look for their use elsewhere",
        ),
    ),
    (
        ("phishing",),
        Remedy(
            "phishing", "Remove the message from all mailboxes", "and reset the credentials of those who answered it"
        ),
    ),
    (
        ("lateral_movement",),
        Remedy(
            "lateral-movement",
            "Cut the connections that were used to move on",
            "and examine the systems at their other end",
        ),
    ),
    (
        ("exfiltration", "data_exfiltration"),
        Remedy("exfiltration", "Block the channel the data left by", "and establish which data it was"),
    ),
    (
        ("command_and_control", "c2", "beaconing"),
        Remedy(
            "command-and-control",
            "Block the remote addresses and isolate what contacts them",
            "look for the same contacts elsewhere",
        ),
    ),
    (
        ("brute_force", "password_spraying"),
        Remedy(
            "brute-force",
            "Slow down and block repeated sign-in attempts",
            "require a second factor, and check whether any of them succeeded",
        ),
    ),
    (
        ("open_port", "exposed_service"),
        Remedy(
            "exposure",
            "Close services to networks that do not need them",
            "and require authentication for what stays open",
        ),
    ),
    (
        ("outdated_software", "outdated", "missing_patch", "patch", "end_of_life", "eol"),
        Remedy("outdated", "Update outdated components", "to a version that its maintainers support"),
    ),
    (
        ("hardcoded_secret", "secret", "secrets", "exposed_secret", "leaked_credential"),
        Remedy(
            "secrets",
            "Remove stored credentials and replace them",
            "treat them as known to others, issue new ones, and keep these in a secret store",
        ),
    ),
    (
        ("misconfiguration", "misconfig"),
        Remedy("misconfiguration", "Correct the configuration", "and add the setting to the baseline that is checked"),
    ),
)

_REMEDY_OF_CWE: Final = {number: remedy for numbers, remedy in _BY_CWE for number in numbers}
_REMEDY_OF_KIND: Final = {kind: remedy for kinds, remedy in _BY_KIND for kind in kinds}


def remedy_of(finding: Finding) -> Remedy | None:
    """Return what to do about a finding; None where its tags and title do not say what kind of thing it is."""
    cves = sorted({found.upper() for text in (*_values(finding), finding.title) for found in _CVE.findall(text)})
    if cves:
        named = " and ".join(cves[:3])
        return Remedy(
            f"cve:{named}", f"Install the fix for {named}", "or apply the vendor's mitigation until there is one"
        )
    return _of_class(finding) or _of_kind(finding)


def _of_class(finding: Finding) -> Remedy | None:
    for number in _classes(finding):
        if number in _REMEDY_OF_CWE:
            return _REMEDY_OF_CWE[number]
    return None


def _classes(finding: Finding) -> list[int]:
    found: list[int] = []
    for name, value in sorted(finding.tags.items()):
        found.extend(int(digits) for digits in _CWE.findall(f"{name} {value}"[:1000]))
        if name.lower() in ("cwe", "cwe_id", "cwe-id"):
            found.extend(int(digits) for digits in _NUMBER.findall(value[:200]))
    return found


def _of_kind(finding: Finding) -> Remedy | None:
    for name in _KIND_TAGS:
        kind = finding.tags.get(name, "").strip().lower().replace("-", "_").replace(" ", "_")
        if kind in _REMEDY_OF_KIND:
            return _REMEDY_OF_KIND[kind]
    return None


def _values(finding: Finding) -> list[str]:
    return [value[:1000] for _, value in sorted(finding.tags.items())]
