"""The optional engine: a Presidio analyzer, asked over its REST interface."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from chalicelib.privacy.detect import Detection, without_overlaps
from chalicelib.privacy.pii_type import PiiType

# Presidio's names for kinds of values, as ours. What is not here (places, dates, nationalities) is not private alone.
_TYPES: Final[Mapping[str, PiiType]] = {
    "PERSON": PiiType.PERSON,
    "EMAIL_ADDRESS": PiiType.EMAIL,
    "PHONE_NUMBER": PiiType.PHONE,
    "CREDIT_CARD": PiiType.CARD,
    "IBAN_CODE": PiiType.IBAN,
    "US_SSN": PiiType.SSN,
    "US_ITIN": PiiType.SSN,
    "US_BANK_NUMBER": PiiType.ACCOUNT,
    "CRYPTO": PiiType.ACCOUNT,
    "IP_ADDRESS": PiiType.IP,
    "MAC_ADDRESS": PiiType.MAC,
    "MEDICAL_LICENSE": PiiType.MEDICAL,
    "UK_NHS": PiiType.IDENTITY,
}
# Numbers of people that single countries issue: ES_NIF, IT_FISCAL_CODE, IN_AADHAAR, …
_COUNTRIES: Final = (
    "US_",
    "UK_",
    "ES_",
    "IT_",
    "PL_",
    "SG_",
    "AU_",
    "IN_",
    "FI_",
    "KR_",
    "TH_",
    "DE_",
    "FR_",
    "SE_",
    "NG_",
    "CA_",
)
_NOT_PEOPLES: Final = frozenset(
    {"AU_ABN", "AU_ACN", "SG_UEN", "IN_GSTIN", "IN_VEHICLE_REGISTRATION", "IT_VAT_CODE", "KR_BRN"}
)


class PresidioError(Exception):
    """The analyzer gave no answer that can be used; its message quotes nothing of the text."""


class Presidio:
    """Finds private values with a Presidio analyzer service.

    Args:
        post: sends a JSON body to the service's ``/analyze`` and returns the JSON that it answers; raises when
            it cannot.
        language: the language of the texts, as a tag of two letters.
        least_score: below this score, between 0 and 1, what the service finds is left out.
    """

    def __init__(self, post: Callable[[dict[str, Any]], Any], language: str = "en", least_score: float = 0.4) -> None:
        self._post = post
        self._language = language
        self._least_score = least_score

    def detect(self, text: str) -> list[Detection]:
        """Return the private values of ``text``, in order and apart from each other.

        Raises:
            PresidioError: the service does not answer, or not as documented: nothing may be sent on then.
        """
        if not text.strip():
            return []
        try:
            answer = self._post({"text": text, "language": self._language, "score_threshold": self._least_score})
        except Exception:
            # Without the cause: a client's message may quote the text.
            raise PresidioError("The service that finds private data gave no answer.") from None
        if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
            raise PresidioError("The service that finds private data gave an answer that is no list.")
        found = [_detection(text, entry) for entry in answer]
        return without_overlaps(text, [one for one in found if one and one.confidence >= self._least_score])


def _detection(text: str, entry: object) -> Detection | None:
    """Return one entry of the answer as a detection; None for a kind that is not private.

    Start and end are characters (code points), as in Python.
    """
    try:
        kind, start, end, score = _fields(entry)
    except (KeyError, TypeError, ValueError):
        raise PresidioError("The service that finds private data gave an entry that cannot be read.") from None
    if not 0 <= start < end <= len(text) or not math.isfinite(score):
        raise PresidioError("The service that finds private data gave an entry that lies outside the text.")
    private = _type_of(kind)
    return Detection(private, start, end, text[start:end], min(1.0, max(0.0, score))) if private else None


def _fields(entry: object) -> tuple[str, int, int, float]:
    if not isinstance(entry, Mapping):
        raise TypeError
    return str(entry["entity_type"]), int(entry["start"]), int(entry["end"]), float(entry["score"])


def _type_of(name: str) -> PiiType | None:
    if name in _TYPES:
        return _TYPES[name]
    return PiiType.IDENTITY if name.startswith(_COUNTRIES) and name not in _NOT_PEOPLES else None
