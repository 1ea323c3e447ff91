"""Names that people sign in with are theirs; those of services, and words in their place, are nobody's."""

from __future__ import annotations

import pytest

from chalicelib.privacy.detect import rules
from chalicelib.privacy.pii_type import PiiType


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sshd: session opened, user=akern uid=1003", "akern"),
        ("username: anna.kern (locked)", "anna.kern"),
        ('{"userName": "kern_a", "ok": true}', "kern_a"),
        ("TargetUserName=CORP\\\\akern", "akern"),
        ("logon of CORP\\akern from fin-lap-07", "akern"),
        (r"C:\Users\Anna Kern\Downloads\x.exe", "Anna Kern"),
        (r'{"path": "C:\\Users\\akern\\x.exe"}', "akern"),
        ("cat /home/akern/.ssh/id_rsa", "akern"),
        ("/Users/anna.kern/Library", "anna.kern"),
        ("Benutzer: akern", "akern"),
        ("sshd[7]: Accepted publickey for qxz7 from host1 port 22", "qxz7"),
        ("sshd[7]: Failed password for invalid user qxz7 from host1", "qxz7"),
        ("session opened for user qxz7 by (uid=0)", "qxz7"),
        ("session opened for user qxz7(uid=1000) by (uid=0)", "qxz7"),
        ("session closed for user qxz7\n", "qxz7"),
        ("Invalid user qxz7 from 2001:db8::1 port 5", "qxz7"),
        ("Connection closed by authenticating user qxz7 203.0.113.7", "qxz7"),
        ("chown -R qxz7 /srv/x", "qxz7"),
        ("useradd -m qxz7", "qxz7"),
        ("Then run su - qxz7.", "qxz7"),
        ("sudo:   qxz7 : TTY=pts/0 ; COMMAND=/bin/ls", "qxz7"),
        ("chown qxz7:staff x", "qxz7"),
        ("It was user jmiller, who left.", "jmiller"),
        ("the account a.kovalenkova was locked", "a.kovalenkova"),
        ("ask @anna_kern about it", "anna_kern"),
    ],
)
def test_a_name_to_sign_in_with_is_found(text: str, name: str) -> None:
    found = [(one.type, one.text) for one in rules().detect(text) if one.type is not PiiType.IP]
    assert found == [(PiiType.PERSON, name)]


@pytest.mark.parametrize(
    "text",
    [
        "user=root username: admin login: required account: locked uid=0 user=svc-backup user=${USER} user=%s",
        "User: the person who logs in. Account: see below. Login: failed.",
        r"NT AUTHORITY\SYSTEM wrote C:\Users\Public\x and C:\Windows\System32\drivers\etc HKLM\Software\Microsoft",
        "/home/user/ /home/ubuntu/app /Users/Shared/x /var/home/ https://example.org/users/list/all",
        "regex: [A-Z]\\w+ and \\d{3}; DOMAIN\\user; user=test-runner; user_id: string",
        "Accepted password for root from h; sudo: deploy : TTY=x; session opened for user root by (uid=0)",
        "the user drivers, user table, account balance, user e.g. x, user price, user scale, account manager",
        "@cached_property @max_examples @page_size @pytest.mark.skip",
        "users: 12, account=none, login=ok, user=system_service",
        "Failed audits for access from partners. Failed password for accounts from Berlin. Invalid user input from it.",
        "Accepted responsibility for losses from fire; authenticating user sessions before; tests for user stories\n",
        "The chown command, the useradd command and the userdel tool: chown options, useradd is old.",
        "Run su - root. Or sudo -u postgres. Never useradd admin.",
        "Threat actor: Lazarus, threat_actor=Sandworm, Principal=AWS, actor=attacker",
    ],
)
def test_nobody_is_called_so(text: str) -> None:
    assert rules().detect(text) == []
