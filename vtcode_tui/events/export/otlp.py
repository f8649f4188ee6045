"""OTLP in its JSON encoding: every event a log record, and spans of the GenAI conventions for agent, chat and tool.

One export request per line, as the file exporter of OpenTelemetry writes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from vtcode_tui.events import types as t
from vtcode_tui.events.export.form import Scene, compact, millis
from vtcode_tui.events.types import Event

_NUMBERS = {
    "info": (9, "INFO"),
    "low": (10, "INFO2"),
    "medium": (13, "WARN"),
    "high": (17, "ERROR"),
    "critical": (21, "FATAL"),
}
_SCHEMA = "https://opentelemetry.io/schemas/1.41.0"


def _value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list() | tuple():
            return {"arrayValue": {"values": [_value(one) for one in value]}}
        case _:
            return {"stringValue": str(value)}


def _attributes(pairs: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in pairs.items() if value not in (None, "", (), [])]


def _id(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


class Otlp:
    """Logs as they come; a span when what it covers has ended."""

    def __init__(self) -> None:
        self._scene = Scene()
        self._begun: dict[str, Event] = {}
        self._first: Event | None = None
        self._last: Event | None = None
        self._tokens = [0, 0]

    def feed(self, event: Event, raw: bytes) -> Iterable[str]:
        """A request with the log record, and one with the span that ended here."""
        self._scene.see(event)
        self._first, self._last = self._first or event, event
        yield self._log(event, raw)
        match event.data:
            case t.ModelRequested():
                self._begun["chat"] = event
            case t.ModelResponded() | t.ModelFailed():
                yield from self._chat(event, event.data)
            case t.ToolRequested():
                self._begun[f"tool {event.call}"] = event
            case t.ToolFinished():
                yield from self._tool(event, event.data)

    def _log(self, event: Event, raw: bytes) -> str:
        number, text = _NUMBERS[event.severity]
        record = {
            "timeUnixNano": str(millis(event) * 1_000_000),
            "observedTimeUnixNano": str(millis(event) * 1_000_000),
            "severityNumber": number,
            "severityText": text,
            "eventName": f"vtcode.{event.type}",
            "body": {"stringValue": raw.decode()},
            "attributes": _attributes(
                {
                    "log.record.uid": event.id,
                    "gen_ai.conversation.id": event.session,
                    "gen_ai.tool.call.id": event.call,
                    "vtcode.seq": event.seq,
                    "vtcode.actor": f"{event.actor.kind}:{event.actor.id}",
                    "vtcode.outcome": event.outcome,
                    "vtcode.prev": event.prev,
                }
            ),
            "traceId": _id(event.session, 32),
            "spanId": _id(f"{event.session} agent", 16),
        }
        scope = {"scope": {"name": "vtcode.audit", "version": self._scene.version}, "logRecords": [record]}
        return compact(
            {"resourceLogs": [{"resource": self._resource(), "scopeLogs": [scope], "schemaUrl": _SCHEMA}]}
        )

    def _resource(self) -> dict[str, Any]:
        return {
            "attributes": _attributes(
                {
                    "service.name": "vtcode",
                    "service.version": self._scene.version,
                    "host.name": self._scene.device,
                    "process.pid": self._scene.pid or None,
                    "user.name": self._scene.user,
                }
            )
        }

    def _chat(self, event: Event, data: t.ModelResponded | t.ModelFailed) -> Iterable[str]:
        begun = self._begun.pop("chat", event)
        pairs: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": data.provider,
            "gen_ai.request.model": data.model,
            "gen_ai.conversation.id": event.session,
        }
        if isinstance(data, t.ModelResponded):
            self._tokens[0] += data.input_tokens
            self._tokens[1] += data.output_tokens
            pairs |= {
                "gen_ai.response.id": data.response_id,
                "gen_ai.response.finish_reasons": [data.finish],
                "gen_ai.usage.input_tokens": data.input_tokens,
                "gen_ai.usage.output_tokens": data.output_tokens,
                "gen_ai.usage.cache_read.input_tokens": data.cache_read_tokens,
            }
        else:
            pairs["error.type"] = data.kind
        yield self._span(f"chat {data.model}", 3, begun, event, pairs, failed=isinstance(data, t.ModelFailed))

    def _tool(self, event: Event, data: t.ToolFinished) -> Iterable[str]:
        begun = self._begun.pop(f"tool {event.call}", event)
        pairs = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": data.tool,
            "gen_ai.tool.call.id": event.call,
            "gen_ai.conversation.id": event.session,
            "vtcode.status": data.status,
        }
        yield self._span(f"execute_tool {data.tool}", 1, begun, event, pairs, failed=data.status != "ok")

    def _span(
        self,
        name: str,
        kind: int,
        begun: Event,
        ended: Event,
        pairs: Mapping[str, Any],
        *,
        failed: bool,
        root: bool = False,
    ) -> str:
        agent = _id(f"{ended.session} agent", 16)
        span = {
            "traceId": _id(ended.session, 32),
            "spanId": agent if root else _id(f"{ended.session} {begun.seq}", 16),
            "name": name,
            "kind": kind,
            "startTimeUnixNano": str(millis(begun) * 1_000_000),
            "endTimeUnixNano": str(millis(ended) * 1_000_000),
            "attributes": _attributes(pairs),
            "status": {"code": 2 if failed else 1},
        }
        if not root:
            span["parentSpanId"] = agent
        scope = {"scope": {"name": "vtcode.audit", "version": self._scene.version}, "spans": [span]}
        return compact(
            {"resourceSpans": [{"resource": self._resource(), "scopeSpans": [scope], "schemaUrl": _SCHEMA}]}
        )

    def finish(self) -> Iterable[str]:
        """The span of the whole session."""
        if self._first is None or self._last is None:
            return
        pairs = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "vtcode",
            "gen_ai.conversation.id": self._last.session,
            "gen_ai.usage.input_tokens": self._tokens[0],
            "gen_ai.usage.output_tokens": self._tokens[1],
        }
        yield self._span("invoke_agent vtcode", 1, self._first, self._last, pairs, failed=False, root=True)
