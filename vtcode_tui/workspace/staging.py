"""Workers of the staging layer: `scan`, `accept`, `discard`, `recover`. Standard library only.

They run inside the sandbox as `Invoke("vtcode_tui.workspace.staging", NAME, JSON)`; `workspace.layer.Layer` makes
the arguments. Common ones: `lower` (the real root), `folder` (the layer's folder, with `upper` in it), `live` (a
run has the layer mounted now: then its upper tree is only read) and `with_ignored` (build products too).

    scan                                    needs: read lower, read and write folder
    accept   selected, turn                 needs: write lower, write folder
    discard  selected (null: everything)    needs: read lower, write folder; refused while live
    recover                                 as accept; finishes what a crash interrupted

`selected` is a list of {path, choice, identity} (see `choices.to_json`); a change that is not what `identity` says
makes the whole call fail with `{"error": sentence, "stale": true}` and nothing written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from vtcode_tui.common.errors import StaleFileError, VtcodeError, WorkspaceError
from vtcode_tui.workspace.accepting import Chosen, chosen, steps_for
from vtcode_tui.workspace.bases import Bases
from vtcode_tui.workspace.beneath import Beneath
from vtcode_tui.workspace.changes import ChangeSet, Choice, FileChange, Overwrite
from vtcode_tui.workspace.describe import MAX_TEXT, folder_change
from vtcode_tui.workspace.discarding import Discarder, erase
from vtcode_tui.workspace.ledger import Ledger, Row, without_implied
from vtcode_tui.workspace.plan import (
    Done,
    Plan,
    Step,
    carried_out,
    carry_out,
    drop_plan,
    read_plan,
    rest_of,
    summary,
    write_plan,
)
from vtcode_tui.workspace.scanning import Pending, Scan, change_between, scan_layer
from vtcode_tui.workspace.wire import encode

Arguments: TypeAlias = Mapping[str, Any]
_SAMPLE = 20


def scan(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """The change set of the layer: `{"changes", "ignored", "ignored_paths", "special", "unfinished"}`."""

    def work(place: _Place) -> dict[str, Any]:
        found = place.scan()
        return {
            "changes": encode(found.changes),
            "ignored": len(found.ignored),
            "ignored_paths": list(found.ignored[:_SAMPLE]),
            "special": list(found.special[:_SAMPLE]),
            "unfinished": read_plan(place.folder) is not None,
        }

    return _answer(work, arguments)


def accept(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Write the selected changes to the real workspace: `{"changes", "done", "failed"}`; see `plan` for crashes."""

    def work(place: _Place) -> dict[str, Any]:
        if read_plan(place.folder) is not None:
            raise WorkspaceError("an earlier acceptance was interrupted: recover it first")
        found = place.scan()
        picked = chosen(found, arguments["selected"])
        if place.live and any(_rewrites_layer(p, choice) for p, choice in picked):
            raise WorkspaceError(
                "a run is using the layer: a merged file can be accepted as a whole now, parts of it and texts of "
                "your own when the run has ended"
            )
        steps, contents = steps_for(found, picked, place.upper)
        place.enter(steps, contents, int(arguments.get("turn", 0)))
        plan = Plan(tuple(steps), place.root)
        write_plan(place.folder, plan, contents)
        done = place.finish(steps)
        place.settle(plan, picked, done)
        return {"changes": encode(_written(picked, done, contents)), **summary(done)}

    return _answer(work, arguments)


