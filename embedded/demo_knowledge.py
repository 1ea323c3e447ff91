"""Reports that cite their sources: ``python -m embedded.demo_knowledge``.

Starts the stack on a free port, fills a honey jar with documents, searches it, has a report written on it that cites
them, and says what the check of its citations found. Then the same without any model (LLM=off): a digest. Both
reports are saved under out/, and everything is stopped.

``JAR=folder`` takes your own documents (pdf, docx, txt, md, html, json), ``QUERY=…`` asks something else of them,
``SEARCH=…`` searches for something else, ``FORMAT=pdf|md|html`` chooses the format.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from urllib3.filepost import encode_multipart_formdata

from chalicelib.domain.honey_jar import DOCUMENT_FORMATS, format_of
from chalicelib.domain.wording import counted
from embedded.demo import FORMATS, TEMPLATE_ID, Client, DemoError, Service, fetch, file_name, follow
from embedded.processes import ROOT, StackError
from embedded.stack import DEFAULT_DIRECTORY, Stack, StopRequested, stop_on_signals
from embedded.stack_environment import WITHOUT_MODEL

QUERY: Final = (
    "Write a 900 word overview of open source licenses, with sections on redistribution, patents, "
    "warranty and liability, and trademarks."
)
SEARCH: Final = "who may use the trademarks of the licensor"
OWN_QUERY: Final = "Write a 900 word overview of what these documents say."
# Licences that come with packages of this environment: real documents, and long ones, on one subject.
_LICENCES: Final = (
    ("openai", "LICENSE", "Apache License 2.0"),
    ("python-stdnum", "COPYING", "GNU Lesser General Public License 2.1"),
    ("typing-extensions", "LICENSE", "Python Software Foundation License"),
    ("fontpkg-noto-serif", "LICENSE", "SIL Open Font License 1.1"),
    ("jinja2", "LICENSE", "BSD License of Jinja"),
    ("pydantic", "LICENSE", "MIT License of Pydantic"),
    ("certifi", "LICENSE", "Mozilla Public License notice of certifi"),
    ("pillow", "LICENSE", "Licences of Pillow and the libraries in it"),
)
_IN_A_REQUEST, _FILES_IN_A_REQUEST = 3_500_000, 10
_MOST_FILES: Final = 200
_READING_SECONDS: Final = 300.0
_SHOWN_UNSUPPORTED: Final = 5
_SHOWN_WORDS: Final = 25
_SHORTEST_TELLING: Final = 4
_JARS: Final = "/api/knowledge/honey-jars"

_console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Case:
    """What the jar is filled with, what is looked for in it, and what is asked of it."""

    files: tuple[tuple[str, Path], ...]
    name: str
    search: str
    query: str
    output_format: str


def chosen_case(environment: Mapping[str, str]) -> Case:
    """Return the case that the caller's environment names; without any, licences of installed packages.

    Raises:
        DemoError: there is no such folder or format, or nothing in the folder that can be read.
    """
    output_format = environment.get("FORMAT") or "pdf"
    if output_format not in FORMATS:
        raise DemoError(f"FORMAT={output_format} is none of {', '.join(FORMATS)}")
    own = environment.get("JAR")
    files = tuple(_in_folder(Path(own).expanduser()) if own else _licences())
    if not files:
        raise DemoError(f"JAR={own} has no file of the kinds {', '.join(DOCUMENT_FORMATS)}")
    query = environment.get("QUERY") or (OWN_QUERY if own else QUERY)
    search = environment.get("SEARCH") or environment.get("QUERY") or (OWN_QUERY if own else SEARCH)
    return Case(files, Path(own).expanduser().resolve().name if own else "Licences", search, query, output_format)


def _in_folder(folder: Path) -> Iterator[tuple[str, Path]]:
    if not folder.is_dir():
        raise DemoError(f"JAR={folder} is no folder")
    found = sorted(path for path in folder.rglob("*") if path.is_file() and format_of(path.name))
    yield from ((path.name, path) for path in found[:_MOST_FILES])


def _licences() -> Iterator[tuple[str, Path]]:
    for package, name, title in _LICENCES:
        try:
            files = importlib.metadata.files(package) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        path = next(
            (Path(str(one.locate())) for one in files if one.name.startswith(name) and one.suffix != ".py"), None
        )
        if path is not None and path.is_file():
            yield f"{title}.txt", path


class JarClient:
    """Honey jars as seen by one key."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    def create(self, name: str) -> str:
        """Make a jar and return its id."""
        return str(self._json("POST", _JARS, {"name": name})["data"]["honey_jar"]["id"])

    def fill(self, jar: str, files: Sequence[tuple[str, Path]]) -> None:
        """Upload documents: small ones together in forms, large ones through links."""
        small = [(name, path) for name, path in files if path.stat().st_size <= _IN_A_REQUEST]
        for batch in _batches(small):
            body, content_type = encode_multipart_formdata([("files", file) for file in batch])
            self._call("POST", f"{_JARS}/{jar}/documents", body, content_type)
        for name, path in files:
            if path.stat().st_size > _IN_A_REQUEST:
                self._upload(jar, name, path.read_bytes())

    def documents(self, jar: str) -> list[dict[str, Any]]:
        """Return the jar's documents and where they stand."""
        found: list[dict[str, Any]] = []
        while True:
            page = self._json("GET", f"{_JARS}/{jar}/documents?limit=100&offset={len(found)}")["data"]["documents"]
            found += page
            if len(page) < 100:
                return found

    def search(self, jar: str, query: str) -> dict[str, Any]:
        """Return what the jar has on a query."""
        return self._json("POST", "/api/knowledge/search", {"query": query, "top_k": 3, "honey_jar_ids": [jar]})

    def _upload(self, jar: str, name: str, content: bytes) -> None:
        announced = self._json(
            "POST", f"{_JARS}/{jar}/documents/uploads", {"filename": name, "size_bytes": len(content)}
        )["data"]
        upload = announced["upload"]
        status, _, said = fetch("PUT", upload["url"], content, upload["headers"])
        if status != 200:
            raise DemoError(f"the upload of {name} answered {status}: {said[:500].decode('utf-8', 'replace')}")
        self._json("POST", f"{_JARS}/{jar}/documents/{announced['document']['id']}/complete")

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        sent = None if body is None else json.dumps(body).encode()
        answer: dict[str, Any] = json.loads(self._call(method, path, sent))
        return answer

    def _call(self, method: str, path: str, body: bytes | None, content_type: str = "application/json") -> bytes:
        headers = {"X-API-Key": self._key, "Content-Type": content_type, "Accept": "application/json"}
        status, _, content = fetch(method, self._url + path, body, headers)
        if status >= 400:
            raise DemoError(f"{method} {path} answered {status}: {content[:500].decode('utf-8', 'replace')}")
        return content


