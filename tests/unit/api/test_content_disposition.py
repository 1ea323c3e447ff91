"""The name under which a download is saved."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.services.download_report import content_disposition


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Security Report", "attachment; filename=\"Security Report.pdf\"; filename*=UTF-8''Security%20Report.pdf"),
        ("Größe", "attachment; filename=\"Gr_e.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.pdf"),
        ("../../etc/passwd", "attachment; filename=\"etc passwd.pdf\"; filename*=UTF-8''etc%20passwd.pdf"),
        ('a"\r\nX-Evil: 1', "attachment; filename=\"a X-Evil 1.pdf\"; filename*=UTF-8''a%20X-Evil%201.pdf"),
        ("...", "attachment; filename=\"report.pdf\"; filename*=UTF-8''report.pdf"),
    ],
)
def test_the_title_becomes_a_safe_name(title: str, expected: str) -> None:
    assert content_disposition(title, "pdf") == expected


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=300))
def test_no_title_breaks_the_header(title: str) -> None:
    header = content_disposition(title, "pdf")
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert "/" not in unquote(header.rpartition("''")[2])
