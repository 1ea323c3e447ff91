"""A real browser (Debian package chromium), and a report to open in it. A missing browser is a failure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from chalicelib.rendering.render import render
from tests.unit.rendering.rich_document import rich_document

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Its sandbox wants rights that containers and root do not have; it opens our own files alone.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report with every kind of node."""
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(render(rich_document(), "html").content)
    return path.as_uri()