def _batches(files: Sequence[tuple[str, Path]]) -> Iterator[list[tuple[str, bytes]]]:
    """Yield files in so many as one request may have."""
    batch: list[tuple[str, bytes]] = []
    for name, path in files:
        content = path.read_bytes()
        if batch and (
            len(batch) == _FILES_IN_A_REQUEST or sum(len(one) for _, one in batch) + len(content) > _IN_A_REQUEST
        ):
            yield batch
            batch = []
        batch.append((name, content))
    if batch:
        yield batch


def run(stack: Service, case: Case, title: str, directory: Path = ROOT / "out") -> dict[str, Any]:
    """Fill a jar on a running service, search it, have a report written on it, and return the report's detail.

    Args:
        stack: the service.
        case: what with, and what about.
        title: the report's, which names its file.
        directory: where it is saved.

    Raises:
        DemoError: something failed.
    """
    jars, client = JarClient(stack.url, stack.api_key), Client(stack.url, stack.api_key)
    jar = _filled(jars, case)
    _show_search(jars.search(jar, case.search))
    _say(f"written by {stack.writer}")
    _say(f"asking     {case.query}")
    started = time.monotonic()
    body = {
        "template_id": TEMPLATE_ID,
        "title": title,
        "parameters": {"user_query": case.query},
        "honey_jar_id": jar,
        "output_format": case.output_format,
    }
    report_id = client.create(body)
    report = follow(lambda: client.detail(report_id))
    if report["status"] != "completed":
        raise DemoError(f"the report {report['status']}: {report.get('error_message')}")
    seconds = time.monotonic() - started
    path = directory / file_name(title, case.output_format)
    directory.mkdir(exist_ok=True)
    path.write_bytes(client.download(report))
    _show_report(report, path, seconds)
    return report


