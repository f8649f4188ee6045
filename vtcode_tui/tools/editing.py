"""The tools that change files: edit_file, write_file, apply_patch; `workspace/` writes, in the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.policy.types import Access, FileState
from vtcode_tui.sandbox.grant import Work
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.tools.answer import decoded, failed, invoke, problem, with_refusals
from vtcode_tui.tools.looking import shown
from vtcode_tui.tools.tool import Input, Place, Result
from vtcode_tui.workspace.patches import paths_of

_EDITS = "vtcode_tui.workspace.edits"


def _state(path: Path, place: Place) -> FileState:
    return FileState(path, place.state(path))


class EditFileInput(Input):
    """Replace a text in a file."""

    path: str = Field(description="Path relative to the workspace")
    old: str = Field(min_length=1, description="The exact text to replace, with enough context to be unique")
    new: str = Field(description="What stands there instead")
    all: bool = Field(default=False, description="Replace every occurrence")


class EditFile:
    """Replaces an exact text in one file."""

    name: ClassVar[str] = "edit_file"
    description: ClassVar[str] = "Replace an exact text in a file. It must occur exactly once, unless all is true."
    input = EditFileInput
    mutates: ClassVar[bool] = True

    def access(self, given: EditFileInput, place: Place) -> Access:
        """Reads and writes the one file."""
        path = place.resolve(given.path)
        return Access(reads=(path,), writes=(_state(path, place),))

    def work(self, given: EditFileInput, place: Place) -> Work:
        """Edits in the sandbox."""
        path = place.resolve(given.path)
        return invoke(
            _EDITS,
            "replace",
            path=str(path),
            root=str(place.root),
            old=given.old,
            new=given.new,
            all=given.all,
            before=place.state(path),
        )

    def result(self, given: EditFileInput, outcome: Outcome, output: bytes) -> Result:
        """What was done, in one line."""
        return _edited(outcome, output, f"Edited {given.path}.")

    def summary(self, given: EditFileInput) -> str:
        """The path."""
        return f"edit {given.path}"


class WriteFileInput(Input):
    """Write a whole file."""

    path: str = Field(description="Path relative to the workspace; missing folders are made")
    content: str


class WriteFile:
    """Writes one file whole."""

    name: ClassVar[str] = "write_file"
    description: ClassVar[str] = (
        "Create a file, or replace all of its content. Prefer edit_file for changes to existing files."
    )
    input = WriteFileInput
    mutates: ClassVar[bool] = True

    def access(self, given: WriteFileInput, place: Place) -> Access:
        """Writes the one file."""
        return Access(writes=(_state(place.resolve(given.path), place),))

    def work(self, given: WriteFileInput, place: Place) -> Work:
        """Writes in the sandbox."""
        path = place.resolve(given.path)
        return invoke(
            _EDITS,
            "write",
            path=str(path),
            root=str(place.root),
            content=given.content,
            before=place.state(path),
        )

    def result(self, given: WriteFileInput, outcome: Outcome, output: bytes) -> Result:
        """What was done, in one line."""
        return _edited(outcome, output, f"Wrote {given.path}.")

    def summary(self, given: WriteFileInput) -> str:
        """The path and how much."""
        return f"write {given.path} ({len(given.content.encode()):,} bytes)"


class ApplyPatchInput(Input):
    """Apply a patch."""

    patch: str = Field(
        min_length=1,
        description=(
            "*** Begin Patch / *** Add File: path / *** Update File: path (*** Move to: path) / "
            "*** Delete File: path, hunks that begin with @@ and lines with a space, + or -, / *** End Patch"
        ),
    )


class ApplyPatch:
    """Applies a patch over several files, all of it or nothing."""

    name: ClassVar[str] = "apply_patch"
    description: ClassVar[str] = "Change several files at once with a patch; all of it is applied, or nothing."
    input = ApplyPatchInput
    mutates: ClassVar[bool] = True

    def access(self, given: ApplyPatchInput, place: Place) -> Access:
        """Reads and writes every file that the patch names."""
        paths = tuple(dict.fromkeys(place.resolve(name) for name in paths_of(given.patch)))
        return Access(reads=paths, writes=tuple(_state(path, place) for path in paths))

    def work(self, given: ApplyPatchInput, place: Place) -> Work:
        """Applies in the sandbox."""
        names = paths_of(given.patch)
        before = {shown(place.resolve(name), place): place.state(place.resolve(name)) for name in names}
        return invoke(_EDITS, "patch", root=str(place.root), patch=given.patch, before=before)

    def result(self, given: ApplyPatchInput, outcome: Outcome, output: bytes) -> Result:
        """Which files changed."""
        return _edited(outcome, output, f"Patched {', '.join(paths_of(given.patch))}.")

    def summary(self, given: ApplyPatchInput) -> str:
        """The files."""
        return f"patch {', '.join(_named(given.patch)) or '(no file)'}"


def _named(patch: str) -> list[str]:
    """The paths that a patch names, for a summary; a patch that cannot be read has none."""
    try:
        return list(dict.fromkeys(paths_of(patch)))
    except WorkspaceError:
        return []


def _edited(outcome: Outcome, output: bytes, done: str) -> Result:
    if why := problem(outcome):
        return with_refusals(failed(why), outcome)
    facts: dict[str, Any] = dict(outcome.result or {})
    said = decoded(output).strip()
    lines = f" (+{facts['added']} -{facts['removed']})" if "added" in facts and "removed" in facts else ""
    return with_refusals(Result(f"{done}{lines}" + (f"\n{said}" if said else ""), f"{done}{lines}"), outcome)
