"""The engine that this deployment looks for private values with."""

from __future__ import annotations

from functools import cache

from chalicelib.analyzer.presidio_client import analyze
from chalicelib.privacy.detect import Detection, Detector, rules, without_overlaps
from chalicelib.privacy.presidio import Presidio
from chalicelib.settings import settings


class _Both:
    """What either of two engines finds: the service knows names better, the rules know secrets and numbers."""

    def __init__(self, first: Detector, second: Detector) -> None:
        self._engines = (first, second)

    def detect(self, text: str) -> list[Detection]:
        return without_overlaps(text, [found for engine in self._engines for found in engine.detect(text)])


@cache
def detector() -> Detector:
    """Return the engine of ``PII_ENGINE``: the built-in rules, or with them what a Presidio analyzer finds.

    Its first call reads the lists of names, some tenths of a second.
    """
    given = settings()
    if given.pii_engine == "rules":
        return rules()
    url, timeout = given.presidio_url, given.presidio_timeout_seconds
    return _Both(rules(), Presidio(lambda body: analyze(url, body, timeout=timeout), given.presidio_language))
