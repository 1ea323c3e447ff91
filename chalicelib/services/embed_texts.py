"""Vectors of meaning for texts of a jar. The endpoint is sent tokens where private values stand, or nothing at all."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chalicelib.domain.honey_jar import HoneyJar
from chalicelib.knowledge.blocks import Block
from chalicelib.knowledge.chunks import Chunk, document_text
from chalicelib.settings import settings
from chalicelib.stores.secret_store import secret_parameter

if TYPE_CHECKING:
    from chalicelib.privacy.keyed_tokens import KeyedTokens

_log = logging.getLogger(__name__)

WITHOUT_MEANING: Final = "No vectors: this document is found by its words alone"
_SEARCH_SECONDS: Final = 5.0
_LEFT_ALONE_SECONDS: Final = 30.0
_MOST_SECONDS: Final = 240.0
_QUERIES_KEPT: Final = 200
_CONTEXT: Final = 200
_JOINTS: Final = re.compile(r"_|(?<=[^\W\d_])-(?=[^\W\d_])")


@dataclass(frozen=True)
class Meanings:
    """Vectors, one for each text, and the model that made them; both empty where there are none."""

    vectors: tuple[tuple[float, ...], ...] = ()
    model: str = ""
    notices: tuple[str, ...] = ()


_queries: dict[tuple[str, str, str], Meanings] = {}
# Endpoints that gave no answer to a search, and until when none is waited for (by the monotonic clock).
_left_alone: dict[str, float] = {}


def is_configured() -> bool:
    """Tell whether there is an endpoint."""
    return bool(settings().embeddings_base_url)


def embedded(jar: HoneyJar, title: str, chunks: Sequence[Chunk], blocks: Sequence[Block]) -> Meanings:
    """Return the vectors of a document's chunks; none where no endpoint is configured.

    Finding private values fails closed: then nothing is sent. Neither that nor an endpoint that is down keeps a
    document from being found by its words.

    Args:
        jar: whose text.
        title: the document's title.
        chunks: what to embed.
        blocks: the document that they are of; what one place tells of a name holds in all others.
    """
    if not is_configured():
        return Meanings()
    try:
        sent = _scrambled(_keyed(jar.token_key), title, chunks, blocks)
    except Exception:
        # Without the error's text, which may quote what was being read.
        _log.error("private values of a document in %s could not be looked for: nothing was sent", jar.id)
        return Meanings(notices=(f"{WITHOUT_MEANING}, as private values in it could not be looked for",))
    return _asked(sent, settings().embeddings_timeout_seconds)


def embedded_query(jar: HoneyJar, query: str, private: Sequence[tuple[str, str]] = ()) -> Meanings:
    """Return the vector of a query, scrambled as the texts of the jar are; none where that fails.

    Args:
        jar: in which it is searched.
        query: any text.
        private: values in it that are known to be private, as pairs of type and value, besides those that are found.
    """
    if not is_configured():
        return Meanings()
    known = (jar.token_key, query, settings().embeddings_model)
    if known in _queries:
        return _queries[known]
    if time.monotonic() < _left_alone.get(settings().embeddings_base_url, 0.0):
        return Meanings()
    try:
        keyed = _keyed(jar.token_key)
        keyed.learn_values(private)
        sent = keyed.scramble(query)
    except Exception:
        _log.error("private values of a query could not be looked for: nothing was sent")
        return Meanings()
    found = _asked([sent], min(_SEARCH_SECONDS, settings().embeddings_timeout_seconds))
    if found.vectors:
        if len(_queries) >= _QUERIES_KEPT:
            _queries.clear()
        _queries[known] = found
    else:
        # Not each search is to take as long as waiting for it does.
        _left_alone[settings().embeddings_base_url] = time.monotonic() + _LEFT_ALONE_SECONDS
    return found


def _scrambled(keyed: KeyedTokens, title: str, chunks: Sequence[Chunk], blocks: Sequence[Block]) -> list[str]:
    for block in blocks:
        keyed.learn(block.text)
    # A title may be a file's name: "Jane_Doe-CV" would not be read as somebody's.
    title = _JOINTS.sub(" ", title)
    whole = document_text(blocks)
    sent = []
    for chunk in chunks:
        above = keyed.scramble("\n".join(filter(None, (title, *chunk.headings))))
        # A long text is cut between words, which may be those of one value.
        before = whole[max(0, chunk.start - _CONTEXT) : chunk.start]
        after = whole[chunk.end : chunk.end + _CONTEXT]
        body = keyed.scramble(chunk.text, before, after)
        sent.append(f"{above}\n{body}" if above else body)
    return sent


def _keyed(token_key: str) -> KeyedTokens:
    # The detectors and their lists are loaded only where something is sent.
    from chalicelib.privacy.keyed_tokens import KeyedTokens
    from chalicelib.services.detectors import detector

    return KeyedTokens(bytes.fromhex(token_key), detector())


def _asked(texts: Sequence[str], timeout: float) -> Meanings:
    from botocore.exceptions import BotoCoreError, ClientError

    from chalicelib.knowledge.embeddings import EmbeddingsDownError, EmbeddingsEndpoint, vectors_of

    given = settings()
    parameter = given.embeddings_api_key_parameter
    try:
        key = secret_parameter(parameter) if parameter else given.embeddings_api_key
        endpoint = EmbeddingsEndpoint(given.embeddings_base_url, given.embeddings_model, key)
        vectors = vectors_of(endpoint, texts, timeout=timeout, in_all=_MOST_SECONDS)
    except (EmbeddingsDownError, ClientError, BotoCoreError) as error:
        _log.warning("the embeddings endpoint gave no vectors: %s", error)
        return Meanings(notices=(f"{WITHOUT_MEANING}, as the embeddings endpoint did not answer",))
    return Meanings(tuple(map(tuple, vectors)), given.embeddings_model)
