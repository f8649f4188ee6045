"""Workers that follow what runs do to the real files where there is no layer, and take it back.

Standard library only. They run inside the sandbox as `Invoke("vtcode_tui.workspace.tracing", NAME, JSON)` with
`root` and `folder` (the session's own, outside the workspace). `selected` is as in `staging`.

    before    [paths]                  remember the workspace as it is; with `paths`, only what stands there
    after     turn, reviewed, [paths]  {"changes", "unseen"} since then, noted in the ledger
    review                             {"changes"} that nobody has looked at yet
    keep      selected                 they are looked at: {"changes"}
    roll_back selected                 bring the real files back: {"changes", "done", "failed"}; needs: write root
    since     turn                     {"open", "settled"}: what going back to that turn would change
    undo      turn, selected           go back for these paths: as roll_back
    untold    -                        {"changes"} of a way back that was cut off before it was told

`before` is for a moment when no run is alive: what a human did meanwhile is taken for the human's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from vtcode_tui.common.errors import StaleFileError, VtcodeError, WorkspaceError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.workspace.accepting import identity
from vtcode_tui.workspace.bases import from_json as entry_of
from vtcode_tui.workspace.bases import same, to_json
from vtcode_tui.workspace.beneath import Beneath, Entry
from vtcode_tui.workspace.changes import ChangeSet, Choice, FileChange, Overwrite
from vtcode_tui.workspace.choices import from_json
from vtcode_tui.workspace.glance import take_glance
from vtcode_tui.workspace.ledger import UNTOLD, Back, Ledger, Row, carry_back
from vtcode_tui.workspace.lines import apply_hunks
from vtcode_tui.workspace.snapshot import Remembered, Snapshot, look, read_snapshot, write_snapshot
from vtcode_tui.workspace.wire import decode, encode

Arguments: TypeAlias = Mapping[str, Any]
Backs: TypeAlias = Mapping[str, Back]
_SAMPLE = 20


def before(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Remember the workspace: `{"files"}`."""

    def work(place: _Place) -> dict[str, Any]:
        was = read_snapshot(place.folder)
        now = place.look(was, arguments.get("paths"))
        if now != was:
            place.ledger.contents.save({r.entry.sha256 for r in now.paths.values()} | place.ledger.named())
            place.remember(now)
        return {"files": len(now.paths)}

    return _answer(work, arguments)


