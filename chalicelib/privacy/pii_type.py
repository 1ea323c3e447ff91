"""The kinds of private values that are looked for."""

from __future__ import annotations

from enum import StrEnum


class PiiType(StrEnum):
    """A kind of private value; its value is the name that clients see."""

    LOGIN = "url_credentials"
    JWT = "jwt"
    SECRET = "secret"  # noqa: S105
    IBAN = "iban"
    CARD = "payment_card"
    SSN = "ssn"
    IDENTITY = "national_id"
    EMAIL = "email"
    PHONE = "phone"
    IP = "ip_address"
    MAC = "mac_address"
    BIRTHDATE = "date_of_birth"
    MEDICAL = "medical_record"
    ACCOUNT = "account_number"
    ADDRESS = "postal_address"
    PERSON = "person"


# Where two kinds claim the same characters, the earlier one here names them.
PRIORITY = {kind: place for place, kind in enumerate(PiiType)}
