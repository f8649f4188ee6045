"""What changes are followed, decided about and told of with, whether they are staged in a layer or real at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtcode_tui.agent.changes import Decision, Via, changed_events, reviewed
from vtcode_tui.agent.own_work import OwnWork
from vtcode_tui.common.errors import DeniedError, VtcodeError
from vtcode_tui.events import Bus
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import Actor, ChangesFailed, FileChanged
from vtcode_tui.gate.plan import Plan
from vtcode_tui.gate.profile import Surroundings
from vtcode_tui.gate.types import Refusal
from vtcode_tui.sandbox.profile import Profile
from vtcode_tui.workspace import Workspace
from vtcode_tui.workspace.changes import FileChange, Selection

_NAMED, _LONGEST = 5, 120


@dataclass(frozen=True, slots=True)
class Means:
    """A session's workspace, its workers, its events and its human; `live` says whether a run is alive."""

    workspace: Workspace
    work: OwnWork
    surroundings: Callable[[], Surroundings]
    bus: Bus
    human: Actor
    live: Callable[[], bool]

    @asynccontextmanager
    async def decided(
        self, decision: Decision, selection: Selection, digest: str, turn: int, *, staged: bool
    ) -> AsyncIterator[dict[str, str]]:
        """Record what the human decided before it is done, and afterwards what could not be: why, by path.

        What is done within puts the latter into the dict; where it raises, that is all of the selection.
        """
        await self.bus.record(reviewed(decision, selection, digest, staged=staged), turn=turn, actor=self.human)
        failed: dict[str, str] = {}
        try:
            yield failed
        except (VtcodeError, OSError) as error:
            failed.update({path: str(error).removeprefix(f"{path}: ") for path in selection})
            raise
        finally:
            if failed:
                undone = ChangesFailed(decision=decision, subject_sha256=digest, failed=failed, staged=staged)
                await self.bus.record(undone, turn=turn, outcome="failure")

    async def admitted(self, plan: Plan, turn: int) -> Mapping[str, Any]:
        """The answer of a plan that goes through the gate like any call: the policy still denies what no decision
        of a human's may reach. Raises DeniedError with its reason."""
        answer = await self.work.admitted(plan, turn)
        if isinstance(answer, Refusal):
            raise DeniedError(answer.reason)
        return answer

    def profile(self, name: str, *writable: Path) -> Profile:
        """What vtcode's own workers may do: read the workspace, and write nothing but what is named."""
        return self.surroundings().profile(
            name, writable=writable, staging=None, executes=False, wall_seconds=300.0
        )

    def failed(self, failed: Mapping[str, str] | None, what: str) -> None:
        """Say of each path that a worker could not do what it should, and why."""
        for path, why in (failed or {}).items():
            self.bus.publish(Notice(f"{path} {what}: {why}", "error"))

    def unshown(self, paths: Sequence[str]) -> None:
        """Name what a run left that is no change to be shown, accepted or taken back."""
        if paths:
            named = ", ".join(map(_shortened, paths[:_NAMED])) + (" and more" if len(paths) > _NAMED else "")
            why = "a socket, pipe or device, unreadable, too deep, or gigabytes of nothing"
            text = f"A run left what cannot be shown, accepted or taken back: {named} ({why})."
            self.bus.publish(Notice(text, "warning"))

    def told(self, files: Iterable[FileChange], via: Via, *, staged: bool = False) -> list[FileChanged]:
        """One event for each file that was changed."""
        return changed_events(list(files), self.workspace.runs_by, staged=staged, via=via)

    async def record(self, made: Iterable[FileChanged], turn: int) -> None:
        """Put into the journal what the human's decision did to files."""
        for changed in made:
            await self.bus.record(changed, turn=turn, actor=self.human)


def _shortened(path: str) -> str:
    return path if len(path) <= _LONGEST else f"{path[: _LONGEST - 20]}... ({len(path)} characters)"
