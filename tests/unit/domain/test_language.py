"""The script of a text tells its language where it can, and nothing is guessed from Latin letters."""

from __future__ import annotations

import pytest

from chalicelib.domain.language import language_of, language_tag


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The report covers 2025.", "en"),
        ("Der Bericht behandelt das Jahr 2025.", "en"),
        ("", "en"),
        ("12345 !?", "en"),
        ("報告書は2025年を対象としています。", "ja"),
        ("本报告涵盖二零二五年。", "zh"),
        ("이 보고서는 2025년을 다룹니다.", "ko"),
        ("Отчёт охватывает 2025 год.", "ru"),
        ("Звіт охоплює 2025 рік і містить її оцінки.", "uk"),
        ("يغطي التقرير عام 2025.", "ar"),
        ("این گزارش سال ۲۰۲۵ را پوشش می‌دهد و چگونگی را می‌گوید.", "fa"),
        ("הדוח מכסה את שנת 2025.", "he"),
        ("Η έκθεση καλύπτει το 2025.", "el"),
        ("รายงานนี้ครอบคลุมปี 2025", "th"),
        ("रिपोर्ट 2025 को कवर करती है।", "hi"),
        ("Отчёт о Kubernetes и Terraform в 2025 году.", "ru"),
        ("A long English text that quotes one word, слово, and goes on in English after it.", "en"),
    ],
)
def test_the_script_tells_the_language(text: str, language: str) -> None:
    assert language_of([text]) == language


@pytest.mark.parametrize(("tag", "used"), [("de", "de"), ("pt-BR", "pt-BR"), ("", "en"), ("x y", "en"), ("e", "en")])
def test_a_malformed_tag_is_not_used(tag: str, used: str) -> None:
    assert language_tag(tag) == used
