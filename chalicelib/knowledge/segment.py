"""A segment: chunks of one document or of several, with everything that a search needs of them, in one file.

A jar's index is a list of segments. A new document adds one; now and then some are merged to a larger one. None is
ever changed. It holds, for each word, the chunks that have it and how often; for each chunk its text, packed, its
length in words, and the vector of its meaning where an embeddings endpoint gave one.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

from chalicelib.knowledge.chunks import Chunk
from chalicelib.knowledge.vectors import Vector, Vectors
from chalicelib.knowledge.words import words_of

_MAGIC: Final = b"KSG1"
_HEAD: Final = struct.Struct("<4sI")
_MOST_TIMES: Final = 255
_PARTS: Final = ("words", "starts", "ids", "times", "lengths", "owners", "places", "texts", "vectors", "rows")

if sys.byteorder != "little":  # pragma: no cover - Lambda's processors, and all we run on, are
    raise ImportError("segments are written as little-endian numbers")


class BrokenSegmentError(Exception):
    """What was read is no segment."""


@dataclass(frozen=True)
class SegmentDocument:
    """A document that a segment has chunks of; ``url`` is where a reader finds it on the web, if its owner said so."""

    id: str
    title: str
    filename: str
    url: str = ""


@dataclass(frozen=True)
class Segment:
    """Chunks, numbered from 0, and what they are found by.

    Args:
        documents: whose chunks.
        words: every word → its number; those of a number's postings are ``ids[starts[n]:starts[n + 1]]``.
        starts: where the postings of each word begin, and the end of all.
        ids: chunks that have a word, ascending within each.
        times: how often they have it (at most 255).
        lengths: of each chunk, in words that are indexed.
        owners: of each chunk, the number of its document.
        places: where the text of each chunk begins in ``texts``, and the end of all.
        texts: the chunks, each packed.
        vectors: of chunks that have one.
    """

    documents: tuple[SegmentDocument, ...]
    words: Mapping[str, int]
    starts: array[int]
    ids: array[int]
    times: array[int]
    lengths: array[int]
    owners: array[int]
    places: array[int]
    texts: bytes
    vectors: Vectors

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def total_length(self) -> int:
        """How many indexed words its chunks have in all."""
        return sum(self.lengths)

    def postings(self, word: str) -> tuple[array[int], array[int]] | None:
        """Return the chunks that have a word, and how often, or None."""
        number = self.words.get(word)
        if number is None:
            return None
        start, end = self.starts[number], self.starts[number + 1]
        return self.ids[start:end], self.times[start:end]

    def having(self, word: str) -> int:
        """Return how many chunks have a word."""
        number = self.words.get(word)
        return 0 if number is None else self.starts[number + 1] - self.starts[number]

    def chunk(self, number: int) -> Chunk:
        """Return a chunk."""
        packed = self.texts[self.places[number] : self.places[number + 1]]
        fields = json.loads(zlib.decompress(packed))
        fields["headings"] = tuple(fields["headings"])
        return Chunk(**fields)

    def document(self, number: int) -> SegmentDocument:
        """Return the document of a chunk."""
        return self.documents[self.owners[number]]

    def to_bytes(self) -> bytes:
        """Return it as a file."""
        ordered = sorted(self.words, key=self.words.__getitem__)
        parts: dict[str, bytes] = {
            "words": zlib.compress("\n".join(ordered).encode("utf-8"), 6),
            "starts": self.starts.tobytes(),
            "ids": self.ids.tobytes(),
            "times": self.times.tobytes(),
            "lengths": self.lengths.tobytes(),
            "owners": self.owners.tobytes(),
            "places": self.places.tobytes(),
            "texts": self.texts,
            "vectors": self.vectors.numbers.tobytes(),
            "rows": self.vectors.rows.tobytes(),
        }
        about = {
            "documents": [asdict(document) for document in self.documents],
            "sizes": {name: len(parts[name]) for name in _PARTS},
            "vectors": {"model": self.vectors.model, "dimensions": self.vectors.dimensions},
        }
        head = json.dumps(about, ensure_ascii=False).encode("utf-8")
        return b"".join([_HEAD.pack(_MAGIC, len(head)), head, *(parts[name] for name in _PARTS)])

    @classmethod
    def from_bytes(cls, content: bytes) -> Segment:
        """Return the segment that :meth:`to_bytes` wrote.

        Raises:
            BrokenSegmentError: it is none.
        """
        try:
            magic, length = _HEAD.unpack_from(content)
            if magic != _MAGIC:
                raise BrokenSegmentError("it begins otherwise")
            at = _HEAD.size + length
            about = json.loads(content[_HEAD.size : at])
            parts = {}
            for name in _PARTS:
                parts[name] = content[at : at + about["sizes"][name]]
                at += about["sizes"][name]
            if at != len(content):
                raise BrokenSegmentError("it ends otherwise")
            ordered = zlib.decompress(parts["words"]).decode("utf-8").split("\n") if parts["starts"][4:] else []
            return cls(
                documents=tuple(SegmentDocument(**fields) for fields in about["documents"]),
                words={word: number for number, word in enumerate(ordered)},
                starts=array("I", parts["starts"]),
                ids=array("I", parts["ids"]),
                times=array("B", parts["times"]),
                lengths=array("I", parts["lengths"]),
                owners=array("I", parts["owners"]),
                places=array("I", parts["places"]),
                texts=parts["texts"],
                vectors=Vectors.from_parts(
                    about["vectors"]["model"], about["vectors"]["dimensions"], parts["vectors"], parts["rows"]
                ),
            )
        except (struct.error, ValueError, KeyError, TypeError, zlib.error) as error:
            raise BrokenSegmentError(str(error)) from error


def _packed(chunk: Chunk) -> bytes:
    return zlib.compress(json.dumps(asdict(chunk), ensure_ascii=False, separators=(",", ":")).encode("utf-8"), 6)


def indexed_text(title: str, chunk: Chunk) -> str:
    """Return what a chunk is found by: its text, and what stands above it."""
    return "\n".join(filter(None, (title, *chunk.headings, chunk.text)))


def segment_of(
    document: SegmentDocument, chunks: Sequence[Chunk], vectors: Sequence[Vector | None] = (), model: str = ""
) -> Segment:
    """Return the segment of one document.

    Args:
        document: which.
        chunks: all of its chunks.
        vectors: of each chunk its vector, or None; empty without any.
        model: what made them.
    """
    postings: dict[str, tuple[list[int], list[int]]] = {}
    lengths = array("I")
    for number, chunk in enumerate(chunks):
        counted = Counter(words_of(indexed_text(document.title, chunk)))
        lengths.append(counted.total())
        for word, times in counted.items():
            ids, often = postings.setdefault(word, ([], []))
            ids.append(number)
            often.append(min(times, _MOST_TIMES))
    texts = [_packed(chunk) for chunk in chunks]
    owners = array("I", bytes(4 * len(chunks)))
    return _assembled((document,), postings, lengths, owners, texts, Vectors.of(model, vectors, len(chunks)))


def _assembled(
    documents: tuple[SegmentDocument, ...],
    postings: Mapping[str, tuple[Sequence[int], Sequence[int]]],
    lengths: array[int],
    owners: array[int],
    texts: Sequence[bytes],
    vectors: Vectors,
) -> Segment:
    starts, ids, times = array("I", [0]), array("I"), array("B")
    words: dict[str, int] = {}
    for number, word in enumerate(sorted(postings)):
        words[word] = number
        chunk_ids, often = postings[word]
        ids.extend(chunk_ids)
        times.extend(often)
        starts.append(len(ids))
    places, at = array("I", [0]), 0
    for text in texts:
        at += len(text)
        places.append(at)
    return Segment(documents, words, starts, ids, times, lengths, owners, places, b"".join(texts), vectors)


def merged(segments: Sequence[Segment], without: Collection[str] = ()) -> Segment:
    """Return one segment with the chunks of several, but those of the documents ``without``."""
    documents: list[SegmentDocument] = []
    lengths, owners, texts = array("I"), array("I"), list[bytes]()
    postings: dict[str, tuple[list[int], list[int]]] = {}
    kept_of: list[Sequence[int]] = []
    for segment in segments:
        first, owner_numbers = len(lengths), dict[int, int]()
        for number, document in enumerate(segment.documents):
            if document.id not in without:
                owner_numbers[number] = len(documents)
                documents.append(document)
        new: list[int] = []
        for number, owner in enumerate(segment.owners):
            if owner not in owner_numbers:
                new.append(-1)
                continue
            new.append(len(lengths))
            lengths.append(segment.lengths[number])
            owners.append(owner_numbers[owner])
            texts.append(segment.texts[segment.places[number] : segment.places[number + 1]])
        kept_of.append([number for number, now in enumerate(new) if now >= 0])
        is_whole = len(kept_of[-1]) == len(segment)
        renumber: Callable[[int], int] = first.__add__ if is_whole else new.__getitem__
        for word, number in segment.words.items():
            start, end = segment.starts[number], segment.starts[number + 1]
            moved = map(renumber, segment.ids[start:end])
            often: Any = segment.times[start:end]
            pairs = [(at, n) for at, n in zip(moved, often, strict=True) if at >= 0]
            if pairs:
                ids, times = postings.setdefault(word, ([], []))
                ids.extend(at for at, _ in pairs)
                times.extend(n for _, n in pairs)
    vectors = Vectors.joined([segment.vectors for segment in segments], kept_of)
    return _assembled(tuple(documents), postings, lengths, owners, texts, vectors)
