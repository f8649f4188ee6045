"""Changes in a layer: runs write beside the real workspace, the human accepts what comes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vtcode_tui.agent.changes import Shown, Since, Via, WentBack, difference
from vtcode_tui.agent.finishing import finish_acceptance, tell_taken_back
from vtcode_tui.agent.means import Means
from vtcode_tui.common.errors import VtcodeError, WorkspaceError
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import FileChanged
from vtcode_tui.gate.plan import ACCEPT, Plan
from vtcode_tui.policy.types import Access, Call, FileState
from vtcode_tui.sandbox.profile import Profile
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.tools.answer import invoke
from vtcode_tui.workspace.changes import ChangeSet, Selection
from vtcode_tui.workspace.layer import MARKS, MODULE, TRACING, Layer, forget_untold, marked, selected
from vtcode_tui.workspace.prints import Prints, prints_of
from vtcode_tui.workspace.wire import decode

_NEVER = 1 << 40
"""A turn that no session reaches."""
_FRESH_SECONDS = 0.3
"""So long a scan stands for the state of the layer; an acceptance compares with the files in any case."""


class Layered:
    """See `agent.changes.Changes`. Workers look at the layer and at the real files one at a time."""

    staged = True

    def __init__(
        self,
        layer: Layer,
        means: Means,
    ) -> None:
        self._layer, self._means = layer, means
        self._one = asyncio.Lock()
        self._last = ChangeSet()
        self._shown = Shown()
        self._scanned = float("-inf")
        self._closed = False
        self._unshown: frozenset[str] = frozenset()
        self._marked: tuple[int, Prints | None] | None = None
        """The moment that was noted last, and what the layer looked like."""
        self._prints: Prints | None = None
        """The layer's files as the last scan found them; None where that cannot be told cheaply."""

    async def now(self) -> ChangeSet:
        """What is staged, with protected paths marked."""
        async with self._one:
            if self._closed or time.monotonic() - self._scanned < _FRESH_SECONDS:
                return self._last
            if not self._last.files and await asyncio.to_thread(lambda: self._layer.untouched):
                return self._last  # no run has written anything: there is nothing to look at
            self._last = await self._scan()
            return self._last

    async def accept(self, selection: Selection, digest: str, turn: int) -> None:
        """Write a selection to the real workspace, and record it. Raises StaleFileError, with nothing written."""
        async with self._one:
            if await asyncio.to_thread(lambda: self._layer.unfinished):
                await finish_acceptance(self._means, self._layer)  # its worker was killed, and vtcode lives on
            shown = self._shown.of(digest)
            arguments = self._layer.accepting(shown, selection, digest, turn=turn, live=self._means.live())
            async with self._means.decided("accepted", selection, digest, turn, staged=True) as failed:
                answer = await self._admitted(MODULE, "accept", shown, selection, arguments, turn, "accept")
                failed.update(answer["failed"])
            await self._means.record(self._means.told(decode(answer["changes"]).files, "accept"), turn)
            await asyncio.to_thread(self._layer.told)
            self._last = await self._scan()

    async def discard(self, selection: Selection, digest: str, turn: int) -> None:
        """Throw a selection away."""
        async with self._one:
            arguments = self._layer.discarding(self._shown.of(digest), selection, digest)
            before = self._last
            async with self._means.decided("discarded", selection, digest, turn, staged=True):
                await self._invoke("discard_changes", "discard", arguments, "takes changes out of the layer", turn)
            await self._means.record(await self._moved(before, "rollback"), turn)

    async def before(self, turn: int, paths: Collection[str] | None) -> None:
        """The real files do not change: there is nothing to remember."""

    async def after(self, outcome: Outcome, turn: int, *, executed: bool) -> list[FileChanged]:
        """What a run changed in the layer, compared with before it; what touched nothing there costs no scan."""
        async with self._one:
            if self._prints is not None and not self._means.live() and self._prints == await self._look():
                return []
            return await self._moved(self._last, "exec" if executed else "tool")

    async def settle(self) -> None:
        """Let what is under way end; from now on the last state that was seen is the answer."""
        async with self._one:
            self._closed = True

    async def mark(self, turn: int) -> None:
        """Remember what runs see as a prompt begins; a layer that is as at the prompt before costs no run."""
        async with self._one:
            try:
                await self._mark(turn)
            except (VtcodeError, OSError) as error:
                self._means.bus.publish(Notice(f"Files cannot go back to this prompt later: {error}", "warning"))

    async def _mark(self, turn: int) -> None:
        seen = await self._look()
        if await asyncio.to_thread(lambda: self._layer.untouched):
            mark = 0
        elif self._marked is not None and seen is not None and self._marked[1] == seen:
            mark = self._marked[0]
        else:
            mark = turn
            await self._moment("note", mark, "remembers what the agent sees at a prompt", turn)
        self._marked = (mark, seen)
        await asyncio.to_thread(self._layer.note, turn, mark)

    async def since(self, turn: int) -> Since:
        """What going back would change in what runs see, and what was accepted since."""
        async with self._one:
            mark = self._layer.marks().get(turn)
            seen = {} if mark is None else await self._moment("since", mark, "finds the way back", turn)
            files = decode(seen["changes"]) if seen else ChangeSet()
            answer, _ = await self._means.work.run(
                "trace_since", TRACING, "since", self._tracing(turn), self._profile("since", real=False),
                "finds what was accepted", turn,
            )  # fmt: skip
            return Since(
                marked(files, self._means.workspace), marked(decode(answer["settled"]), self._means.workspace)
            )

    async def go_back(self, turn: int, since: Since, undo: Collection[str], now: int) -> WentBack:
        """Take accepted changes back where they are named, then make runs see what they saw."""
        async with self._one:
            if self._means.live():
                raise WorkspaceError("a run is using the layer: end it before you go back")
            before = self._last
            mark = self._layer.marks().get(turn)
            failed = await self._undo(turn, since.real, undo, now) if undo else {}
            lost: Mapping[str, str] = {}
            if mark is not None:
                await self._moment("drop", mark, "takes out of the layer what came later", now)
                if mark:
                    profile = self._means.surroundings().within(
                        "put", [change.path for change in since.files.files]
                    )
                    answer = await self._moment("put", mark, "brings back what the agent saw", now, profile)
                    lost = answer["failed"]
                    await self._moment("settle", mark, "notes what was brought back", now, turn=turn)
            return WentBack(await self._moved(before, "rewind"), lost, failed)

    async def held(self, turn: int) -> ChangeSet:
        """What was staged at the beginning of a turn."""
        async with self._one:
            return await self._held(self._layer, turn)

    async def _held(self, theirs: Layer, turn: int, mark: int | None = None) -> ChangeSet:
        mark = theirs.marks().get(turn) if mark is None else mark
        if mark is None:
            raise WorkspaceError("what was staged then was not noted")
        profile = self._reading(theirs.folder, self._profile("held", real=False))
        source = str(theirs.folder)
        seen = await self._moment("held", mark, "looks at what was staged", turn, profile, source=source)
        return marked(decode(seen["changes"]), self._means.workspace)

    async def adopt(self, theirs: Path, turn: int | None) -> tuple[list[FileChanged], dict[str, str]]:
        """Begin with what was staged in another session's layer; that one stays as it is."""
        async with self._one:
            other, source = Layer(self._layer.lower, theirs), str(theirs)
            mark = await self._noted(other, turn)
            changes = await self._held(other, turn or 0, mark)
            if not changes.files:
                return [], {}
            lost = {change.path: change.conflict for change in changes.files if change.conflict}
            profile = self._reading(
                theirs, self._means.surroundings().within("put", [c.path for c in changes.files])
            )
            answer = await self._moment("put", mark, "brings what was staged", 0, profile, source=source)
            # What was accepted since is what the file is: the change is told against that, as when going back.
            after = _NEVER if turn is None else turn
            profile = self._reading(theirs, self._profile("settle", real=False))
            await self._moment("settle", mark, "notes what was brought", 0, profile, source=source, turn=after)
            return await self._moved(ChangeSet(), "fork"), {**dict(answer["failed"]), **lost}

    def _reading(self, theirs: Path, profile: Profile) -> Profile:
        return replace(profile, readable=(*profile.readable, theirs))

    async def _noted(self, other: Layer, turn: int | None) -> int:
        """The moment in another layer; that of now is noted there first."""
        marks = other.marks()
        if turn is not None:
            if turn not in marks:
                raise WorkspaceError("what was staged then was not noted")
            return marks[turn]
        mark = max([0, *marks, *marks.values()]) + 1
        profile = replace(self._profile("note", real=False), writable=(other.folder,))
        await self._moment("note", mark, "notes what is staged", 0, profile, folder=str(other.folder))
        return mark

    async def _undo(self, turn: int, real: ChangeSet, undo: Collection[str], now: int) -> Mapping[str, str]:
        """Take accepted changes back and record it; why a path could not be."""
        await tell_taken_back(self._means, self._layer.folder)  # its worker was killed, and vtcode lives on
        picked: Selection = {change.path: None for change in real.files if change.path in undo}
        arguments = {**self._tracing(turn), "selected": selected(real, picked, real.digest)}
        answer = await self._admitted(TRACING, "undo", real, picked, arguments, now, "take back")
        await self._means.record(self._means.told(decode(answer["changes"]).files, "rewind"), now)
        await asyncio.to_thread(forget_untold, self._layer.folder)
        return dict(answer["failed"])

    async def _moment(
        self, function: str, mark: int, why: str, now: int, profile: Profile | None = None, **more: int | str
    ) -> Mapping[str, Any]:
        arguments = {"lower": str(self._layer.lower), "folder": str(self._layer.folder), "mark": mark, **more}
        profile = profile or self._profile(function, real=False)
        answer, _ = await self._means.work.run(f"layer_{function}", MARKS, function, arguments, profile, why, now)
        return answer

    def _tracing(self, turn: int) -> dict[str, Any]:
        return {"root": str(self._layer.lower), "folder": str(self._layer.folder), "turn": turn}

    async def _moved(self, before: ChangeSet, via: Via) -> list[FileChanged]:
        self._last = await self._scan()
        after = self._last
        return await asyncio.to_thread(lambda: self._means.told(difference(before, after), via, staged=True))

    async def _look(self) -> Prints | None:
        return await asyncio.to_thread(prints_of, self._layer.upper)

    async def _scan(self) -> ChangeSet:
        self._prints = None if self._means.live() else await self._look()
        answer, _ = await self._invoke(
            "scan_changes",
            "scan",
            self._layer.arguments(live=self._means.live()),
            "compares the layer with the workspace",
        )
        # Tens of thousands of changes take seconds to read: in a thread, so that nobody's keys wait.
        changes, digest = await asyncio.to_thread(self._read, answer)
        self._shown.put(digest, changes)
        self._scanned = time.monotonic()
        special = answer["special"]
        self._means.unshown([path for path in special if path not in self._unshown])
        self._unshown = frozenset(special)
        return changes

    def _read(self, answer: Mapping[str, Any]) -> tuple[ChangeSet, str]:
        changes = marked(decode(answer["changes"]), self._means.workspace)
        return changes, changes.digest

    async def _invoke(
        self, name: str, function: str, arguments: Mapping[str, Any], why: str, turn: int = 0
    ) -> tuple[Mapping[str, Any], bytes]:
        return await self._means.work.run(
            name, MODULE, function, arguments, self._profile(name, real=False), why, turn
        )

    def _profile(self, name: str, *, real: bool) -> Profile:
        real_too = (self._means.surroundings().root,) if real else ()
        return self._means.profile(name, *real_too, self._layer.folder)

    async def _admitted(
        self,
        module: str,
        function: str,
        shown: ChangeSet,
        selection: Selection,
        arguments: Mapping[str, Any],
        turn: int,
        word: str,
    ) -> Mapping[str, Any]:
        root = self._means.workspace.root
        chosen = [change for change in shown.files if change.path in selection]
        paths = dict.fromkeys(name for c in chosen for name in (c.path, c.renamed_from) if name)
        before = {change.path: change.before_sha256 for change in chosen}
        access = Access(writes=tuple(FileState(root / path, before.get(path)) for path in paths))
        call = Call(self._means.work.number(), ACCEPT, {"paths": list(paths)}, access, root, "human")
        plan = Plan(call, invoke(module, function, **arguments), writes=True, summary=f"{word} {', '.join(paths)}")
        return await self._means.admitted(plan, turn)
