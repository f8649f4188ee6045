"""What is known about models without asking anybody: context, longest answer, price, abilities.

Prices are US dollars per million tokens: a snapshot of the vendors' price lists, for the context meter and an
estimate of cost, never for billing; `[providers.NAME]` and `[model]` in vtcode.toml override it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

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
    """What the catalogue has for a model, by its name in any provider's spelling."""
    name = model.lower().rpartition("/")[2].partition(":")[0]
    for pattern, facts in _CATALOGUE:
        if pattern.match(name):
            return facts
    return UNKNOWN


def _row(
    names: str, window: int, output: int, price: Price | None = None, *, images: bool = True
) -> tuple[re.Pattern[str], ModelFacts]:
    return re.compile(names), ModelFacts(window, output, price, images, True, True)


def _claude(input: float, output: float) -> Price:
    return Price(input, output, cache_read=input * 0.1, cache_write=input * 1.25)


_CATALOGUE: tuple[tuple[re.Pattern[str], ModelFacts], ...] = (
    _row(r"claude-opus-4[-.][5-9]|claude-opus-[5-9]", 200_000, 64_000, _claude(5, 25)),
    _row(r"claude-(opus-4|3-opus|opus-3)", 200_000, 32_000, _claude(15, 75)),
    _row(r"claude-(sonnet-[4-9]|3-7-sonnet|4)", 200_000, 64_000, _claude(3, 15)),
    _row(r"claude-3-5-sonnet", 200_000, 8_192, _claude(3, 15)),
    _row(r"claude-haiku-[4-9]", 200_000, 64_000, _claude(1, 5)),
    _row(r"claude-3-5-haiku", 200_000, 8_192, _claude(0.8, 4)),
    _row(r"claude-3-haiku", 200_000, 4_096, _claude(0.25, 1.25)),
    _row(r"gpt-5(\.\d)?-pro", 400_000, 272_000, Price(15, 120)),
    _row(r"gpt-5(\.\d)?-nano", 400_000, 128_000, Price(0.05, 0.4, 0.005)),
    _row(r"gpt-5(\.\d)?(-codex)?-mini", 400_000, 128_000, Price(0.25, 2, 0.025)),
    _row(r"gpt-5\.[2-9]", 400_000, 128_000, Price(1.75, 14, 0.175)),
    _row(r"gpt-5", 400_000, 128_000, Price(1.25, 10, 0.125)),
    _row(r"gpt-4\.1-nano", 1_047_576, 32_768, Price(0.1, 0.4, 0.025)),
    _row(r"gpt-4\.1-mini", 1_047_576, 32_768, Price(0.4, 1.6, 0.1)),
    _row(r"gpt-4\.1", 1_047_576, 32_768, Price(2, 8, 0.5)),
    _row(r"gpt-4o-mini", 128_000, 16_384, Price(0.15, 0.6, 0.075)),
    _row(r"gpt-4o|chatgpt-4o", 128_000, 16_384, Price(2.5, 10, 1.25)),
    _row(r"o[34]-mini", 200_000, 100_000, Price(1.1, 4.4, 0.275)),
    _row(r"o3-pro", 200_000, 100_000, Price(20, 80)),
    _row(r"o3", 200_000, 100_000, Price(2, 8, 0.5)),
    _row(r"o1", 200_000, 100_000, Price(15, 60, 7.5)),
    _row(r"codex-mini", 200_000, 100_000, Price(1.5, 6, 0.375)),
    _row(r"gpt-oss", 131_072, 131_072, None, images=False),
    _row(r"gemini-3.*-flash", 1_048_576, 65_536, Price(0.5, 3, 0.05)),
    _row(r"gemini-3", 1_048_576, 65_536, Price(2, 12, 0.2)),
    _row(r"gemini-2\.5-pro", 1_048_576, 65_536, Price(1.25, 10, 0.125)),
    _row(r"gemini-2\.5-flash-lite", 1_048_576, 65_536, Price(0.1, 0.4, 0.01)),
    _row(r"gemini-2\.5-flash", 1_048_576, 65_536, Price(0.3, 2.5, 0.03)),
    _row(r"gemini-2\.0-flash", 1_048_576, 8_192, Price(0.1, 0.4, 0.025)),
    _row(r"gemma-?3", 131_072, 8_192),
    _row(r"deepseek-(chat|reasoner|v3)", 131_072, 65_536, Price(0.28, 0.42, 0.028), images=False),
    _row(r"deepseek-r1", 131_072, 32_768, None, images=False),
    _row(r"grok-code-fast", 256_000, 64_000, Price(0.2, 1.5, 0.02), images=False),
    _row(r"grok-4.*fast", 2_000_000, 64_000, Price(0.2, 0.5, 0.05)),
    _row(r"grok-4", 256_000, 64_000, Price(3, 15, 0.75)),
    _row(r"grok-3-mini", 131_072, 32_768, Price(0.3, 0.5, 0.075), images=False),
    _row(r"grok-3", 131_072, 32_768, Price(3, 15, 0.75), images=False),
    _row(r"devstral-(small|2-small)", 131_072, 32_768, Price(0.1, 0.3), images=False),
    _row(r"devstral", 262_144, 32_768, Price(0.4, 2), images=False),
    _row(r"codestral", 256_000, 32_768, Price(0.3, 0.9), images=False),
    _row(r"mistral-large", 131_072, 32_768, Price(0.5, 1.5)),
    _row(r"mistral-medium", 131_072, 32_768, Price(0.4, 2)),
    _row(r"mistral-small|ministral|pixtral|magistral", 131_072, 32_768, Price(0.1, 0.3)),
    _row(r"qwen3-?coder.*plus", 1_000_000, 65_536, Price(1, 5), images=False),
    _row(r"qwen3-?coder", 262_144, 65_536, None, images=False),
    _row(r"qwen3.*vl", 262_144, 32_768),
    _row(r"qwen-?3", 131_072, 32_768, None, images=False),
    _row(r"qwen-?2\.5-?coder", 32_768, 8_192, None, images=False),
    _row(r"qwq|qwen-?2\.5", 32_768, 8_192, None, images=False),
    _row(r"kimi-k2", 262_144, 65_536, Price(0.6, 2.5, 0.15), images=False),
    _row(r"glm-4\.[5-9]", 200_000, 128_000, Price(0.6, 2.2, 0.11), images=False),
    _row(r"minimax-m2", 204_800, 131_072, Price(0.3, 1.2, 0.03), images=False),
    _row(r"llama-?4", 1_048_576, 16_384),
    _row(r"llama-?3\.[1-3]", 131_072, 8_192, None, images=False),
    _row(r"command-(a|r)", 256_000, 8_192, Price(2.5, 10), images=False),
    _row(r"phi-?4", 16_384, 8_192, None, images=False),
    _row(r"granite-?4", 131_072, 8_192, None, images=False),
)


def with_overrides(facts: ModelFacts, *, window: int | None = None, output: int | None = None) -> ModelFacts:
    """The facts with what the settings say instead."""
    if window is not None:
        facts = replace(facts, context_window=window, known=True)
    return facts if output is None else replace(facts, max_output=output)
