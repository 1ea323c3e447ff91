"""Where a SARIF result was found: files, hosts and parts of programs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from chalicelib.domain.finding import MAX_NODE_FIELD, MAX_NODES, FindingNode, Step
from chalicelib.domain.finding_import import CUT, shortened
from chalicelib.domain.json_object import JsonObject

MAX_STEPS: Final = 50
_LONGEST_SNIPPET: Final = 1_000
_LONGEST_PLACE: Final = 1_000
_LONGEST_OBSERVATION: Final = 2_000
_REGION: Final = ("startLine", "startColumn", "endLine", "endColumn", "charOffset", "byteOffset")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Place:
    """One place: what it is on, how a person writes it (``src/a.py:12``), its code, and what tells it from others."""

    node: FindingNode
    written: str
    snippet: str
    identity: str


def places_of(result: JsonObject, run: JsonObject) -> list[Place]:
    """Return the places of a result, each once; the target of the analysis where it names no other.

    Raises:
        WrongValueError: a location is not what SARIF says.
    """
    artifacts = run.items("artifacts")
    found = [place for location in result.objects("locations") if (place := _place(location, artifacts))]
    if not found and result.has("analysisTarget"):
        target = JsonObject({"artifactLocation": result.fields["analysisTarget"]}, result.path)
        found = [place] if (place := _physical_place(target, artifacts)) else []
    return list({place.identity: place for place in found}.values())


def nodes_of(places: Sequence[Place]) -> tuple[FindingNode, ...]:
    """Return what the places are on, each once, at most 200."""
    return tuple({place.node.node_id: place.node for place in places}.values())[:MAX_NODES]


def steps_of(result: JsonObject, run: JsonObject) -> tuple[Step, ...]:
    """Return the first path that the tool followed through the program, as at most 50 steps.

    Raises:
        WrongValueError: it is not what SARIF says.
    """
    flows = [thread for flow in result.objects("codeFlows")[:1] for thread in flow.objects("threadFlows")[:1]]
    artifacts = run.items("artifacts")
    steps: list[Step] = []
    for passed in [location for flow in flows for location in flow.objects("locations")][:MAX_STEPS]:
        location = passed.object("location")
        place = _place(location, artifacts)
        said = location.object("message").text("text") or (place.snippet if place else "")
        observation = shortened(said.strip(), _LONGEST_OBSERVATION) or "passes here"
        steps.append(Step(len(steps) + 1, observation, place.written if place else None))
    return tuple(steps)


def _place(location: JsonObject, artifacts: Sequence[object]) -> Place | None:
    return _physical_place(location.object("physicalLocation"), artifacts) or _logical_place(location)


def _physical_place(physical: JsonObject, artifacts: Sequence[object]) -> Place | None:
    uri = _uri(physical.object("artifactLocation"), artifacts)
    if not uri:
        return None
    region = physical.object("region")
    node, shown = _node(uri)
    line = region.whole("startLine")
    snippet = region.object("snippet").text("text").strip("\r\n")
    where = [str(region.whole(name)) for name in _REGION]
    return Place(
        node=node,
        written=shortened(shown, _LONGEST_PLACE) + (f":{line}" if line else ""),
        snippet=shortened(snippet, _LONGEST_SNIPPET),
        identity="\x1f".join([uri, *where]),
    )


def _logical_place(location: JsonObject) -> Place | None:
    """Return a place in a program or a configuration that no file is named for."""
    for part in location.objects("logicalLocations"):
        name = (part.text("fullyQualifiedName") or part.text("name")).strip()
        if name:
            kind = shortened(part.text("kind").strip().lower(), MAX_NODE_FIELD) or "resource"
            return Place(_named_node(kind, name), shortened(name, _LONGEST_PLACE), "", f"{kind}\x1f{name}")
    return None


def _uri(location: JsonObject, artifacts: Sequence[object]) -> str:
    """Return a file's address as the tool wrote it, without the base that it is relative to."""
    uri = location.text("uri").strip()
    number = location.whole("index")
    if not uri and number is not None and 0 <= number < len(artifacts):
        artifact = artifacts[number]
        if isinstance(artifact, dict):
            uri = JsonObject(artifact, f"artifacts[{number}]").object("location").text("uri").strip()
    return uri


def _node(uri: str) -> tuple[FindingNode, str]:
    """Return what an address is on, and the address as a person writes it."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return _named_node("resource", uri), uri
    if parts.scheme in ("http", "https") and host:
        # Names and passwords in an address are nobody's business.
        return _named_node("host", host), _without_credentials(parts, f"{host}{port}")
    if parts.scheme == "file":
        path = _path(parts)
        return _named_node("file", path), path
    path = unquote(uri, errors="replace")
    return _named_node("file", path.removeprefix("./") or path), path


def _without_credentials(parts: SplitResult, authority: str) -> str:
    return parts._replace(netloc=authority).geturl()


def _path(parts: SplitResult) -> str:
    path = unquote(parts.path, errors="replace")
    # file:///C:/dir is C:/dir; file://server/dir is //server/dir.
    drive = re.match(r"/[A-Za-z]:(/|$)", path)
    shown = path[1:] if drive else path
    return f"//{parts.netloc}{shown}" if parts.netloc and parts.netloc != "localhost" else shown or "/"


def _named_node(kind: str, name: str) -> FindingNode:
    """Return a node. Of a name that is too long its end is kept, which tells files apart; the id stays its own."""
    name = _SPACE.sub(" ", name).strip() or "unnamed"
    node_id = f"{kind}:{name}"
    if len(node_id) > MAX_NODE_FIELD:
        node_id = f"sha256:{hashlib.sha256(node_id.encode()).hexdigest()}"
    return FindingNode(node_id, kind, name if len(name) <= MAX_NODE_FIELD else CUT + name[1 - MAX_NODE_FIELD :])
