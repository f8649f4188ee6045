"""Lines of a file as text that a person edits, and back: not a byte changes that was not changed by hand."""

from __future__ import annotations

from dataclasses import dataclass

from vtcode_tui.render import plain


@dataclass(frozen=True, slots=True)
class OwnText:
    """Text to be edited, with how its lines end."""

    raw: bytes
    text: str
    ending: str = "\n"
    ended: bool = True
    """Whether the last line has a line end."""

    def back(self, text: str) -> bytes:
        """The bytes of the text as the person left it; nothing at all for no text."""
        if text == self.text:
            return self.raw
        whole = text + "\n" if self.ended and text else text
        return whole.replace("\n", self.ending).encode()


def own_text(raw: bytes, name: str) -> OwnText:
    """The text of some lines; raises ValueError where an editor would change what it cannot show."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not UTF-8: an editor would change it") from None
    crlf = text.count("\r\n")
    ending = "\r\n" if crlf and crlf == text.count("\n") else "\n"
    bare = text.replace("\r\n", "\n") if ending == "\r\n" else text
    if plain(bare.replace("\t", " ")) != bare.replace("\t", " "):
        raise ValueError(f"{name} holds characters that cannot be seen: an editor would change them")
    ended = bare.endswith("\n") or not bare
    return OwnText(raw, bare.removesuffix("\n"), ending, ended)
