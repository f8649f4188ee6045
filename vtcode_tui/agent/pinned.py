"""What outlives every summary, word for word: what the person asked and decided, and which changes wait for them.

A summary is written by the model, which may forget or invent; this is read off events and messages instead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache

from vtcode_tui.events.live import Live
from vtcode_tui.events.types import (
    ApprovalDenied,
    ApprovalGranted,
    ChangesReviewed,
    ConfigChanged,
    Event,
    FileChanged,
    ToolRequested,
)
from vtcode_tui.llm.messages import Message, Text
from vtcode_tui.llm.tokens import estimate_tokens
from vtcode_tui.render import cut, plain_line
from vtcode_tui.render.telling import subject
from vtcode_tui.workspace.changes import ChangeSet

_DECISIONS = 40
_CELLS = 200
_FILES = 60


class Pinned:
    """Hears the events of a session, those before a resume too, and remembers the person's decisions."""

    def __init__(self) -> None:
        self.written: set[str] = set()
        """The files of the workspace itself, not of its layer, that were different at some time."""
        self._calls: dict[str, str] = {}
        self._decisions: deque[str] = deque(maxlen=_DECISIONS)

    def hear(self, what: Event | Live) -> None:
        """Take one event."""
        if not isinstance(what, Event):
            return
        call = what.call or ""
        match what.data:
            case ToolRequested() as asked:
                self._calls[call] = cut(plain_line(f"{asked.tool} {subject(asked.arguments)}"), _CELLS)
            case ApprovalGranted() as granted:
                scope = "" if granted.scope == "once" else f" ({granted.scope})"
                self._decide(f"approved{scope}: {self._calls.get(call, call)}")
            case ApprovalDenied(outcome="denied") as denied:
                self._decide(
                    f"declined: {self._calls.get(call, call)}" + (f": {denied.reason}" if denied.reason else "")
                )
            case FileChanged(staged=False) as file:
                self.written.add(file.path)
            case ChangesReviewed() as reviewed:
                self._decide(f"{reviewed.decision} the changes of {', '.join(reviewed.paths[:8])}")
            case ConfigChanged(what="mode" | "model") as changed:
                self._decide(f"{changed.what} is {changed.after} now")
            case _:
                pass

    def _decide(self, sentence: str) -> None:
        line = cut(plain_line(sentence), 2 * _CELLS)
        if not self._decisions or self._decisions[-1] != line:
            self._decisions.append(line)

    def text(self, messages: Sequence[Message], changes: ChangeSet, budget: int) -> str:
        """All of it in at most about `budget` tokens: the first prompt, the last ones, decisions, open changes."""
        parts = []
        # A session of a day has thousands of messages: only those are looked at that there is room for.
        first = next((at for at, message in enumerate(messages) if _said(message)), len(messages))
        if first < len(messages):
            parts.append(f"The person's first words:\n{_short(_said(messages[first]), budget // 4)}")
        backwards = (messages[at] for at in range(len(messages) - 1, first, -1))
        if later := _latest((words for message in backwards if (words := _said(message))), budget // 2):
            parts.append("What the person said later:\n" + "\n".join(f"- {words}" for words in later))
        if self._decisions:
            parts.append(
                "The person's decisions:\n"
                + "\n".join(f"- {line}" for line in _latest(reversed(self._decisions), budget // 4))
            )
        if changes.files:
            shown = [f"- {change.op} {plain_line(change.path)}" for change in changes.files[:_FILES]]
            more = [f"- and {len(changes.files) - _FILES} more"] if len(changes.files) > _FILES else []
            parts.append("Changes that wait for the person's review:\n" + "\n".join([*shown, *more]))
        return "\n\n".join(parts)


def _said(message: Message) -> str:
    """The person's own words in a message; empty where there are none."""
    if message.role != "user":
        return ""
    words = (part.text for part in message.parts if isinstance(part, Text) and part.by in {"prompt", "steer"})
    return "\n".join(words).strip()


def _latest(backwards: Iterable[str], budget: int) -> list[str]:
    """Of lines, the latest first, those that fit, in their order; each is shortened before one is left out."""
    kept: list[str] = []
    for line in backwards:
        line = _short(line, max(32, budget // 4))
        budget -= _size(line) + 2
        if budget < 0:
            break
        kept.append(line)
    return kept[::-1]


@lru_cache(maxsize=4096)
def _size(text: str) -> int:
    """Tokens; the same words are looked at again at every compaction."""
    return estimate_tokens(text)


def _short(text: str, budget: int) -> str:
    """A text of at most about so many tokens: its head and its tail."""
    size = _size(text)
    if size <= budget:
        return text
    room = max(16, len(text) * budget // size)
    return f"{text[: room * 2 // 3]} […] {text[-room // 3 :]}"
