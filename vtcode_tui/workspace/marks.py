"""Workers that remember what runs see at a moment, and bring a layer back to it. Standard library only.

They run inside the sandbox as `Invoke("vtcode_tui.workspace.marks", NAME, JSON)`; arguments as in `staging`, and
`mark`, the name of the moment. `source` is the folder of the layer that the moment was noted in, where it is that
of another session. Each look outside the layer's mount; only `put` runs in it, as any run does, so that the kernel
itself writes what stands for a deleted file.

    note     remember every path that differs from the workspace, with its content: {"paths", "not_kept"}
    since    {"changes"} from what runs see now to what they saw then
    held     {"changes"} from the workspace as it is to what runs saw then
    drop     take out of the layer what was not in it then
    put      [done, failed] write what was; needs the layer mounted at `lower`, write there
    settle   what those changes were made on then is what they are made on now
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from vtcode_tui.common.errors import VtcodeError, WorkspaceError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.workspace.bases import Bases, from_json, same, to_json
from vtcode_tui.workspace.beneath import Beneath, Entry
from vtcode_tui.workspace.changes import FileChange
from vtcode_tui.workspace.contents import Contents
from vtcode_tui.workspace.describe import MAX_TEXT, folder_change
from vtcode_tui.workspace.discarding import Discarder
from vtcode_tui.workspace.ledger import NOT_KEPT, Back, Ledger, carry_back, without_implied
from vtcode_tui.workspace.scanning import Pending, Scan, change_between, scan_layer
from vtcode_tui.workspace.wire import encode

Arguments: TypeAlias = Mapping[str, Any]
States: TypeAlias = dict[str, tuple[Entry | None, Entry | None]]
"""Of each path, what a run saw there and what that was made on."""


def note(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Remember what runs see now."""

    def work(place: _Place) -> dict[str, Any]:
        found = place.scan()
        not_kept = 0
        states: States = {}
        with Beneath(place.upper) as up:
            for touch, _ in found.differing:
                base = place.bases.get(touch.path)
                states[touch.path] = (touch.now, base)
                if (ground := place.bases.content(touch.path)) is not None:
                    place.contents.add(ground)
                if touch.now is not None and touch.now.kind == "file" and touch.now.sha256 not in place.contents:
                    if place.contents.fits(touch.now.size):
                        place.contents.add(up.read(touch.path))
                    else:
                        not_kept += 1
        place.contents.save()
        place.write(states)
        return {"paths": len(states), "not_kept": not_kept}

    return _answer(work, arguments)


