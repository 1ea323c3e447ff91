"""Which queue a free worker looks at first, where all priorities share the workers."""

from __future__ import annotations

from collections.abc import Sequence


class PriorityPicker:
    """Higher priorities first, with relief for the lower ones.

    Of every ``relief_every`` messages taken, all but the last are looked for from the highest priority
    downwards. The last one is looked for in the queue that has gone longest without being served, then in
    the next longest, and so on. A queue that always has something waiting is therefore served at
    least once in ``relief_every`` x (number of queues) messages, whatever the others hold.
    """

    def __init__(self, queues: Sequence[str], relief_every: int = 5) -> None:
        """Start with nothing served.

        Args:
            queues: names, from the highest priority to the lowest.
            relief_every: how many messages are taken for one of relief, at least 2.

        Raises:
            ValueError: ``relief_every`` would leave no room for priorities.
        """
        if relief_every < 2:
            raise ValueError("relief_every must be at least 2")
        self._queues = tuple(queues)
        self._relief_every = relief_every
        self._taken = 0
        self._last_served = dict.fromkeys(self._queues, 0)

    def order(self) -> tuple[str, ...]:
        """Return all queues in the order in which to look for the next message."""
        if (self._taken + 1) % self._relief_every:
            return self._queues
        lowest_first = reversed(self._queues)
        return tuple(sorted(lowest_first, key=self._last_served.__getitem__))

    def took(self, queue: str) -> None:
        """Note that a message of ``queue`` was taken."""
        self._taken += 1
        self._last_served[queue] = self._taken
