"""The command palette: everything that can be done, by its words; the key that does it stands beside it.

What an approval says yes to cannot be answered from here: that takes its own chord, pressed over what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtcode_tui.render import MUTED, Line, Span, Style, pad, plain_line, spans_of
from vtcode_tui.tui.commands import COMMANDS
from vtcode_tui.tui.keys import APPROVALS, CHAT, DIFF, EVENTS, EVERYWHERE, KEYS, PROMPT, TERMINAL, key_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vtcode_tui.tui.layout import Pane

_PLACES: tuple[tuple[str, Pane | None, str], ...] = (
    (EVERYWHERE, None, "screen"),
    (APPROVALS, None, "approval"),
    (PROMPT, None, "prompt"),
    (CHAT, "chat", "chat"),
    (DIFF, "diff", "diff"),
    (TERMINAL, "terminal", "terminal"),
    (EVENTS, "events", "events"),
)
_LEFT_OUT = frozenset({"palette", "interrupt", "stop", "approve", "alike", "send", "newline", "complete"})
"""Itself, what means something only where the keys are, and what is an answer."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be done: its words, its key, and the action with the pane that it is done in."""

    name: str
    text: str
    key: str
    action: str
    pane: Pane | None = None
    in_prompt: bool = False

    def line(self) -> Line:
        """How the palette shows it."""
        key = (Span(f"  {plain_line(self.key)} ", Style("accent")),) if self.key else ()
        return Line(
            (
                Span(f" {pad(self.name, 12)} ", Style("text", bold=True)),
                *spans_of(plain_line(self.text), MUTED),
                *key,
            )
        )


def entries(chosen: Mapping[str, str]) -> list[Entry]:
    """Everything: the /commands, the keys that work everywhere, then those of each pane."""
    found = [Entry(f"/{command.name}", command.text, "", command.action) for command in COMMANDS]
    for group, pane, name in _PLACES:
        found += [
            Entry(name, key.text, key_for(key.id, dict(chosen)), key.action, pane, group == PROMPT)
            for key in KEYS
            if key.group == group and key.id not in _LEFT_OUT
        ]
    return found
