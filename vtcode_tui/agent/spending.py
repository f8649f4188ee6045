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
        self._unpriced: set[str] = set()

    @property
    def total(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    @property
    def cached(self) -> float | None:
        """The share of the input that came out of prompt caches, 0 to 1; None before anything was asked."""
        return self.cached_tokens / self.input_tokens if self.input_tokens else None

    def add(self, usage: Usage, cost_usd: float | None) -> None:
        """Count one answer, or all those of an earlier run of the same session."""
        self.input_tokens += usage.input + usage.cache_read + usage.cache_write
        self.output_tokens += usage.output
        self.cached_tokens += usage.cache_read
        if cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + cost_usd
        if self._within is not None:
            self._within.add(usage, cost_usd)

    def unpriced(self, model: str) -> str:
        """What the human has to hear of an answer without a price, once for each model; empty where no cost is
        bounded."""
        if self._within is not None:
            return self._within.unpriced(model)
        if self._cost is None or model in self._unpriced:
            return ""
        self._unpriced.add(model)
        bound = (
            f"context.session_token_budget ({self._tokens:,} tokens) does."
            if self._tokens is not None
            else "set context.session_token_budget to bound it."
        )
        return f"The price of {model} is not known: the budget of {_dollars(self._cost)} does not count it; {bound}"

    def due(self) -> str:
        """Why the human is to be asked whether to go on; empty while a budget holds, or `go_on` was said of it."""
        if self._within is not None and self._within.is_over():
            return "The session's budget is used up."
        if not self.is_over():
            return ""
        what = "This session" if self._within is None else "This sub-task"
        tokens, cost = self._shares()
        if cost > tokens:
            said = f"{_dollars(self.cost_usd)} of its budget of {_dollars(self._cost)} ({cost:.0%})"
        else:
            said = f"{tokens:.0%} of its budget ({self.total:,} tokens)"
        return f"{what} has used {said}."

    def go_on(self) -> None:
        """The human lets the session use another whole budget."""
        self._asked_at = int(max(self._shares())) + 1

    def is_over(self) -> bool:
        """Whether a whole budget was used since the human last said to go on."""
        return max(self._shares()) >= self._asked_at

    def _shares(self) -> tuple[float, float]:
        """How much of the budgets of tokens and of cost is used; 1 is all of it."""
        tokens = self.total / self._tokens if self._tokens else 0.0
        return tokens, (self.cost_usd or 0.0) / self._cost if self._cost else 0.0


def _dollars(amount: float | None) -> str:
    """An amount as a person reads it: in cents, and more exactly where it is less than one."""
    amount = amount or 0.0
    return f"${amount:.2f}" if amount >= 0.1 or not amount else f"${amount:.4f}"
