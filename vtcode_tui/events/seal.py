"""How a session's journal is sealed: its key, its checkpoints, and its entry in the root log."""

from __future__ import annotations

import threading
from pathlib import Path

from vtcode_tui.common.errors import JournalError
from vtcode_tui.events.anchoring import anchor
from vtcode_tui.events.anchors import Anchoring
from vtcode_tui.events.notes import Key, write_note
from vtcode_tui.events.rootlog import RootHead, RootLog


def origin_of(session: str) -> str:
    """The name under which a session's checkpoints are signed."""
    return f"vtcode/{session}"


class Seal:
    """The session's key and its place in the root log, prepared in a thread while the program starts."""

    def __init__(self, folder: Path, session: str, *, seq: int, head: str) -> None:
        self._origin = origin_of(session)
        self._session = session
        self._root = RootLog.beside(folder.absolute())
        self._begun = (seq, head)
        self._key: Key | None = None
        self._opened: RootHead | None = None
        self._problem: JournalError | None = None
        self._thread = threading.Thread(target=self._prepare, name="journal-seal", daemon=True)
        self._thread.start()

    def _prepare(self) -> None:
        try:
            self._key = Key()
            if self._root is not None:
                seq, head = self._begun
                entry = {"log_key": self._key.public_text, "size": seq, "head": head}
                self._opened = self._root.append("open", self._session, entry)
        except JournalError as error:
            self._problem = error
        except (OSError, ValueError) as error:
            self._problem = JournalError(f"the session cannot be entered in the root log: {error}")

    def ready(self) -> None:
        """Wait until key and root entry are there. Raises JournalError when they cannot be had."""
        self._thread.join()
        if self._problem is not None:
            raise self._problem

    @property
    def prepared(self) -> bool:
        """True when `ready` would not wait."""
        return not self._thread.is_alive()

    @property
    def log_key(self) -> str:
        """The public key that the session's checkpoints are signed with, in base64."""
        self.ready()
        assert self._key is not None
        return self._key.public_text

    @property
    def root_head(self) -> str:
        """The digest of this session's line in the root log; empty without one."""
        self.ready()
        return self._opened.head if self._opened is not None else ""

    def note(self, size: int, head: str) -> str:
        """A signed checkpoint over the first `size` lines."""
        self.ready()
        assert self._key is not None
        return write_note(self._key, self._origin, size, head)

    def mark(self, size: int, head: str) -> None:
        """Enter in the root log, in a thread, how far the session has come; a failure stops the session later."""
        if self._root is not None and self.prepared:
            self._thread = threading.Thread(target=self._enter, args=(size, head), name="journal-mark", daemon=True)
            self._thread.start()

    def _enter(self, size: int, head: str) -> None:
        assert self._root is not None
        try:
            self._root.append("mark", self._session, {"size": size, "head": head})
        except JournalError as error:
            self._problem = error

    def close(self, size: int, head: str, anchoring: Anchoring) -> None:
        """Enter the end of the session, leave the root log's head where the settings say, and forget the key."""
        self.ready()
        if self._root is not None:
            standing = self._root.append("close", self._session, {"size": size, "head": head})
            anchor(self._root, self._session, standing, anchoring)
        self.forget()

    def forget(self) -> None:
        """Drop the key: nobody can sign for this session any more."""
        self._thread.join()
        if self._key is not None:
            self._key.forget()
