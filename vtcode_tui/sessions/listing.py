"""All sessions on this machine: listed, searched, deleted."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vtcode_tui.common.errors import JournalError, UsageError
from vtcode_tui.common.home import Home
from vtcode_tui.events import session_folders, verify
from vtcode_tui.sessions.conversation import conversation_of
from vtcode_tui.sessions.items import Item, parse
from vtcode_tui.sessions.recovery import standing_in
from vtcode_tui.sessions.store import META, NAME, Meta, read_meta
from vtcode_tui.terminal.kept import RECORDINGS, SPOOLS
from vtcode_tui.workspace import remove_layer

_KEPT = frozenset({"journal.jsonl", META})
"""What deleting a session leaves: the evidence, which `vtcode audit prune` removes when it is old enough."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A session as a list shows it."""

    folder: Path
    meta: Meta

    @property
    def has_conversation(self) -> bool:
        """Whether it can be resumed and searched."""
        return (self.folder / NAME).exists()

    @property
    def nothing_happened(self) -> bool:
        """Whether it was closed before anything was asked or run in it."""
        ran = (self.folder / RECORDINGS).exists() or (self.folder / SPOOLS).exists()
        return self.meta.ended and not (self.meta.title or self.meta.turns or ran)

    @property
    def open_now(self) -> bool:
        """Whether a vtcode process is at work in it."""
        return not self.meta.ended and in_use(self.folder)


@dataclass(frozen=True, slots=True)
class Hit:
    """A place in a conversation where a text stands."""

    session: Listed
    item: Item
    line: str


def sessions(home: Home, *, workspace: Path | None = None) -> tuple[Listed, ...]:
    """All sessions, the one that was used last first; only those of a workspace where one is given."""
    found = []
    for folder in reversed(session_folders(home)):
        try:
            meta = read_meta(folder)
        except UsageError:
            continue
        if workspace is None or meta.workspace == str(workspace):
            found.append(Listed(folder, _counted(folder, meta)))
    return tuple(sorted(found, key=lambda one: one.meta.updated or one.meta.started, reverse=True))


def _counted(folder: Path, meta: Meta) -> Meta:
    """A copy with its turns: the files of earlier versions say 0 until the copy is gone on with."""
    if meta.turns or not meta.parent:
        return meta
    try:
        items = parse((folder / NAME).read_bytes()).items
    except OSError:
        return meta
    return meta.model_copy(update={"turns": max(conversation_of(items).prompts, default=0)})


def search(home: Home, text: str, *, workspace: Path | None = None) -> Iterator[Hit]:
    """Every line of every conversation that contains the text, whatever its case; the newest session first."""
    wanted = text.casefold()
    for session in sessions(home, workspace=workspace):
        path = session.folder / NAME
        data = path.read_bytes() if path.exists() else b""
        if wanted not in data.decode("utf-8", "replace").casefold():
            continue
        for item in parse(data).items:
            for line in item.body.splitlines():
                if wanted in line.casefold():
                    yield Hit(session, item, line.strip())


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A session that was cut off, and the calls of the model whose outcome is unknown."""

    listed: Listed
    unknown: frozenset[str]
    unsound: str = ""
    """What is wrong with its journal: it is evidence of that, and not gone on with."""


def in_use(folder: Path) -> bool:
    """Whether a vtcode process has this session open: it holds the lock of its journal."""
    try:
        descriptor = os.open(folder / "journal.jsonl", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextlib.contextmanager
def kept_alone(folder: Path) -> Iterator[bool]:
    """Keep every other process from opening this session meanwhile; False where one has it open."""
    try:
        descriptor = os.open(folder / "journal.jsonl", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def interrupted(home: Home, workspace: Path, *, but: str = "") -> Interrupted | None:
    """The newest session of a workspace, if it was cut off after something had been asked in it.

    `but` is the id of a session that is left out of it: the one that has just been opened. One that another process
    has open hides none that was cut off beside it, and nor does one that was left before anything was asked in it.
    """
    all_here = sessions(home, workspace=workspace)
    here = (one for one in all_here if one.meta.id != but and not one.nothing_happened)
    newest = next((one for one in here if one.meta.ended or not in_use(one.folder)), None)
    if newest is None or newest.meta.ended or not newest.meta.title or not newest.has_conversation:
        return None
    try:
        standing = standing_in(newest.folder)
    except JournalError:
        # A journal that cannot be read cannot be gone on with; `vtcode audit verify` says what is wrong.
        return None
    if standing.ended:
        return None
    problems = verify(newest.folder).problems
    return Interrupted(newest, frozenset(standing.unknown), problems[0].text if problems else "")


def delete(home: Home, folder: Path) -> None:
    """Remove a session's conversation, recordings, outputs, and its layer with what was not accepted of it.

    Its journal stays: it is evidence.

    Raises UsageError when it is no session or when a vtcode process has it open.
    """
    read_meta(folder)
    if in_use(folder):
        raise UsageError(f"{folder.name} is open in a vtcode process: leave it there first")
    for path in folder.iterdir():
        if path.name in _KEPT or path.name.startswith("journal"):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    remove_layer(home.layers, folder.name)
