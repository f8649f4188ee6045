"""What .gitignore files say of a path, as git reads them. Standard library only.

A rule of a deeper file beats one above it, a later one an earlier one, and what lies in an ignored folder is
ignored whatever is said further down.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

Read: TypeAlias = Callable[[str], bytes | None]
"""The content of a file below the root, or None when there is none."""

_MAX_RULES = 5_000


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: what it matches below the folder of its file."""

    matches: re.Pattern[str]
    ignore: bool
    folders_only: bool


class Ignore:
    """The rules of a tree; each folder's file is read once, when it is first asked for."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._rules: dict[str, tuple[Rule, ...]] = {}
        self._answers: dict[str, bool] = {}
        self._excluded = rules_of(read(".git/info/exclude") or b"")

    def ignored(self, path: str, *, folder: bool) -> bool:
        """Whether git would ignore an untracked `path`, or a folder that it lies in."""
        parent = path.rpartition("/")[0]
        if parent and self._folder(parent):
            return True
        return self.says(path, folder=folder)

    def says(self, path: str, *, folder: bool) -> bool:
        """As `ignored`, for a path whose folders are known not to be."""
        at = path
        while True:
            at = at.rpartition("/")[0]
            below = path[len(at) + 1 :] if at else path
            for rule in reversed(self._of(at)):
                if (folder or not rule.folders_only) and rule.matches.match(below):
                    return rule.ignore
            if not at:
                break
        for rule in reversed(self._excluded):
            if (folder or not rule.folders_only) and rule.matches.match(path):
                return rule.ignore
        return False

    def _folder(self, path: str) -> bool:
        if path not in self._answers:
            self._answers[path] = self.ignored(path, folder=True)
        return self._answers[path]

    def _of(self, folder: str) -> tuple[Rule, ...]:
        if folder not in self._rules:
            self._rules[folder] = rules_of(self._read(f"{folder}/.gitignore" if folder else ".gitignore") or b"")
        return self._rules[folder]


def rules_of(content: bytes) -> tuple[Rule, ...]:
    """The rules of one file; lines that git does not understand are left out."""
    lines = content.decode("utf-8", "surrogateescape").split("\n")[:_MAX_RULES]
    return tuple(rule for line in lines if (rule := _rule(line.removesuffix("\r"))) is not None)


@lru_cache(maxsize=4096)
def _rule(line: str) -> Rule | None:
    if not line or line.startswith("#"):
        return None
    text = _without_trailing_blanks(line)
    ignore = not text.startswith("!")
    if not ignore or text.startswith(("\\!", "\\#")):
        text = text[1:]
    folders_only = text.endswith("/") and not text.endswith("\\/")
    text = text.rstrip("/") if folders_only else text
    if not text:
        return None
    anchored = "/" in text
    try:
        body = "".join(_translated(text.removeprefix("/") if anchored else text))
        return Rule(re.compile(("" if anchored else "(?:.*/)?") + body + r"\Z", re.DOTALL), ignore, folders_only)
    except (re.error, _BadPatternError):
        return None


class _BadPatternError(Exception):
    pass


def _without_trailing_blanks(line: str) -> str:
    end = len(line)
    while end and line[end - 1] == " ":
        slashes = len(line[: end - 1]) - len(line[: end - 1].rstrip("\\"))
        if slashes % 2:
            break
        end -= 1
    return line[:end]


def _translated(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        char = text[at]
        if char == "*":
            end = at
            while end < len(text) and text[end] == "*":
                end += 1
            start_of_name = at == 0 or text[at - 1] == "/"
            if end - at == 2 and start_of_name and end < len(text) and text[end] == "/":
                yield "(?:.*/)?"
                at = end + 1
                continue
            yield ".+" if end - at == 2 and start_of_name and end == len(text) and at else "[^/]*"
            at = end
        elif char == "?":
            yield "[^/]"
            at += 1
        elif char == "[":
            piece, at = _set(text, at)
            yield piece
        elif char == "\\":
            if at + 1 == len(text):
                raise _BadPatternError
            yield re.escape(text[at + 1])
            at += 2
        else:
            yield re.escape(char)
            at += 1


_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "blank": r" \t", "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9a-fA-F", "cntrl": r"\x00-\x1f\x7f",
    "print": r"\x20-\x7e", "graph": r"\x21-\x7e",
}  # fmt: skip


def _set(text: str, at: int) -> tuple[str, int]:
    at += 1
    negated = at < len(text) and text[at] in "!^"
    at += negated
    made, first = "", True
    while at < len(text) and (first or text[at] != "]"):
        first = False
        if text[at] == "[" and text[at + 1 : at + 2] == ":" and (end := text.find(":]", at)) > 0:
            if (name := text[at + 2 : end]) not in _CLASSES:
                raise _BadPatternError
            made, at = made + _CLASSES[name], end + 2
            continue
        if text[at] == "\\":
            at += 1
        if at >= len(text):
            raise _BadPatternError
        low, at = text[at], at + 1
        if text[at : at + 1] == "-" and text[at + 1 : at + 2] not in {"]", ""}:
            at += 1 + (text[at + 1] == "\\")
            if at >= len(text):
                raise _BadPatternError
            high, at = text[at], at + 1
            if low <= high:
                made += f"{re.escape(low)}-{re.escape(high)}"
            continue
        made += re.escape(low)
    if at >= len(text):
        raise _BadPatternError
    # A set never matches the slash, whatever it holds.
    inner = f"[^{made}]" if negated else f"[{made}]" if made else r"(?!)"
    return f"(?:(?!/){inner})", at + 1
