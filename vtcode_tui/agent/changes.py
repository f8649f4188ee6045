"""The session's changes as the core handles them: what is staged, what is accepted, what each run did to files."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from vtcode_tui.agent.own_work import OwnWork
from vtcode_tui.common.errors import StaleFileError, VtcodeError
from vtcode_tui.events.types import ChangesReviewed, FileChanged
from vtcode_tui.gate.plan import Plan
from vtcode_tui.gate.profile import Surroundings
from vtcode_tui.sandbox.grant import Invoke
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.workspace.changes import ChangeSet, FileChange, Selection
from vtcode_tui.workspace.choices import described, own_texts
from vtcode_tui.workspace.wire import decode

_LARGEST_DIFF = 64 << 10
_REMEMBERED = 8
Via = Literal["tool", "exec", "accept", "rollback", "rewind", "fork", "human"]
Decision = Literal["accepted", "discarded"]


class Changes(Protocol):
    """Where the agent's changes are kept until the human has looked at them."""

    staged: bool

    async def now(self) -> ChangeSet:
        """What is staged."""
        ...

    async def accept(self, selection: Selection, digest: str, turn: int) -> None:
        """Write a selection to the real workspace, and record it. Raises StaleFileError, with nothing written."""
        ...

    async def discard(self, selection: Selection, digest: str, turn: int) -> None:
        """Throw a selection away, and record it."""
        ...

    async def before(self, turn: int, paths: Collection[str] | None) -> None:
        """A run that may write is about to start: a command, or an edit of these paths. Raises SandboxError."""
        ...

    async def after(self, outcome: Outcome, turn: int, *, executed: bool) -> list[FileChanged]:
        """What a run changed, compared with before it."""
        ...

    async def settle(self) -> None:
        """Let what is under way end; nothing begins any more."""
        ...

    async def mark(self, turn: int) -> None:
        """A prompt begins `turn`: from now on its beginning can be gone back to."""
        ...

    async def since(self, turn: int) -> Since:
        """What going back to the beginning of `turn` would change."""
        ...

    async def go_back(self, turn: int, since: Since, undo: Collection[str], now: int) -> WentBack:
        """Go back there as it was previewed, in what runs see and in those real files that are named.

        What is done to real files is recorded.
        """
        ...

    async def held(self, turn: int) -> ChangeSet:
        """What was staged at the beginning of `turn`, told against the workspace of now.

        What has a `conflict` was too large to have been kept. Raises WorkspaceError where nothing was noted.
        """
        ...

    async def adopt(self, theirs: Path, turn: int | None) -> tuple[list[FileChanged], dict[str, str]]:
        """Begin with what was staged in another session's layer, at the beginning of `turn` or as it is now.

        The changes, and why a path could not come along. Raises WorkspaceError where nothing can.
        """
        ...


@dataclass(frozen=True, slots=True)
class Since:
    """What became of files since a turn began, told backwards: from now to then."""

    files: ChangeSet = field(default_factory=ChangeSet)
    real: ChangeSet = field(default_factory=ChangeSet)


@dataclass(frozen=True, slots=True)
class WentBack:
    """What going back changed in what runs see, and why it could not be done, by path, there and in real files."""

    changed: list[FileChanged] = field(default_factory=list)
    staged: Mapping[str, str] = field(default_factory=dict)
    real: Mapping[str, str] = field(default_factory=dict)


class Shown:
    """The change sets that were on the screen lately, by digest: a decision is about one of them."""

    def __init__(self) -> None:
        self._sets: dict[str, ChangeSet] = {}

    def put(self, digest: str, changes: ChangeSet) -> None:
        """Take note of what is shown from now on."""
        self._sets[digest] = changes
        while len(self._sets) > _REMEMBERED:
            del self._sets[next(iter(self._sets))]

    def of(self, digest: str) -> ChangeSet:
        """What was decided about. Raises StaleFileError for what nobody can have looked at lately."""
        if digest not in self._sets:
            raise StaleFileError("the changes are not what was on the screen any more: look again")
        return self._sets[digest]


