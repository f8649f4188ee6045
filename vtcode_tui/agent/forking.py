"""A copy of a session and the files: what it would begin with, and how that comes into its own layer.

The copy is opened like any session; before anything else happens in it, workers in the sandbox write into its layer
what runs of the other session saw. The other session's layer is only read. Until it has been told, nothing has run
in the copy, so that what a crash interrupted is simply done again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from vtcode_tui.agent.changes import Changes
from vtcode_tui.agent.parts import Parts
from vtcode_tui.common.errors import UsageError, VtcodeError
from vtcode_tui.common.home import Home
from vtcode_tui.events import locate
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import Actor
from vtcode_tui.sessions.listing import in_use
from vtcode_tui.sessions.store import NAME, Inherited
from vtcode_tui.workspace.changes import ChangeSet

_NAMED = 6
LEFT = (
    "This copy starts from the workspace as it really is: changes that were staged and not accepted stayed with "
    "the session that it is a copy of"
)


@dataclass(frozen=True, slots=True)
class ForkPreview:
    """What a copy of the session would begin with. Nothing has been done yet."""

    turn: int | None
    """The turn before whose prompt it would end; None: it would have all of the conversation."""
    files: ChangeSet = field(default_factory=ChangeSet)
    """What would be staged in it, told against the workspace of now; what has a `conflict` cannot come along."""
    unknown: str = ""
    """Why it cannot be told what was staged then; nothing comes along."""


async def preview(changes: Changes, turn: int | None) -> ForkPreview:
    """What a copy that ends before a turn's prompt (None: at the end) would begin with."""
    try:
        return ForkPreview(turn, await (changes.now() if turn is None else changes.held(turn)))
    except VtcodeError as error:
        return ForkPreview(turn, unknown=str(error))


async def inherit(parts: Parts, home: Home, human: Actor, overhear: Callable[[str], None]) -> None:
    """Bring into a copy what was staged in the other session; the person and (`overhear`) the model are told.

    Done once; until its first prompt the copy tells the same again. In other sessions nothing happens.
    """
    store, wish = parts.store, parts.store.meta.staged
    if wish is None or parts.prompts:
        return
    told = wish.told or await _inherited(parts, home, wish, human)
    if not wish.told:
        store.note(told)
        store.update(staged=wish.model_copy(update={"told": told}))
    overhear(told)
    parts.bus.publish(Notice(told, "warning"))


async def _inherited(parts: Parts, home: Home, wish: Inherited, human: Actor) -> str:
    if not wish.wanted:
        return f"{LEFT}."
    try:
        _may(wish, home)
        made, lost = await parts.changes.adopt(home.layers.resolve() / wish.session, wish.turn)
    except (VtcodeError, OSError) as error:
        return f"{LEFT} ({error})."
    for changed in made:
        await parts.bus.record(changed, actor=human)
    return _said([changed.path for changed in made], lost)


def _may(wish: Inherited, home: Home) -> None:
    """Raise UsageError where the other session is not any more what the copy was made of."""
    if wish.turn is not None:
        return  # that moment was noted, and nothing changes it
    folder = locate(home, wish.session)
    if in_use(folder):
        raise UsageError("it is open in another vtcode process")
    path: Path = folder / NAME
    if not path.exists() or path.stat().st_size != wish.size:
        raise UsageError("it has gone on since")


def _said(paths: Collection[str], lost: dict[str, str]) -> str:
    came = [path for path in paths if path not in lost]
    words = f"This copy begins with what was staged there: {_some(came)}." if came else "Nothing was staged there."
    if lost:
        words += f" Did not come along: {_some([f'{path} ({why})' for path, why in lost.items()])}."
    return words


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
