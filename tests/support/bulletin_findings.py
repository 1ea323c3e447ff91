"""Findings for the tests of narratives, and a narrative written against the scripted model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.finding import Dismissal, Finding, FindingNode, Severity, Step
from chalicelib.domain.identifiers import finding_id
from chalicelib.domain.investigation import Investigation, InvestigationScope, Narrative
from chalicelib.generation.model_client import Endpoint, ModelClient
from chalicelib.generation.narrative import NarrativeTask, write_narrative
from chalicelib.generation.pipeline import Meter, earlier_usage
from chalicelib.generation.scrambling import Texts
from tests.model_server import ModelServer
from tests.support.report_writing import Recorder
from tests.support.scrambled import scrambled

INVESTIGATION_ID = "inv_01hx0000000000000000000000"
QUERY = "Are the finance laptops compromised?"
LAPTOP = FindingNode("n-7", "host", "fin-lap-07")
SERVER = FindingNode("n-2", "host", "fin-srv-02")
ACCOUNT = FindingNode("u-1", "account", "j.doe")


def a_finding(name: str, title: str, severity: Severity, **fields: Any) -> Finding:
    """Return a finding whose id follows from ``name``; ``fields`` are those of Finding."""
    given = {"summary": "", "confidence": 0.9, "discovered_at": "2026-05-03T10:00:00.000000Z"} | fields
    return Finding(finding_id(INVESTIGATION_ID, name), INVESTIGATION_ID, "acme", title, severity=severity, **given)


DUMPING = a_finding(
    "dumping",
    "Credential dumping with Mimikatz",
    "critical",
    summary="The process mimikatz.exe read the memory of lsass.exe at 09:14. It was started by j.doe.",
    confidence=0.95,
    nodes=(LAPTOP,),
    tags={"kind": "credential_access"},
    reasoning_chain=(Step(1, "lsass.exe was opened by mimikatz.exe"),),
)
SIGN_IN = a_finding(
    "sign-in",
    "Sign-in from an unknown country",
    "high",
    summary="j.doe signed in from 203.0.113.7 eleven minutes after a sign-in from Berlin.",
    confidence=0.4,
    nodes=(ACCOUNT,),
)
SHARE = a_finding(
    "share",
    "Open SMB share",
    "medium",
    summary="Everyone may write to the share.",
    nodes=(LAPTOP, SERVER),
    discovered_at="2026-05-05T10:00:00.000000Z",
)
DISMISSED = Dismissal("false_positive", "", "2026-05-06T00:00:00.000000Z")
FINDINGS = (DUMPING, SIGN_IN, SHARE)

SECTIONS_THAT_HOLD = {
    "What happened": "Mimikatz was used on fin-lap-07: mimikatz.exe read the memory of lsass.exe at 09:14 [F1]. "
    "The account j.doe signed in from 203.0.113.7, eleven minutes after a sign-in from Berlin [F2].",
    "How bad it is, and why": "The overall severity is critical, because of the credential dumping on fin-lap-07 [F1]. "
    "Its source is certain to 95 % [F1].",
    "Where": "The laptop fin-lap-07 has the credential dumping and an open share [F1][F3]. "
    "The server fin-srv-02 has the open share as well [F3].",
    "What is not known": "Whether the sign-in of j.doe belongs to the dumping of credentials is not known. "
    "The sign-in from an unknown country is reported with a confidence of 40 % only [F2].",
}


def an_investigation(query: str = QUERY) -> Investigation:
    """Return the investigation of the findings."""
    return Investigation(
        INVESTIGATION_ID,
        "acme",
        "analyzing",
        query,
        "standard",
        "auto",
        InvestigationScope(),
        "2026-05-05T10:00:00.000000Z",
        "2026-05-05T10:00:00.000000Z",
    )


def answer_with(server: ModelServer, sections: Mapping[str, str], times: int | None = None) -> None:
    """Make the scripted model answer the requests for these sections with these texts."""
    for heading, text in sections.items():
        server.fault("text", text=text, match=f"Write the section “{heading}”", times=times)


def narrate(
    server: ModelServer,
    findings: Sequence[Finding] = FINDINGS,
    monitor: Recorder | None = None,
    checkpoints: Mapping[str, str] | None = None,
    *,
    section_words: int = 600,
    instructions: str = "",
    concurrency: int = 4,
    meter: Meter | None = None,
    texts: Texts | None = None,
) -> Narrative:
    """Write the narrative of ``findings``."""
    task = NarrativeTask("job_1", QUERY, "standard", "standard", instructions, findings, len(findings))
    kept = checkpoints or {}
    with ModelClient(Endpoint(server.base_url, "", "scripted-model"), attempts=2) as client:
        return write_narrative(
            task,
            kept,
            client,
            monitor or Recorder(),
            section_words=section_words,
            concurrency=concurrency,
            meter=meter or Meter({}, before=earlier_usage(kept)),
            texts=texts or scrambled(),
        )
