"""How well links are: a circuit for each, a budget of retries for all, and how long to wait."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from vtcode_tui.llm.failure import ProviderError

FAILURES = 3
WITHIN_SECONDS = 30.0
FIRST_PAUSE = 30.0
LONGEST_PAUSE = 600.0
_AT_ONCE = frozenset({"auth", "billing", "not_running", "not_loaded"})


@dataclass(slots=True)
class Circuit:
    """One link's: closed, open until a moment, then half-open: one request tries it, its outcome decides.

    Opens after three failures in 30 seconds, or one that time alone does not heal; each time it opens again without
    an answer in between, it stays open twice as long.
    """

    failures: deque[float] = field(default_factory=lambda: deque(maxlen=FAILURES))
    open_until: float | None = None
    openings: int = 0
    probing: bool = False

    def allows(self, now: float) -> bool:
        """Whether a request may be sent."""
        return self.open_until is None or (now >= self.open_until and not self.probing)

    def begins(self, now: float) -> None:
        """A request is sent; on an open circuit it is the probe."""
        self.probing = self.open_until is not None

    def succeeded(self) -> None:
        """An answer came: all is well."""
        self.failures.clear()
        self.open_until, self.openings, self.probing = None, 0, False

    def abandoned(self) -> None:
        """The request was cancelled before its outcome was known."""
        self.probing = False

    def failed(self, now: float, error: ProviderError) -> None:
        """A request failed; perhaps the circuit opens."""
        self.failures.append(now)
        often = len(self.failures) == FAILURES and now - self.failures[0] <= WITHIN_SECONDS
        if often or self.probing or error.kind in _AT_ONCE:
            pause = max(error.retry_after or 0.0, min(FIRST_PAUSE * 2**self.openings, LONGEST_PAUSE))
            self.open_until, self.openings = now + pause, self.openings + 1
        self.probing = False


@dataclass(slots=True)
class Budget:
    """Retries on one link in proportion to requests, so that an outage is not answered by a storm."""

    most: float = 10.0
    per_request: float = 0.1
    left: float = 10.0

    def earn(self) -> None:
        """A new request came from above."""
        self.left = min(self.most, self.left + self.per_request)

    def spend(self) -> bool:
        """Take one retry, if there is one."""
        if self.left < 1:
            return False
        self.left -= 1
        return True


def pause(attempt: int, error: ProviderError, random: float) -> float:
    """Seconds before the next attempt: what the provider asked for, else 0.5 s doubling to 8, with jitter."""
    if error.retry_after is not None:
        return error.retry_after + random * 0.25
    return min(0.5 * float(1 << attempt), 8.0) * (1 - 0.25 * random)
