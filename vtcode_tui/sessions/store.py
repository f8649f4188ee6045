"""The folder of one session: session.md (append-only), meta.json, and where recordings and outputs lie."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from vtcode_tui.common.errors import UsageError, VtcodeError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.llm.messages import Message
from vtcode_tui.sessions.conversation import items_of
from vtcode_tui.sessions.items import Item, Parsed, parse, written

NAME = "session.md"
META = "meta.json"


class Inherited(BaseModel):
    """What becomes of the staged changes of the session that this one is a copy of."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    session: str
    """Whose they are."""
    turn: int | None = None
    """The prompt before which they were as they are wanted; None: as they are at the end."""
    size: int = 0
    """Bytes of that session's conversation when the copy was made: it has gone on since, where it is longer now."""
    wanted: bool = True
    """Whether they are to come along; otherwise they stay."""
    told: str = ""
    """What came of it, once the copy has been opened: one or two sentences for the person and the model."""


class Meta(BaseModel):
    """What a list of sessions shows without reading them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    workspace: str
    started: str
    updated: str = ""
    title: str = ""
    model: str = ""
    parent: str = ""
    turns: int = 0
    ended: bool = False
    origin: str = "tui"
    staged: Inherited | None = None
    """It is a copy of a session that had changes staged."""


class Store:
    """Appends the conversation to session.md as it happens; nothing in it is ever rewritten."""

    def __init__(self, folder: Path, meta: Meta, *, seq: int = 0, message: int = 0) -> None:
        self.folder, self.meta = folder, meta
        self._seq, self._message = seq, message

    @classmethod
    def create(cls, folder: Path, meta: Meta) -> Store:
        """Begin a session's folder."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = cls(folder, meta)
        front: Mapping[str, str] = {
            "id": meta.id,
            "parent": meta.parent,
            "workspace": meta.workspace,
            "started": meta.started,
            "model": meta.model,
        }
        rows = "".join(f"{key}: {json.dumps(value)}\n" for key, value in front.items())
        store._append(f"---\nvtcode: session/1\n{rows}---\n\n".encode())
        store.save()
        return store

    @classmethod
    def reopen(cls, folder: Path) -> tuple[Store, Parsed]:
        """Continue a session; raises UsageError when the folder holds none."""
        meta = read_meta(folder)
        path = folder / NAME
        data = path.read_bytes() if path.exists() else b""
        parsed = parse(data)
        last = parsed.items[-1] if parsed.items else None
        store = cls(folder, meta, seq=last.seq + 1 if last else 0, message=last.message + 1 if last else 0)
        if data and not data.endswith(b"\n"):
            # A torn item stays where it is; what follows must begin on a line of its own.
            store._append(b"\n")
        return store, parsed

    def folder_for(self, name: str) -> Path:
        """A folder of the session, such as `pty` or `spool`, made when missing."""
        path = self.folder / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def add(self, message: Message, turn: int | None = None) -> None:
        """Append a message; `turn` is given with the prompt that begins one."""
        items = items_of(message, number=self._message, first_seq=self._seq, turn=turn)
        self._write(items)

    def summarise(self, summary: str, kept_from: int) -> None:
        """Note that from here on the model is given a summary and the messages from `kept_from` on."""
        item = Item(self._seq, "system", "summary", summary, self._message, {"kept_from": kept_from})
        self._write([item])

    def rewind(self, messages: int, turn: int) -> None:
        """Note that the prompt of `turn` is taken back: the first `messages` messages are all from here on."""
        text = f"The prompt of turn {turn} and everything after it was taken back."
        self._write([Item(self._seq, "system", "rewind", text, self._message, {"messages": messages})])

    def note(self, text: str) -> None:
        """Append something that a reader should know and no model is given."""
        self._write([Item(self._seq, "system", "note", text, self._message)])

    def copy(self, items: tuple[Item, ...]) -> None:
        """Append the items of another session as they are."""
        for item in items:
            self._append(written(item))
        if items:
            self._seq, self._message = items[-1].seq + 1, items[-1].message + 1

    def update(self, **changes: Any) -> None:
        """Change meta.json."""
        self.meta = self.meta.model_copy(update=changes)
        self.save()

    def save(self) -> None:
        """Write meta.json."""
        path = self.folder / META
        try:
            write_atomically(path, self.meta.model_dump_json(indent=1) + "\n")
        except OSError as error:
            raise VtcodeError(f"{path} cannot be written ({error.strerror})") from error

    def _write(self, items: list[Item]) -> None:
        self._append(b"".join(map(written, items)))
        self._seq += len(items)
        self._message += 1

    def _append(self, data: bytes) -> None:
        path = self.folder / NAME
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            descriptor = os.open(path, flags, 0o600)
            try:
                while data:
                    data = data[os.write(descriptor, data) :]
            finally:
                os.close(descriptor)
        except OSError as error:
            raise VtcodeError(
                f"{path} cannot be written ({error.strerror}): the conversation is not saved"
            ) from error


def require_conversation(folder: Path) -> None:
    """Raise UsageError where the conversation of a session was deleted: there is nothing to go on with."""
    if not (folder / NAME).exists():
        raise UsageError(f"the conversation of session {read_meta(folder).id} was deleted: it can only be replayed")


def read_meta(folder: Path) -> Meta:
    """The meta.json of a session's folder; raises UsageError when there is none or it is broken."""
    try:
        return Meta.model_validate_json((folder / META).read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{folder} holds no session (there is no {META})") from None
    except (OSError, ValidationError) as error:
        raise UsageError(f"{folder / META} cannot be read: {str(error).splitlines()[0]}") from error
