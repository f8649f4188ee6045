"""Begins a new session with the conversation of another one, without a model and without running anything.

Its staged changes come along when the copy is opened for the first time, by workers in the sandbox; here it is
noted which they are.
"""

from __future__ import annotations

import getpass
import os
import platform
import socket
from pathlib import Path

from vtcode_tui import __version__
from vtcode_tui.common.clock import Clock, SystemClock, rfc3339
from vtcode_tui.common.errors import UsageError
from vtcode_tui.common.home import Home
from vtcode_tui.common.ids import uuid7
from vtcode_tui.config.settings import DataClass
from vtcode_tui.events import Bus, Journal, session_folder
from vtcode_tui.events.types import SessionEnded, SessionForked, SessionStarted
from vtcode_tui.sessions.conversation import conversation_of
from vtcode_tui.sessions.items import Item, parse
from vtcode_tui.sessions.recovery import standing_in
from vtcode_tui.sessions.store import NAME, Inherited, Meta, Store, read_meta
from vtcode_tui.workspace import staged_then


async def fork(
    home: Home,
    parent: Path,
    items: int | None = None,
    *,
    before_turn: int | None = None,
    staged: bool = True,
    clock: Clock | None = None,
) -> Path:
    """The folder of the new session: the first `items` items of the parent's, ready to be resumed.

    With `before_turn` its conversation ends before that turn's prompt; UsageError where there is no such prompt.
    `staged`: what was staged there comes along as it was at that prompt, or at the end.
    """
    clock = clock or SystemClock()
    meta, path = read_meta(parent), parent / NAME
    text = path.read_bytes() if path.exists() else b""
    parsed = parse(text)
    taken = parsed.items[:items]
    at, known = _moment(parsed.items, len(taken), before_turn)
    prompts = conversation_of(taken).prompts
    place = None
    if before_turn is not None:
        place = prompts.get(before_turn)
        if place is None:
            raise UsageError(f"the conversation has no prompt of turn {before_turn}")
    session, now = uuid7(), clock.now()
    folder = session_folder(home, session, now)
    journal = Journal.create(folder, session, clock=clock)
    bus = Bus(journal)
    try:
        await journal.prepare()
        await bus.record(_started(meta.workspace))
        await bus.record(
            SessionForked(from_session=meta.id, from_seq=taken[-1].seq if taken else 0, data_class=_reach(parent))
        )
        fresh = Meta(
            id=session,
            workspace=meta.workspace,
            started=rfc3339(now),
            updated=rfc3339(now),
            title=meta.title,
            parent=meta.id,
            turns=max([turn for turn in prompts if before_turn is None or turn < before_turn], default=0),
            ended=True,
            origin=meta.origin,
            staged=Inherited(session=meta.id, turn=at, size=len(text), wanted=staged and known)
            if staged_then(home.layers, meta.id, at)
            else None,
        )
        store = Store.create(folder, fresh)
        store.copy(taken)
        if place is not None and before_turn is not None:
            store.rewind(place, before_turn)
        await bus.record(SessionEnded(reason="forked", turns=0, tools=0, denied=0))
    except BaseException:
        journal.abandon()
        raise
    await bus.close()
    return folder


def _moment(items: tuple[Item, ...], taken: int, before_turn: int | None) -> tuple[int | None, bool]:
    """The turn before whose prompt the copy ends (None: at the end), and whether it ends at such a place at all."""
    if before_turn is not None or taken == len(items):
        return before_turn, True
    turn = items[taken].facts.get("turn")
    return (turn, True) if isinstance(turn, int) else (None, False)


def _reach(parent: Path) -> DataClass:
    """The data class that the parent's conversation was last sent to."""
    # Where nothing was sent or the journal is gone, whoever goes on is asked before anything wider sees it.
    return (standing_in(parent).reach if (parent / "journal.jsonl").exists() else None) or "local"


def _started(workspace: str) -> SessionStarted:
    """The first event of a session in which nothing runs: it is trusted with nothing."""
    return SessionStarted(
        vtcode=__version__,
        python=platform.python_version(),
        kernel=f"{platform.system()} {platform.release()}",
        user=getpass.getuser(),
        uid=os.getuid(),
        host=socket.gethostname(),
        pid=os.getpid(),
        workspace=workspace,
        trusted=False,
        config_sha256="",
        policy_sha256="",
        tier="none",
    )
