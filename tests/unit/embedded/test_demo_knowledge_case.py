from __future__ import annotations

from pathlib import Path

import pytest

from embedded.demo import DemoError
from embedded.demo_knowledge import OWN_QUERY, QUERY, SEARCH, chosen_case, fitting_part
from embedded.stack_environment import chosen_endpoint


def test_without_wishes_the_jar_holds_licences_of_installed_packages() -> None:
    case = chosen_case({})
    assert (case.query, case.search, case.output_format) == (QUERY, SEARCH, "pdf")
    assert len(case.files) >= 7
    assert sum(path.stat().st_size for _, path in case.files) > 100_000
    assert any("GENERAL PUBLIC LICENSE" in path.read_text() for _, path in case.files)


def test_a_folder_of_ones_own_is_read_where_it_has_documents(tmp_path: Path) -> None:
    for name in ("a.PDF", "b.md", "c.exe", "below/d.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
    case = chosen_case({"JAR": str(tmp_path), "FORMAT": "md"})
    assert [name for name, _ in case.files] == ["a.PDF", "b.md", "d.html"]
    assert (case.name, case.query, case.output_format) == (tmp_path.name, OWN_QUERY, "md")
    assert chosen_case({"JAR": str(tmp_path), "QUERY": "Why?"}).search == "Why?"


def test_a_folder_is_found_where_the_shell_left_the_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "a.txt").write_text("text")
    monkeypatch.setenv("HOME", str(tmp_path))
    case = chosen_case({"JAR": "~/papers"})
    assert (case.name, [name for name, _ in case.files]) == ("papers", ["a.txt"])


@pytest.mark.parametrize("wish", [{"JAR": "/nowhere"}, {"FORMAT": "odt"}])
def test_what_cannot_be_is_refused_before_anything_starts(wish: dict[str, str]) -> None:
    with pytest.raises(DemoError, match=next(iter(wish))):
        chosen_case(wish)


def test_a_folder_without_documents_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.exe").touch()
    with pytest.raises(DemoError, match="has no file"):
        chosen_case({"JAR": str(tmp_path)})


def test_no_model_is_a_choice() -> None:
    assert chosen_endpoint({"LLM": "off", "LLM_BASE_URL": "https://a/v1"}) == {"LLM": "off"}


def test_of_a_passage_the_part_is_shown_that_was_searched_for() -> None:
    text = f"{'word ' * 100}nobody may use the trademarks of the Licensor. {'word ' * 100}"
    shown = fitting_part(text, "Who uses trademarks (of the licensor)?")
    assert "the trademarks of the Licensor." in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert fitting_part("Two words.", "words") == "Two words."
