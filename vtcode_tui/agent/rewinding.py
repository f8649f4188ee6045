"""Going back to an earlier prompt: what it would change in the conversation and in files."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from vtcode_tui.agent.changes import Changes, Since
from vtcode_tui.agent.context import History
from vtcode_tui.common.errors import StaleFileError, UsageError
from vtcode_tui.events.bus import Bus
from vtcode_tui.events.types import Actor, SessionRewound
from vtcode_tui.llm.messages import Text
from vtcode_tui.workspace.changes import ChangeSet


@dataclass(frozen=True, slots=True)
class RewindPreview:
    """What `rewind` to the moment before a prompt would do. Nothing has been done yet."""

    turn: int
    """The turn whose prompt is taken back, as in its `prompt.submitted` event."""
    prompt: str
    """Its text, for the prompt line."""
    messages: int
    """How many messages the model would not be given any more."""
    files: ChangeSet = field(default_factory=ChangeSet)
    """How what runs see would change: from now back to then. It touches no real file that is not in `real`."""
    real: ChangeSet = field(default_factory=ChangeSet)
    """Real files that were changed since by what was accepted (without a layer: by approved edits and commands),
    from now back to then. Only those that are named in `rewind(undo=)` are taken back; one with a `conflict` was
    changed by somebody else since and cannot be."""

    @property
    def digest(self) -> str:
        """Names exactly what was shown, in hexadecimal."""
        whole = f"{self.turn}\n{self.messages}\n{self.files.digest}\n{self.real.digest}"
        return hashlib.sha256(whole.encode()).hexdigest()


class Keeper(Protocol):
    """Keeps the conversation on disk; `sessions.Store` does."""

    def rewind(self, messages: int, turn: int) -> None:
        """Note that the conversation is its first so many messages from here on."""
        ...


class Rewinding:
    """Takes prompts back. `prompts`: of each turn, the sequence number of its prompt's event."""

    def __init__(
        self, bus: Bus, history: History, keeper: Keeper, changes: Changes, prompts: Mapping[int, int]
    ) -> None:
        self._bus, self._history, self._keeper, self._changes = bus, history, keeper, changes
        self._prompts = prompts

    async def preview(self, turn: int) -> RewindPreview:
        """What going back would change. Raises UsageError where the conversation has no such prompt."""
        place = self._history.prompts.get(turn)
        if place is None:
            raise UsageError(f"the conversation has no prompt of turn {turn}")
        said = [part.text for part in self._history.messages[place].parts if isinstance(part, Text)]
        since = await self._changes.since(turn)
        left_out = len(self._history.messages) - place
        return RewindPreview(turn, said[-1] if said else "", left_out, since.files, since.real)

    async def go(
        self, turn: int, digest: str, *, files: bool, undo: Collection[str], now: int, human: Actor
    ) -> None:
        """Do what was previewed; nothing when it is something else by now."""
        preview = await self.preview(turn)
        if preview.digest != digest:
            raise StaleFileError("going back would change something else by now: look again")
        known = {change.path: change for change in preview.real.files}
        for path in undo:
            if not files or path not in known:
                raise UsageError(f"{path} is not among the real files that would be taken back")
            if known[path].conflict:
                raise UsageError(f"{path} cannot be taken back: {known[path].conflict}")
        if files:
            for changed in await self._changes.go_back(turn, Since(preview.files, preview.real), undo, now):
                await self._bus.record(changed, turn=now, actor=human)
        place = len(self._history.messages) - preview.messages
        self._keeper.rewind(place, turn)
        self._history.rewind(place)
        await self._bus.record(
            SessionRewound(
                to_seq=self._prompts.get(turn, 0),
                snapshot=digest if files else "",
                turn=turn,
                messages=preview.messages,
                undone=tuple(undo),
            ),
            turn=now,
            actor=human,
        )
