"""Git repositories in a change set: what belongs together, and in which order it may become real.

Standard library only. A reference that names an object which is not there yet breaks a repository, and so does an
object that is removed while something still names it. So objects come first and go last, and what makes up the
state of one repository is taken as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.workspace.changes import Choice, Overwrite

if TYPE_CHECKING:
    from vtcode_tui.workspace.plan import Step
    from vtcode_tui.workspace.scanning import Pending

_APART = frozenset({"hooks", "config", "config.worktree", "info", "description", "branches"})
"""What in a `.git` says how git works, and nothing of what is committed: it is decided on its own."""

_POINTERS = frozenset({"commondir", "gitdir", "config.worktree", "alternates"})
"""Where git looks for the rest, at any depth; these are protected."""


def repository_of(path: str) -> str:
    """The `.git` folder whose state a path is a part of; empty when it is none."""
    parts = path.split("/")
    if ".git" not in parts[:-1]:
        return ""
    at = parts.index(".git") + 1
    inside = parts[at:]
    while len(inside) > 2 and inside[0] == "modules":
        inside = inside[2:]  # a submodule's own configuration and hooks
    return "" if inside[0] in _APART or inside[-1] in _POINTERS else "/".join(parts[:at])


def check_whole(pending: Iterable[Pending], picked: Sequence[tuple[Pending, Choice]]) -> None:
    """Raise WorkspaceError when some of a repository's state was chosen and some was not."""
    chosen = {p.change.path: choice for p, choice in picked}
    some = {repository_of(path) for path in chosen} - {""}
    for p in pending:
        repository = repository_of(p.change.path)
        if repository not in some:
            continue
        if p.change.path not in chosen or not (chosen[p.change.path] is None or _whole(chosen[p.change.path])):
            raise WorkspaceError(
                f"what git keeps in {repository} belongs together: take all of its files or none "
                f"({p.change.path} was left out)"
            )


def _whole(choice: Choice) -> bool:
    return isinstance(choice, Overwrite)


def ordered(removes: Sequence[Step], emptied: Sequence[Step], writes: Sequence[Step]) -> list[list[Step]]:
    """The steps in four rounds: what is in the way of a write, the writes, the other removals, emptied folders.

    Only a file where a folder comes, or the other way round, goes before them: what moves is always somewhere.
    """
    written = {step.path for step in writes}
    above = {path[:at] for path in written for at, sign in enumerate(path) if sign == "/"}

    def is_first(step: Step) -> bool:
        return step.path in above or step.path in written or _below(step.path, written)

    return [
        [step for step in (*removes, *emptied) if is_first(step)],
        sorted(writes, key=lambda step: _rank(step.path)),
        sorted(
            (step for step in removes if not is_first(step)),
            key=lambda step: (_is_object(step.path), -_rank(step.path)),
        ),
        [step for step in emptied if not is_first(step)],
    ]


def _below(path: str, written: Collection[str]) -> bool:
    return any(path[:at] in written for at, sign in enumerate(path) if sign == "/")


def _is_object(path: str) -> bool:
    return "/objects/" in path


def _rank(path: str) -> int:
    repository = repository_of(path)
    if not repository:
        return 2
    name = path[len(repository) + 1 :]
    if _is_object(path):
        # A pack is found by its index, and what indexes several or the commits speaks of all of them.
        return 2 if "objects/info/" in name or name.endswith("multi-pack-index") else int(name.endswith(".idx"))
    order = {"index": 3, "packed-refs": 4, "HEAD": 6}
    return order.get(name.rpartition("/")[2], 5 if "/refs/" in path else 2)
