"""Text of every script, read back by Poppler (Debian package poppler-utils), is the text that was put in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from chalicelib.rendering.render import render
from tests.unit.rendering.samples import document
from tests.unit.rendering.scripts import SENTENCES, plain

pytestmark = pytest.mark.system

# Poppler guesses the direction of a line and the order of its parts from what it sees: of a left-to-right line
# it cannot tell apart two right-to-left parts with a comma or number between them.
GUESSED = "The word שלום, (עולם) means peace."


def extracted(markdown: str, directory: Path, *options: str) -> str:
    path = directory / "report.pdf"
    path.write_bytes(render(document(markdown), "pdf").content)
    found = subprocess.run(["pdftotext", *options, str(path), "-"], capture_output=True, text=True, check=True)
    assert found.stderr == "", "Poppler complains about the file"
    return plain(found.stdout)


@pytest.mark.parametrize("mark", ["", "**"])
@pytest.mark.parametrize("script", SENTENCES)
def test_a_sentence_comes_out_as_it_went_in(script: str, mark: str, tmp_path: Path) -> None:
    sentence = SENTENCES[script]
    # Poppler takes a page to run the way most of its letters do.
    page = f"{mark}{sentence}{mark}\n\n{' '.join([sentence] * 6)}"
    assert plain(sentence) in extracted(page, tmp_path)


@pytest.mark.parametrize("script", SENTENCES)
def test_a_paragraph_of_many_lines_comes_out_as_it_went_in(script: str, tmp_path: Path) -> None:
    # Lines end between letters in scripts without spaces, so white space says nothing here.
    written = " ".join([SENTENCES[script]] * 8)
    assert "".join(plain(written).split()) in "".join(extracted(written, tmp_path).split())


@pytest.mark.parametrize("script", ["Arabic", "Hebrew", "Devanagari", "Thai", "Korean"])
def test_a_table_cell_comes_out_as_it_went_in(script: str, tmp_path: Path) -> None:
    words = SENTENCES[script].split()[:3]
    found = extracted(f"| a | {words[0]} |\n|---|---|\n| {words[1]} | {words[2]} |", tmp_path)
    assert all(plain(word) in found for word in words)


def test_a_name_in_a_line_of_the_other_direction_comes_out_as_it_went_in(tmp_path: Path) -> None:
    found = extracted("The word שלום means peace and السلام too.", tmp_path)
    assert "The word שלום means peace and السلام too." in found


def test_a_word_in_code_comes_out_as_it_went_in(tmp_path: Path) -> None:
    assert "key = שלום" in extracted("`key = שלום`", tmp_path)


def test_no_character_is_lost_where_the_order_is_guessed(tmp_path: Path) -> None:
    assert sorted("".join(GUESSED.split())) == sorted(
        "".join(extracted(GUESSED, tmp_path).partition("Part 1 ")[2].split())[: len("".join(GUESSED.split()))]
    )
