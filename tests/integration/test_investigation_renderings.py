"""Reports of investigations as documents: one version, the same bytes every time."""

from __future__ import annotations

import pytest

from chalicelib.services.findings import ingest
from chalicelib.services.investigation_reports import rendering
from chalicelib.services.narrative_jobs import NotCompletedError, regenerate
from chalicelib.services.not_found import NotFoundError
from chalicelib.settings import settings
from tests.support.investigations import ACCOUNT, completed, new_finding, started
from tests.support.service import Service, counted_calls


def test_a_version_is_rendered_once_and_then_found(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_BASE_URL", "")
    settings.cache_clear()
    investigation = completed(service, query="Which hosts are exposed: “gw-1”?")
    for wanted, start in (("md", b"# Which hosts are exposed"), ("html", b"<!DOCTYPE html>"), ("pdf", b"%PDF-")):
        with counted_calls() as calls:
            first = rendering(ACCOUNT, investigation.id, wanted)  # type: ignore[arg-type]
        assert calls.total() == 5
        with counted_calls() as calls:
            again = rendering(ACCOUNT, investigation.id, wanted)  # type: ignore[arg-type]
        assert calls.total() == 3
        assert first.content is not None
        assert first.content.startswith(start)
        assert first == again
        assert first.disposition.startswith('attachment; filename="Which hosts are exposed')
    ingest(ACCOUNT, investigation.id, [new_finding("A second thing")])
    regenerate(ACCOUNT, investigation.id)
    service.work()
    assert b"A second thing" in (rendering(ACCOUNT, investigation.id, "md").content or b"")
    assert b"A second thing" not in (rendering(ACCOUNT, investigation.id, "md", 1).content or b"")
    with pytest.raises(NotFoundError):
        rendering(ACCOUNT, investigation.id, "md", 3)
    with pytest.raises(NotFoundError):
        rendering("mallory", investigation.id, "md")
    with pytest.raises(NotCompletedError):
        rendering(ACCOUNT, started().id, "md")


def test_what_is_too_large_for_an_answer_is_a_link(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_BASE_URL", "")
    monkeypatch.setenv("DOWNLOAD_INLINE_BYTES", "10")
    settings.cache_clear()
    investigation = completed(service)
    for _ in range(2):
        found = rendering(ACCOUNT, investigation.id, "md")
        assert found.content is None
        assert found.link is not None
        assert investigation.id in found.link
