"""Where a passage stands, as a reader is told and led there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.services.retrieval import Passage


def passage(text: str = "A text.", *headings: str, page: int | None = None, last: int | None = None) -> Passage:
    return Passage("d", "Bees", "bees.pdf", page, last, headings, text, 0, len(text), 1.0)


def test_pages_and_headings_tell_where_it_is() -> None:
    assert passage("A text.", "Bees", "Winter", "Stores", page=3, last=4).place == "pages 3-4, Winter: Stores"
    assert passage(page=3, last=3).place == "page 3"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("One two three four five six seven eight nine.", "“One two three four five six seven eight …”"),
        ("======== \n = Winter ~~~~ stores.", "“Winter stores. …”"),
        ("冬" * 200, f"“{'冬' * 80} …”"),
    ],
)
def test_without_either_its_first_words_do(text: str, place: str) -> None:
    assert passage(text).place == place


def test_the_link_of_a_pdf_leads_to_the_page() -> None:
    at = replace(passage(page=3), url="https://a.example/bees.pdf")
    assert at.link == "https://a.example/bees.pdf#page=3"
    assert replace(at, url="https://a.example/#x").link == "https://a.example/#x"
    assert replace(at, filename="bees.docx").link == "https://a.example/bees.pdf"
    assert passage(page=3).link == ""
