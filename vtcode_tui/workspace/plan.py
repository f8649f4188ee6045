"""Writing an accepted change set to the real workspace so that a crash loses nothing. Standard library only.

The steps are written down first (`plan.json` in the layer's folder, with the bytes that stand nowhere else beside
it), then carried out one by one, each in a single rename. Each step knows the state before and after it, so that
whoever finds a plan at the next start can finish it: what is in its `after` state was done, what is still in its
`before` state is done now, and anything else was changed by somebody: left, and named. A plan that was carried out
says so, and stays until the journal tells of it: then what was done is told at the next start, and not done again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.workspace.bases import from_json, same, to_json
from vtcode_tui.workspace.beneath import Beneath, Entry
from vtcode_tui.workspace.repositories import repository_of

PLAN = "plan.json"
_BYTES = "plan-bytes"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do at one path. `source`: where a file's content is, the layer or the plan's own bytes.

    `tidy` removes a folder if it is empty; `folder` makes one, and gives it the mode of `after` where there is one.
    `rest`: the hash of what the layer's file is to hold afterwards, among the plan's own bytes; empty: leave it.
    `moved_to`: where what is removed is written; it is not removed when that failed.
    """

    do: Literal["remove", "tidy", "folder", "file", "link", "chmod"]
    path: str
    before: Entry | None = None
    after: Entry | None = None
    source: Literal["upper", "bytes", ""] = ""
    mtime_ns: int | None = None
    rest: str = ""
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps that were written down. `root` is the inode of the folder that they were meant for; 0: not known.

    `failed`: why some could not be done, by path, once all of it was carried out; None until then.
    """

    steps: tuple[Step, ...]
    root: int
    failed: dict[str, str] | None = None

    @property
    def done(self) -> Done:
        """What became of a plan that was carried out."""
        failed = self.failed or {}
        return Done(tuple(step for step in self.steps if step.path not in failed), failed)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a plan: the steps that hold now, and why others do not."""

    done: tuple[Step, ...]
    failed: dict[str, str]


def write_plan(folder: Path, plan: Plan, contents: dict[str, bytes]) -> None:
    """Make the plan durable; from here on it will be finished whatever happens."""
    for digest, content in contents.items():
        write_atomically(folder / _BYTES / digest, content)
    _keep(folder, plan)


def carried_out(folder: Path, plan: Plan, done: Done) -> None:
    """Nothing of the plan is left to do; it stays until the journal tells of it."""
    _keep(folder, replace(plan, failed=done.failed))


def _keep(folder: Path, plan: Plan) -> None:
    rows = [
        [s.do, s.path, to_json(s.before), to_json(s.after), s.source, s.mtime_ns, s.rest, s.moved_to]
        for s in plan.steps
    ]
    kept = {"version": 1, "root": plan.root, "steps": rows, "failed": plan.failed}
    write_atomically(folder / PLAN, json.dumps(kept))


def read_plan(folder: Path) -> Plan | None:
    """The plan that was not finished, or that the journal does not tell of yet; None when there is none."""
    try:
        data = json.loads((folder / PLAN).read_bytes())
    except FileNotFoundError:
        return None
    steps = (Step(do, path, from_json(b), from_json(a), *more) for do, path, b, a, *more in data["steps"])
    return Plan(tuple(steps), data.get("root", 0), data.get("failed"))


def rest_of(step: Step, folder: Path) -> bytes:
    """What the layer's file of a step is to hold afterwards."""
    return (folder / _BYTES / step.rest).read_bytes()


def drop_plan(folder: Path) -> None:
    """The plan is finished, and told."""
    (folder / PLAN).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(folder / _BYTES):
            Path(entry.path).unlink(missing_ok=True)


def carry_out(
    steps: Sequence[Step],
    real: Beneath,
    upper: Path,
    folder: Path,
    *,
    each: Callable[[Step], None] = lambda step: None,
) -> Done:
    """Do every step that is not done yet; a step that cannot be done is named and does not stop the others.

    It stops those that rely on it: the removal of what was to move there, and what comes later in its repository.
    """
    done: list[Step] = []
    failed: dict[str, str] = {}
    broken: set[str] = set()
    for step in steps:
        each(step)
        repository = repository_of(step.path)
        try:
            if step.moved_to in failed:
                raise WorkspaceError(f"it could not be moved to {step.moved_to}")
            if repository in broken:
                raise WorkspaceError(
                    f"what git keeps in {repository} belongs together, and some could not be written"
                )
            if _perform(step, real, upper, folder):
                done.append(step)
        except (OSError, WorkspaceError) as error:
            failed[step.path] = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            broken |= {repository} - {""}
    return Done(tuple(done), failed)


def _perform(step: Step, real: Beneath, upper: Path, folder: Path) -> bool:
    if step.do == "tidy":
        return _remove_empty(step.path, real)
    stamp = real.stamp(step.path)
    found = real.entry(step.path)
    if step.do == "folder":
        if found is not None and found.kind != "folder":
            raise WorkspaceError("something else stands where a folder should be")
        real.folder(step.path, mode=step.after.mode if step.after else None)
        return True
    if same(found, step.after):
        return True
    if not same(found, step.before):
        raise WorkspaceError("the file changed in the workspace meanwhile")
    match step.do:
        case "remove":
            real.remove(step.path)
        case "link":
            real.link(step.path, step.after.target if step.after else "")
        case "chmod":
            real.chmod(step.path, step.after.mode if step.after else 0o644)
        case "file":
            _write(step, real, upper, folder, stamp)
    return True


def _write(step: Step, real: Beneath, upper: Path, folder: Path, stamp: tuple[int, ...]) -> None:
    if step.after is None:
        raise WorkspaceError("the plan is damaged")
    if step.source == "bytes":
        content = (folder / _BYTES / step.after.sha256).read_bytes()
        if sha256(content).hexdigest() != step.after.sha256:
            raise WorkspaceError("the plan is damaged")
        real.write(step.path, content, mode=step.after.mode, stamp=stamp)
        return
    with Beneath(upper) as layer:
        pieces = layer.pieces(step.path, step.after.sha256, step.after.size)
        real.write(step.path, pieces, mode=step.after.mode, mtime_ns=step.mtime_ns, stamp=stamp)


def _remove_empty(path: str, real: Beneath) -> bool:
    try:
        real.remove(path)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise
        return False  # something in it stays, and so does the folder
    return True


def summary(done: Done) -> dict[str, Any]:
    """A finished plan as JSON-able data."""
    return {"done": [s.path for s in done.done if s.do != "tidy"], "failed": done.failed}
