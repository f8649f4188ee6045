"""Redaction of what arrives in pieces: a secret that was cut in two is still caught."""

from __future__ import annotations

import codecs

from vtcode_tui.events.redaction import Redactor

HELD = 8 << 10
"""So many bytes at most are held back, unless a private key has begun."""
_KEY_HELD = 128 << 10


class RedactingStream:
    """Holds back the last two lines, or as much as a known value can take up written out in full (8 KiB at most),
    because a secret may go on in the next piece.

    From `BEGIN ... PRIVATE KEY` everything is held until its end has come or 128 KiB are together.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = b""
        self.counts: dict[str, int] = {}
        self.tokens: dict[str, None] = {}

    def feed(self, data: bytes) -> bytes:
        """What can be let go now, without its secrets."""
        self._held += data
        if len(self._held) <= HELD and self._held.count(b"\n") < 3:
            return b""
        return self._release(final=False)

    def finish(self) -> bytes:
        """The rest."""
        return self._release(final=True)

    def _release(self, *, final: bool) -> bytes:
        data = self._held
        found = self._redactor.spans(data)
        cut = len(data) if final else self._cut(data)
        for span, _ in reversed(found):
            # A secret that reaches the cut, or nearly so, may be longer than it looks.
            if span.start < cut and span.end > cut - 1 and not final:
                cut = span.start
        clean, counts, tokens = self._redactor.replace(data[:cut], [one for one in found if one[0].end <= cut])
        for rule, count in counts.items():
            self.counts[rule] = self.counts.get(rule, 0) + count
        self.tokens.update(dict.fromkeys(tokens))
        self._held = data[cut:]
        return clean

    def _cut(self, data: bytes) -> int:
        begun = data.rfind(b"-----BEGIN")
        if begun >= 0 and data.find(b"-----END", begun) < 0 and len(data) - begun < _KEY_HELD:
            cut = begun
        else:
            last = data.rfind(b"\n", 0, max(0, data.rfind(b"\n")))
            cut = last + 1 if len(data) - last <= HELD else len(data) - HELD // 2
        # A known value may go on over more than two lines, and be written with more bytes than it has.
        return max(0, min(cut, len(data) - min(2 * self._redactor.longest + 64, HELD // 2)))


class RedactingText:
    """The same for text."""

    def __init__(self, redactor: Redactor) -> None:
        self.stream = RedactingStream(redactor)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, text: str) -> str:
        """What can be let go now, without its secrets."""
        return self._decoder.decode(self.stream.feed(text.encode("utf-8", "replace")))

    def finish(self) -> str:
        """The rest."""
        return self._decoder.decode(self.stream.finish(), final=True)
