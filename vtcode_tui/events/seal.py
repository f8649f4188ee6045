"""How a session's journal is sealed: its key, its checkpoints, and its entry in the root log."""

from __future__ import annotations

import threading
from pathlib import Path

from vtcode_tui.common.errors import JournalError
from vtcode_tui.events.anchoring import Anchorage, Anchoring
from vtcode_tui.events.anchors import anchor_line
from vtcode_tui.events.notes import Key, write_note
from vtcode_tui.events.rootlog import RootHead, RootLog
from vtcode_tui.events.watermark import Watermark


def origin_of(session: str) -> str:
    """The name under which a session's checkpoints are signed."""
    return f"vtcode/{session}"


class Seal:
    """The session's key and its place in the root log, prepared in a thread while the program starts."""

    def __init__(self, folder: Path, session: str, *, seq: int, head: str, anchoring: Anchoring) -> None:
        self._origin = origin_of(session)
        self._session = session
        self._root = RootLog.beside(folder.absolute())
        self._anchorage = Anchorage(self._root, session, anchoring) if self._root is not None else None
        self._begun = (seq, head)
        self._key: Key | None = None
        self._opened: RootHead | None = None
        self._watermark: Watermark | None = None
        self._unsaid = ""
        self._problem: JournalError | None = None
        self._marking: threading.Thread | None = None
        self._opening = threading.Thread(target=self._prepare, name="journal-seal", daemon=True)
        self._opening.start()

    def _prepare(self) -> None:
        try:
            self._key = Key()
            if self._root is not None:
                seq, head = self._begun
                entry = {"log_key": self._key.public_text, "size": seq, "head": head, "watermark": True}
                mark = Watermark(self._root.path.parent, self._session, self._key, seq, head)
                self._opened = self._entered("open", entry)
                mark.begin()
                self._watermark = mark
                self._leave(self._opened)
        except JournalError as error:
            self._problem = error
        except (OSError, ValueError) as error:
            self._problem = JournalError(f"the session cannot be entered in the root log: {error}")

    def ready(self) -> None:
        """Wait until key and root entry are there. Raises JournalError when they cannot be had."""
        self._opening.join()
        if self._problem is not None:
            raise self._problem

    @property
    def prepared(self) -> bool:
        """True when `ready` would not wait."""
        return not self._opening.is_alive()

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

    def anchor(self) -> str:
        """An anchor of the root log that no event of this session carries yet; empty when there is none."""
        self.ready()
        line, self._unsaid = self._unsaid, ""
        return line

    def note(self, size: int, head: str) -> str:
        """A signed checkpoint over the first `size` lines."""
        self.ready()
        assert self._key is not None
        return write_note(self._key, self._origin, size, head)

    def reached(self, size: int, head: str) -> None:
        """Note beside the root log that so much is on disk; a failure stops the session later."""
        if self._watermark is None:
            return
        try:
            self._watermark.reached(size, head)
        except OSError as error:
            self._problem = JournalError(f"the session's high-water mark cannot be written: {error.strerror}")

    def mark(self, size: int, head: str, *, anchored: bool) -> bool:
        """Enter in the root log, in a thread, how far the session has come; a failure stops the session later.

        With `anchored` the head is left at the places too. False while the entry before is still being made.
        """
        if self._root is None or not self.prepared:
            return True
        if self._marking is not None and self._marking.is_alive():
            return False
        marking = threading.Thread(target=self._mark, args=(size, head, anchored), name="journal-mark", daemon=True)
        try:
            marking.start()
        except RuntimeError as error:
            self._problem = JournalError(f"the session cannot be marked in the root log: {error}")
            return True
        self._marking = marking
        return True

    def _mark(self, size: int, head: str, anchored: bool) -> None:
        try:
            standing = self._entered("mark", {"size": size, "head": head})
            if anchored:
                self._leave(standing)
        except JournalError as error:
            self._problem = error

    def mark_now(self, size: int, head: str) -> str:
        """Enter it in this thread; the anchor of the root log as it stands then, empty without a root log."""
        self.ready()
        self._wait()
        if self._root is None:
            return ""
        self._entered("mark", {"size": size, "head": head})
        return self._unsaid

    def left(self, where: str, line: str) -> None:
        """Note in the root log that somebody else has left an anchor (a git note)."""
        if self._root is not None:
            self._root.append("anchor", self._session, {"where": [where], "line": line})

    def _entered(self, kind: str, entry: dict[str, object]) -> RootHead:
        assert self._root is not None
        standing = self._root.append("open" if kind == "open" else "mark", self._session, entry)
        self._unsaid = anchor_line(self._root.host_key(), standing)
        return standing

    def _leave(self, standing: RootHead) -> None:
        assert self._anchorage is not None
        self._anchorage.leave_soon(standing)

    def close(self, size: int, head: str) -> None:
        """Enter the end of the session, leave the root log's head where the settings say, and forget the key."""
        self.ready()
        self._wait()
        if self._root is not None and self._anchorage is not None:
            self._anchorage.wait()
            self._anchorage.finish(self._root.append("close", self._session, {"size": size, "head": head}))
        if self._watermark is not None:
            self._watermark.remove()
        self.forget()

    def forget(self) -> None:
        """Drop the key: nobody can sign for this session any more."""
        self._opening.join()
        self._wait()
        if self._watermark is not None:
            self._watermark.leave()
        if self._key is not None:
            self._key.forget()

    def _wait(self) -> None:
        if self._marking is not None:
            self._marking.join()
