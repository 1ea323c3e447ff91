"""What ``make`` hands on to the tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
CALLERS: Final = (
    "LLM",
    "LLM_BASE_URL",
    "LLM_FALLBACK_API_KEY",
    "OPENAI_API_KEY",
    "AWS_PROFILE",
    "EMBEDDINGS_BASE_URL",
    "WEB_SEARCH_URL",
    "PII_ENGINE",
    "PRESIDIO_URL",
    "KRATOS_PUBLIC_URL",
)


def test_the_accounts_and_endpoints_of_whoever_runs_the_tests_never_reach_them() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    shown = subprocess.run(
        ["make", "-n", "-o", ".venv/.model", "-o", ".venv/.dev", "test"],
        cwd=ROOT,
        env=environment | dict.fromkeys(CALLERS, "theirs"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    words = next(line for line in shown.splitlines() if "pytest" in line).split()
    assert [name for name in CALLERS if name not in words] == []
