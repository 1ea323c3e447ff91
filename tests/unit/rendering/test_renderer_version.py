"""A rendering is found again under the version of what made it."""

from __future__ import annotations

import re
import subprocess
import sys

from chalicelib.rendering.renderer_version import renderer_version
from chalicelib.rendering.theme import Theme


def test_it_is_the_same_for_the_same_looks() -> None:
    assert re.fullmatch("[0-9a-f]{16}", renderer_version(Theme()))
    assert renderer_version(Theme()) == renderer_version(Theme())


def test_other_looks_are_another_version() -> None:
    themes = [Theme(), Theme(accent=(1, 2, 3)), Theme(logo=b"a"), Theme(logo=b"b"), Theme(organisation="x")]
    assert len({renderer_version(theme) for theme in themes}) == len(themes)


def test_everything_of_ours_that_renders_is_part_of_it() -> None:
    program = (
        "import sys; from chalicelib.rendering.render import render; from chalicelib.domain.document import Document\n"
        "made = Document(report_id='r', title='t', created_at='2026-01-20T15:30:00Z', model='m', sections=())\n"
        "[render(made, wanted) for wanted in ('pdf', 'md', 'html', 'docx')]\n"
        "print(*(name for name in sys.modules if name.startswith('chalicelib.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    parts = {name.split(".")[1] for name in done.stdout.split()}
    assert parts == {"domain", "rendering"}
