"""``.chalice/config.json`` is the one file of stages: Chalice packages by it, Terraform names its stage by it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import app as entry_points

ROOT = Path(__file__).resolve().parents[3]
TERRAFORM = "\n".join(file.read_text("utf-8") for file in (ROOT / "infra" / "terraform").glob("*.tf"))
CONFIG: dict[str, Any] = json.loads((ROOT / ".chalice" / "config.json").read_text("utf-8"))


def test_it_names_the_app_that_is_packaged() -> None:
    assert CONFIG["app_name"] == entry_points.app.app_name


@pytest.mark.parametrize("stage", sorted(CONFIG["stages"]))
def test_a_stage_is_its_name_at_the_gateway_and_nothing_that_terraform_would_ignore(stage: str) -> None:
    assert set(CONFIG["stages"][stage]) == {"api_gateway_stage"}
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,128}", CONFIG["stages"][stage]["api_gateway_stage"])


def test_it_holds_no_state_of_a_deployment() -> None:
    assert set(CONFIG) == {"version", "app_name", "manage_iam_role", "iam_role_arn", "stages"}
    # Chalice asks for a role's name before it packages; the roles are Terraform's.
    assert CONFIG["manage_iam_role"] is False
    assert ":000000000000:" in CONFIG["iam_role_arn"]
    ignored = (ROOT / ".gitignore").read_text("utf-8").split()
    assert {".chalice/deployed/", ".chalice/deployments/"} <= set(ignored)


def test_terraform_takes_the_stage_from_there_so_that_another_one_is_added_there_alone() -> None:
    assert "stage_name = local.stages[var.stage].api_gateway_stage" in TERRAFORM
    assert re.search(r'stages +=.*\.chalice/config\.json"\)\)\.stages', TERRAFORM)
    named = re.findall(r"stage_name += (\S+)", TERRAFORM)
    assert set(named) <= {
        "local.stages[var.stage].api_gateway_stage",
        "local.stage_name",
        "aws_api_gateway_stage.api.stage_name",
    }


def test_the_default_stage_exists() -> None:
    default = re.search(r'variable "stage" \{.*?default += "(\w+)"', TERRAFORM, re.DOTALL)
    assert default
    assert default[1] in CONFIG["stages"]
