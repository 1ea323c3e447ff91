from __future__ import annotations

from pathlib import Path

import pytest

from embedded.demo import DemoError
from embedded.demo_investigation import EXAMPLE, chosen_case


def test_without_wishes_the_case_is_the_example() -> None:
    case = chosen_case({})
    assert (case.sarif, case.depth) == (EXAMPLE, "standard")
    assert "setuptools" in case.query


def test_file_question_and_depth_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "own.sarif").touch()
    case = chosen_case({"SARIF": str(tmp_path / "own.sarif"), "DEPTH": "deep"})
    assert (case.sarif.name, case.depth) == ("own.sarif", "deep")
    assert "setuptools" not in case.query
    assert chosen_case({"QUERY": "Why?"}).query == "Why?"


@pytest.mark.parametrize("wish", [{"SARIF": "/nowhere.sarif"}, {"DEPTH": "abysmal"}])
def test_what_cannot_be_is_refused_before_anything_starts(wish: dict[str, str]) -> None:
    with pytest.raises(DemoError, match=next(iter(wish))):
        chosen_case(wish)
