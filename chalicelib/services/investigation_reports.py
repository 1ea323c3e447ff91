"""Use cases: read an investigation's report, its earlier versions, and either of them as a document.

A version's body never changes, and the head names the current one: whoever reads both has one whole version.
Only the function that serves renderings has the renderers, and imports them when it needs them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from chalicelib.domain.answer_size import MAX_ANSWER_BYTES, answer_bytes
from chalicelib.domain.investigation import Investigation, InvestigationReport
from chalicelib.domain.narrative_job import TEMPLATE_NAME
from chalicelib.domain.output_format import CONTENT_TYPES
from chalicelib.domain.report import Artifact
from chalicelib.domain.report_body import from_body
from chalicelib.services import audit
from chalicelib.services.download_report import Download, content_disposition
from chalicelib.services.narrative_jobs import NotCompletedError
from chalicelib.services.not_found import NotFoundError
from chalicelib.services.own_investigation import own_investigation
from chalicelib.settings import settings
from chalicelib.stores.artifact_store import ArtifactMissingError
from chalicelib.stores.investigation_store import VersionRecord
from chalicelib.stores.stores import stores

RenderedFormat = Literal["pdf", "md", "html"]


@dataclass(frozen=True)
class CurrentReport:
    """The current version of a report, and its investigation, which knows whether it is stale."""

    report: InvestigationReport
    investigation: Investigation


def current_report(account: str, investigation_id: str) -> CurrentReport:
    """Return the current version of an investigation's report: three AWS calls (head, audit, body).

    Raises:
        NotFoundError: there is no such investigation, or it is not theirs.
        NotCompletedError: it has no report (yet).
    """
    investigation = _completed(account, investigation_id)
    _note_reading(investigation, investigation.version, "json")
    return CurrentReport(_body(investigation.report_key), investigation)


def version(account: str, investigation_id: str, number: int) -> InvestigationReport:
    """Return one version of an investigation's report: four AWS calls (head, version, audit, body).

    Raises:
        NotFoundError: there is no such investigation or version, or it is not theirs.
        NotCompletedError: it has no report (yet).
    """
    investigation = _completed(account, investigation_id)
    report_key = _report_key(investigation, number)
    _note_reading(investigation, number, "json")
    return _body(report_key)


def versions(
    account: str, investigation_id: str, limit: int = 100, before: int | None = None
) -> tuple[list[VersionRecord], int | None]:
    """Return what is known of each version, the newest first: one AWS call for the head, one per MB of versions.

    A version's change names at most 100 of what changed of each kind; its body names all. A page ends early
    where it would be too large for an answer.

    Args:
        account: who asks.
        investigation_id: whose report.
        limit: how many at most.
        before: only versions below this one.

    Returns:
        The page, and the ``before`` of the next one (None: this was the last).

    Raises:
        NotFoundError: there is no such investigation, or it is not theirs.
        NotCompletedError: it has no report (yet).
    """
    page: list[VersionRecord] = []
    room = MAX_ANSWER_BYTES
    for one in stores().investigations.versions(_completed(account, investigation_id).id, before=before):
        room -= answer_bytes(json.dumps(asdict(one)))
        if len(page) == limit or (page and room < 0):
            return page, page[-1].version
        page.append(one)
    return page, None


def rendering(account: str, investigation_id: str, wanted: RenderedFormat, number: int | None = None) -> Download:
    """Return a version of a report as a document: three AWS calls, or five where it is rendered now.

    One more where ``number`` is given. The same version under the same renderers always gives the same bytes.

    Args:
        account: who asks.
        investigation_id: whose report.
        wanted: the format.
        number: the version; None for the current one.

    Raises:
        NotFoundError: there is no such investigation or version, or it is not theirs.
        NotCompletedError: it has no report (yet).
        ThemeError: the deployment's theme is malformed.
    """
    investigation = _completed(account, investigation_id)
    report_key = investigation.report_key if number is None else _report_key(investigation, number)
    _note_reading(investigation, number or investigation.version, wanted)
    most = settings().inline_bytes
    key = _rendering_key(report_key, wanted)
    content: bytes | None
    try:
        stored, content = stores().artifacts.get_up_to(key, most)
    except ArtifactMissingError:
        content = _render(_body(report_key), wanted)
        stored = stores().artifacts.put_at(key, content, CONTENT_TYPES[wanted])
    artifact = Artifact(stored.key, CONTENT_TYPES[wanted], stored.size_bytes, stored.sha256)
    disposition = content_disposition(investigation.query, wanted)
    if content is not None and len(content) <= most:
        return Download(artifact, disposition, content, None)
    link = stores().artifacts.link(key, artifact.content_type, disposition, settings().presign_seconds)
    return Download(artifact, disposition, None, link)


def _note_reading(investigation: Investigation, number: int, file_format: str) -> None:
    audit.note("investigation.read", investigation.account, investigation.id, version=number, format=file_format)


def _completed(account: str, investigation_id: str) -> Investigation:
    investigation = own_investigation(account, investigation_id)
    if investigation.status != "completed":
        raise NotCompletedError(investigation.status)
    return investigation


def _body(report_key: str) -> InvestigationReport:
    return from_body(stores().artifacts.get(report_key))


def _report_key(investigation: Investigation, number: int) -> str:
    found = stores().investigations.version(investigation.id, number)
    if found is None:
        raise NotFoundError
    return found.report_key


def _rendering_key(report_key: str, wanted: RenderedFormat) -> str:
    """Return where a rendering lies: beside the body, whose hash is in its name."""
    from chalicelib.rendering.renderer_version import renderer_version
    from chalicelib.services.report_theme import theme_named

    return f"{report_key.removesuffix('.json')}-{renderer_version(theme_named(TEMPLATE_NAME))}.{wanted}"


def _render(report: InvestigationReport, wanted: RenderedFormat) -> bytes:
    from chalicelib.rendering.narrative_document import narrative_document
    from chalicelib.rendering.render import render
    from chalicelib.services.report_theme import theme_named

    return render(narrative_document(report), wanted, theme_named(TEMPLATE_NAME)).content