def after(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """What became of it: `{"changes", "unseen"}`; from now on only what comes later counts.

    `unseen` names what came since and can be neither shown nor taken back.
    """

    def work(place: _Place) -> dict[str, Any]:
        was = read_snapshot(place.folder)
        now = place.look(was, arguments.get("paths"))
        waiting = {row.path for row in place.ledger.rows if not row.reviewed}
        rows: dict[str, Back] = {}
        for path in sorted({*was.paths, *now.paths}):
            old = was.paths[path].entry if path in was.paths else None
            new = now.paths[path].entry if path in now.paths else None
            if not same(old, new):
                reviewed = bool(arguments.get("reviewed")) and path not in waiting
                place.ledger.add(Row(int(arguments["turn"]), path, old, new, reviewed))
                rows[path] = Back(path, old, new, old)
        place.ledger.save()
        place.remember(now)
        changes = encode(place.ledger.changes(rows, place.tree, forward=True))
        return {"changes": changes, "unseen": sorted(now.unseen - was.unseen)[:_SAMPLE]}

    return _answer(work, arguments)


def review(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """What nobody has looked at: `{"changes"}`, from before the first of it to now."""
    return _answer(lambda place: {"changes": encode(place.waiting()[1])}, arguments)


def keep(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """The human has looked at the selection and keeps it: `{"changes"}` that were kept."""

    def work(place: _Place) -> dict[str, Any]:
        backs, changes = place.waiting()
        picked = _picked(changes, arguments["selected"])
        for change, choice in picked:
            if choice is not None and not isinstance(choice, frozenset):
                raise WorkspaceError(f"{change.path}: what a command did is kept as a whole or in hunks")
            place.keep(backs[change.path], change, choice)
        place.ledger.save()
        return {"changes": encode(ChangeSet(tuple(change for change, _ in picked)))}

    return _answer(work, arguments)


def roll_back(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Take the selection back in the real files: `{"changes", "done", "failed"}`; nothing when one moved on."""

    def work(place: _Place) -> dict[str, Any]:
        backs, changes = place.waiting()
        picked = _picked(changes, arguments["selected"])
        ways = [_way(backs[change.path], change, choice, place.ledger) for change, choice in picked]
        return place.take_back(ways, lambda row: not row.reviewed, backs)

    return _answer(work, arguments)


def since(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """What going back to the beginning of a turn would change in real files: `{"open", "settled"}`."""

    def work(place: _Place) -> dict[str, Any]:
        backs = place.since(int(arguments["turn"]))
        settled = {row.path for row in place.ledger.rows if row.reviewed and row.turn >= int(arguments["turn"])}
        changes = place.ledger.changes(backs, place.tree, forward=False)
        return {
            "open": encode(ChangeSet(tuple(c for c in changes.files if c.path not in settled))),
            "settled": encode(ChangeSet(tuple(c for c in changes.files if c.path in settled))),
        }

    return _answer(work, arguments)


def undo(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Go back to the beginning of a turn for the selected paths: `{"changes", "done", "failed"}`."""

    def work(place: _Place) -> dict[str, Any]:
        turn = int(arguments["turn"])
        backs = place.since(turn)
        changes = place.ledger.changes(backs, place.tree, forward=False)
        ways = []
        for change, choice in _picked(changes, arguments["selected"]):
            if choice is not None:
                raise WorkspaceError(f"{change.path} is taken back as a whole")
            ways.append(_whole(backs[change.path], choice))
        return place.take_back(ways, lambda row: row.turn >= turn, backs)

    return _answer(work, arguments)


def untold(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """What the last way back did: `{"changes"}`. Of one that was cut off, the paths that are as it makes them."""

    def work(place: _Place) -> dict[str, Any]:
        try:
            data = json.loads((place.folder / UNTOLD).read_bytes())
        except FileNotFoundError:
            return {"changes": encode(ChangeSet())}
        left = {path: entry_of(row) for path, row in data["targets"].items()}
        files = decode(data["changes"]).files
        made = [c for c in files if c.path not in left or same(place.tree.entry(c.path), left[c.path])]
        return {"changes": encode(ChangeSet(tuple(made)))}

    return _answer(work, arguments)


class _Place:
    """A workspace and the session's folder, while a worker is at them."""

    def __init__(self, root: Path, folder: Path, tree: Beneath) -> None:
        self.root, self.folder, self.tree = root, folder, tree
        self.ledger = Ledger(folder)

    def look(self, known: Snapshot, paths: list[str] | None) -> Snapshot:
        if paths is None:
            return look(self.root, known.paths, self.ledger.contents)
        now = dict(known.paths)
        for path in paths:
            names = path.split("/")
            for name in ("/".join(names[:n]) for n in range(1, len(names) + 1)):
                entry = self.tree.entry(name)
                if entry is None:
                    now.pop(name, None)
                    continue
                if entry.kind == "file" and self.ledger.contents.fits(entry.size):
                    self.ledger.contents.add(self.tree.read(name))
                now[name] = Remembered(entry)
        return replace(known, paths=now)

    def remember(self, known: Snapshot) -> None:
        """Write what the workspace is now, and the glance at it."""
        write_snapshot(self.folder, known)
        take_glance(self.folder, known)

    def waiting(self) -> tuple[Backs, ChangeSet]:
        """What nobody has looked at, and how it is shown."""
        backs = self.ledger.backs(self.tree, lambda row: not row.reviewed)
        return backs, self.ledger.changes(backs, self.tree, forward=True)

    def since(self, turn: int) -> Backs:
        """The ways back to the beginning of a turn."""
        return self.ledger.backs(self.tree, lambda row: row.turn >= turn)

    def keep(self, back: Back, change: FileChange, choice: frozenset[int] | None) -> None:
        """Move the chosen part of a change from what waits to what a human has looked at."""
        rows = [row for row in self.ledger.rows if row.path == back.path and not row.reviewed]
        whole = choice is None or choice == frozenset(hunk.index for hunk in change.hunks)
        self.ledger.rows = [row for row in self.ledger.rows if row.path != back.path or row.reviewed]
        middle = back.real
        if not whole and choice is not None:
            text = apply_hunks(change.old_text, change.hunks, choice)
            mode = back.before.mode if back.before is not None else 0o644
            middle = Entry("file", mode, self.ledger.contents.add(text), size=len(text))
        turn = rows[-1].turn if rows else 0
        self.ledger.add(Row(turn, back.path, back.before, middle, True))
        self.ledger.add(Row(turn, back.path, middle, back.real, False))
        for path in _above(back.path):
            self.ledger.rows = [replace(r, reviewed=True) if r.path == path else r for r in self.ledger.rows]

    def take_back(self, ways: list[Back], ended: Callable[[Row], bool], backs: Backs) -> dict[str, Any]:
        """Do it, and forget the rows that are undone; what is left of a path stays to be looked at."""
        changes = [self.ledger.change(way, self.tree, forward=False) for way in ways]
        self._note_untold(changes, {way.path: way.target for way in ways})
        done, failed = carry_back(ways, self.ledger.contents, self.tree, *self.ledger.folders())
        self._note_untold([c for c in changes if c.path in done], {})
        partly = {way.path: way for way in ways if not same(way.target, backs[way.path].target)}
        for path in done:
            turns = [row.turn for row in self.ledger.rows if row.path == path and ended(row)]
            self.ledger.rows = [row for row in self.ledger.rows if row.path != path or not ended(row)]
            if path in partly:
                self.ledger.add(Row(turns[-1], path, backs[path].before, partly[path].target, False))
        # A folder that came or went with what is undone now is what it was, too.
        left = self.ledger.backs(self.tree, ended)
        self.ledger.rows = [row for row in self.ledger.rows if row.path in left or not ended(row)]
        self.ledger.save()
        return {
            "changes": encode(ChangeSet(tuple(c for c in changes if c.path in done))),
            "done": done,
            "failed": failed,
        }

    def _note_untold(self, changes: list[FileChange], targets: Mapping[str, Entry | None]) -> None:
        """What the journal has to tell; `targets`: what those paths would be that may not be it yet."""
        kept = {
            "version": 1,
            "changes": encode(ChangeSet(tuple(changes))),
            "targets": {path: to_json(target) for path, target in targets.items()},
        }
        write_atomically(self.folder / UNTOLD, json.dumps(kept))


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _picked(changes: ChangeSet, selected: list[Mapping[str, Any]]) -> list[tuple[FileChange, Choice]]:
    known = {change.path: change for change in changes.files}
    stale = [r["path"] for r in selected if r["path"] not in known or identity(known[r["path"]]) != r["identity"]]
    if stale:
        raise StaleFileError(f"{', '.join(stale[:5])}: not what was on the screen any more; look again")
    picked = [(known[row["path"]], from_json(row["choice"])) for row in selected]
    for change, choice in picked:
        if isinstance(choice, frozenset) and not choice <= {hunk.index for hunk in change.hunks}:
            raise StaleFileError(f"{change.path}: not what was on the screen any more; look again")
    return [(change, choice) for change, choice in picked if choice != frozenset()]


def _way(back: Back, change: FileChange, choice: Choice, ledger: Ledger) -> Back:
    """The way back for what was chosen: all of it, or the hunks that are turned round where they stand now."""
    if not isinstance(choice, frozenset):
        return _whole(back, choice)
    every = frozenset(hunk.index for hunk in change.hunks)
    if choice == every and not back.conflict:
        return back
    text = apply_hunks(change.old_text, change.hunks, every - choice)
    mode = back.real.mode if back.real is not None else 0o644
    target = Entry("file", mode, ledger.contents.add(text), size=len(text))
    return replace(back, target=target, content=text, conflict="")


def _whole(back: Back, choice: Choice) -> Back:
    if choice is not None and not isinstance(choice, Overwrite):
        raise WorkspaceError(f"{back.path}: what was done is taken back as a whole or in hunks")
    if back.conflict and choice is None:
        raise WorkspaceError(f"{back.path}: {back.conflict}; keep it, or overwrite it with what it was")
    return back


def _answer(work: Callable[[_Place], dict[str, Any]], arguments: Arguments) -> dict[str, Any]:
    try:
        root, folder = Path(arguments["root"]), Path(arguments["folder"])
        with Beneath(root) as tree:
            return work(_Place(root, folder, tree))
    except StaleFileError as error:
        return {"error": str(error), "stale": True}
    except VtcodeError as error:
        return {"error": str(error)}
    except OSError as error:
        name = f" ({error.filename})" if error.filename else ""
        return {"error": f"the workspace cannot be remembered: {error.strerror}{name}"}
