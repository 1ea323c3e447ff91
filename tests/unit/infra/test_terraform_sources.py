"""What Terraform's files and the code must agree on, checked without Terraform."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import app as entry_points
from chalicelib.settings import read_settings

INFRA = Path(__file__).resolve().parents[3] / "infra"
SOURCES = {file.name: file.read_text("utf-8") for file in sorted((INFRA / "terraform").glob("*.tf"))}
TEXT = "\n".join(SOURCES.values())
DECLARED: dict[str, Any] = json.loads((INFRA / "resources.json").read_text("utf-8"))


def handlers() -> set[str]:
    return {
        *(queue["handler"] for queue in DECLARED["queues"].values()),
        *(queue["handler"] for kind in ("webhook_queues", "knowledge_queues") for queue in DECLARED[kind].values()),
        *(schedule["handler"] for schedule in DECLARED["schedules"].values()),
        DECLARED["queue_defaults"]["dead_letter_handler"],
    }


@pytest.mark.parametrize("handler", sorted(handlers()))
def test_every_declared_handler_is_an_entry_point_of_the_app(handler: str) -> None:
    assert callable(getattr(entry_points, handler))


def test_every_handler_has_a_policy_of_its_own() -> None:
    generators = {queue["handler"] for queue in DECLARED["queues"].values()}
    named = set(re.findall(r"(\w+) += data\.aws_iam_policy_document\.\1\.json", SOURCES["permissions.tf"]))
    assert named | generators == handlers() | {"api", *DECLARED["routes"]}


def test_indexes_named_in_policies_are_declared() -> None:
    policies = SOURCES["permissions.tf"]
    named = set(re.findall(r"local\.(\w+)_table\}/index/(\w+)", policies))
    for names, table in re.findall(r"for index in (\[.*?\]) : \"\$\{local\.(\w+)_table\}/index/\$", policies):
        named |= {(table, index) for index in json.loads(names)}
    assert named == {(table, index) for table, declared in DECLARED["tables"].items() for index in declared["indexes"]}


def test_old_versions_of_every_private_text_expire() -> None:
    prefixes = re.search(r"private_prefixes = (\[.*?\])", SOURCES["storage.tf"])
    assert prefixes
    written = set(re.findall(r'\["artifacts"\]\.arn\}/(\w+/)\*', SOURCES["permissions.tf"]))
    assert written == set(json.loads(prefixes[1]))


def test_only_traces_may_be_sent_to_any_resource() -> None:
    statements = re.findall(r"statement \{(.*?)\n  \}", SOURCES["permissions.tf"], re.DOTALL)
    anywhere = [statement for statement in statements if 'resources = ["*"]' in statement]
    assert len(anywhere) == 1
    assert '"xray:' in anywhere[0]


def test_the_audit_can_only_be_added_to_and_read() -> None:
    statements = re.findall(r"statement \{(.*?)\n  \}", SOURCES["permissions.tf"], re.DOTALL)
    of_the_audit = [statement for statement in statements if "local.audit_table" in statement]
    rights = {action for statement in of_the_audit for action in re.findall(r'"(dynamodb:\w+)"', statement)}
    assert rights == {"dynamodb:PutItem", "dynamodb:Query"}
    # No other name or pattern stands for it.
    assert SOURCES["permissions.tf"].count('aws_dynamodb_table.table["audit"]') == 1
    assert not re.findall(r"table\[[^\"]|\.table :|table/\*", SOURCES["permissions.tf"])


def test_no_action_is_a_wildcard() -> None:
    assert not re.findall(r'"\w+:[^"]*\*[^"]*"', re.sub(r"resources.*", "", SOURCES["permissions.tf"]))


def test_every_suppressed_check_gives_its_reason_beside_it() -> None:
    suppressed = re.findall(r"checkov:skip=(\S+?):(.*)", TEXT)
    assert suppressed
    assert all(len(reason.split()) >= 4 for _, reason in suppressed)
    assert TEXT.count("checkov:skip=") == len(suppressed)


def test_every_variable_and_output_is_described() -> None:
    for kind in ("variable", "output"):
        blocks = re.findall(rf'^{kind} "(\w+)" \{{(.*?)^\}}', TEXT, re.DOTALL | re.MULTILINE)
        assert blocks
        assert [name for name, block in blocks if "description" not in block] == []


def test_the_defaults_are_values_that_the_settings_take() -> None:
    defaults = dict(
        re.findall(r'^variable "(\w+_seconds|llm_concurrency)" \{.*?default += (\d+)', TEXT, re.DOTALL | re.MULTILINE)
    )
    read_settings({name.upper(): value for name, value in defaults.items()})
    workers = dict(re.findall(r"^    (urgent|high|normal|low) += optional\(number, (\d+)\)", TEXT, re.MULTILINE)[:4])
    assert read_settings({"WORKERS": ",".join(f"{name}:{count}" for name, count in workers.items())}).workers == {
        name: int(count) for name, count in workers.items()
    }
