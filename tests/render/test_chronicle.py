from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from vtcode_tui.common.clock import local
from vtcode_tui.events.types import (
    PAYLOADS,
    Event,
    FileChanged,
    ModelResponded,
    Payload,
    PromptSubmitted,
    ToolFinished,
)
from vtcode_tui.render import TELLERS, sentence, timeline, timeline_text, told

HOSTILE = "evil\x1b]52;c;x\x07\u202e\n\x9b2J"


def example(model: type[BaseModel], text: str) -> dict[str, Any]:
    """Values for every field of a payload; `text` wherever a text may stand."""
    schema = model.model_json_schema()
    simple: dict[str, Any] = {"string": text, "integer": 3, "number": 3, "boolean": True, "object": {text: text}}

    def value(spec: dict[str, Any]) -> Any:
        match spec:
            case {"enum": [first, *_]}:
                return first
            case {"$ref": ref}:
                return fields(schema["$defs"][ref.rsplit("/", 1)[-1]])
            case {"anyOf": [first, *_]}:
                return value(first)
            case {"type": "array", "items": item}:
                return [value(item)]
            case {"additionalProperties": dict(inner)}:
                return {text: value(inner)}
            case _:
                return simple.get(spec.get("type", ""), text)

    def fields(spec: dict[str, Any]) -> dict[str, Any]:
        return {name: value(inner) for name, inner in spec["properties"].items()}

    return fields(schema)


def event(data: Payload, **envelope: Any) -> Event:
    base: dict[str, Any] = {"seq": 1, "id": "e", "time": "2026-11-22T20:41:10.123Z", "mono_ns": 1, "session": "s"}
    return Event(**(base | {"type": data.TYPE, "data": data, "prev": "0" * 64} | envelope))


@pytest.mark.parametrize("kind", PAYLOADS)
def test_every_type_of_event_has_words_and_none_of_them_is_hostile(kind: str) -> None:
    payload = PAYLOADS[kind]
    happened = event(payload(**example(payload, HOSTILE)))
    assert told(happened).text
    line = sentence(happened)
    assert line
    for text in (line, *timeline_text([happened], 60, verbose=True, whole=True)):
        assert not set(text) & set("\x1b\x07\x9b\u202e\n")


def test_no_type_is_forgotten() -> None:
    assert set(PAYLOADS.values()) <= set(TELLERS)


def test_a_session_reads_from_top_to_bottom() -> None:
    events = [
        event(PromptSubmitted(text="Fix the test", sha256=""), turn=1),
        event(
            ModelResponded(provider="p", model="m", text="It **was** off by one.", finish="stop", output_tokens=9),
            turn=1,
        ),
        event(FileChanged(path="a.py", op="update", staged=True, added=1, removed=1, diff="-x\n+y\n"), turn=1),
        event(
            ToolFinished(
                tool="shell",
                status="error",
                summary="2 failed",
                result="a\n" * 40,
                result_sha256="",
                duration_ms=1500,
            ),
            turn=2,
        ),
    ]
    assert list(timeline_text(events, 60)) == [
        "20:41:10  you       asked",
        "                    Fix the test",
        "20:41:10  model     answers (0 tokens in, 9 out, 0 ms)",
        "                    It was off by one.",
        "20:41:10  file      update a.py  +1 -1 (staged)",
        "                    -x",
        "                    +y",
        "",
        "20:41:10  result    error: 2 failed (1.5 s)",
        *["                    a"] * 12,
        "                    … 28 more lines",
    ]
    styles = {span.style.name for row in timeline(events, 60) for span in row.spans}
    assert {"human", "added", "removed", "bad"} <= styles


@given(st.text(max_size=100), st.integers(10, 100))
def test_no_width_and_no_text_breaks_the_lines(text: str, width: int) -> None:
    happened = event(PromptSubmitted(text=text, sha256=""))
    assert all("\n" not in line for line in timeline_text([happened], width))


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Moves this machine to a time zone."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("<+0530>-5:30", ("2026-11-23", "02:11:10", "UTC+5:30")),
        ("<-0330>3:30", ("2026-11-22", "17:11:10", "UTC-3:30")),
        ("CET-1", ("2026-11-22", "21:41:10", "UTC+1")),
        ("UTC0", ("2026-11-22", "20:41:10", "UTC")),
    ],
)
def test_times_are_shown_as_the_persons_own_clock_has_them(
    zone: Callable[[str], None], where: str, told: tuple[str, str, str]
) -> None:
    zone(where)
    happened = event(PromptSubmitted(text="Fix the test", sha256=""))
    assert local(happened.time) == told
    assert next(timeline_text([happened], 60)).startswith(told[1])


@pytest.mark.parametrize("text", ["", "yesterday", "9999-12-31T23:59:59.000Z", "2026-11-22T99:41:10.000Z"])
def test_what_is_no_time_is_shown_as_it_stands(zone: Callable[[str], None], text: str) -> None:
    zone("CET-1")
    assert local(text) == (text[:10], text[11:19], "")
