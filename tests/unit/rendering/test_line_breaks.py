"""Where lines break in scripts without spaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.rendering.line_breaks import unbreakable_parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hyphen-ated", ["hyphen-ated"]),
        ("naïve", ["naïve"]),
        ("안녕하세요", ["안녕하세요"]),
        ("你好，世界", ["你", "好，", "世", "界"]),
        ("（测试）。", ["（测", "试）。"]),
        ("第3章Hello世界", ["第", "3", "章", "Hello", "世", "界"]),
        ("重要……吗", ["重", "要……", "吗"]),
        ("性——非", ["性", "——", "非"]),
        ("ちょっと", ["ちょっ", "と"]),
        ("タワー」は", ["タ", "ワー」", "は"]),
        ("价格￥100元50%", ["价", "格", "￥100", "元", "50%"]),
        ("ไม่เว้น", ["ไม่", "เว้", "น"]),
        ("น้ำคำ", ["น้ำ", "คำ"]),
        ("ខ្មែរ", ["ខ្មែ", "រ"]),
    ],
)
def test_parts(text: str, expected: list[str]) -> None:
    assert unbreakable_parts(text) == expected


@given(st.text(alphabet="ab中文（）。、「」ーょไเกาะ้ำខ្ម…—\u2060\u00a0", max_size=30))
def test_nothing_is_lost_between_the_parts(text: str) -> None:
    parts = unbreakable_parts(text)
    assert "".join(parts) == text
    assert all(parts) or parts == [""]


@given(st.text(alphabet="中文字（）。、「」ー", min_size=1, max_size=30))
def test_no_line_starts_with_a_closing_sign_or_ends_with_an_opening_one(text: str) -> None:
    for before, after in zip(unbreakable_parts(text), unbreakable_parts(text)[1:], strict=False):
        assert before[-1] not in "（「"
        assert after[0] not in "）。、」ー"
