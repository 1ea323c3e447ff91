"""A sentence for every script that reports are written in."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

SENTENCES: Final = {
    "Latin": "Zażółć gęślą jaźń, naïve façade; Tiếng Việt — “quoted” Łódź.",
    "Greek": "Η ποιότητα των αποτελεσμάτων εξαρτάται από τα δεδομένα· ᾠδή.",
    "Cyrillic": "Отчёт о работе системы: Ђорђе, їжак, ёлка и съёмка.",
    "Arabic": "يوضح هذا التقرير أن الطلب ارتفع بنسبة ١٢٫٥٪ في عام 2025 (مقارنة بعام 2024)، والسلام على الإسلام.",
    "Arabic with vowels": "مُحَمَّدٌ كَتَبَ الدَّرْسَ",
    "Persian": "می‌خواهیم گزارش را بخوانیم؛ قیمت‌ها افزایش یافت.",
    "Urdu": "پاکستان میں اردو بولی جاتی ہے۔",
    "Hebrew": "הדוח מראה עלייה של 12.5% בשנת 2025 (לעומת 2024), גרסה Chalice 1.34 יצאה ב-12/03/2025.",
    "Hebrew with points": "בְּרֵאשִׁית בָּרָא אֱלֹהִים",
    "Devanagari": "यह रिपोर्ट दर्शाती है कि माँग में वृद्धि हुई है, क्षत्रिय और ज्ञान की शक्ति।",
    "Bengali": "বাংলা ভাষা এবং শক্তি",
    "Tamil": "தமிழ் மொழி கொண்டு",
    "Thai": "รายงานนี้แสดงให้เห็นว่าความต้องการเพิ่มขึ้นร้อยละ 12 ในปีที่ผ่านมา น้ำและกำลังซื้อก็เพิ่มขึ้น",
    "Khmer": "ភាសាខ្មែរ និងអក្សរ",
    "Burmese": "မြန်မာဘာသာ စကား",
    "Georgian": "ქართული ენა",
    "Armenian": "Հայերեն լեզու",
    "Ethiopic": "አማርኛ ቋንቋ",
    "Chinese": "本报告显示，2025年的需求增长了12.5%（与2024年相比）。“系统”的稳定性——非常重要……",
    "Japanese": "この報告書は、需要が12.5％増加したことを示しています。「東京タワー」はちょっと高い。",
    "Korean": "이 보고서는 2025년 수요가 12.5% 증가했음을 보여줍니다. 한국어 문장입니다.",
    "symbols": "in ∈ set ⇒ star ★ box ☐ done ✓ sum ∑ double 𝔸 gear ⚙ arrow ⟶ end",
    "emoji": "a 😀 b 👍🏽 c 👩‍🚀 d 🇩🇪 e ❤️ f 1️⃣ g 🏳️‍🌈 h 👨‍👩‍👧‍👦 i",
    "combining": "x̂ y ñ̃ q̃ Z͑ ǟ̇ and ḍ̇",
}

_DIRECTION_CONTROLS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Return ``text`` as tests compare it: NFC, white space collapsed, without the readers' marks of direction."""
    return " ".join(_DIRECTION_CONTROLS.sub("", unicodedata.normalize("NFC", text)).split())