def since(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """What going back would change in what runs see."""

    def work(place: _Place) -> dict[str, Any]:
        now = {touch.path: touch.now for touch, _ in place.scan().differing}
        then = place.read()
        rows: list[FileChange] = []
        with Beneath(place.lower) as low, Beneath(place.upper) as up:
            for path in sorted({*now, *then}):
                real = _entry(low, path)
                one = now.get(path, real)
                other = then[path][0] if path in then else real
                if same(one, other):
                    continue
                if {e.kind for e in (one, other) if e is not None} == {"folder"}:
                    rows.append(folder_change(path, one, other))
                    continue
                old = (up if path in now else low).read(path) if _is_text(one) else None
                new = place.text(other) if path in then else low.read(path) if _is_text(other) else None
                rows.append(change_between(path, one, other, old, new))
        return {"changes": encode(without_implied(tuple(rows)))}

    return _answer(work, arguments)


def held(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """What was staged at the moment, as it would be told against the workspace of now."""

    def work(place: _Place) -> dict[str, Any]:
        rows: list[FileChange] = []
        with Beneath(place.lower) as low:
            for path, (then, _) in sorted(place.read().items()):
                real = _entry(low, path)
                if same(real, then):
                    continue
                if {e.kind for e in (real, then) if e is not None} == {"folder"}:
                    rows.append(folder_change(path, real, then))
                    continue
                old = low.read(path) if _is_text(real) else None
                lost = then is not None and then.kind == "file" and then.sha256 not in place.contents
                rows.append(
                    change_between(path, real, then, old, place.text(then), conflict=NOT_KEPT if lost else "")
                )
        return {"changes": encode(without_implied(tuple(rows)))}

    return _answer(work, arguments)


def drop(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Take out of the layer what runs saw then as it is in the workspace."""

    def work(place: _Place) -> dict[str, Any]:
        then = place.read()
        rows = [
            (Pending(FileChange(touch.path, "update"), touch, real), None)
            for touch, real in place.scan().differing
            if same(then[touch.path][0] if touch.path in then else real, real)
        ]
        discarder = Discarder(place.lower, place.upper, place.bases)
        # What stands in the place of a folder goes first: what was in the folder comes back into it.
        discarder.discard([row for row in rows if _in_place_of_folder(row[0])])
        discarder.discard([row for row in rows if not _in_place_of_folder(row[0])])
        place.bases.save()
        return {}

    return _answer(work, arguments)


def put(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Write what runs saw then, in the layer's mount: `{"done", "failed"}`."""

    def work(place: _Place) -> dict[str, Any]:
        then = place.read()
        with Beneath(place.lower) as tree:
            backs = []
            for path, (state, _) in then.items():
                found = tree.entry(path)
                if not same(found, state):
                    backs.append(Back(path, None, found, state))
            gone = {path: state for path, (state, _) in then.items() if state and state.kind == "folder"}
            done, failed = carry_back(backs, place.contents, tree, (), gone)
        return {"done": done, "failed": failed}

    return _answer(work, arguments)


def settle(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Make the changes be made on what they were made on then, but for what was accepted since."""

    def work(place: _Place) -> dict[str, Any]:
        accepted = {row.path for row in Ledger(place.source).rows if row.turn >= int(arguments["turn"])}
        with Beneath(place.lower) as low:
            for path, (_, base) in place.read().items():
                state = _entry(low, path) if path in accepted else base
                text = low.read(path) if path in accepted and _is_text(state) else place.text(state)
                place.bases.put(path, state, text)
        place.bases.save()
        return {}

    return _answer(work, arguments)


class _Place:
    """One layer and one moment."""

    def __init__(self, arguments: Arguments) -> None:
        self.lower, self.folder = Path(arguments["lower"]), Path(arguments["folder"])
        self.source = Path(arguments.get("source", self.folder))
        self.upper = self.folder / "upper"
        self.bases, self.contents = Bases(self.folder), Contents(self.source)
        self._file = self.source / "marks" / f"{int(arguments['mark'])}.json"

    def scan(self) -> Scan:
        return scan_layer(self.lower, self.upper, self.bases)

    def write(self, states: States) -> None:
        rows = {path: [to_json(now), to_json(base)] for path, (now, base) in states.items()}
        write_atomically(self._file, json.dumps({"version": 1, "states": rows}))

    def read(self) -> States:
        if self._file.name == "0.json":
            return {}  # the moment before anything was changed
        try:
            rows = json.loads(self._file.read_bytes())["states"]
            return {path: (from_json(now), from_json(base)) for path, (now, base) in rows.items()}
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
            raise WorkspaceError(f"{self._file} is missing or damaged: files cannot go back there") from error

    def text(self, entry: Entry | None) -> bytes | None:
        return self.contents.read(entry.sha256) if entry is not None and _is_text(entry) else None


def _in_place_of_folder(pending: Pending) -> bool:
    now, real = pending.touch.now, pending.real
    return now is not None and now.kind != "folder" and real is not None and real.kind == "folder"


def _is_text(entry: Entry | None) -> bool:
    return entry is not None and entry.kind == "file" and entry.size <= MAX_TEXT


def _entry(tree: Beneath, path: str) -> Entry | None:
    try:
        return tree.entry(path)
    except WorkspaceError:
        return None


def _answer(work: Callable[[_Place], dict[str, Any]], arguments: Arguments) -> dict[str, Any]:
    try:
        return work(_Place(arguments))
    except VtcodeError as error:
        return {"error": str(error)}
    except OSError as error:
        name = f" ({error.filename})" if error.filename else ""
        return {"error": f"the layer cannot be remembered: {error.strerror}{name}"}
