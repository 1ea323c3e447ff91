"""What is looked for, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chalicelib.privacy.pii_type import PiiType

FOUND_BY: Final[Mapping[PiiType, str]] = {
    PiiType.LOGIN: "Addresses with a user name and a password in them",
    PiiType.JWT: "JSON web tokens",
    PiiType.SECRET: "API keys, access tokens, passwords and private keys, by their form or the words before them",
    PiiType.IBAN: "International bank account numbers with right check digits",
    PiiType.CARD: "Payment card numbers with a right check digit",
    PiiType.SSN: "Social security numbers of the United States",
    PiiType.IDENTITY: "Numbers that many states issue to people, by check digits or the words before them",
    PiiType.EMAIL: "E-mail addresses",
    PiiType.PHONE: "Telephone numbers, national ones beside words that tell of them",
    PiiType.IP: "IP addresses, versions 4 and 6",
    PiiType.MAC: "Hardware addresses of network cards",
    PiiType.BIRTHDATE: "Dates of birth, by the words around them",
    PiiType.MEDICAL: "Numbers of patients and medical records, by the words before them",
    PiiType.ACCOUNT: "Numbers of bank and customer accounts, by the words before them",
    PiiType.ADDRESS: "Postal addresses",
    PiiType.PERSON: "Names of people, by lists of names and the words around them",
}
