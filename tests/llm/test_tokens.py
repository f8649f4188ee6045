"""Counting tokens without a download, and the facts about models."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vtcode_tui.llm.tokens as tokens_module
from vtcode_tui.llm import (
    Calibration,
    estimate_message,
    estimate_messages,
    estimate_tokens,
    model_facts,
)
from vtcode_tui.llm.messages import Message, Text, ToolResult, ToolUse, Usage


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        # Counted with o200k_base.
        ("Hello, world! How are you today?", 9),
        ("def add(a: int, b: int) -> int:\n    return a + b\n", 19),
        ('{"path": "src/main.py", "limit": 100, "recursive": true}', 19),
        ("2026-11-22T21:55:45.123Z ERROR connection refused: 127.0.0.1:8080\n" * 3, 93),
    ],
)
def test_an_estimate_is_near_the_count_and_rather_above(text: str, counted: int) -> None:
    assert 0.9 * counted <= estimate_tokens(text) <= 1.5 * counted


def test_code_is_not_underestimated() -> None:
    source = Path(tokens_module.__file__).read_text("utf-8")
    assert len(source) / 4.6 < estimate_tokens(source) < len(source) / 2.4


@given(st.text(max_size=400))
def test_any_text_has_an_estimate_that_grows_with_it(text: str) -> None:
    assert 0 <= estimate_tokens(text) <= estimate_tokens(text + " word")


def test_reported_usage_corrects_the_estimate() -> None:
    calibration = Calibration()
    assert calibration.corrected(1000) == 1000
    calibration = calibration.learned(1000, Usage(input=300, cache_read=900))
    assert calibration.corrected(1000) == 1200
    for _ in range(20):
        calibration = calibration.learned(1000, Usage(input=800))
    assert 800 <= calibration.corrected(1000) <= 805
    assert calibration.learned(1000, Usage()) == calibration


@pytest.mark.parametrize("counted", [1, 100, 499, -5])
def test_a_server_that_counts_only_what_its_cache_did_not_hold_does_not_make_the_window_overflow(
    counted: int,
) -> None:
    calibration = Calibration()
    for _ in range(50):
        calibration = calibration.learned(1000, Usage(input=counted))
    assert calibration.corrected(1000) == 1000


def _history(turns: int) -> list[Message]:
    made: list[Message] = [Message("user", (Text("begin"),))]
    for turn in range(turns):
        made.append(Message("assistant", (Text("next"), ToolUse(f"c{turn}", "read_file", "{}"))))
        made.append(Message("user", (ToolResult(f"c{turn}", f"line {turn}\n" * 200, is_error=turn == 1),)))
    return made


def test_a_long_history_is_counted_once() -> None:
    history = _history(500)
    first = estimate_messages(history)
    assert estimate_messages(history) == first
    assert first == sum(map(estimate_message, history))


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ("claude-sonnet-4-5-20250929", 200_000),
        ("anthropic/claude-sonnet-4.5", 200_000),
        ("claude-sonnet-5-5", 1_000_000),
        ("gpt-5.1-2025-11-13", 272_000),
        ("models/gemini-2.5-pro", 1_048_576),
        ("qwen3-coder:30b", 262_144),
        ("openai/gpt-oss-20b", 131_072),
    ],
)
def test_a_model_is_known_in_any_providers_spelling(model: str, window: int) -> None:
    assert (model_facts("", model).known, model_facts("", model).context_window) == (True, window)


@pytest.mark.parametrize("model", ["", "gpt-50", "my-finetune", "claude", "o33"])
def test_an_unknown_model_gets_a_cautious_window(model: str) -> None:
    assert not model_facts("", model).known
    assert model_facts("", model).cost(Usage(input=5)) is None


def test_caching_has_its_own_price() -> None:
    cost = model_facts("", "claude-sonnet-4-5").cost(
        Usage(input=1_000_000, output=1_000_000, cache_read=1_000_000, cache_write=1_000_000)
    )
    assert cost == pytest.approx(3 + 15 + 0.3 + 3.75)
