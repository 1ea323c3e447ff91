"""How the texts of a report travel where a test has nowhere to keep their tokens."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.generation.scrambling import Scrambling
from chalicelib.privacy.detect import Detector, rules
from chalicelib.privacy.token_map import TokenMap


@dataclass
class Kept:
    """The tokens of one report in this process, each time they were kept; the next attempt begins with the last."""

    versions: list[str] = field(default_factory=list)

    def scrambling(self, detector: Detector | None = None) -> Scrambling:
        tokens = TokenMap.from_json(self.versions[-1]) if self.versions else TokenMap()
        return Scrambling(tokens, detector or rules(), self.versions.append)


def scrambled() -> Scrambling:
    """Return what scrambles the texts of one report."""
    return Kept().scrambling()
