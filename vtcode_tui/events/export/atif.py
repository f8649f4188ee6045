"""ATIF (Agent Trajectory Interchange Format, v1.8): a session as one document of steps."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from vtcode_tui.events import types as t
from vtcode_tui.events.export.form import Scene, lean
from vtcode_tui.events.types import Event

VERSION = "ATIF-v1.8"


class Atif:
    """Collects the steps; the document is written when the session is known whole."""

    def __init__(self) -> None:
        self._scene = Scene()
        self._session = ""
        self._steps: list[dict[str, Any]] = []
        self._reasoning = ""
        self._holders: dict[str, dict[str, Any]] = {}
        self._totals = {"prompt": 0, "completion": 0, "cached": 0}
        self._cost: float | None = None

    def feed(self, event: Event, raw: bytes) -> Iterable[str]:
        """Remember what belongs into the document."""
        self._scene.see(event)
        self._session = self._session or event.session
        match event.data:
            case t.PromptSubmitted():
                self._step(event, "user", event.data.text)
            case t.ModelReasoning():
                self._reasoning += event.data.text
            case t.ModelResponded():
                self._responded(event, event.data)
            case t.ModelPartial():
                self._partial(event, event.data)
            case t.ToolRequested():
                self._requested(event, event.data)
            case t.ToolFinished():
                self._finished(event, event.data)
            case t.ContextCompacted():
                self._step(event, "system", f"The context was compacted: {event.data.summary or event.data.method}")
        return ()

    def _step(self, event: Event, source: str, message: str) -> dict[str, Any]:
        step: dict[str, Any] = {
            "step_id": len(self._steps) + 1,
            "timestamp": event.time,
            "source": source,
            "message": message,
            "extra": {"seq": event.seq},
        }
        self._steps.append(step)
        return step

    def _responded(self, event: Event, data: t.ModelResponded) -> None:
        if data.cost_usd is not None:
            self._cost = (self._cost or 0.0) + data.cost_usd
        self._totals["prompt"] += data.input_tokens
        self._totals["completion"] += data.output_tokens
        self._totals["cached"] += data.cache_read_tokens
        if data.purpose == "summary":
            # Its words are a step of their own, that of the compaction.
            return
        step = self._step(event, "agent", data.text)
        step["model_name"] = data.model
        if self._reasoning:
            step["reasoning_content"], self._reasoning = self._reasoning, ""
        step["metrics"] = {
            "prompt_tokens": data.input_tokens,
            "completion_tokens": data.output_tokens,
            "cached_tokens": data.cache_read_tokens,
        }
        if data.cost_usd is not None:
            step["metrics"]["cost_usd"] = data.cost_usd
        self._holders |= dict.fromkeys(data.tool_calls, step)

    def _partial(self, event: Event, data: t.ModelPartial) -> None:
        step = self._step(event, "agent", data.text)
        step["model_name"] = data.model
        step["extra"]["partial"] = data.reason
        if data.reasoning:
            step["reasoning_content"] = data.reasoning

    def _requested(self, event: Event, data: t.ToolRequested) -> None:
        call = event.call or event.id
        holder = self._holders.get(call)
        if holder is None:
            holder = self._holders[call] = self._step(event, "agent", "")
        holder.setdefault("tool_calls", []).append(
            {"tool_call_id": call, "function_name": data.tool, "arguments": data.arguments}
        )

    def _finished(self, event: Event, data: t.ToolFinished) -> None:
        holder = self._holders.get(event.call or "")
        if holder is not None and any(one["tool_call_id"] == event.call for one in holder.get("tool_calls", [])):
            results = holder.setdefault("observation", {"results": []})["results"]
            results.append({"source_call_id": event.call, "content": data.result})

    def finish(self) -> Iterable[str]:
        """The document."""
        totals: dict[str, Any] = {
            "total_prompt_tokens": self._totals["prompt"],
            "total_completion_tokens": self._totals["completion"],
            "total_cached_tokens": self._totals["cached"],
            "total_steps": len(self._steps),
        }
        if self._cost is not None:
            totals["total_cost_usd"] = self._cost
        agent = lean({"name": "vtcode", "version": self._scene.version, "model_name": self._scene.model})
        document = {
            "schema_version": VERSION,
            "session_id": self._session,
            "agent": agent,
            "steps": self._steps,
            "final_metrics": totals,
        }
        yield json.dumps(document, ensure_ascii=False, indent=2)
