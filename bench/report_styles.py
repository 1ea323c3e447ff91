"""A table of reports by style and model, with the words asked for and written, the seconds, and the requests.

The scripted model gives every request 30 tokens a second; the embedded model writes as fast as this machine
lets it, and is left out where its packages are not installed. Where ``--keep FOLDER`` is given, what the
embedded model wrote is kept there as PDF.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chalicelib.generation.pipeline import Assignment, Endpoint, Meter, ModelClient, Written, write_report
from chalicelib.rendering.render import render
from embedded.model_server import WeightsNotFound, weights_path
from embedded.processes import Children, accepts_connections, free_port
from embedded.stack_environment import embedded_endpoint, without_accounts
from tests.model_server import ModelServer
from tests.support.report_writing import Recorder
from tests.support.scrambled import scrambled

TOKENS_PER_SECOND = 30
# Style, and a request for it; {words} is filled in.
REQUESTS = {
    "technical": "Provide a {words} word technical analysis of zero-trust architecture.",
    "use_case": "Write a {words} word guide on how to implement network segmentation in a hospital.",
    "comparison": "Compare tape backups versus cloud backups in {words} words.",
    "summary": "Write a {words} word executive summary of incident response planning.",
}


@dataclass(frozen=True)
class Writer:
    """A model, how it is asked, and the words to ask it for."""

    name: str
    endpoint: Endpoint
    section_words: int
    concurrency: int
    notice: str
    words: int


@contextmanager
def scripted() -> Iterator[Writer]:
    with ModelServer(tokens_per_second=TOKENS_PER_SECOND) as server:
        endpoint = Endpoint(server.base_url, "", "scripted-model")
        yield Writer("scripted", endpoint, 600, 8, "", 2000)


@contextmanager
def embedded() -> Iterator[Writer]:
    port = free_port()
    settings = embedded_endpoint(port)
    with tempfile.TemporaryDirectory() as folder:
        children = Children(Path(folder))
        try:
            children.start("model", "embedded.model_server", ["--port", str(port)], without_accounts(os.environ))
            children.wait_until("model", lambda: accepts_connections(port), 120)
            endpoint = Endpoint(settings["LLM_BASE_URL"], "", settings["LLM_MODEL"])
            section_words = int(settings["LLM_SECTION_WORDS"])
            concurrency = int(settings["LLM_CONCURRENCY"])
            yield Writer("SmolLM2-135M", endpoint, section_words, concurrency, settings["LLM_NOTICE"], 800)
        finally:
            children.stop(["model"], grace_seconds=2)
            children.close()


def write(writer: Writer, query: str) -> Written:
    with ModelClient(writer.endpoint) as model:
        return write_report(
            Assignment("bench", "A report", "", query, "Bee", "2026-01-01T00:00:00Z"),
            {},
            model,
            Recorder(),
            section_words=writer.section_words,
            concurrency=writer.concurrency,
            notices=[writer.notice] if writer.notice else [],
            meter=Meter({}),
            texts=scrambled(),
        )


def rows(writer: Writer, keep: Path | None) -> Iterator[str]:
    for style, request in REQUESTS.items():
        started = time.monotonic()
        written = write(writer, request.format(words=writer.words))
        seconds = time.monotonic() - started
        assert written.detected_style == style, (style, written.detected_style, written.style_reasons)
        if keep:
            (keep / f"{style}.pdf").write_bytes(render(written.document, "pdf").content)
        missing = sum(section.degraded for section in written.document.sections)
        yield (
            f"{style:11} {writer.name:13} {writer.words:6,} {written.word_count:8,} {seconds:8.1f} "
            f"{written.usage.calls:6} {len(written.document.sections):9} {missing:8}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="folder for the embedded model's reports")
    keep = parser.parse_args().keep
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
    columns = f"{'asked':>6} {'written':>8} {'seconds':>8} {'calls':>6} {'sections':>9} {'missing':>8}"
    print(f"{'style':11} {'model':13} {columns}")
    with scripted() as writer:
        for row in rows(writer, None):
            print(row, flush=True)
    try:
        weights_path()
    except WeightsNotFound as reason:
        print(f"without the embedded model: {reason}")
        return 0
    with embedded() as writer:
        for row in rows(writer, keep):
            print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
