"""The HTML report in a real browser: accessible, on every screen, in light and dark, and on paper."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

from tests.unit.rendering.rich_document import rich_document
from tests.unit.rendering.samples import words_of

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("browser")]

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 320, "height": 640}
# By axe's own words these need a person to look: text in a picture, whose ground it cannot work out.
LOOKED_AT = {"color-contrast": "svg"}

Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, report: str) -> Iterator[Open]:
    """Open the report as asked, and check when the test is over that the browser had nothing to complain about."""
    contexts = []
    complaints: list[str] = []
    requests: list[str] = []

    def open_page(scheme: str = "light", size: dict[str, int] = WIDE) -> Page:
        context = browser.new_context(color_scheme=scheme, viewport=size)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(report)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
    assert {address.partition("#")[0] for address in requests} == {report}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing(opened: Open, scheme: str, size: dict[str, int]) -> None:
    page = opened(scheme, size)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    found = Axe().run(page).response
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in found["violations"]] == []
    assert len(found["passes"]) > 20
    for doubt in found["incomplete"]:
        inside = LOOKED_AT.get(doubt["id"])
        assert inside, doubt["id"]
        for node in doubt["nodes"]:
            assert page.evaluate(
                "([css, inside]) => !!document.querySelector(css).closest(inside)", [node["target"][0], inside]
            )


def test_text_in_pictures_can_be_read_in_light_and_dark(opened: Open) -> None:
    for scheme in ("light", "dark"):
        page = opened(scheme)
        colors = page.evaluate(
            """() => [...document.querySelectorAll('svg text')].map(text => getComputedStyle(text).fill)"""
        )
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert colors
        assert min(contrast(color, ground) for color in set(colors)) >= 4.5


def contrast(one: str, other: str) -> float:
    def luminance(color: str) -> float:
        channels = [int(part) / 255 for part in color.removeprefix("rgb(").removesuffix(")").split(",")]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_dark_and_light_differ(opened: Open) -> None:
    grounds = [
        opened(scheme).evaluate("getComputedStyle(document.body).backgroundColor") for scheme in ("light", "dark")
    ]
    assert grounds[0] == "rgb(255, 255, 255)"
    assert contrast(grounds[1], "rgb(255,255,255)") > 12


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_a_page_never_scrolls_sideways(opened: Open, width: int) -> None:
    page = opened(size={"width": width, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.body.scrollWidth") <= width


def test_what_is_wider_than_the_page_scrolls_by_itself_and_takes_the_keyboard(opened: Open) -> None:
    page = opened(size=NARROW)
    wide = page.locator(".scroll, pre").evaluate_all(
        "all => all.filter(part => part.scrollWidth > part.clientWidth).map(part => part.tabIndex)"
    )
    assert wide
    assert set(wide) == {0}


def test_links_of_the_contents_go_to_their_sections(opened: Open) -> None:
    page = opened()
    links = page.locator("nav a")
    assert links.count() >= 7
    for index in range(links.count()):
        link = links.nth(index)
        link.click()
        target = page.evaluate("document.querySelector(':target').innerText.trim().split('\\n')[0]")
        assert target == link.inner_text()


def test_the_contents_stay_in_sight_beside_the_text(opened: Open) -> None:
    page = opened(size={"width": 1280, "height": 400})
    page.evaluate("window.scrollTo(0, document.body.scrollHeight / 2)")
    assert page.evaluate("window.scrollY") > 400
    place = page.locator("nav").bounding_box()
    assert place is not None
    assert 0 <= place["y"] < 50
    assert place["height"] <= 400


def test_on_a_narrow_screen_the_contents_stand_before_the_text(opened: Open) -> None:
    page = opened(size=NARROW)
    contents, text = (page.locator(name).bounding_box() for name in ("nav", "main"))
    assert contents is not None
    assert text is not None
    assert contents["y"] + contents["height"] <= text["y"]


def test_the_first_stop_of_the_keyboard_skips_to_the_text(opened: Open) -> None:
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    place = page.locator(".skip").bounding_box()
    assert place is not None
    assert place["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "MAIN"


def test_a_footnote_and_its_way_back_work(opened: Open) -> None:
    page = opened()
    mark = page.locator("a[role=doc-noteref]").first
    name = mark.get_attribute("id")
    mark.click()
    assert "A note with a link" in page.evaluate("document.querySelector(':target').innerText")
    page.locator(f"a.back[href='#{name}']").click()
    assert page.evaluate("document.querySelector(':target').id") == name


def test_it_prints_with_the_numbers_of_its_charts_and_all_its_words(opened: Open) -> None:
    reader = PdfReader(io.BytesIO(opened("dark").pdf(prefer_css_page_size=True)))
    assert len(reader.pages) >= 3
    width, height = (float(length) for length in reader.pages[0].mediabox[2:])
    assert width < height
    # Right-to-left text comes out of a PDF as it is drawn.
    printed = "".join("".join(page.extract_text() for page in reader.pages).split())
    missing = [word for word in words_of(rich_document()) if word.isascii() and word.strip(".,") not in printed]
    assert missing == []
    assert "1,234.5" in printed
    assert "Skip" not in printed


def test_it_is_printed_on_white_from_a_dark_screen(opened: Open) -> None:
    page = opened("dark")
    page.emulate_media(media="print")
    styles: Any = page.evaluate(
        "(() => { const s = getComputedStyle(document.body); return [s.backgroundColor, s.color] })()"
    )
    assert styles == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
