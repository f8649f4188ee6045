"""Changes without a layer: real at once, followed by snapshots, taken back where the human wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from vtcode_tui.agent.changes import Shown, Since, Via, WentBack
from vtcode_tui.agent.finishing import tell_taken_back
from vtcode_tui.agent.means import Means
from vtcode_tui.common.errors import SandboxError, VtcodeError, WorkspaceError
from vtcode_tui.events.types import FileChanged
from vtcode_tui.gate.plan import ACCEPT, Plan
from vtcode_tui.policy.types import Access, Call, FileState
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.tools.answer import invoke
from vtcode_tui.workspace.changes import ChangeSet, Selection
from vtcode_tui.workspace.glance import Glance
from vtcode_tui.workspace.layer import TRACING, forget_untold, marked, selected
from vtcode_tui.workspace.wire import decode


class Direct:
    """See `agent.changes.Changes`. Edits are approved one by one before they are made; commands are followed.

    `folder` is the session's own, beside the layers of others. Before a run that may write, and after it, a worker
    looks at the workspace, unless it surely is what it was; what the run changed is noted with what is needed to
    take it back.
    """

    staged = False

    def __init__(
        self,
        folder: Path,
        means: Means,
        trusted: Callable[[], bool],
    ) -> None:
        self._folder, self._means, self._trusted = folder, means, trusted
        self._ahead: asyncio.Task[None] | None = None
        """The first look, which reads every file: it begins with the first prompt, while the model thinks."""
        self._one = asyncio.Lock()
        self._shown = Shown()
        self._waiting = (folder / "ledger.json").exists()
        """Something may wait for review: until then nobody needs to look. Of an earlier start nothing else is left:
        taking back is done path by path, each whole or not at all."""
        self._closed = False
        self._glance = Glance(means.workspace.root, folder)

    async def now(self) -> ChangeSet:
        """What commands did and nobody has looked at, with protected paths marked."""
        async with self._one:
            if self._closed or not self._waiting:
                return ChangeSet()
            return await self._review()

    async def accept(self, selection: Selection, digest: str, turn: int) -> None:
        """Keep what was done: the files stay, and leave the review."""
        async with self._one:
            arguments = self._selected(selection, digest)
            async with self._means.decided("accepted", selection, digest, turn, staged=False):
                answer = await self._look("keep", arguments, "notes what the human keeps", turn)
            await self._review()
            await self._means.record(self._means.told(decode(answer["changes"]).files, "accept"), turn)

    async def discard(self, selection: Selection, digest: str, turn: int) -> None:
        """Bring the real files back to what they were. Raises StaleFileError, with nothing written."""
        async with self._one:
            arguments = self._selected(selection, digest)
            self._refuse_while_live()
            paths = self._paths(self._shown.of(digest), selection)
            async with self._means.decided("discarded", selection, digest, turn, staged=False) as failed:
                failed.update(await self._write("roll_back", arguments, paths, turn, "rollback"))
            await self._review()

    async def before(self, turn: int, paths: Collection[str] | None) -> None:
        """Remember the workspace before a run, or what stands at the paths of an edit."""
        async with self._one:
            if self._closed or self._means.live():
                return  # what a run that is alive has done by now is its own
            if await self._is_unchanged() and not any(map(self._glance.is_left_out, paths or ())):
                return
            arguments = {} if paths is None else {"paths": sorted(paths)}
            try:
                await self._look("before", arguments, "remembers the workspace before a run", turn)
            except WorkspaceError as error:
                raise SandboxError(f"what it changes could not be taken back: {error}", step="snapshot") from error

    async def after(self, outcome: Outcome, turn: int, *, executed: bool) -> list[FileChanged]:
        """What a run did to the real files since they were remembered."""
        made = (outcome.result or {}).get("changes")
        if not executed and made is None:
            return []
        async with self._one:
            if self._closed:
                return []
            if made is None and not self._means.live() and await self._is_unchanged():
                return []
            arguments: dict[str, Any] = {"turn": turn, "reviewed": not executed}
            if made is not None:
                files = decode(made).files
                arguments["paths"] = sorted({name for c in files for name in (c.path, c.renamed_from) if name})
            answer = await self._look("after", arguments, "compares the workspace with what it was", turn)
            self._means.unshown(answer["unseen"])
            changes = decode(answer["changes"])
            self._waiting = self._waiting or (executed and bool(changes.files))
            shown = changes.files if made is None else decode(made).files
            return self._means.told(shown, "exec" if executed else "tool")

    async def settle(self) -> None:
        """Let what is under way end."""
        if self._ahead is not None:
            await self._ahead
        async with self._one:
            self._closed = True

    async def mark(self, turn: int) -> None:
        """The ledger knows of each change in which turn it was made; the first prompt begins the first look."""
        if self._ahead is None and self._trusted() and not self._means.live():
            self._ahead = asyncio.get_running_loop().create_task(self._look_ahead(turn))

    async def _look_ahead(self, turn: int) -> None:
        async with self._one:
            with suppress(VtcodeError, OSError):  # the run that needs it looks for itself, and says what is wrong
                await self._look("before", {}, "looks at the workspace before a run waits for it", turn)

    async def since(self, turn: int) -> Since:
        """What going back would change: what nobody has looked at, and what was approved or kept."""
        async with self._one:
            answer = await self._look("since", {"turn": turn}, "finds the way back", turn)
            return Since(
                marked(decode(answer["open"]), self._means.workspace),
                marked(decode(answer["settled"]), self._means.workspace),
            )

    async def go_back(self, turn: int, since: Since, undo: Collection[str], now: int) -> WentBack:
        """Bring back what nobody has looked at, and what is named of the rest; a conflict stays as it is."""
        async with self._one:
            self._refuse_while_live()
            chosen = [c for c in since.files.files if not c.conflict]
            chosen += [c for c in since.real.files if c.path in undo]
            failed = {c.path: c.conflict for c in since.files.files if c.conflict}
            rows = ChangeSet(tuple(sorted(chosen, key=lambda change: change.path)))
            picked: Selection = {change.path: None for change in rows.files}
            arguments = {"turn": turn, "selected": selected(rows, picked, rows.digest)}
            if picked:
                failed.update(await self._write("undo", arguments, self._paths(rows, picked), now, "rewind"))
            return WentBack(real=failed)

    async def held(self, turn: int) -> ChangeSet:
        """Nothing is ever staged here."""
        return ChangeSet()

    async def adopt(self, theirs: Path, turn: int | None) -> tuple[list[FileChanged], dict[str, str]]:
        """There is no layer that could take it."""
        raise WorkspaceError("nothing can be staged in this session")

    async def _review(self) -> ChangeSet:
        answer = await self._look("review", {}, "looks at what waits for review")
        changes = marked(decode(answer["changes"]), self._means.workspace)
        self._waiting = bool(changes.files)
        self._shown.put(changes.digest, changes)
        return changes

    async def _is_unchanged(self) -> bool:
        """Whether the workspace is what was remembered last: then nobody needs to look. No run may be alive."""
        return await asyncio.to_thread(self._glance.is_same)

    async def _look(self, name: str, arguments: Mapping[str, Any], why: str, turn: int = 0) -> Mapping[str, Any]:
        self._glance.forget()
        profile = self._means.profile(name, self._folder)
        answer, _ = await self._means.work.run(
            f"trace_{name}", TRACING, name, self._arguments(arguments), profile, why, turn
        )
        return answer

    async def _write(
        self, name: str, arguments: Mapping[str, Any], paths: dict[str, str | None], turn: int, via: Via
    ) -> Mapping[str, str]:
        """Take back and record it; why a path could not be, by path."""
        await tell_taken_back(self._means, self._folder)  # its worker was killed, and vtcode lives on
        self._glance.forget()
        root = self._means.workspace.root
        access = Access(writes=tuple(FileState(root / path, digest) for path, digest in paths.items()))
        call = Call(self._means.work.number(), ACCEPT, {"paths": list(paths), "back": True}, access, root, "human")
        work = invoke(TRACING, name, **self._arguments(arguments))
        answer = await self._means.admitted(
            Plan(call, work, writes=True, summary=f"take back {', '.join(paths)}"), turn
        )
        await self._means.record(self._means.told(decode(answer["changes"]).files, via), turn)
        await asyncio.to_thread(forget_untold, self._folder)
        return dict(answer["failed"])

    def _arguments(self, more: Mapping[str, Any]) -> dict[str, Any]:
        return {"root": str(self._means.workspace.root), "folder": str(self._folder), **more}

    def _selected(self, selection: Selection, digest: str) -> dict[str, Any]:
        return {"selected": selected(self._shown.of(digest), selection, digest)}

    def _paths(self, shown: ChangeSet, selection: Selection) -> dict[str, str | None]:
        return {change.path: change.after_sha256 for change in shown.files if change.path in selection}

    def _refuse_while_live(self) -> None:
        if self._means.live():
            raise WorkspaceError("a run is using the workspace: end it before its changes are taken back")