def discard(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Take the selected changes out of the layer, or (selected: null) empty it: `{"changes"}` that were dropped."""

    def work(place: _Place) -> dict[str, Any]:
        if place.live:
            raise WorkspaceError("a run is using the layer: end it before changes are discarded")
        if arguments["selected"] is None:
            for child in sorted(place.upper.iterdir()):
                if child.is_dir() and not child.is_symlink():
                    erase(child)
                else:
                    child.unlink()
            for path in place.bases:
                place.bases.forget(path)
            place.bases.save()
            return {"changes": encode(ChangeSet())}
        found = place.scan()
        picked = chosen(found, arguments["selected"])
        Discarder(place.lower, place.upper, place.bases).discard(picked)
        place.bases.save()
        return {"changes": encode(ChangeSet(tuple(p.change for p, _ in picked)))}

    return _answer(work, arguments)


def recover(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Finish an acceptance that was interrupted: `{"changes", "done", "failed"}`, empty when there was none.

    One that was carried out and is not told yet is told as it was done, with `"whole": true`, and not done again.
    Where the workspace is another folder by now, nothing is written, and what is left stays in the layer.
    """

    def work(place: _Place) -> dict[str, Any]:
        plan = read_plan(place.folder)
        if plan is None:
            return {"changes": encode(ChangeSet()), **summary(Done((), {}))}
        if plan.failed is not None:
            return {"changes": encode(place.noted(plan.done)), **summary(plan.done), "whole": True}
        if plan.root not in {0, place.root}:
            drop_plan(place.folder)
            left = Done((), {step.path: "the workspace is another folder now" for step in plan.steps})
            return {"changes": encode(ChangeSet()), **summary(left)}
        done = place.finish(plan.steps)
        changes = place.noted(done)
        place.settle(plan, (), done)
        return {"changes": encode(changes), **summary(done)}

    return _answer(work, arguments)


class _Place:
    """One layer while a worker is at it."""

    def __init__(self, arguments: Arguments) -> None:
        self.lower, self.folder = Path(arguments["lower"]), Path(arguments["folder"])
        self.upper = self.folder / "upper"
        self.live = bool(arguments.get("live"))
        self._with_ignored = bool(arguments.get("with_ignored"))
        self.root = self.lower.stat().st_ino
        self.bases = Bases(self.folder)

    def scan(self) -> Scan:
        found = scan_layer(self.lower, self.upper, self.bases, with_ignored=self._with_ignored)
        if not self.live:
            Discarder(self.lower, self.upper, self.bases).tidy(found)
        self.bases.save()
        return found

    def enter(self, steps: Sequence[Step], contents: Mapping[str, bytes], turn: int) -> None:
        """Note in the ledger what is about to be written, with the contents that it takes the place of.

        A step that is not done after all leaves a row that says nothing: the file is what it was before.
        """
        ledger = Ledger(self.folder)
        with Beneath(self.lower) as real, Beneath(self.upper) as layer:
            for step in steps:
                if step.do == "tidy" or (step.do == "folder" and step.after is None):
                    continue
                before = real.entry(step.path) if step.do == "folder" else step.before
                if before is not None and before.kind == "file" and ledger.contents.fits(before.size):
                    ledger.contents.add(real.read(step.path))
                if step.do == "file" and step.after is not None and step.after.size <= MAX_TEXT:
                    # What it is merged with, should it be taken back after somebody has worked on it.
                    own = contents.get(step.after.sha256)
                    ledger.contents.add(layer.read(step.path) if own is None else own)
                ledger.add(Row(turn, step.path, before, step.after, True))
        ledger.save()

    def noted(self, done: Done) -> ChangeSet:
        """What steps that hold now did, told by what the ledger kept when they were planned."""
        ledger = Ledger(self.folder)
        rows: list[FileChange] = []
        for step in done.done:
            if step.do == "tidy" or (step.do == "folder" and step.after is None):
                continue
            if step.do == "folder":
                rows.append(folder_change(step.path, None, step.after, ""))
            else:
                texts = ledger.text(step.before), ledger.text(step.after)
                rows.append(change_between(step.path, step.before, step.after, *texts))
        return without_implied(tuple(rows))

    def finish(self, steps: Sequence[Step]) -> Done:
        with Beneath(self.lower) as real:
            return carry_out(steps, real, self.upper, self.folder)

    def settle(self, plan: Plan, picked: Chosen, done: Done) -> None:
        """From now on the changes that are left are those to what was accepted, and nothing of it is done again."""
        merged = {p.change.path: p for p, choice in picked if p.merged is not None and choice is None}
        rests = [step for step in done.done if step.rest]
        with Beneath(self.lower) as real, Beneath(self.upper) as layer:
            for step in done.done:
                if step.path in merged and self.live:
                    # The layer still has the text before the merge; it is settled all the same.
                    self.bases.put(step.path, merged[step.path].touch.now, layer.read(step.path))
                else:
                    state = real.entry(step.path)
                    is_text = state is not None and state.kind == "file" and state.size <= MAX_TEXT
                    self.bases.put(step.path, state, real.read(step.path) if is_text else None)
            discarder = Discarder(self.lower, self.upper, self.bases)
            for step in rests:
                discarder.settle(step.path, rest_of(step, self.folder), real.entry(step.path))
        self.bases.save()
        carried_out(self.folder, plan, done)
        if not self.live:
            self.scan()


def _rewrites_layer(pending: Pending, choice: Choice) -> bool:
    if choice is None or isinstance(choice, Overwrite):
        return False
    return pending.merged is not None or not isinstance(choice, frozenset)


def _written(picked: Chosen, done: Done, contents: Mapping[str, bytes]) -> ChangeSet:
    """What was really done to the files, which is less or other than what was shown where a human chose so."""
    steps = {step.path: step for step in done.done if step.path not in done.failed and step.do != "tidy"}
    rows: list[FileChange] = []
    for pending, _ in picked:
        change, step = pending.change, steps.get(pending.change.path)
        if step is None:
            continue
        if step.source == "bytes" and step.after is not None:
            old = change.old_text if step.before is not None else None
            made = change_between(change.path, step.before, step.after, old, contents[step.after.sha256])
            change = replace(made, op="rename", renamed_from=change.renamed_from) if change.renamed_from else made
        rows.append(change)
    return ChangeSet(tuple(rows))


def _answer(work: Callable[[_Place], dict[str, Any]], arguments: Arguments) -> dict[str, Any]:
    try:
        return work(_Place(arguments))
    except StaleFileError as error:
        return {"error": str(error), "stale": True}
    except VtcodeError as error:
        return {"error": str(error)}
    except OSError as error:
        name = f" ({error.filename})" if error.filename else ""
        return {"error": f"the layer cannot be used: {error.strerror}{name}"}
