"""Use case: hand out a finished report in any format (Reports API, "Download Report").

The format that was ordered lies in the bucket since the report was completed. Any other is rendered from
the stored tree when it is first asked for, and found again under a key that follows from tree, format and
renderers. Only the function that serves downloads has the renderers, and imports them when it needs them.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from chalicelib.domain.caller import Caller
from chalicelib.domain.clock import now
from chalicelib.domain.output_format import CONTENT_TYPES, OutputFormat
from chalicelib.domain.report import Artifact, Outcome, Report
from chalicelib.services import audit
from chalicelib.services.read_reports import own_report
from chalicelib.settings import settings
from chalicelib.stores.artifact_store import ArtifactMissingError, StoredObject
from chalicelib.stores.stores import stores

if TYPE_CHECKING:
    from chalicelib.rendering.theme import Theme

_log = logging.getLogger(__name__)


class NotReadyError(Exception):
    """The report has no document yet."""


@dataclass(frozen=True)
class Link:
    """A presigned link to a document and when it ends."""

    url: str
    expires_at: datetime
    artifact: Artifact


@dataclass(frozen=True)
class Download:
    """A document: its bytes, or (too large for one answer) a link to it."""

    artifact: Artifact
    disposition: str
    content: bytes | None
    link: str | None


def download_report(caller: Caller, report_id: str, wanted: OutputFormat | None = None) -> Download:
    """Return a report's document: three AWS calls, or five where its format is rendered now.

    Args:
        caller: who asks.
        report_id: which report.
        wanted: the format; None for the one that was ordered.

    Raises:
        ReportNotFoundError: there is none with this id, or it is not theirs.
        NotReadyError: it has no document (yet).
    """
    report, outcome = _finished(caller, report_id)
    extension = wanted or report.output_format
    audit.note("report.read", report.owner, report.id, format=extension, delivery="file")
    disposition = content_disposition(report.title, extension)
    if extension == report.output_format:
        artifact, content = outcome.artifact, None
        if artifact.size_bytes <= settings().inline_bytes:
            content = stores().artifacts.get(artifact.key)
    else:
        artifact, content = _rendering(report, outcome, extension)
    link = _presign(artifact, disposition) if content is None else None
    return Download(artifact, disposition, content, link)


def download_link(caller: Caller, report_id: str, wanted: OutputFormat | None = None) -> Link:
    """Return a presigned link to a report's document.

    Two AWS calls; three where another format than the ordered one is wanted, or five where that is rendered now.

    Args:
        caller: who asks.
        report_id: which report.
        wanted: the format; None for the one that was ordered.

    Raises:
        ReportNotFoundError: there is none with this id, or it is not theirs.
        NotReadyError: it has no document (yet).
    """
    report, outcome = _finished(caller, report_id)
    extension = wanted or report.output_format
    audit.note("report.read", report.owner, report.id, format=extension, delivery="link")
    artifact = outcome.artifact
    if extension != report.output_format:
        artifact = _stored_rendering(report, outcome, extension)
    url = _presign(artifact, content_disposition(report.title, extension))
    return Link(url, now() + timedelta(seconds=settings().presign_seconds), artifact)


def link_to(report: Report, outcome: Outcome) -> Link:
    """Return a presigned link to the document of a completed report, as it was ordered, for its webhook: one AWS call.

    Args:
        report: which.
        outcome: what it was completed with.
    """
    audit.note("report.read", report.owner, report.id, format=report.output_format, delivery="webhook")
    url = _presign(outcome.artifact, content_disposition(report.title, report.output_format))
    return Link(url, now() + timedelta(seconds=settings().presign_seconds), outcome.artifact)


def _finished(caller: Caller, report_id: str) -> tuple[Report, Outcome]:
    report = own_report(caller, report_id)
    if report.status != "completed" or report.outcome is None:
        raise NotReadyError
    return report, report.outcome


def _presign(artifact: Artifact, disposition: str) -> str:
    return stores().artifacts.link(artifact.key, artifact.content_type, disposition, settings().presign_seconds)


def _rendering(report: Report, outcome: Outcome, wanted: OutputFormat) -> tuple[Artifact, bytes | None]:
    """Return a rendering and its bytes, without them where they do not fit one answer."""
    most = settings().inline_bytes
    key = _rendering_key(report, outcome, wanted)
    try:
        stored, content = stores().artifacts.get_up_to(key, most)
    except ArtifactMissingError:
        artifact, rendered = _render_and_store(report, outcome, key, wanted)
        return artifact, rendered if len(rendered) <= most else None
    return _artifact(stored, wanted), content


def _stored_rendering(report: Report, outcome: Outcome, wanted: OutputFormat) -> Artifact:
    """Return a rendering that is in the bucket, if only since now."""
    key = _rendering_key(report, outcome, wanted)
    try:
        return _artifact(stores().artifacts.look_at(key), wanted)
    except ArtifactMissingError:
        return _render_and_store(report, outcome, key, wanted)[0]


def _theme(report: Report) -> Theme:
    """Return the deployment's looks, or the plain ones where these cannot be read: a report is worth more."""
    from chalicelib.rendering.theme import Theme, ThemeError
    from chalicelib.services.report_theme import theme_of

    try:
        return theme_of(report)
    except ThemeError:
        _log.exception("REPORT_THEME cannot be read")
        return Theme()


def _rendering_key(report: Report, outcome: Outcome, wanted: OutputFormat) -> str:
    """Return where a rendering lies: beside the tree, whose hash is in its name.

    The same tree under the same renderers always has the same key and the same bytes, so that nobody has
    to remember what was rendered, and renderers that were mended never serve an old file.
    """
    from chalicelib.rendering.renderer_version import renderer_version
    from chalicelib.rendering.theme import Theme

    tree = outcome.document_key.removesuffix(".json")
    # Markdown has no looks.
    theme = Theme() if wanted == "md" else _theme(report)
    return f"{tree}-{renderer_version(theme)}.{wanted}"


def _render_and_store(report: Report, outcome: Outcome, key: str, wanted: OutputFormat) -> tuple[Artifact, bytes]:
    from chalicelib.domain.document import Document
    from chalicelib.rendering.render import render

    artifacts = stores().artifacts
    document = Document.model_validate_json(artifacts.get(outcome.document_key))
    rendering = render(document, wanted, _theme(report))
    stored = artifacts.put_at(key, rendering.content, rendering.content_type)
    return _artifact(stored, wanted), rendering.content


def _artifact(stored: StoredObject, wanted: OutputFormat) -> Artifact:
    return Artifact(stored.key, CONTENT_TYPES[wanted], stored.size_bytes, stored.sha256)


def content_disposition(title: str, extension: str) -> str:
    """Return a header that saves the file under its title, in ASCII and (RFC 6266) in full."""
    name = re.sub(r'[\s\x00-\x1f\x7f/\\:*?"<>|]+', " ", title).strip(" .")[:100].strip() or "report"
    plain = re.sub(r"[^A-Za-z0-9._ -]+", "_", name)
    return f"attachment; filename=\"{plain}.{extension}\"; filename*=UTF-8''{quote(name, safe='')}.{extension}"
