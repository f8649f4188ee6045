"""What the agent did to real files, turn by turn, with what is needed to take it back. Standard library only.

Kept in a folder of the session: `ledger.json` and the contents beside it. Accepted changes stand in it, and without
a layer approved edits and what commands did. Taking back is a merge of three: from `after` (what the agent left) to
`before`, applied to what the file is now, so that what a human wrote since stays.
"""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.workspace.bases import from_json, same, to_json
from vtcode_tui.workspace.beneath import Beneath, Entry
from vtcode_tui.workspace.changes import ChangeSet, FileChange
from vtcode_tui.workspace.contents import Contents
from vtcode_tui.workspace.describe import MAX_TEXT, folder_change
from vtcode_tui.workspace.lines import is_binary
from vtcode_tui.workspace.merging import merge
from vtcode_tui.workspace.scanning import change_between

UNTOLD = "untold.json"
"""What the last way back did to files, until the journal tells of it."""
NOT_KEPT = "its former content is too large to have been kept: this cannot be taken back"
_MOVED_ON = "the file changed in the workspace since"


@dataclass(frozen=True, slots=True)
class Row:
    """In this turn a path went from one state to another. `reviewed`: a human has said yes to it."""

    turn: int
    path: str
    before: Entry | None
    after: Entry | None
    reviewed: bool


@dataclass(frozen=True, slots=True)
class Back:
    """The way back for one path: what it is, what it would be, and the content that stands nowhere else."""

    path: str
    before: Entry | None
    real: Entry | None
    target: Entry | None
    content: bytes | None = None
    conflict: str = ""


