"""Workers that edit files for a model: `write`, `replace`, `patch`, and `preview` of each. Standard library only.

They run inside the sandbox as `Invoke("vtcode_tui.workspace.edits", NAME, JSON)` on the workspace as runs see it:

    write    root, path, content, [before]                 create a file or replace all of it
    replace  root, path, old, new, [all], [before]         replace a text that must occur exactly once
    patch    root, patch, [cwd], [before]                  `*** Begin Patch` or a unified diff; all or nothing
    preview  function (one of the above), and its own      the same, computed and not written

`path` is absolute (resolved) or relative to `root`. `before` is the SHA-256 that the file had when the call was
approved (null: there was none; for `patch` a table of path -> SHA-256): when it has another now, nothing is
written. The answer is `{"changes": {"files": [...]}, "added": n, "removed": n}` (see `wire.decode`), or
`{"error": sentence}`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, BinaryIO, TypeAlias

from vtcode_tui.common.errors import StaleFileError, VtcodeError, WorkspaceError
from vtcode_tui.workspace.beneath import Beneath, parts_of
from vtcode_tui.workspace.changes import ChangeSet, FileChange
from vtcode_tui.workspace.describe import change_of
from vtcode_tui.workspace.finding import Place, find_text, missing_text
from vtcode_tui.workspace.patches import parse_patch
from vtcode_tui.workspace.patching import patched
from vtcode_tui.workspace.wire import encode

Arguments: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Edit:
    """One file to be written: its content before and after (None: no file), and where it was moved from."""

    path: str
    before: bytes | None
    after: bytes | None
    mode: int | None = None
    moved_from: str = ""


def write(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Create a file or replace all of its content."""
    return _answer(_write, arguments, act=True)


