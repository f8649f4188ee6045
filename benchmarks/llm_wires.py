"""Events per second through each wire's parser, and the cost of a long history per turn.

python -m benchmarks.llm_wires
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from vtcode_tui.config.settings import Wire
from vtcode_tui.llm import Endpoint, estimate_messages, fitted
from vtcode_tui.llm.assembly import Assembly
from vtcode_tui.llm.messages import Message, Request, Text, ToolResult, ToolUse
from vtcode_tui.llm.wires import wire_of

EVENTS = 50_000
CHUNK = 16 * 1024


def _chat(text: str) -> object:
    return {
        "id": "x",
        "object": "chat.completion.chunk",
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}}],
    }


def _anthropic(text: str) -> object:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


def _responses(text: str) -> object:
    return {
        "type": "response.output_text.delta",
        "item_id": "i",
        "output_index": 0,
        "content_index": 0,
        "delta": text,
    }


def _gemini(text: str) -> object:
    return {
        "candidates": [{"content": {"parts": [{"text": text}], "role": "model"}}],
        "usageMetadata": {"promptTokenCount": 9},
    }


def _ollama(text: str) -> object:
    return {"model": "m", "created_at": "2026", "message": {"role": "assistant", "content": text}, "done": False}


WIRES: dict[Wire, Callable[[str], object]] = {
    "openai-chat": _chat,
    "anthropic": _anthropic,
    "openai-responses": _responses,
    "gemini": _gemini,
    "ollama": _ollama,
}


def events_per_second(wire: Wire, event: Callable[[str], object]) -> tuple[float, float]:
    """Events and megabytes per second from bytes to pieces."""
    frame = "{}\n" if wire == "ollama" else "data: {}\n\n"
    raw = "".join(frame.format(json.dumps(event(f" word{n}"))) for n in range(EVENTS)).encode()
    spoken = wire_of(wire)
    framing, reader, into = spoken.framing(), spoken.reader(), Assembly("p", "m")
    pieces = 0
    started = time.perf_counter()
    for at in range(0, len(raw), CHUNK):
        for data in framing.feed(raw[at : at + CHUNK]):
            reader.read(json.loads(data), into)
        pieces += len(into.take())
    seconds = time.perf_counter() - started
    assert pieces == EVENTS
    return EVENTS / seconds, len(raw) / seconds / 1e6


def history(turns: int) -> tuple[Message, ...]:
    """A session of so many tool calls with outputs of 4 KB."""
    made: list[Message] = [Message("user", (Text("begin"),))]
    for turn in range(turns):
        made.append(
            Message("assistant", (Text("I look."), ToolUse(f"call_{turn}", "read_file", '{"path": "a.py"}')))
        )
        made.append(Message("user", (ToolResult(f"call_{turn}", f"line {turn} of the file\n" * 180),)))
    return tuple(made)


def milliseconds(work: Callable[[], object]) -> float:
    """The best of five."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times) * 1000


def main() -> None:
    """Print two small tables."""
    print(f"{'wire':<18}{'events/s':>12}{'MB/s':>8}")
    for wire, event in WIRES.items():
        rate, megabytes = events_per_second(wire, event)
        print(f"{wire:<18}{rate:>12,.0f}{megabytes:>8.1f}")
    print(f"\n{'turns':<8}{'estimate ms':>12}{'fit ms':>8}{'compose ms':>12}")
    endpoint = Endpoint("p", "anthropic", "https://h.test")
    for turns in (10, 100, 500):
        messages = history(turns)
        request = Request("m", "s", messages)
        print(
            f"{turns:<8}{milliseconds(lambda m=messages: estimate_messages(m)):>12.2f}"  # type: ignore[misc]
            f"{milliseconds(lambda m=messages: fitted(m, 'p', 'm')):>8.2f}"  # type: ignore[misc]
            f"{milliseconds(lambda r=request: wire_of('anthropic').compose(r, endpoint)):>12.2f}"  # type: ignore[misc]
        )


if __name__ == "__main__":
    main()
