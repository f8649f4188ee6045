"""What is said in ACP's words: prompts into text and pictures, events and conversations into session updates."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from vtcode_tui.common.errors import UsageError
from vtcode_tui.events import Event
from vtcode_tui.events.live import AnswerDiscarded, Live, Notice, ReasoningDelta, TextDelta
from vtcode_tui.events.types import ExecStarted, ModelFailover, ToolFinished, ToolRequested
from vtcode_tui.llm.messages import Message, Text, Thinking, ToolResult, ToolUse
from vtcode_tui.render import plain_line
from vtcode_tui.workspace.changes import ChangeSet, FileChange

_KINDS = {
    "read_file": "read",
    "read_output": "read",
    "list_files": "search",
    "search": "search",
    "find_files": "search",
    "symbols": "search",
    "outline": "read",
    "edit_file": "edit",
    "write_file": "edit",
    "apply_patch": "edit",
    "run_command": "execute",
    "write_stdin": "execute",
    "explore": "search",
}
_LONGEST_TITLE = 200
_LONGEST_RESULT = 20_000


def prompt_of(blocks: Sequence[dict[str, Any]]) -> tuple[str, tuple[bytes, ...]]:
    """The text and the pictures of a prompt. Raises UsageError for a block that cannot be used."""
    words: list[str] = []
    pictures: list[bytes] = []
    for block in blocks:
        match block:
            case {"type": "text", "text": str(text)}:
                words.append(text)
            case {"type": "image", "data": str(data)}:
                try:
                    pictures.append(base64.b64decode(data, validate=True))
                except binascii.Error:
                    raise UsageError("a picture's data is not base64") from None
            case {"type": "resource_link", "uri": str(uri)}:
                words.append(f"[{uri}]")
            case {"type": "resource", "resource": {"uri": str(uri), "text": str(text)}}:
                words.append(f"[content of {uri}, given by the editor]\n{text}")
            case _:
                raise UsageError(f"a prompt cannot hold a block of type {block.get('type')!r}")
    said = "\n\n".join(words).strip()
    if not said and not pictures:
        raise UsageError("the prompt is empty")
    return said or "See the picture.", tuple(pictures)


def updates_of(what: Event | Live) -> Iterator[dict[str, Any]]:
    """The session updates that an event is for a client; none for most."""
    match what:
        case TextDelta(text=text):
            yield _chunk("agent_message_chunk", text)
        case ReasoningDelta(text=text):
            yield _chunk("agent_thought_chunk", text)
        case AnswerDiscarded(reason=reason):
            yield _chunk("agent_message_chunk", f"\n\n[void, asked again: {reason}]\n\n")
        case Notice(text=text, severity="warning" | "error"):
            yield _chunk("agent_message_chunk", f"\n\n[vtcode: {text}]\n\n")
        case Event(data=ModelFailover() as moved) if (moved.to_provider, moved.to_model) != (
            moved.from_provider,
            moved.from_model,
        ):
            text = f"{moved.to_provider}/{moved.to_model} takes over: {moved.reason}"
            yield _chunk("agent_message_chunk", f"\n\n[vtcode: {text}]\n\n")
        case Event(data=ToolRequested() as asked, call=str(call)):
            yield {
                "sessionUpdate": "tool_call",
                "toolCallId": call,
                "title": title_of(asked.tool, asked.arguments),
                "kind": kind_of(asked.tool),
                "status": "pending",
                "rawInput": asked.arguments,
            }
        case Event(data=ExecStarted(), call=str(call)):
            yield {"sessionUpdate": "tool_call_update", "toolCallId": call, "status": "in_progress"}
        case Event(data=ToolFinished() as done, call=str(call)):
            yield {
                "sessionUpdate": "tool_call_update",
                "toolCallId": call,
                "status": "completed" if done.status == "ok" else "failed",
                "content": [_content(done.result[:_LONGEST_RESULT])],
            }
        case _:
            pass


class Nesting:
    """Says of each call inside a sub-task which call it belongs to.

    The protocol has no field for that (version 1): the title says it to people, `_meta` to clients that look.
    """

    def __init__(self) -> None:
        self._calls: dict[str, tuple[str, str]] = {}
        self._parents: dict[str, tuple[str, str]] = {}

    def placed(self, what: Event | Live, update: dict[str, Any]) -> dict[str, Any]:
        """The update, marked with its parent where its event has one."""
        if not isinstance(what, Event):
            return update
        if isinstance(what.data, ToolRequested) and what.call:
            self._calls[what.id] = (what.call, plain_line(what.data.tool))
        parent = self._calls.get(what.parent or "")
        if parent and what.call:
            self._parents[what.call] = parent
        return self._marked(update, parent)

    def asked(self, call: str, update: dict[str, Any]) -> dict[str, Any]:
        """The call that a permission is asked for, marked in the same way."""
        return self._marked(update, self._parents.get(call))

    @staticmethod
    def _marked(update: dict[str, Any], parent: tuple[str, str] | None) -> dict[str, Any]:
        if parent is None:
            return update
        call, tool = parent
        marked = {**update, "_meta": {"vtcode": {"parentToolCallId": call}}}
        if "title" in update:
            marked["title"] = f"{tool} › {update['title']}"[:_LONGEST_TITLE]
        return marked


def replayed(messages: Iterable[Message]) -> Iterator[dict[str, Any]]:
    """A conversation as the updates that a client draws it from."""
    for message in messages:
        for part in message.parts:
            match part:
                case Text(words):
                    yield _chunk("user_message_chunk" if message.role == "user" else "agent_message_chunk", words)
                case Thinking(text=words) if words:
                    yield _chunk("agent_thought_chunk", words)
                case ToolUse():
                    yield {
                        "sessionUpdate": "tool_call",
                        "toolCallId": part.id,
                        "title": plain_line(part.name)[:_LONGEST_TITLE],
                        "kind": kind_of(part.name),
                        "status": "pending",
                    }
                case ToolResult():
                    yield {
                        "sessionUpdate": "tool_call_update",
                        "toolCallId": part.id,
                        "status": "failed" if part.is_error else "completed",
                        "content": [_content(part.text[:_LONGEST_RESULT])],
                    }
                case _:
                    pass


def title_of(tool: str, arguments: dict[str, Any]) -> str:
    """One line that says what a call is about."""
    about = next((arguments[key] for key in ("command", "path", "pattern", "query") if key in arguments), "")
    words = " ".join(map(str, about)) if isinstance(about, list | tuple) else str(about)
    return plain_line(f"{tool} {words}".strip())[:_LONGEST_TITLE]


def kind_of(tool: str) -> str:
    """The protocol's class of a tool."""
    return _KINDS.get(tool, "other")


def shown(text: str, changes: ChangeSet | None) -> list[dict[str, Any]]:
    """What a person is to see before they answer: the gate's exact text, and diffs where the client draws them."""
    return [_content(text), *(diff for change in (changes.files if changes else ()) if (diff := diff_of(change)))]


def diff_of(change: FileChange) -> dict[str, Any] | None:
    """A file's change as a client draws it; None where it has no text."""
    if change.binary or change.kind != "file" or not (change.old_text or change.new_text):
        return None
    return {
        "type": "diff",
        "path": change.path,
        "oldText": change.old_text.decode("utf-8", "replace") if change.op != "create" else None,
        "newText": change.new_text.decode("utf-8", "replace"),
    }


def _chunk(kind: str, text: str) -> dict[str, Any]:
    return {"sessionUpdate": kind, "content": {"type": "text", "text": text}}


def _content(text: str) -> dict[str, Any]:
    return {"type": "content", "content": {"type": "text", "text": text}}