def replace(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Replace a text that occurs exactly once (or, with `all`, wherever it occurs)."""
    return _answer(_replace, arguments, act=True)


def patch(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Apply a patch to several files: all of it, or nothing."""
    return _answer(_patch, arguments, act=True)


def preview(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """What `function` would change, with nothing written: for an approval before the edit."""
    plans = {"write": _write, "replace": _replace, "patch": _patch}
    if (plan := plans.get(str(arguments.get("function")))) is None:
        return {"error": f"there is no edit named {arguments.get('function')!r}"}
    return _answer(plan, arguments, act=False)


def _answer(plan: Callable[[Beneath, Arguments], list[Edit]], arguments: Arguments, *, act: bool) -> dict[str, Any]:
    try:
        with Beneath(arguments["root"]) as tree:
            edits = plan(tree, arguments)
            changes = ChangeSet(tuple(_change(edit) for edit in edits))
            if act:
                carry_out(tree, edits)
    except VtcodeError as error:
        return {"error": str(error)}
    except OSError as error:
        name = f" ({error.filename})" if error.filename else ""
        return {"error": f"the file cannot be written: {error.strerror}{name}"}
    return {
        "changes": encode(changes),
        "added": sum(change.added for change in changes.files),
        "removed": sum(change.removed for change in changes.files),
    }


def carry_out(tree: Beneath, edits: Sequence[Edit]) -> None:
    """Write all the edits; when one fails, those before it are undone and the error goes on."""
    done: list[Edit] = []
    try:
        for edit in edits:
            done.append(edit)
            if edit.after is not None:
                tree.write(edit.path, edit.after, mode=edit.mode)
            if edit.moved_from:
                tree.remove(edit.moved_from)
            elif edit.after is None:
                tree.remove(edit.path)
    except BaseException:
        for edit in reversed(done):
            _undo(tree, edit)
        raise


def _undo(tree: Beneath, edit: Edit) -> None:
    # The error that led here is the one to tell; what cannot be undone stays visible in the change set.
    with contextlib.suppress(OSError, WorkspaceError):
        origin = edit.moved_from or edit.path
        if edit.before is not None:
            tree.write(origin, edit.before, mode=edit.mode)
        if edit.before is None or edit.moved_from:
            tree.remove(edit.path)


def _change(edit: Edit) -> FileChange:
    return change_of(edit.path, edit.before, edit.after, mode=edit.mode, renamed_from=edit.moved_from)


def relative(root: str, path: str) -> str:
    """A path of a call below the root; raises PathEscapeError when it is not below."""
    if path.startswith("/"):
        prefix = root.rstrip("/") + "/"
        if not path.startswith(prefix):
            raise WorkspaceError(f"{path!r} is not below the workspace {root}")
        path = path[len(prefix) :]
    return "/".join(parts_of(os.path.normpath(path) if not path.startswith("..") else path))


def content(tree: Beneath, path: str) -> tuple[bytes | None, int | None]:
    """The content and permission bits of a regular file; (None, None) when nothing is there."""
    entry = tree.entry(path)
    if entry is None:
        return None, None
    if entry.kind == "folder":
        raise WorkspaceError(f"{path!r} is a folder")
    if entry.kind == "symlink":
        raise WorkspaceError(f"{path!r} is a symbolic link to {entry.target!r}: edit the file that it points to")
    return tree.read(path), entry.mode


def _checked(tree: Beneath, path: str, expected: Any) -> tuple[bytes | None, int | None]:
    found, mode = content(tree, path)
    if expected is not ... and expected != (None if found is None else sha256(found).hexdigest()):
        raise StaleFileError(f"{path!r} changed since this edit was approved: read it again and repeat the edit")
    return found, mode


def _write(tree: Beneath, arguments: Arguments) -> list[Edit]:
    path = relative(arguments["root"], arguments["path"])
    before, mode = _checked(tree, path, arguments.get("before", ...))
    return [Edit(path, before, _encoded(arguments["content"]), mode)]


def _replace(tree: Beneath, arguments: Arguments) -> list[Edit]:
    path = relative(arguments["root"], arguments["path"])
    before, mode = _checked(tree, path, arguments.get("before", ...))
    if before is None:
        raise WorkspaceError(f"{path!r} does not exist: use write_file to create it")
    old, new = _encoded(arguments["old"]), _encoded(arguments["new"])
    if not old:
        raise WorkspaceError("the text to replace is empty")
    if old == new:
        raise WorkspaceError("the old and the new text are the same: there is nothing to do")
    places = find_text(before, old)
    if not places:
        raise WorkspaceError(f"the text was not found in {path!r}.{missing_text(before, old)}")
    if len(places) > 1 and not arguments.get("all"):
        lines = ", ".join(str(place.line) for place in places[:8])
        raise WorkspaceError(
            f"the text occurs {len(places)} times in {path!r} (lines {lines}): "
            "add lines around it until it is unique, or set all"
        )
    return [Edit(path, before, _substituted(before, places, new), mode)]


def _substituted(text: bytes, places: Sequence[Place], new: bytes) -> bytes:
    made, at = [], 0
    for place in places:
        # Where the file ends its lines with CR LF and the call's text does not, the file's way is kept.
        made += [text[at : place.start], new.replace(b"\n", b"\r\n") if place.carriage else new]
        at = place.end
    return b"".join([*made, text[at:]])


def _patch(tree: Beneath, arguments: Arguments) -> list[Edit]:
    root, before = arguments["root"], arguments.get("before") or {}
    base = relative(root, arguments["cwd"]) + "/" if arguments.get("cwd") not in {None, "", ".", root} else ""
    edits: dict[str, Edit] = {}

    def now(path: str) -> tuple[bytes | None, int | None]:
        if path in edits:
            return edits[path].after, edits[path].mode
        return _checked(tree, path, before.get(path, before.get(f"{root}/{path}", ...)))

    for section in parse_patch(arguments["patch"]):
        path = relative(root, section.path if section.path.startswith("/") else base + section.path)
        moved = section.moved_to
        target = relative(root, moved if moved.startswith("/") else base + moved) if moved else path
        old, mode = now(path)
        new = patched(section, path, old)
        if target == path:
            first = edits.get(path)
            edits[path] = Edit(path, first.before if first else old, new, mode)
            continue
        if now(target)[0] is not None:
            raise WorkspaceError(f"{target!r} exists already: {path!r} cannot be moved there")
        if path in edits:
            raise WorkspaceError(f"{path!r} is named twice in the patch and moved: say it in one section")
        edits[target] = Edit(target, old, new, mode, moved_from=path)
    return [edit for edit in edits.values() if edit.before != edit.after or edit.moved_from]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
