"""What models have cost: tokens and dollars of a session and of its sub-tasks, and the budgets that bound them."""

from __future__ import annotations

from vtcode_tui.llm.messages import Usage


class Spent:
    """Sums up answers against a budget of tokens and US dollars; a sub-task's count in its session's as well."""

    def __init__(
        self, tokens: int | None = None, cost_usd: float | None = None, within: Spent | None = None
    ) -> None:
        self._tokens, self._cost, self._within = tokens, cost_usd, within
        self.input_tokens = self.output_tokens = self.cached_tokens = 0
        self.cost_usd: float | None = None
        self._asked_at = 1

    @property
    def total(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    @property
    def cached(self) -> float | None:
        """The share of the input that came out of prompt caches, 0 to 1; None before anything was asked."""
        return self.cached_tokens / self.input_tokens if self.input_tokens else None

    def add(self, usage: Usage, cost_usd: float | None) -> None:
        """Count one answer."""
        self.input_tokens += usage.input + usage.cache_read + usage.cache_write
        self.output_tokens += usage.output
        self.cached_tokens += usage.cache_read
        if cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + cost_usd
        if self._within is not None:
            self._within.add(usage, cost_usd)

    def due(self) -> str:
        """Why it is time to ask whether to go on, once for each whole budget used; empty while it is not."""
        if self._within is not None and self._within.is_over():
            return "The session's budget is used up."
        share = self._share()
        if share < self._asked_at:
            return ""
        self._asked_at = int(share) + 1
        what = "This session" if self._within is None else "This sub-task"
        return f"{what} has used {share:.0%} of its budget ({self.total:,} tokens)."

    def is_over(self) -> bool:
        """Whether a whole budget was used since the human was last asked about it."""
        return self._share() >= self._asked_at

    def _share(self) -> float:
        tokens = self.total / self._tokens if self._tokens else 0.0
        return max(tokens, (self.cost_usd or 0.0) / self._cost if self._cost else 0.0)
