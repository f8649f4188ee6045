"""Faults that nobody foresaw, put into a real fork server by `preload` and set off by files that a run makes.

Once a run has made one of these files in its workspace, a step of its supervisor raises what nothing there expects.
"""

from __future__ import annotations

from pathlib import Path

from vtcode_tui.sandbox.inner import ending, rehearsal, snapshots, watch
from vtcode_tui.sandbox.inner.job import Job
from vtcode_tui.sandbox.inner.node import Node
from vtcode_tui.sandbox.inner.outline import Outline

WATCH, END, GUARD, REHEARSAL = "fault-watch", "fault-end", "fault-guard", "fault-rehearsal"

_workspaces: list[str] = []
_guarded: list[str] = []
_really_end_all, _really_look = ending.end_all, snapshots.Snapshots.look
_really_rehearse = rehearsal.of_supervision


def _set_off(name: str) -> None:
    for place in _workspaces:
        if Path(place, name).exists():
            raise ArithmeticError(f"the {name}")


class _Watch(watch.Watch):
    def __init__(self, job: Job, begun: float, *, enclosed: bool) -> None:
        _workspaces.append(job.workspace)
        _guarded.append(job.workspace)
        super().__init__(job, begun, enclosed=enclosed)

    def check(self) -> tuple[str, str] | None:
        _set_off(WATCH)
        return super().check()


def _end_all(*, enclosed: bool = False) -> int:
    try:
        _set_off(END)
    finally:
        _workspaces[:] = []  # once only
    return _really_end_all(enclosed=enclosed)


def _look(self: snapshots.Snapshots, name: str, before: Node | None) -> Node:
    if self.opens and name == ".envrc" and any(Path(place, GUARD).exists() for place in _guarded):
        raise ArithmeticError(f"the {GUARD}")
    return _really_look(self, name, before)


def _rehearse(outline: Outline, folder: str) -> None:
    if Path(outline.scratch, REHEARSAL).exists():
        raise OSError(28, f"the {REHEARSAL}")
    _really_rehearse(outline, folder)


setattr(rehearsal, "of_supervision", _rehearse)  # noqa: B010
setattr(watch, "Watch", _Watch)  # noqa: B010 - put in the place of the real one, in this process only
setattr(ending, "end_all", _end_all)  # noqa: B010
setattr(snapshots.Snapshots, "look", _look)  # noqa: B010
