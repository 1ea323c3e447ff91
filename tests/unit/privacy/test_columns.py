"""What a column is called tells what stands in it, in tables of Markdown and in lines of a file."""

from __future__ import annotations

import pytest

from chalicelib.privacy.detect import rules
from chalicelib.privacy.pii_type import PiiType


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "| No | DOB | Phone |\n|---|---|---|\n| 7 | 1980-02-03 | 0151 23456789 |\n| 8 | 3 March 1990 | - |\n\nEnd",
            [("date_of_birth", "1980-02-03"), ("phone", "0151 23456789"), ("date_of_birth", "3 March 1990")],
        ),
        ("no,date_of_birth,ssn\r\n1,03.02.1980,536904399\r\n", [("date_of_birth", "03.02.1980"), ("ssn", "536904399")]),
        ("Nachname;Vorname\nZzyzx;Ole\n", [("person", "Zzyzx"), ("person", "Ole")]),
        ("Name,Passport no\nQwyx Zzy,XD1203948\n", [("person", "Qwyx Zzy"), ("national_id", "XD1203948")]),
        ("Name,Role\nAnna Kern,Lead\nQwyx Zzy,Lead\n", [("person", "Anna Kern")]),
        ("username\tok\nqxz7\tyes\nroot\tno", [("person", "qxz7")]),
        (
            'phone,address\n"030 123456","12 Elm Street, Leeds"\n',
            [("phone", "030 123456"), ("postal_address", "12 Elm Street, Leeds")],
        ),
        ("x" * 5_000 + " born\nid\tdob\n1\t1980-02-03", [("date_of_birth", "1980-02-03")]),
    ],
)
def test_cells_are_what_their_title_says(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(one.type.value, one.text) for one in rules().detect(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "| Released | Host |\n|---|---|\n| 2024-05-03 | fin-lap-07 |",
        "Needed are the dob, the ssn, and a phone.\nOn 2024-05-03, nothing came, 10 000 items.",
        "name,version\nrequests,2.31.0\nBlue Lamp,1.0",
        "System,Owner,Phone\nCRM,Marketing,none\nVPN,Firewall Operations,none\nDesk,Helpdesk,none",
        "host,user,phone\nweb1,replication,none\nweb2,scanner,none",
        "Name | Phone\n---|---\nPlatform Team | none",
        "id,dob\n1,unknown\n2,n/a",
    ],
)
def test_other_columns_and_prose_are_nobodys(text: str) -> None:
    assert rules().detect(text) == []


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Patient: Kowalczyk, Annegret\nWard 7", PiiType.PERSON, "Kowalczyk, Annegret"),
        ("akern@fin-lap-07:~$ ls", PiiType.PERSON, "akern"),
        ("passphrase: 'blue horse battery'", PiiType.SECRET, "blue horse battery"),
        ("PIN 4711 opens it", PiiType.SECRET, "4711"),
        ("pw: Sommer2024x", PiiType.SECRET, "Sommer2024x"),
        ("password: Nonetheless9!x", PiiType.SECRET, "Nonetheless9!x"),
        ("AccountKey=Eby8vdM02xNOcqFlqUwJ==", PiiType.SECRET, "Eby8vdM02xNOcqFlqUwJ=="),
        ("GET /c?sv=2020&sig=abcDEF123%2Bxyz456", PiiType.SECRET, "abcDEF123%2Bxyz456"),
        ("Cookie: sessionid=9f8e7d6c5b4a32109f8e", PiiType.SECRET, "9f8e7d6c5b4a32109f8e"),
    ],
)
def test_what_other_words_before_it_tell(text: str, kind: PiiType, value: str) -> None:
    assert [(one.type, one.text) for one in rules().detect(text)] == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "password: policy requires 14 characters; pwsh: Get-Item2; pin 4711 of the header",
        "password: changeme, your_password_here, <none>; the password is 'not set yet'",
        "deploy@build-07 and root@db01 and git@host",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert rules().detect(text) == []
