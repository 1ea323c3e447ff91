"""How long one endpoint is tried, and how long to wait in between."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from chalicelib.generation.endpoint_errors import EndpointDown, TryAgain

LONGEST_WAIT_SECONDS = 60.0
LONGEST_BACKOFF_SECONDS = 15.0
FIRST_WAIT_SECONDS = 0.5
# With a fallback at hand, nobody waits long for an endpoint that takes no requests.
TRIES_UNREACHED = 2


@dataclass(frozen=True)
class Persistence:
    """How often (``tries``) and how long (``seconds``) one endpoint is tried before it counts as down."""

    tries: int
    seconds: float
    has_fallback: bool = False

    def before_a_fallback(self) -> Persistence:
        """Return the same persistence for an endpoint that another one can stand in for."""
        return replace(self, has_fallback=True)

    def is_over(self, tries: int, elapsed: float, failure: TryAgain) -> bool:
        """Whether to give up after so many tries in so many seconds."""
        return self._hurries(failure, tries) or (tries >= self.tries and elapsed >= self.seconds)

    def given_up(self, failure: TryAgain, tries: int) -> EndpointDown:
        """Return the error that says so."""
        times = "once" if tries == 1 else f"{tries} times"
        return EndpointDown(f"{failure} (tried {times})", unreached=self._hurries(failure, tries))

    def _hurries(self, failure: TryAgain, tries: int) -> bool:
        return self.has_fallback and failure.unreached and tries >= TRIES_UNREACHED


PROBE = Persistence(tries=1, seconds=0.0, has_fallback=True)


def wait_seconds(tries: int, wished: float | None) -> float:
    """Return how long to wait after so many tries: what the endpoint wishes, or doubling; both scattered."""
    if wished is not None:
        return min(wished, LONGEST_WAIT_SECONDS) * random.uniform(1.0, 1.1)  # noqa: S311 - not a secret
    doubled = FIRST_WAIT_SECONDS * 2.0 ** min(tries - 1, 10)
    return min(doubled, LONGEST_BACKOFF_SECONDS) * random.uniform(0.75, 1.25)  # noqa: S311 - not a secret
