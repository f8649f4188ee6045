"""A session's conversation in other forms: plain Markdown without our marks, and JSON.

Markdown is for people (as is the page, see `page`), so that what a terminal, a browser or an eye would obey without
seeing it is made visible in it; JSON keeps every character.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from vtcode_tui.render import plain, plain_line
from vtcode_tui.sessions.items import Item
from vtcode_tui.sessions.store import Meta

_SPOKEN = frozenset({"text", "thinking", "image", "tool_use"})
"""What somebody said; everything else is told between."""


def spoken(items: Sequence[Item]) -> Iterator[tuple[str, Item]]:
    """Each item, and who speaks where somebody else begins to, or the same begins another message; else nothing."""
    last: tuple[str, int] | None = None
    for item in items:
        if item.kind not in _SPOKEN:
            yield "", item
            continue
        who = {"user": "You", "assistant": "Assistant"}.get(item.role, item.role)
        who = "vtcode" if item.facts.get("by") == "vtcode" else who
        yield who if (who, item.message) != last else "", item
        last = (who, item.message)


def to_markdown(meta: Meta, items: Sequence[Item]) -> str:
    """The conversation for people: no marks, tool results in fences."""
    title = plain_line(meta.title or "Session " + meta.id)
    parts = [f"# {title}\n\n{plain_line(meta.workspace)}, {plain_line(meta.started)}\n"]
    for who, item in spoken(items):
        parts += [f"## {plain_line(who)}\n"] if who else []
        parts.append(_markdown(item, plain(item.body)))
    return "\n".join(parts)


def _markdown(item: Item, body: str) -> str:
    match item.kind:
        case "text":
            return f"{body}\n"
        case "thinking":
            return "> " + body.replace("\n", "\n> ") + "\n" if body else ""
        case "tool_use":
            return f"**{plain_line(str(item.facts.get('name')))}**\n\n{_fenced(body)}"
        case "tool_result":
            return _fenced(body)
        case "image":
            return f"![image](data:{item.facts.get('media_type')};base64,{item.body})\n"
        case "summary":
            return f"## Summary of what came before\n\n{body}\n"
        case "rewind" | "note":
            return f"*{body}*\n"


def _fenced(body: str) -> str:
    fence = "`" * max(3, _longest_run(body) + 1)
    return f"{fence}\n{body}\n{fence}\n"


def _longest_run(text: str) -> int:
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest


def to_json(meta: Meta, items: Sequence[Item]) -> str:
    """Everything, for a program."""
    rows = [
        {"seq": i.seq, "message": i.message, "role": i.role, "kind": i.kind, "facts": dict(i.facts), "body": i.body}
        for i in items
    ]
    return json.dumps({"session": meta.model_dump(), "items": rows}, indent=1)
