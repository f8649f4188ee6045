"""Pictures that the person pastes: by the path that a terminal gives for a dropped file, or as data of their own.

A paste is a picture only when the whole of it names one and the file's first bytes say so; everything else is text.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from vtcode_tui.render import cut, plain_line

LARGEST = 10_000_000
"""Bytes of one picture; wires refuse larger ones anyway."""
_DATA = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,([A-Za-z0-9+/=\s]+)\Z")
_ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".webp"}
_MOST = 8
"""Pictures of one paste."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on its way to the model."""

    name: str
    data: bytes

    @property
    def words(self) -> str:
        """Its name and its size, as the chip in the prompt says them."""
        size = len(self.data)
        amount = f"{size} B" if size < 1000 else f"{size / 1000:.0f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"
        return f"{cut(plain_line(self.name).replace(']', ')'), 40)} {amount}"


def is_picture(data: bytes) -> bool:
    """Whether the first bytes are those of a PNG, JPEG, GIF or WebP."""
    return data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")) or (
        data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    )


def pictures_in(pasted: str) -> tuple[Picture, ...]:
    """The pictures that a paste is; nothing when it is text.

    Raises ValueError with one sentence when it names a picture that cannot be sent.
    """
    text = pasted.strip()
    if text.startswith("data:image/"):
        return _from_data(text)
    if not text or len(text) > 8192 or "\n" in text:
        return ()
    paths = [_path_of(word) for word in _words(text)]
    if not paths or len(paths) > _MOST or any(path is None for path in paths):
        return ()
    found = [_from_file(path) for path in paths if path is not None]
    return tuple(picture for picture in found if picture is not None) if all(found) else ()


def _words(text: str) -> list[str]:
    """One path with blanks in it, or several as a shell would read them: terminals quote what is dropped."""
    if text.startswith("/") and "\\" not in text and Path(text).suffix.lower() in _ENDINGS and Path(text).exists():
        return [text]
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _path_of(word: str) -> Path | None:
    if word.startswith("file://"):
        try:
            word = unquote(urlsplit(word).path)
        except ValueError:
            return None
    word = str(Path(word).expanduser()) if word.startswith("~/") else word
    if not word.startswith("/") or "\0" in word:
        return None
    path = Path(word)
    return path if path.suffix.lower() in _ENDINGS else None


def _from_file(path: Path) -> Picture | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        data = file.read(LARGEST + 1)
    return _checked(path.name, data) if is_picture(data) else None


def _from_data(text: str) -> tuple[Picture, ...]:
    found = _DATA.match(text)
    if found is None:
        return ()
    try:
        data = base64.b64decode(found[1])
    except (binascii.Error, ValueError):
        return ()
    return (_checked("pasted", data),) if is_picture(data) else ()


def _checked(name: str, data: bytes) -> Picture:
    if len(data) > LARGEST:
        raise ValueError(f"{name} is larger than {LARGEST // 1_000_000} MB: make it smaller and paste it again")
    return Picture(name, data)
