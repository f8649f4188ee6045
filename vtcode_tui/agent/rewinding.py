"""Going back to an earlier prompt: what it would change in the conversation and in files.

It is several steps (real files, the layer, the conversation, the event). What is to be done is written down before
the first, so that a crash in the middle is finished when the session is opened again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vtcode_tui.agent.changes import Changes, Since
from vtcode_tui.agent.context import History
from vtcode_tui.common.errors import StaleFileError, UsageError, VtcodeError
from vtcode_tui.events import read_events
from vtcode_tui.events.bus import Bus
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import Actor, ChangesFailed, SessionRewound
from vtcode_tui.llm.messages import Text
from vtcode_tui.sessions.intent import Intent, IntentFile
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
        self,
        bus: Bus,
        history: History,
        keeper: Keeper,
        changes: Changes,
        prompts: Mapping[int, int],
        folder: Path,
    ) -> None:
        self._bus, self._history, self._keeper, self._changes = bus, history, keeper, changes
        self._prompts, self._folder = prompts, folder
        self._intent = IntentFile(folder)

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
        intent = Intent(turn, digest, files, tuple(undo), self._prompts.get(turn, 0), preview.messages)
        self._intent.write(intent)
        try:
            await self._carry_out(intent, preview, undo, now, human)
        except VtcodeError:
            self._intent.done()  # it was refused or said what failed: that is no crash
            raise

    async def finish(self, now: int, human: Actor) -> None:
        """Finish what a crash interrupted. A file that somebody changed since stays as it is."""
        try:
            intent = self._intent.read()
        except UsageError as error:
            self._bus.publish(Notice(str(error), "error"))
            return
        if intent is None:
            return
        try:
            if intent.turn in self._history.prompts:
                await self._changes.now()  # what is left of it is told against what is there
                preview = await self.preview(intent.turn)
                undo = [c.path for c in preview.real.files if c.path in intent.undo and not c.conflict]
                await self._carry_out(intent, preview, undo, now, human)
            else:
                await self._record(intent, now, human)
        except VtcodeError as error:
            self._bus.publish(Notice(f"Going back was interrupted and could not be finished: {error}", "error"))
        else:
            self._bus.publish(Notice("Going back to an earlier prompt was interrupted; it is done now.", "warning"))

    async def _carry_out(
        self, intent: Intent, preview: RewindPreview, undo: Collection[str], now: int, human: Actor
    ) -> None:
        """The steps in their order; each may be done already."""
        if intent.files:
            went = await self._changes.go_back(intent.turn, Since(preview.files, preview.real), undo, now)
            for changed in went.changed:
                await self._bus.record(changed, turn=now, actor=human)
            stays = {c.path: c.conflict for c in preview.real.files if c.path in intent.undo and c.conflict}
            for failed, staged in ((went.staged, True), ({**stays, **went.real}, False)):
                if failed:
                    undone = ChangesFailed(
                        decision="rewound", subject_sha256=intent.digest, failed=dict(failed), staged=staged
                    )
                    await self._bus.record(undone, turn=now, outcome="failure")
        place = len(self._history.messages) - preview.messages
        self._keeper.rewind(place, intent.turn)
        self._history.rewind(place)
        await self._record(intent, now, human)

    async def _record(self, intent: Intent, now: int, human: Actor) -> None:
        """Say in the journal that it is done, once: no turn is gone back to twice."""
        told = [event.data for event in read_events(self._folder)]
        if not any(isinstance(data, SessionRewound) and data.turn == intent.turn for data in told):
            stays = {
                path
                for data in told
                if isinstance(data, ChangesFailed) and data.subject_sha256 == intent.digest and not data.staged
                for path in data.failed
            }
            rewound = SessionRewound(
                to_seq=intent.prompt_seq,
                snapshot=intent.digest if intent.files else "",
                turn=intent.turn,
                messages=intent.messages,
                undone=tuple(path for path in intent.undo if path not in stays),
            )
            await self._bus.record(rewound, turn=now, actor=human)
        self._intent.done()