class Ledger:
    """The rows of one session, oldest first; `save` writes them."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ledger.json"
        self.contents = Contents(folder)
        try:
            data = json.loads(self._file.read_bytes())["rows"]
        except FileNotFoundError:
            data = []
        except (ValueError, KeyError, TypeError) as error:
            raise WorkspaceError(f"{self._file} is damaged: remove it to begin anew") from error
        self._rows: list[Row] = []
        self._last: dict[str, int] = {}
        self.rows = [Row(turn, path, from_json(b), from_json(a), reviewed) for turn, path, b, a, reviewed in data]

    @property
    def rows(self) -> list[Row]:
        """The rows, oldest first; assign another list to change them, or `add`."""
        return self._rows

    @rows.setter
    def rows(self, rows: list[Row]) -> None:
        self._rows = [row for row in rows if not same(row.before, row.after)]
        self._last = {row.path: at for at, row in enumerate(self._rows)}

    def add(self, row: Row) -> None:
        """Note a change; several of one path in one turn are one."""
        at = self._last.get(row.path)
        if at is not None and (self._rows[at].turn, self._rows[at].reviewed) == (row.turn, row.reviewed):
            self._rows[at] = replace(row, before=self._rows[at].before)
        elif not same(row.before, row.after):
            self._last[row.path] = len(self._rows)
            self._rows.append(row)

    def save(self) -> None:
        """Write it; the contents that it names are on the disk first."""
        self.contents.save()
        self.rows = self._rows  # what went there and back in one turn is nothing
        rows = [[r.turn, r.path, to_json(r.before), to_json(r.after), r.reviewed] for r in self.rows]
        write_atomically(self._file, json.dumps({"version": 1, "rows": rows}))

    def named(self) -> set[str]:
        """The hashes that rows refer to."""
        return {entry.sha256 for row in self.rows for entry in (row.before, row.after) if entry is not None}

    def backs(self, tree: Beneath, wanted: Callable[[Row], bool]) -> dict[str, Back]:
        """Of every path with such rows that is not yet what it was before the first of them: the way back."""
        spans: dict[str, tuple[Entry | None, Entry | None]] = {}
        for row in self.rows:
            if wanted(row):
                spans[row.path] = (spans[row.path][0] if row.path in spans else row.before, row.after)
        found: dict[str, Back] = {}
        for path, (before, after) in sorted(spans.items()):
            try:
                real = tree.entry(path)
            except WorkspaceError as error:
                found[path] = Back(path, before, None, before, conflict=str(error))
                continue
            if not same(real, before):
                found[path] = self._back(path, before, after, real, tree)
        return found

    def _back(
        self, path: str, before: Entry | None, after: Entry | None, real: Entry | None, tree: Beneath
    ) -> Back:
        back = Back(path, before, real, before)
        if before is not None and before.kind == "file" and before.sha256 not in self.contents:
            if real is None or real.sha256 != before.sha256:
                back = replace(back, conflict=NOT_KEPT)
        elif not same(real, after):
            merged = self._merged(path, before, after, real, tree)
            back = replace(back, conflict=_MOVED_ON) if merged is None else merged
        return back

    def _merged(
        self, path: str, before: Entry | None, after: Entry | None, real: Entry | None, tree: Beneath
    ) -> Back | None:
        if before is None or after is None or real is None or {before.kind, after.kind, real.kind} != {"file"}:
            return None
        mode = real.mode if real.mode != after.mode else before.mode
        if real.sha256 == after.sha256:
            return Back(path, before, real, replace(before, mode=mode))
        if real.size > MAX_TEXT:
            return None
        old, ground, now = self.contents.read(before.sha256), self.contents.read(after.sha256), tree.read(path)
        if old is None or ground is None or is_binary(old + ground + now):
            return None
        text = merge(ground, now, old)
        if text is None:
            return None
        return Back(path, before, real, Entry("file", mode, self.contents.add(text), size=len(text)), text)

    def text(self, entry: Entry | None) -> bytes | None:
        """The content of a state that is a text for a change set."""
        if entry is None or entry.kind != "file" or entry.size > MAX_TEXT:
            return None
        return self.contents.read(entry.sha256)

    def change(self, back: Back, tree: Beneath, *, forward: bool) -> FileChange:
        """What a person is shown: `forward` from before to now, otherwise from now to what it would be."""
        fits = back.real is not None and back.real.kind == "file" and back.real.size <= MAX_TEXT
        real = tree.read(back.path) if fits else None
        if forward:
            rows = (back.before, back.real, self.text(back.before), real)
        else:
            rows = (back.real, back.target, real, self.text(back.target))
        one, other, old, new = rows
        kinds = {entry.kind for entry in (one, other) if entry is not None}
        if kinds == {"folder"}:
            return folder_change(back.path, one, other, back.conflict)
        if other is not None and other.kind == "folder":
            other = None  # a folder takes the place of what is told here; what is in it has changes of its own
        return change_between(back.path, one, other, old, new, conflict=back.conflict)

    def changes(self, backs: Mapping[str, Back], tree: Beneath, *, forward: bool) -> ChangeSet:
        """A change set without the folders that come or go with the files in them."""
        return without_implied(tuple(self.change(back, tree, forward=forward) for back in backs.values()))

    def folders(self) -> tuple[frozenset[str], dict[str, Entry]]:
        """The folders that rows made, and those that they took away as they were."""
        made = {row.path for row in self.rows if row.after is not None and row.after.kind == "folder"}
        gone = {row.path: row.before for row in self.rows if row.before is not None and row.before.kind == "folder"}
        return frozenset(made), gone


def without_implied(files: tuple[FileChange, ...]) -> ChangeSet:
    """The changes without the folders that come or go with what is in them."""
    above = {c.path[:at] for c in files for at, sign in enumerate(c.path) if sign == "/"}
    return ChangeSet(tuple(c for c in files if c.path not in above or c.kind != "folder" or c.op == "mode"))


def carry_back(
    backs: Iterable[Back], contents: Contents, tree: Beneath, made: Collection[str], gone: Mapping[str, Entry]
) -> tuple[list[str], dict[str, str]]:
    """Bring the paths back: what was done, and why the rest was not.

    `made`: folders that go with the last path in them; `gone`: folders that come back with the first, as they were.
    """
    ways = sorted(backs, key=lambda back: (back.path.count("/"), back.path))
    failed: dict[str, str] = {}
    for back in reversed(ways):
        # First what is in the way goes, the deepest first; then what went comes back, the outermost first.
        if back.real is not None and (back.target is None or back.target.kind != back.real.kind):
            with _named(back, failed):
                _take_away(back, tree, made)
    for back in ways:
        if back.target is not None and back.path not in failed:
            with _named(back, failed):
                _bring_back(back, back.target, contents, tree, gone)
    return [back.path for back in ways if back.path not in failed], failed


@contextlib.contextmanager
def _named(back: Back, failed: dict[str, str]) -> Iterator[None]:
    try:
        yield
    except (OSError, WorkspaceError) as error:
        failed[back.path] = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _take_away(back: Back, tree: Beneath, made: Collection[str]) -> None:
    try:
        tree.remove(back.path)
    except FileNotFoundError:
        return  # it went with the last thing that was in it
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST} or back.target is not None:
            raise
        return  # what somebody else put into the folder stays, and so does the folder
    if back.target is None:
        _prune(back.path, tree, made)


def _bring_back(back: Back, target: Entry, contents: Contents, tree: Beneath, gone: Mapping[str, Entry]) -> None:
    parts = back.path.split("/")
    for n in range(1, len(parts)):
        folder = "/".join(parts[:n])
        if (was := gone.get(folder)) is not None and tree.entry(folder) is None:
            tree.folder(folder, mode=was.mode)
    match target.kind:
        case "folder":
            tree.folder(back.path, mode=target.mode)
        case "symlink":
            tree.link(back.path, target.target)
        case "file":
            if back.real is not None and back.real.kind == "file" and back.real.sha256 == target.sha256:
                tree.chmod(back.path, target.mode)
                return
            content = back.content if back.content is not None else contents.read(target.sha256)
            if content is None:
                raise WorkspaceError(NOT_KEPT)
            tree.write(back.path, content, mode=target.mode)


def _prune(path: str, tree: Beneath, made: Collection[str]) -> None:
    """Remove the folders that came with the path and are empty now."""
    parts = path.split("/")[:-1]
    with contextlib.suppress(OSError):
        while parts and "/".join(parts) in made:
            tree.remove("/".join(parts))
            parts.pop()
