"""The capture level `digest`: what a journal keeps when it may prove what was said, but not say it."""

from __future__ import annotations

import hashlib
from typing import Any

from vtcode_tui.events import types as t
from vtcode_tui.events.types import Payload

_TEXTS: dict[type[Payload], tuple[str, ...]] = {
    t.PromptSubmitted: ("text",),
    t.ModelReasoning: ("text",),
    t.ModelResponded: ("text",),
    t.ModelPartial: ("text", "reasoning"),
    t.ToolRequested: ("arguments",),
    t.ToolFinished: ("summary", "result"),
    t.ApprovalRequested: ("shown",),
    t.ExecStarted: ("argv",),
    t.ExecOutput: ("text",),
    t.FileChanged: ("diff",),
    t.ContextCompacted: ("summary",),
}


def without_texts(payload: Payload) -> Payload:
    """The payload with a digest in the place of every text; the same payload when it has none."""
    changed: dict[str, Any] = {}
    for name in _TEXTS.get(type(payload), ()):
        match getattr(payload, name):
            case str(text) if text:
                changed[name] = _digest(text)
            case dict(values) if values:
                changed[name] = {key: _digest(str(value)) for key, value in values.items()}
            case tuple(words) if words:
                changed[name] = (words[0], *(_digest(word) for word in words[1:]))
    return payload.model_copy(update=changed) if changed else payload


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'backslashreplace')).hexdigest()}"
