"""A session's conversation in other forms: plain Markdown without our marks, and HTML that stands alone.

Both are for people, so that what a terminal, a browser or an eye would obey without seeing it is made visible in
them; JSON keeps every character.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence

from vtcode_tui.render import plain, plain_line
from vtcode_tui.sessions.items import Item
from vtcode_tui.sessions.store import Meta

_STYLE = (
    "body{max-width:60rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif;color:#222;"
    "background:#fff;overflow-wrap:anywhere}"
    "pre{background:#f4f4f4;padding:.8rem;overflow:auto;white-space:pre-wrap}"
    "h2{border-bottom:1px solid #ddd}.tool{color:#555}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}pre{background:#222}}"
)


_SPOKEN = frozenset({"text", "thinking", "image", "tool_use"})
"""What somebody said; everything else is told between."""


def _spoken(items: Sequence[Item]) -> Iterator[tuple[str, Item]]:
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
    for who, item in _spoken(items):
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


def to_html(meta: Meta, items: Sequence[Item]) -> str:
    """One page without scripts and without anything from elsewhere; every text is escaped."""
    title = _escaped(meta.title or meta.id)
    rows = "\n".join((f"<h2>{_escaped(who)}</h2>" if who else "") + _row(item) for who, item in _spoken(items))
    head = f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
    return f"{head}<h1>{title}</h1><p>{_escaped(meta.workspace)}, {_escaped(meta.started)}</p>\n{rows}\n"


def _escaped(text: str) -> str:
    return html.escape(plain(text))


def _row(item: Item) -> str:
    body = _escaped(item.body)
    match item.kind:
        case "tool_use":
            return f"<p class=tool><b>{_escaped(str(item.facts.get('name')))}</b> <code>{body}</code></p>"
        case "image":
            return "<p class=tool>[image]</p>"
        case "text":
            return f"<pre>{body}</pre>"
        case _:
            return f"<h3 class=tool>{html.escape(item.kind.replace('_', ' '))}</h3><pre>{body}</pre>"


def to_json(meta: Meta, items: Sequence[Item]) -> str:
    """Everything, for a program."""
    rows = [
        {"seq": i.seq, "message": i.message, "role": i.role, "kind": i.kind, "facts": dict(i.facts), "body": i.body}
        for i in items
    ]
    return json.dumps({"session": meta.model_dump(), "items": rows}, indent=1)
