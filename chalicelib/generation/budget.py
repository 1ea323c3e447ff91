"""Keeps a report within its cost limit: money is set aside before a request, and settled after it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

from chalicelib.generation.chat import Message
from chalicelib.generation.errors import BudgetSpent
from chalicelib.generation.usage import Price, Usage, price_of

# No tokenizer in use makes more tokens of natural text, tables and code in any script than one
# for two UTF-8 bytes; the endpoint's own template adds some around each message.
FEWEST_BYTES_A_TOKEN = 2
TOKENS_AROUND_A_MESSAGE = 16
POLL_SECONDS = 0.2
NOTHING = Usage()


class Meter:
    """Counts what one report uses, over all its threads and attempts, and keeps its cost limit.

    Thread-safe. Settled costs and open reservations together never pass the limit as long as no
    request uses more than was reserved for it.
    """

    def __init__(self, prices: Mapping[str, Price], max_cost_usd: float | None = None, before: Usage = NOTHING) -> None:
        """Start counting.

        Args:
            prices: US dollars by model, see ``usage.parse_prices``.
            max_cost_usd: most that the report may cost over all attempts; None for no limit.
            before: what earlier attempts used.
        """
        self._prices = prices
        self._limit = max_cost_usd
        self._total = before
        self._open: dict[Reservation, float] = {}
        self._changed = threading.Condition()

    @property
    def total(self) -> Usage:
        """What was used so far, earlier attempts included; open reservations are not in it."""
        with self._changed:
            return self._total

    @property
    def limit(self) -> float | None:
        """The cost limit in US dollars, if there is one."""
        return self._limit

    def reserve(
        self,
        model: str,
        prompt: Sequence[Message],
        max_tokens: int,
        check: Callable[[], None] | None = None,
    ) -> Reservation:
        """Set aside the most that one request can cost. Use what is returned as a context manager.

        Args:
            model: who will be asked.
            prompt: the messages of the request.
            max_tokens: longest answer, in tokens.
            check: given, and the money is merely set aside for other requests, wait for theirs to
                be settled, asking this several times a second; what it raises propagates.
                Without it nothing is waited for.

        Raises:
            BudgetSpent: the request could pass the limit, or its price is not known.
        """
        most = self._most(model, prompt, max_tokens)
        with self._changed:
            while not self._fits(most, self._set_aside()):
                if check is None or not self._fits(most, 0.0):
                    raise BudgetSpent(self._spent_message())
                self._changed.wait(POLL_SECONDS)
                check()
            reservation = Reservation(self)
            self._open[reservation] = most
            return reservation

    def _most(self, model: str, prompt: Sequence[Message], max_tokens: int) -> float:
        price = price_of(model, self._prices)
        if price:
            return price.cost(most_prompt_tokens(prompt), max_tokens)
        if self._limit is None:
            return 0.0
        raise BudgetSpent(
            f"The report may cost at most {_dollars(self._limit)}, but no price is set for the model {model!r}: "
            "add it to LLM_PRICES"
        )

    def _fits(self, most: float, set_aside: float) -> bool:
        if self._limit is None:
            return True
        spent = self._total.cost_usd
        return spent is not None and spent + set_aside + most <= self._limit

    def _set_aside(self) -> float:
        return math.fsum(self._open.values())

    def _spent_message(self) -> str:
        spent, limit = self._total.cost_usd, _dollars(self._limit or 0.0)
        if spent is None:
            return f"The report may cost at most {limit}, but what its earlier attempts cost is not known"
        return f"The next request could exceed the report's cost limit of {limit}; {_dollars(spent)} are spent"

    def _settle(self, reservation: Reservation, usage: Usage, model: str) -> None:
        with self._changed:
            self._total = self._total + usage.priced(model, self._prices)
            self._release_locked(reservation)

    def _release(self, reservation: Reservation) -> None:
        with self._changed:
            self._release_locked(reservation)

    def _release_locked(self, reservation: Reservation) -> None:
        self._open.pop(reservation, None)
        self._changed.notify_all()


class Reservation:
    """Money set aside for one request; given back at the end of the block unless it was settled."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def settle(self, usage: Usage, model: str) -> None:
        """Replace the reservation by what ``model`` really used; once per reservation."""
        self._meter._settle(self, usage, model)

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._meter._release(self)


def most_prompt_tokens(prompt: Sequence[Message]) -> int:
    """Return a number of tokens that ``prompt`` does not pass, whatever the model's tokenizer."""
    sizes = (len(message["content"].encode(errors="replace")) for message in prompt)
    return sum(TOKENS_AROUND_A_MESSAGE + math.ceil(size / FEWEST_BYTES_A_TOKEN) for size in sizes)


def _dollars(amount: float) -> str:
    """Return an amount with four digits that count, as costs of a report begin below a cent."""
    return f"${amount:.2f}" if amount >= 1 or not amount else f"${amount:.4g}"
