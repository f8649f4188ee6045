"""What was said in a session that is gone on with, as blocks of the chat, from its session.md.

A copy of a session has no events of what was said before it began, but it has all of the conversation: what the
model is given is what the person sees. Runs have their tabs again; events and diffs of earlier are for the viewer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtcode_tui.tui.earlier_runs import last_runs
from vtcode_tui.tui.panes.blocks import Answer, Block, Note, Said, Thought, ToolCall
from vtcode_tui.tui.panes.gone import Gone
from vtcode_tui.tui.story import Story, subject_of

if TYPE_CHECKING:
    from vtcode_tui.sessions import Item
    from vtcode_tui.tui.panes.runs import RunView

MOST = 600
"""So many blocks are shown: more than anybody scrolls back, and the viewer has all."""


async def recall(folder: Path, story: Story) -> None:
    """Show what was said in the session in a folder, and the tabs of its last runs."""
    blocks, runs = await asyncio.to_thread(_both, folder)
    story.restore(blocks)
    story.stage.chat.soon()
    story.stage.terminal.restore(runs)


def _both(folder: Path) -> tuple[list[Block], list[RunView]]:
    blocks = recalled(folder)
    return blocks, last_runs(folder, blocks)


def recalled(folder: Path) -> list[Block]:
    """The blocks of the session in a folder, oldest first; empty where it has said nothing."""
    from vtcode_tui.sessions import parse

    try:
        data = (folder / "session.md").read_bytes()
    except OSError:
        return []
    blocks = blocks_of(parse(data).items)
    if (more := len(blocks) - MOST) > 0:
        note = Note(text=f"{more:,} earlier parts are not shown here: /replay and `vtcode replay` have them")
        return [note, *blocks[more:]]
    return blocks


def blocks_of(items: Iterable[Item]) -> list[Block]:
    """Items as blocks; what was taken back is folded away as it was then."""
    from vtcode_tui.sessions import author_of

    blocks: list[Block] = []
    calls: dict[str, ToolCall] = {}
    messages: list[int] = []
    """Of each message that counts, the block that it began with."""
    turn = 0
    for _, group in groupby(items, key=lambda item: item.message):
        members = list(group)
        begun, told = len(blocks), False
        named = next((item.facts["turn"] for item in members if isinstance(item.facts.get("turn"), int)), None)
        turn = named if named is not None else turn
        for item in members:
            told = told or item.kind not in {"summary", "rewind", "note"}
            if item.kind == "rewind":
                _take_back(blocks, messages, item.facts.get("messages"))
            elif item.kind == "text" and item.role == "user":
                by = author_of(item)
                if by == "cut":
                    _cut_short(blocks)
                elif by != "vtcode":
                    blocks.append(Said(text=item.body, origin="tui" if by == "prompt" else by, turn=turn))
            elif (block := _block(item, calls, turn)) is not None:
                blocks.append(block)
        if told:
            messages.append(begun)
    return blocks


def _cut_short(blocks: list[Block]) -> None:
    if blocks and isinstance(last := blocks[-1], Answer):
        last.void = "partial: it was not said to its end; the model has this much"


def _block(item: Item, calls: dict[str, ToolCall], turn: int) -> Block | None:
    match item.kind:
        case "text" if item.body.strip():
            return Answer(source=item.body, turn=turn)
        case "thinking" if item.body.strip():
            return Thought(text=item.body, done=True, turn=turn)
        case "tool_use":
            call = _call(item, turn)
            calls[call.call] = call
            return call
        case "tool_result":
            if (found := calls.get(str(item.facts.get("id", "")))) is not None:
                found.state, found.result = "error" if item.facts.get("error") else "ok", item.body
            return None
        case "summary":
            return Note(text="older messages were summarised for the model here; the full history stays on disk")
        case "note":
            return Note(text=item.body, style="caution")
        case _:
            return None


def _call(item: Item, turn: int) -> ToolCall:
    try:
        arguments: Any = json.loads(item.body)
    except ValueError:
        arguments = {}
    named: dict[str, Any] = arguments if isinstance(arguments, dict) else {}
    tool, subject = str(item.facts.get("name", "")), subject_of(str(item.facts.get("name", "")), named)
    details = tuple((key, value if isinstance(value, str) else repr(value)) for key, value in named.items())
    if len(details) == 1 and details[0][1] == subject:
        details = ()
    return ToolCall(tool=tool, subject=subject, details=details, turn=turn, call=str(item.facts.get("id", "")))


def _take_back(blocks: list[Block], messages: list[int], kept: object) -> None:
    if isinstance(kept, int) and 0 <= kept < len(messages):
        at = messages[kept]
        gone = Gone(blocks=tuple(blocks[at:]))
        blocks[at:] = [gone]
        del messages[kept:]
