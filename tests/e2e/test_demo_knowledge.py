"""The demonstration of honey jars on a running stack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from embedded.demo_knowledge import chosen_case, run
from tests.conftest import RunningStack

pytestmark = [pytest.mark.xdist_group("shared stack"), pytest.mark.timeout(180)]


def test_a_jar_is_filled_searched_and_reported_on(
    shared_stack: RunningStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = chosen_case({"FORMAT": "md", "QUERY": "Write a 300 word overview of trademarks in open source licences."})
    case = replace(case, files=case.files[:3])
    report = run(shared_stack.stack, case, "Licences, cited", tmp_path)
    said = capsys.readouterr().out
    assert report["honey_jar_id"]
    assert (tmp_path / "licences-cited.md").read_text().startswith("# Licences, cited")
    assert said.count(": ready") == len(case.files)
    results = said.partition("searching  ")[2].partition("written by")[0].partition("\n")[2]
    assert "trademark" in results.lower()
