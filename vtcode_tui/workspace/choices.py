"""What a human chose of a change, as JSON, as words for the record, and as the text that it comes to.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, assert_never

from vtcode_tui.common.errors import StaleFileError, WorkspaceError
from vtcode_tui.workspace.changes import Choice, Edited, FileChange, Overwrite, Rewritten, Settled
from vtcode_tui.workspace.lines import apply_hunks
from vtcode_tui.workspace.merging import pieces, settled
from vtcode_tui.workspace.wire import bytes_of, text_of


@dataclass(frozen=True, slots=True)
class Written:
    """The text of a file that is to be written, and what of the change is left in the layer afterwards."""

    text: bytes
    rest: bytes | None = None
    """The layer's file from then on; None: the layer stays as it is."""


def to_json(choice: Choice) -> dict[str, Any] | None:
    """A choice as JSON-able data."""
    match choice:
        case None:
            return None
        case frozenset():
            return {"hunks": sorted(choice)}
        case Edited(hunks=hunks):
            return {"edited": {str(index): text_of(text) for index, text in hunks.items()}}
        case Settled(clashes=clashes):
            return {"settled": {str(i): [a] if isinstance(a, str) else text_of(a) for i, a in clashes.items()}}
        case Rewritten(content=content):
            return {"rewritten": text_of(content)}
        case Overwrite():
            return {"overwrite": True}
        case _:
            assert_never(choice)


def from_json(row: Mapping[str, Any] | None) -> Choice:
    """The choice that `to_json` was given."""
    match row:
        case None:
            return None
        case {"hunks": indexes}:
            return frozenset(indexes)
        case {"edited": hunks}:
            return Edited({int(index): bytes_of(text) for index, text in hunks.items()})
        case {"settled": clashes}:
            return Settled({int(i): a[0] if isinstance(a, list) else bytes_of(a) for i, a in clashes.items()})
        case {"rewritten": content}:
            return Rewritten(bytes_of(content))
        case _:
            return Overwrite()


def described(choice: Choice) -> str:
    """The choice in a word or two, for the record."""
    match choice:
        case None:
            return "all"
        case frozenset():
            return f"hunks {', '.join(str(index + 1) for index in sorted(choice))}"
        case Edited(hunks=hunks):
            return f"edited hunks {', '.join(str(index + 1) for index in sorted(hunks))}"
        case Settled():
            return "conflict settled"
        case Rewritten():
            return "rewritten"
        case Overwrite():
            return "overwritten"
        case _:
            assert_never(choice)


def own_texts(choice: Choice) -> tuple[str, ...]:
    """The SHA-256 of every text that is the human's own, in the order of the hunks or clashes."""
    match choice:
        case Edited(hunks=hunks):
            texts = [text for _, text in sorted(hunks.items())]
        case Settled(clashes=clashes):
            texts = [answer for _, answer in sorted(clashes.items()) if isinstance(answer, bytes)]
        case Rewritten(content=content):
            texts = [content]
        case _:
            texts = []
    return tuple(sha256(text).hexdigest() for text in texts)


def check(change: FileChange, choice: Choice) -> None:
    """Raise WorkspaceError when the choice says nothing about this change, or does not answer its conflict."""
    known = {hunk.index for hunk in change.hunks}
    named = (
        choice if isinstance(choice, frozenset) else choice.hunks.keys() if isinstance(choice, Edited) else set()
    )
    if not named <= known:
        raise StaleFileError(f"{change.path}: not what was on the screen any more; look again")
    if isinstance(choice, Rewritten) and change.kind != "file":
        raise WorkspaceError(f"{change.path} is a {change.kind}: it cannot be given a text")
    if isinstance(choice, Settled):
        asked = {clash.index for clash in change.clashes}
        if not change.conflict or choice.clashes.keys() != asked:
            raise WorkspaceError(f"{change.path}: the answers are not those to its {len(asked)} conflicts")
    elif change.conflict and not isinstance(choice, Rewritten | Overwrite):
        raise in_conflict(change)


def in_conflict(change: FileChange) -> WorkspaceError:
    """The sentence for a choice that leaves a conflict open."""
    return WorkspaceError(
        f"{change.path}: {change.conflict}; keep yours (discard it), take the agent's (overwrite) or settle it"
    )


def written(change: FileChange, choice: Choice, base: bytes) -> Written | None:
    """The text that a checked choice comes to; None when it is the agent's own file as it is.

    `base`: what a text in conflict was made on.
    """
    match choice:
        case frozenset():
            return Written(apply_hunks(change.old_text, change.hunks, choice))
        case Edited(hunks=own):
            every = {hunk.index for hunk in change.hunks}
            text = apply_hunks(change.old_text, change.hunks, own.keys(), own)
            return Written(text, apply_hunks(change.old_text, change.hunks, every, own))
        case Settled(clashes=clashes):
            merged = settled(pieces(base, change.old_text, change.new_text), clashes)
            if merged is None:
                raise StaleFileError(f"{change.path}: not what was on the screen any more; look again")
            return Written(merged, merged)
        case Rewritten(content=content):
            return Written(content, content)
        case None | Overwrite():
            return None
        case _:
            assert_never(choice)
