"""Finished files in S3. Keys carry report, attempt and content hash, so nothing is ever overwritten.

A rendering made later has the hash of the tree that it was made from instead: see ``download_report``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from chalicelib.stores.aws import s3_client

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

# What one DeleteObjects takes.
_MOST_DELETED: Final = 1000


class ArtifactMissingError(Exception):
    """The object is not in the bucket."""


class UndeletedError(Exception):
    """S3 kept versions that were to be deleted; the message says how many and why."""


@dataclass(frozen=True)
class StoredObject:
    """An object in the bucket: where it lies, its size in bytes, and its SHA-256 in hex."""

    key: str
    size_bytes: int
    sha256: str


@contextmanager
def _missing_is_told_apart(key: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        # Whoever may not list the bucket is told that access is denied to a key that is not there. A HEAD has no
        # body that could name the error, so that its code is the status.
        if error.response["Error"]["Code"] in ("NoSuchKey", "404", "AccessDenied", "403"):
            raise ArtifactMissingError(key) from error
        raise


class ArtifactStore:
    """The artifact bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._client = s3_client()

    def put(self, report_id: str, attempt: int, extension: str, content: bytes, content_type: str) -> StoredObject:
        """Store a file; S3 refuses it if it does not arrive with the hash that was sent along."""
        key = f"reports/{report_id}/{attempt}/{hashlib.sha256(content).hexdigest()}.{extension}"
        return self.put_at(key, content, content_type)

    def put_at(self, key: str, content: bytes, content_type: str) -> StoredObject:
        """Store a file under a key that stands for its content; S3 checks the hash as in :meth:`put`."""
        digest = hashlib.sha256(content)
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=content,
            ContentType=content_type,
            ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
            Metadata={"sha256": digest.hexdigest()},
        )
        return StoredObject(key, len(content), digest.hexdigest())

    def get(self, key: str) -> bytes:
        """Return an object's bytes.

        Raises:
            ArtifactMissingError: it is not there.
        """
        with _missing_is_told_apart(key):
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def get_up_to(self, key: str, most_bytes: int) -> tuple[StoredObject, bytes | None]:
        """Return an object that :meth:`put` or :meth:`put_at` stored, with its bytes unless it has more than that.

        Raises:
            ArtifactMissingError: it is not there.
        """
        with _missing_is_told_apart(key):
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        stored = StoredObject(key, answer["ContentLength"], answer["Metadata"]["sha256"])
        with closing(answer["Body"]) as body:
            return stored, body.read() if stored.size_bytes <= most_bytes else None

    def get_foreign(self, key: str, most_bytes: int) -> bytes | None:
        """Return the bytes of an object that somebody put there through :meth:`upload_link`; None if they are too many.

        Raises:
            ArtifactMissingError: it is not there.
        """
        with _missing_is_told_apart(key):
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        with closing(answer["Body"]) as body:
            return body.read() if answer["ContentLength"] <= most_bytes else None

    def look_at(self, key: str) -> StoredObject:
        """Return what is known of an object that :meth:`put` or :meth:`put_at` stored.

        Raises:
            ArtifactMissingError: it is not there.
        """
        with _missing_is_told_apart(key):
            answer = self._client.head_object(Bucket=self._bucket, Key=key)
        return StoredObject(key, answer["ContentLength"], answer["Metadata"]["sha256"])

    def size_of(self, key: str) -> int:
        """Return the size in bytes of any object.

        Raises:
            ArtifactMissingError: it is not there.
        """
        with _missing_is_told_apart(key):
            return self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]

    def discard(self, report_id: str, *, attempt: int | None = None, but: int | None = None) -> list[str]:
        """Delete a report's objects, or those of one ``attempt``, or of all ``but`` one; return the deleted keys.

        Every version goes, and every delete marker: a deletion without a version would leave the text in the
        bucket. Two AWS calls for each thousand versions, or one where there is nothing to delete.

        Raises:
            UndeletedError: S3 refused some of it.
        """
        prefix = f"reports/{report_id}/" if attempt is None else f"reports/{report_id}/{attempt}/"
        kept = None if but is None else f"reports/{report_id}/{but}/"
        return self.discard_below(prefix, keep=lambda key: kept is not None and key.startswith(kept))

    def discard_below(self, prefix: str, keep: Callable[[str], bool] = lambda key: False) -> list[str]:
        """Delete all versions of every object whose key begins with ``prefix``, but those to ``keep``; return the keys.

        AWS calls as for :meth:`discard`.

        Raises:
            UndeletedError: S3 refused some of it.
        """
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
        stale = [
            (str(version["Key"]), str(version["VersionId"]))
            for page in pages
            for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            if not keep(str(version["Key"]))
        ]
        for start in range(0, len(stale), _MOST_DELETED):
            self._delete_versions(stale[start : start + _MOST_DELETED])
        return list(dict.fromkeys(key for key, _ in stale))

    def _delete_versions(self, versions: Sequence[tuple[str, str]]) -> None:
        objects: list[ObjectIdentifierTypeDef] = [{"Key": key, "VersionId": version} for key, version in versions]
        answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
        if refused := answer.get("Errors"):
            raise UndeletedError(f"{len(refused)} versions, the first because of {refused[0].get('Code')}")

    def link(self, key: str, content_type: str, disposition: str, seconds: int) -> str:
        """Return a presigned link to an object, valid for ``seconds``. No AWS call."""
        return self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ResponseContentType": content_type,
                "ResponseContentDisposition": disposition,
            },
            ExpiresIn=seconds,
        )

    def upload_link(self, key: str, size_bytes: int, seconds: int) -> str:
        """Return a presigned link to which exactly ``size_bytes`` can be put for ``seconds``. No AWS call."""
        return self._client.generate_presigned_url(
            "put_object",
            # The length is signed, so that S3 refuses any other.
            Params={"Bucket": self._bucket, "Key": key, "ContentLength": size_bytes},
            ExpiresIn=seconds,
        )