def _filled(jars: JarClient, case: Case) -> str:
    started = time.monotonic()
    jar = jars.create(case.name)
    jars.fill(jar, case.files)
    while True:
        documents = jars.documents(jar)
        if all(document["status"] in ("ready", "failed") for document in documents):
            break
        if time.monotonic() - started > _READING_SECONDS:
            raise DemoError("the documents were not read in time")
        time.sleep(0.3)
    _say(f"\na jar with {counted(len(documents), 'document')}, read in {time.monotonic() - started:.1f} seconds")
    for document in sorted(documents, key=lambda one: str(one["filename"])):
        pages = f", {counted(document['pages'], 'page')}" if document.get("pages") else ""
        said = f"failed: {document['message']}" if document["status"] == "failed" else f"ready{pages}"
        _say(f"  {document['filename']}: {said}")
    if all(document["status"] == "failed" for document in documents):
        raise DemoError("none of the documents could be read")
    return jar


def _show_search(found: Mapping[str, Any]) -> None:
    _say(f"\nsearching  {found['query']}")
    for result in found["results"]:
        title = result["metadata"]["title"] or result["metadata"]["filename"]
        _say(f"  {title}: {fitting_part(result['content'], found['query'])}")
    _say("")


def fitting_part(text: str, query: str) -> str:
    """Return the part of a passage, of about two lines, that has most of a query's words."""
    words = text.split()
    asked = {word for word in map(_bare, query.split()) if len(word) >= _SHORTEST_TELLING}
    starts = range(max(1, len(words) - _SHOWN_WORDS + 1))
    best = max(starts, key=lambda at: len(asked & set(map(_bare, words[at : at + _SHOWN_WORDS]))))
    shown = " ".join(words[best : best + _SHOWN_WORDS])
    return f"{'… ' if best else ''}{shown}{' …' if best + _SHOWN_WORDS < len(words) else ''}"


def _bare(word: str) -> str:
    return word.casefold().strip(".,;:?!()\"'")


def _show_report(report: Mapping[str, Any], path: Path, seconds: float) -> None:
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    pages = f"  pages      {report['page_count']}\n" if report.get("page_count") else ""
    _say(
        f"\n  file       {shown}\n{pages}"
        f"  words      {report['word_count']}\n"
        f"  model      {report['model']}\n"
        f"  seconds    {seconds:.1f}"
    )
    citations = report.get("citations")
    if citations and not citations["claims"]:
        _say("  citations  none: the model has cited nothing, so nothing that it says can be traced")
    elif citations:
        _say(f"  citations  {citations['supported']} of {citations['claims']} claims are supported by what they cite")
        for claim in citations["unsupported"][:_SHOWN_UNSUPPORTED]:
            _say(f"             not supported ({claim['reason']}): {claim['sentence']}")
        more = len(citations["unsupported"]) - _SHOWN_UNSUPPORTED
        if more > 0:
            _say(f"             and {more} more")
    for notice in report["notices"]:
        _say(f"  notice     {notice}")
    _say("")


def _say(line: str) -> None:
    _console.print(line, markup=False)


def main() -> int:
    """Run the demonstration; return the exit status."""
    stop_on_signals()
    directory = DEFAULT_DIRECTORY / "demo"

    def say(line: str) -> None:
        _console.print(f"… {line}")

    try:
        case = chosen_case(os.environ)
        if os.environ.get("LLM") != "off":
            with Stack(directory=directory, say=say) as stack:
                run(stack, case, f"{case.name}, cited")
            _say("And now without any model: LLM=off.\n")
        with Stack(env=WITHOUT_MODEL, directory=directory, say=say) as stack:
            run(stack, case, f"{case.name}, a digest")
    except (DemoError, StackError) as error:
        logs = (directory / "logs").relative_to(ROOT)
        _console.print(f"error: {error}\nlogs: {logs}", style="red", markup=False)
        return 1
    except StopRequested:
        _say("\nstopped")
        return 130
    _say("Next: docs/knowledge.md says what honey jars can do, and who may read them.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
