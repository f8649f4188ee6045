"""Workers that leave a line as a git note on commits. They run in the sandbox; standard library only, no git.

    head    root                       {"head": oid or ""}     the commit that is checked out
    leave   root, ref, line, since, after, [most]   {"commits": [...]}      those that got the line

A note is written as `git notes --ref=vtcode append` would: a blob in the tree of the commit that `ref` names.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.workspace.gitobjects import Repository

MODULE = "vtcode_tui.workspace.gitnotes"
REF = "refs/notes/vtcode"
Arguments: TypeAlias = Mapping[str, Any]
Tree: TypeAlias = dict[bytes, tuple[bytes, str]]
"""Name -> (mode, object)."""

_COMMITTER = re.compile(rb"^committer .*> (\d{1,12}) [+-]\d{4}$", re.MULTILINE)
_PARENT = re.compile(rb"^parent ([0-9a-f]+)$", re.MULTILINE)


def head(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """The commit that is checked out; empty without a repository or a commit."""
    try:
        return {"head": Repository(Path(arguments["root"]) / ".git").head()}
    except WorkspaceError:
        return {"head": ""}


def leave(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Append a line to the note of every commit that HEAD reaches and that came after `since` and `after`."""
    try:
        repository = Repository(Path(arguments["root"]) / ".git")
        fresh = list(
            _since(repository, str(arguments["since"]), int(arguments["after"]), arguments.get("most", 100))
        )
        if fresh:
            _note(repository, str(arguments["ref"]), fresh, str(arguments["line"]))
        return {"commits": fresh}
    except (WorkspaceError, OSError) as error:
        return {"error": f"no git note was left: {error}"}


def _since(repository: Repository, since: str, after: int, most: int) -> Iterator[str]:
    waiting, seen = [repository.head()], {since, ""}
    while waiting and len(seen) < most + 2:
        oid = waiting.pop(0)
        if oid in seen:
            continue
        seen.add(oid)
        # The head of a commit ends at its first empty line; what follows is free text.
        said = repository.read(oid, b"commit").partition(b"\n\n")[0]
        committer = _COMMITTER.search(said)
        if committer is None or int(committer[1]) < after:
            continue
        yield oid
        waiting += [parent.decode() for parent in _PARENT.findall(said)]


def _note(repository: Repository, ref: str, commits: list[str], line: str) -> None:
    before, like = repository.ref(ref), commits[0]
    tree = _tree_of(repository, before) if before else {}
    for oid in commits:
        _put(repository, tree, oid, oid, f"{line}\n".encode())
    now = int(time.time())
    parent = f"parent {before}\n" if before else ""
    who = f"vtcode <vtcode@localhost> {now} +0000"
    text = f"tree {_written(repository, tree, like)}\n{parent}author {who}\ncommitter {who}\n\nAnchors of vtcode\n"
    repository.update(ref, before, repository.write(b"commit", text.encode(), like))


def _tree_of(repository: Repository, commit: str) -> Tree:
    said = repository.read(commit, b"commit")
    return _entries(repository.read(said[5:].partition(b"\n")[0].decode(), b"tree"), len(commit) // 2)


def _entries(data: bytes, width: int) -> Tree:
    found: Tree = {}
    at = 0
    while at < len(data):
        gap = data.index(b" ", at)
        end = data.index(b"\0", gap)
        found[data[gap + 1 : end]] = (data[at:gap], data[end + 1 : end + 1 + width].hex())
        at = end + 1 + width
    return found


def _put(repository: Repository, tree: Tree, oid: str, rest: str, line: bytes) -> None:
    """Append to the note of `oid` below this tree; a folder for its first two digits is gone into."""
    mode, below = tree.get(rest[:2].encode(), (b"", ""))
    if mode == b"40000":
        inner = _entries(repository.read(below, b"tree"), len(oid) // 2)
        _put(repository, inner, oid, rest[2:], line)
        tree[rest[:2].encode()] = (b"40000", _written(repository, inner, oid))
        return
    old = tree.get(rest.encode())
    text = repository.read(old[1], b"blob") if old else b""
    if text and not text.endswith(b"\n"):
        text += b"\n"
    tree[rest.encode()] = (b"100644", repository.write(b"blob", text + line, oid))


def _written(repository: Repository, tree: Tree, like: str) -> str:
    # Folders are sorted as if their names ended in a slash.
    rows = sorted(tree.items(), key=lambda row: row[0] + (b"/" if row[1][0] == b"40000" else b""))
    data = b"".join(b"%b %b\0%b" % (mode, name, bytes.fromhex(oid)) for name, (mode, oid) in rows)
    return repository.write(b"tree", data, like)
