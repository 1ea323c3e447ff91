"""Secrets that must be readable again, such as those that sign webhooks: encrypted by KMS, and nowhere else open.

An API key is only compared, so its hash is enough; what signs is needed as it is. Who reads the table has sealed
texts, which only KMS opens, and only for functions whose role may decrypt; a sealed text is bound to what it
belongs to, and does not open as another's.
"""

from __future__ import annotations

import base64
from functools import lru_cache

from chalicelib.stores.aws import kms_client


class SecretBox:
    """Seals and opens short secrets with one KMS key. One AWS call each, none for what this process opened before."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._opened = lru_cache(maxsize=1_000)(self._decrypt)

    def seal(self, secret: str, belongs_to: str) -> str:
        """Return a secret in a form that may be stored.

        Args:
            secret: at most 4 KB.
            belongs_to: the id of whose it is; needed to open it.

        Raises:
            ClientError: KMS refused.
        """
        answer = kms_client().encrypt(
            KeyId=self._key, Plaintext=secret.encode(), EncryptionContext=_context(belongs_to)
        )
        return base64.b64encode(answer["CiphertextBlob"]).decode("ascii")

    def open(self, sealed: str, belongs_to: str) -> str:
        """Return a secret that :meth:`seal` sealed.

        Raises:
            ClientError: KMS refused, or it is sealed for something else.
        """
        return self._opened(sealed, belongs_to)

    def _decrypt(self, sealed: str, belongs_to: str) -> str:
        answer = kms_client().decrypt(
            KeyId=self._key, CiphertextBlob=base64.b64decode(sealed), EncryptionContext=_context(belongs_to)
        )
        return answer["Plaintext"].decode()


def _context(belongs_to: str) -> dict[str, str]:
    return {"belongs_to": belongs_to}
