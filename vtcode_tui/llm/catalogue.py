"""What is known about models without asking anybody: context, longest answer, price, abilities.

Prices are US dollars per million tokens: a snapshot of the vendors' price lists, for the context meter and an
estimate of cost, never for billing; `[providers.NAME]` and `[model]` in vtcode.toml override it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vtcode_tui.llm.messages import Usage

UNKNOWN_WINDOW = 32_768
"""What is assumed of a model that nothing is known about: too small costs a compaction, too large an error."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens; None for caching where it costs what input costs."""

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model; `known` is false where the numbers are only the cautious default."""

    context_window: int = UNKNOWN_WINDOW
    max_output: int | None = None
    price: Price | None = None
    images: bool = True
    tools: bool | None = None
    known: bool = False

    def cost(self, usage: Usage) -> float | None:
        """What an answer cost in US dollars; None where the price is not known."""
        if self.price is None:
            return None
        price = self.price
        read = price.input if price.cache_read is None else price.cache_read
        write = price.input if price.cache_write is None else price.cache_write
        total = usage.input * price.input + usage.output * price.output
        return (total + usage.cache_read * read + usage.cache_write * write) / 1_000_000


FREE = Price(0.0, 0.0)
UNKNOWN = ModelFacts()


def model_facts(provider: str, model: str) -> ModelFacts:
    """What the catalogue has for a model, by its name in any provider's spelling; `UNKNOWN` if it has nothing.

    The longest entry that the name begins with counts, so that dated names and sizes need no entry of their own.
    """
    table = _catalogue()
    name = model.lower().rpartition("/")[2].partition(":")[0].replace(".", "-").removesuffix("-gguf")
    for end in range(len(name), 1, -1):
        if (end == len(name) or not name[end].isalnum()) and name[:end] in table:
            return table[name[:end]]
    return UNKNOWN


@cache
def _catalogue() -> dict[str, ModelFacts]:
    """The table of catalogue.tsv, by name."""
    lines = (Path(__file__).parent / "catalogue.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {row[0]: _facts(row) for row in rows}


def _facts(row: list[str]) -> ModelFacts:
    _, window, output, price_in, price_out, read, write, images = row
    price = (
        Price(float(price_in), float(price_out), float(read) if read else None, float(write) if write else None)
        if price_in
        else None
    )
    return ModelFacts(int(window), int(output), price, images == "yes", tools=True, known=True)
