"""Charts of the HTML report in a real browser: no text is cut off, and none runs into another or into a key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from chalicelib.domain.document import Block, Chart, Document, Section, Series
from chalicelib.rendering.render_html import render_html
from tests.unit.rendering.rich_document import rich_document
from tests.unit.rendering.samples import document

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("browser")]

# In every chart: texts that leave the picture, and texts that touch another text or the key of a series.
MISPLACED = """() => {
  const found = [];
  for (const svg of document.querySelectorAll('svg')) {
    const { width, height } = svg.viewBox.baseVal;
    const boxes = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBBox()]);
    const keys = [...svg.querySelectorAll('rect')].map(rect => rect.getBBox())
      .filter(box => Math.abs(box.width - 7) < 0.01 && Math.abs(box.height - 7) < 0.01);
    const touch = (a, b) => Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) > 0.5
      && Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) > 3;
    boxes.forEach(([text, box], index) => {
      if (box.x < -1 || box.x + box.width > width + 1 || box.y < -1 || box.y + box.height > height + 1)
        found.push(['outside', text]);
      if (keys.some(key => touch(box, key))) found.push(['on a key', text]);
      boxes.slice(index + 1).filter(other => touch(box, other[1])).forEach(other => found.push([text, other[0]]));
    });
  }
  return found;
}"""


def gallery() -> Document:
    folder = str(Path(__file__).parents[2] / "docs" / "gallery")
    sys.path.insert(0, folder)
    try:
        from make_gallery import report
    finally:
        sys.path.remove(folder)
    made = report()
    assert isinstance(made, Document)
    return made


def charts(title: str, labels: tuple[str, ...], names: tuple[str, ...], **fields: Any) -> Document:
    """Return a report with a chart of every kind; ``fields`` are those of its Document."""
    values = [float(number * 37 % 90 + 10) for number in range(len(labels))]
    several = tuple(Series(name=name, values=tuple(values)) for name in names)
    made: list[Block] = []
    for unit in ("%", "TWh"):
        for kind in ("bar", "stacked_bar", "line", "donut"):
            series = several[:1] if kind == "donut" else several
            made.append(
                Chart.model_validate({"type": kind, "title": title, "unit": unit, "labels": labels, "series": series})
            )
        made.append(
            Chart.model_validate({"type": "bar", "title": title, "unit": unit, "labels": labels, "series": several[:1]})
        )
    return document(sections=(Section(id="s", title="S", blocks=tuple(made)),), **fields)


WIDE = charts("WM" * 60, ("MMMM WWWW", "WWWWWWWWWWWW", "mwmw @@@@ %%%%", "b"), ("MWMWMWMWMWMW", "WWWWWWWWWWWWWW", "x"))
CYRILLIC = charts("ЖШЩЮ " * 30, ("Жёлтый", "ЩЩЩЩЩЩ", "мышь"), ("ШШШШШШШШ", "щщщщщщщщщщ"), language="ru")
ARABIC = charts(
    "الطاقة المنتجة حسب المصدر في السنوات الأخيرة",
    ("الرياح", "الطاقة الشمسية", "المياه 2024"),
    ("الشمال", "الجنوب والشرق"),
    language="ar",
)
HEBREW = charts("אנרגיה לפי מקור (TWh)", ("רוח", "שמש", "מים 2024"), ("צפון", "South"), language="he")


@pytest.mark.parametrize("name", ["everything", "gallery", "wide", "cyrillic", "arabic", "hebrew"])
def test_no_text_of_a_chart_is_cut_off_or_covered(browser: Browser, tmp_path: Path, name: str) -> None:
    written = {"wide": WIDE, "cyrillic": CYRILLIC, "arabic": ARABIC, "hebrew": HEBREW}.get(name)
    written = written or (gallery() if name == "gallery" else rich_document())
    file = tmp_path / "report.html"
    file.write_bytes(render_html(written))
    page = browser.new_page()
    page.goto(file.as_uri())
    assert page.evaluate("document.querySelectorAll('svg text').length") > 10
    assert page.evaluate(MISPLACED) == []
    page.close()
