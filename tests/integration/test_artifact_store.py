"""Files in the bucket: what is deleted is gone, with every version."""

from __future__ import annotations

from typing import Any

import pytest
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from chalicelib.settings import settings
from chalicelib.stores.artifact_store import ArtifactMissingError, ArtifactStore, UndeletedError
from chalicelib.stores.aws import s3_client
from chalicelib.stores.stores import stores
from tests.support.service import Service

REPORT, OTHER = "my-report", "another-report"


@pytest.fixture
def artifacts(service: Service) -> ArtifactStore:
    return stores().artifacts


def put(artifacts: ArtifactStore, report_id: str, attempt: int = 1, text: bytes = b"text") -> str:
    return artifacts.put(report_id, attempt, "md", text, "text/markdown").key


def versions(report_id: str) -> list[str]:
    """Return the keys of all versions and delete markers of a report, one for each."""
    found = s3_client().list_object_versions(Bucket=settings().artifacts_bucket, Prefix=f"reports/{report_id}/")
    return sorted(str(v["Key"]) for v in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())))


def test_the_bucket_keeps_versions(artifacts: ArtifactStore) -> None:
    key = put(artifacts, REPORT)
    put(artifacts, REPORT)
    assert versions(REPORT) == [key, key]


def test_discarding_leaves_no_version_and_no_delete_marker(artifacts: ArtifactStore) -> None:
    key = put(artifacts, REPORT)
    put(artifacts, REPORT)
    s3_client().delete_object(Bucket=settings().artifacts_bucket, Key=key)
    others = put(artifacts, OTHER)
    assert artifacts.discard(REPORT) == [key]
    assert versions(REPORT) == []
    assert versions(OTHER) == [others]
    with pytest.raises(ArtifactMissingError):
        artifacts.get(key)


def test_discarding_an_attempt_leaves_the_others(artifacts: ArtifactStore) -> None:
    first, second = put(artifacts, REPORT, attempt=1), put(artifacts, REPORT, attempt=12)
    assert artifacts.discard(REPORT, attempt=1) == [first]
    assert versions(REPORT) == [second]


def test_discarding_all_but_one_attempt_leaves_all_of_that(artifacts: ArtifactStore) -> None:
    stale = put(artifacts, REPORT, attempt=1)
    kept = [put(artifacts, REPORT, attempt=12, text=text) for text in (b"kept", b"kept, too")]
    assert artifacts.discard(REPORT, but=12) == [stale]
    assert [artifacts.get(key) for key in kept] == [b"kept", b"kept, too"]


def test_more_versions_than_one_answer_lists(artifacts: ArtifactStore) -> None:
    key = put(artifacts, REPORT)
    emulated: Any = get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"]
    for _ in range(1_003):  # past the client, which takes ten times as long
        emulated.put_object(settings().artifacts_bucket, key, b"")
    assert artifacts.discard(REPORT) == [key]
    assert versions(REPORT) == []


def test_a_refusal_of_s3_is_no_success(artifacts: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put(artifacts, REPORT)
    refusal = {"Errors": [{"Key": "k", "VersionId": "v", "Code": "AccessDenied"}]}
    monkeypatch.setattr(s3_client(), "delete_objects", lambda **_: refusal)
    with pytest.raises(UndeletedError, match="AccessDenied"):
        artifacts.discard(REPORT)
