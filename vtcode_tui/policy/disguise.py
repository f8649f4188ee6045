"""Characters that make a command look like another one, named so that a person can see them."""

from __future__ import annotations

import unicodedata

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_INVISIBLE = frozenset(
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064"
    "\u2065\u206a\u206b\u206c\u206d\u206e\u206f\u3164\ufeff\uffa0\ufff9\ufffa\ufffb\u2800"
)
_ASCII_LIKE = frozenset(
    "\u2215\u2044\u29f8\u2024\u2010\u2011\u2212\u02d7\u037e\u0589\u05c3\uff1a\u2236\ua789\u01c3\u2223\u02bc\u2032"
)
_LATIN_LIKE = (
    "CYRILLIC",
    "GREEK",
    "ARMENIAN",
    "CHEROKEE",
    "COPTIC",
    "LISU",
    "FULLWIDTH",
    "MATHEMATICAL",
    "DESERET",
)


def disguises(text: str, *, words: bool) -> list[str]:
    """One sentence for each kind of character that nobody should have to look for. `words`: an argument vector."""
    if text.isascii() and text.isprintable():
        return []
    found: dict[str, str] = {}
    for char in text:
        if " " <= char <= "~" or char in "\n\t":
            continue
        problem = _problem(char, words)
        if problem:
            found.setdefault(problem, f"{problem} (U+{ord(char):04X})")
    if not text.isascii():
        for word in text.split():
            if not word.isascii() and (problem := _mixed(word)):
                found.setdefault(problem, f"{problem}: {word[:40]}")
    return list(found.values())


def _problem(char: str, words: bool) -> str:
    code = ord(char)
    if char == "\r":
        return "a carriage return, which hides what stands before it"
    if char == "\0":
        return "a NUL character"
    if char == "\x1b":
        return "an escape character, which a terminal obeys"
    if code < 0x20 or 0x7F <= code < 0xA0:
        return "a control character"
    if char in _BIDI:
        return "a character that changes the direction of writing"
    if char in _INVISIBLE or 0xE0000 <= code <= 0xE0FFF or 0xFE00 <= code <= 0xFE0F or 0x1D173 <= code <= 0x1D17A:
        return "an invisible character"
    category = unicodedata.category(char)
    if category in {"Zs", "Zl", "Zp"}:
        return "a blank that is not a space to the shell"
    if category in {"Cs", "Co", "Cn", "Cf"}:
        return "a character without an agreed look"
    folded = unicodedata.normalize("NFKC", char)
    if folded != char and folded.isascii() and category not in {"So", "No"}:
        return "a look-alike of an ASCII character"
    if char in _ASCII_LIKE:
        return "a look-alike of an ASCII character"
    return ""


def _mixed(word: str) -> str:
    """Latin letters and letters of a script that resembles them in one word."""
    latin = any(c.isascii() and c.isalpha() for c in word)
    for char in word:
        if char.isascii() or not char.isalpha():
            continue
        name = unicodedata.name(char, "")
        if name.startswith(_LATIN_LIKE) and (latin or len(word) <= 3):
            return "letters of different scripts in one word"
    return ""
