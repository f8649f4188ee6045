"""A message being put together from the pieces of a stream, in bounded memory, whatever wire they come over."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from vtcode_tui.common.ids import IdSource, uuid7
from vtcode_tui.llm.failure import Kind
from vtcode_tui.llm.messages import (
    Message,
    Part,
    Text,
    TextPiece,
    Thinking,
    ThinkingPiece,
    ToolPiece,
    ToolUse,
    Usage,
)

Piece: TypeAlias = TextPiece | ThinkingPiece | ToolPiece
Finish: TypeAlias = Literal["stop", "tools", "length", "refusal"]

MOST_TOOL_USES = 256
"""Tool uses in one message; models make a handful, a broken or hostile server any number."""

LARGEST_MESSAGE = 32 * 1024 * 1024
"""Characters of one message."""

_MOST_PARTS = 4096


class WireError(Exception):
    """The stream is not what the wire promises, or carries an error of the provider."""

    def __init__(self, cause: str, kind: Kind = "malformed_stream") -> None:
        super().__init__(cause)
        self.cause, self.kind = cause, kind


@dataclass(slots=True)
class _Draft:
    kind: Literal["text", "thinking", "tool"]
    pieces: list[str] = field(default_factory=list)
    signature: str = ""
    id: str = ""
    name: str = ""
    index: int = 0
    redacted: bool = False


class Assembly:
    """Collects one message; a `slot` is whatever the wire tells parts apart by, parts keep their first order."""

    def __init__(self, provider: str, model: str, *, ids: IdSource = uuid7) -> None:
        self.provider, self.model = provider, model
        self._ids = ids
        self.usage = Usage()
        self.finish: Finish | None = None
        self.response_id = ""
        self._drafts: dict[Hashable, _Draft] = {}
        self._tools = 0
        self._size = 0
        self._pieces: list[Piece] = []

    def text(self, slot: Hashable, piece: str) -> None:
        """Append to a text."""
        if piece:
            self._add(self._draft(slot, "text"), piece)
            self._pieces.append(TextPiece(piece))

    def thinking(self, slot: Hashable, piece: str) -> None:
        """Append to a reasoning."""
        draft = self._draft(slot, "thinking")
        if piece:
            self._add(draft, piece)
            self._pieces.append(ThinkingPiece(piece))

    def sign(self, slot: Hashable, signature: str, *, redacted: bool = False) -> None:
        """Set the signature of a reasoning, byte for byte."""
        draft = self._draft(slot, "thinking")
        self._grow(len(signature))
        draft.signature, draft.redacted = signature, redacted

    def tool(
        self, slot: Hashable, *, id: str = "", name: str = "", arguments: str = "", signature: str = ""
    ) -> None:
        """Begin or continue a tool use; id and name count from the first piece that has them."""
        draft = self._draft(slot, "tool")
        self._grow(len(id) + len(name) + len(signature))
        draft.id = draft.id or id
        draft.name = draft.name or name
        draft.signature = draft.signature or signature
        self._add(draft, arguments)
        self._pieces.append(ToolPiece(draft.index, draft.name, arguments))

    def set_arguments(self, slot: Hashable, arguments: str) -> None:
        """Replace the arguments of a tool use by their final form."""
        draft = self._draft(slot, "tool")
        self._grow(len(arguments))
        draft.pieces = [arguments]

    def has(self, slot: Hashable) -> bool:
        """Whether this slot has begun."""
        return slot in self._drafts

    def id_of(self, slot: Hashable) -> str:
        """The id of the tool use in this slot, empty before it is known."""
        draft = self._drafts.get(slot)
        return draft.id if draft else ""

    def count(self, **tokens: int) -> None:
        """Set counts of the usage; a zero leaves what is known."""
        known = {name: value for name, value in tokens.items() if value}
        if known:
            self.usage = replace(self.usage, **known)

    def take(self) -> list[Piece]:
        """The pieces since the last time."""
        taken, self._pieces = self._pieces, []
        return taken

    def message(self) -> Message:
        """The whole message: without empty texts, every tool use with an id of its own and a name."""
        parts: list[Part] = []
        seen: set[str] = set()
        for draft in self._drafts.values():
            content = "".join(draft.pieces)
            match draft.kind:
                case "text" if content:
                    parts.append(Text(content))
                case "thinking" if content or draft.signature:
                    parts.append(Thinking(content, draft.signature, self.provider, self.model, draft.redacted))
                case "tool":
                    parts.append(self._tool_use(draft, content, seen))
        if self.finish == "length" and parts and _is_cut(parts[-1]):
            parts.pop()
        if self.finish == "refusal":
            # What a safety system broke off is nobody's wish.
            parts = [part for part in parts if not isinstance(part, ToolUse)]
        return Message("assistant", tuple(parts))

    def _tool_use(self, draft: _Draft, content: str, seen: set[str]) -> ToolUse:
        if not draft.name:
            raise WireError("a tool call without a name")
        # Gemini and Ollama send no ids, and some small servers the same one for every call.
        id = draft.id if draft.id and draft.id not in seen else f"call_{self._ids()}"
        seen.add(id)
        signed = (self.provider, self.model) if draft.signature else ("", "")
        return ToolUse(id, draft.name, content, draft.signature, *signed)

    def _draft(self, slot: Hashable, kind: Literal["text", "thinking", "tool"]) -> _Draft:
        draft = self._drafts.get(slot)
        if draft is None:
            if len(self._drafts) >= _MOST_PARTS:
                raise WireError(f"a message of more than {_MOST_PARTS} parts")
            draft = self._drafts[slot] = _Draft(kind)
            if kind == "tool":
                if self._tools >= MOST_TOOL_USES:
                    raise WireError(f"a message with more than {MOST_TOOL_USES} tool calls")
                draft.index, self._tools = self._tools, self._tools + 1
        elif draft.kind != kind:
            raise WireError(f"a part that is {draft.kind} at first and then {kind}")
        return draft

    def _add(self, draft: _Draft, piece: str) -> None:
        self._grow(len(piece))
        draft.pieces.append(piece)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > LARGEST_MESSAGE:
            raise WireError(f"a message of more than {LARGEST_MESSAGE // 1024 // 1024} MB")


def arguments_object(arguments: str) -> dict[str, Any]:
    """A tool use's arguments as the object that wires want; text that is none is kept under `arguments`."""
    try:
        value = json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"arguments": arguments}


def _is_cut(part: Part) -> bool:
    if not isinstance(part, ToolUse):
        return False
    try:
        return not isinstance(json.loads(part.arguments), dict)
    except (ValueError, RecursionError):
        return True