class Previews:
    """Computes what an edit would do in a run that cannot write."""

    def __init__(self, work: OwnWork, surroundings: Callable[[], Surroundings]) -> None:
        self._work, self._surroundings = work, surroundings

    async def __call__(self, plan: Plan, turn: int) -> Plan | str:
        """The plan with its changes, or the sentence that says why the edit cannot be made."""
        work = plan.work
        if not isinstance(work, Invoke):
            return plan
        arguments = {**json.loads(work.arguments), "function": work.function}
        profile = self._surroundings().profile(
            "read-only", writable=(), staging=None, executes=False, wall_seconds=60.0
        )
        try:
            answer, _ = await self._work.run(
                "preview", work.module, "preview", arguments, profile, "computes an edit without making it", turn
            )
        except VtcodeError as error:
            return str(error)
        return replace(plan, changes=decode(answer["changes"]))


def reviewed(decision: Decision, selection: Selection, digest: str, *, staged: bool) -> ChangesReviewed:
    """What the human decided, with the hashes of every text of their own."""
    return ChangesReviewed(
        decision=decision,
        subject_sha256=digest,
        paths=tuple(selection),
        staged=staged,
        choices={path: described(choice) for path, choice in selection.items() if choice is not None},
        own={path: texts for path, choice in selection.items() if (texts := own_texts(choice))},
    )


def changed_events(
    files: tuple[FileChange, ...] | list[FileChange], runs_by: Callable[[str], str], *, staged: bool, via: Via
) -> list[FileChanged]:
    """One event for each file, with its diff where it is text and not too long."""
    return [
        FileChanged(
            path=change.path,
            op=change.op,
            staged=staged,
            before_sha256=change.before_sha256 or "",
            after_sha256=change.after_sha256 or "",
            mode=change.after_mode,
            added=change.added,
            removed=change.removed,
            renamed_from=change.renamed_from,
            runs_by=runs_by(change.path) if change.op != "delete" else "",
            via=via,
            diff=unified(change),
        )
        for change in files
    ]


def unified(change: FileChange) -> str:
    """A unified diff of a text file's change, at most 64 KiB."""
    if change.binary or not (change.old_text or change.new_text):
        return ""
    old = change.old_text.decode("utf-8", "replace").splitlines(keepends=True)
    new = change.new_text.decode("utf-8", "replace").splitlines(keepends=True)
    if len(old) + len(new) > 20_000:
        return ""
    before = f"a/{change.renamed_from or change.path}" if change.op != "create" else "/dev/null"
    after = f"b/{change.path}" if change.op != "delete" else "/dev/null"
    lines = [
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(old, new, before, after)
    ]
    text = "".join(lines)
    return text if len(text) <= _LARGEST_DIFF else text[:_LARGEST_DIFF]


def difference(before: ChangeSet, after: ChangeSet) -> list[FileChange]:
    """The files whose staged state is another one than before; a change that was undone has its old hashes."""
    old = {change.path: change for change in before.files}
    made = [change for change in after.files if _state(old.get(change.path)) != _state(change)]
    kept = {change.path for change in after.files}
    undone = [_undone(change) for path, change in old.items() if path not in kept]
    return made + undone


def _undone(change: FileChange) -> FileChange:
    op: Literal["create", "update", "delete"] = (
        "delete" if change.op == "create" else "create" if change.op == "delete" else "update"
    )
    return FileChange(
        change.path,
        op,
        change.kind,
        before_sha256=change.after_sha256,
        after_sha256=change.before_sha256,
        added=change.removed,
        removed=change.added,
    )


def _state(change: FileChange | None) -> tuple[object, ...] | None:
    if change is None:
        return None
    return (change.op, change.kind, change.after_sha256, change.after_mode, change.target, change.renamed_from)
