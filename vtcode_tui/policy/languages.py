"""Small languages inside arguments, read just far enough to know what they execute, read or write.

A program that uses anything beyond the part understood here is not understood, which prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vtcode_tui.policy.finding import Finding


@dataclass(frozen=True, slots=True)
class Script:
    """What a script of a small language does."""

    findings: tuple[Finding, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


def _not_understood(what: str) -> Script:
    return Script((Finding("script", "prompt", what),))


def sed(text: str) -> Script:
    """A sed script: addresses and commands; `e`, `w`, `r` and their flags are the ones that matter."""
    reads: list[str] = []
    writes: list[str] = []
    at = 0
    while at < len(text):
        at = _sed_address(text, at)
        if at < 0:
            return _not_understood("a sed address is not understood")
        if at >= len(text):
            break
        command, at = text[at], at + 1
        if command in "rRwW":
            end = _line_end(text, at)
            (reads if command in "rR" else writes).append(text[at:end].strip())
            at = end
        elif command == "s":
            at = _delimited(text, at, 2)
            while 0 <= at < len(text) and text[at] in "gpiImM0123456789":
                at += 1
            flag = text[at] if 0 <= at < len(text) else ""
            if flag == "e":
                return Script((Finding("script", "prompt", "the e flag of a sed substitution runs a command"),))
            if flag == "w":
                end = _line_end(text, at)
                writes.append(text[at + 1 : end].strip())
                at = end
        elif command == "e":
            return Script((Finding("script", "prompt", "the e command of sed runs a command"),))
        elif (plain := _sed_plain(text, command, at)) is not None:
            at = plain
        else:
            return _not_understood(f"the sed command {command!r} is not understood")
        if at < 0:
            return _not_understood("a sed command does not end")
    return Script((), tuple(reads), tuple(writes))


def _sed_plain(text: str, command: str, at: int) -> int | None:
    """Where a command that only edits ends; None if it is none of those."""
    if command in "{};\n =dDgGhHnNpPxzF":
        return at
    match command:
        case "#":
            return _line_end(text, at)
        case "q" | "Q" | "l" | "L":
            while at < len(text) and text[at] in " 0123456789":
                at += 1
            return at
        case "a" | "i" | "c":
            return _line_end(text, at)
        case ":" | "b" | "t" | "T":
            return _line_end(text, at, semicolon=True)
        case "y":
            return _delimited(text, at, 2)
        case _:
            return None


def _sed_address(text: str, at: int) -> int:
    while at < len(text):
        char = text[at]
        if char in " \t,!~+0123456789$IM;\n":
            at += 1
        elif char == "/":
            at = _delimited(text, at, 1)
            if at < 0:
                return -1
        elif char == "\\" and at + 1 < len(text):
            at = _delimited(text, at + 1, 1)
            if at < 0:
                return -1
        else:
            return at
    return at


def _delimited(text: str, at: int, parts: int) -> int:
    """The position after `parts` texts that end with the character at `at`; -1 if they do not end."""
    if at >= len(text) or text[at] in "\n\\":
        return -1
    mark = text[at]
    at += 1
    brackets = False
    while parts:
        if at >= len(text):
            return -1
        char = text[at]
        if char == "\\":
            at += 2
            continue
        if char == "\n":
            return -1
        if char == "[" and not brackets and text[at + 1 : at + 2] != mark:
            # Within brackets the delimiter still ends the text in POSIX sed; a script that relies on it is unclear.
            end = text.find("]", at + 2)
            if end > 0 and mark in text[at:end]:
                return -1
        if char == mark:
            parts -= 1
        at += 1
    return at


def _line_end(text: str, at: int, *, semicolon: bool = False) -> int:
    ends = [e for e in (text.find("\n", at), text.find(";", at) if semicolon else -1) if e >= 0]
    if semicolon and (brace := text.find("}", at)) >= 0:
        ends.append(brace)
    return min(ends, default=len(text))


_AWK_WORDS = (
    "system",
    "getline",
    "close",
    "fflush",
    "ENVIRON",
    "@include",
    "@load",
    "@namespace",
    "PROCINFO",
    "popen",
)


def awk(text: str) -> Script:
    """An awk program: allowed if it can neither run nor read nor write anything but its input and output."""
    code = _awk_code(text)
    if code is None:
        return _not_understood("the awk program cannot be read")
    for word in _AWK_WORDS:
        if word in code:
            return Script((Finding("script", "prompt", f"an awk program that uses {word}"),))
    if "|" in code.replace("||", "  "):
        return Script((Finding("script", "prompt", "an awk program that pipes into or from a command"),))
    if "@" in code:
        return Script((Finding("script", "prompt", "an awk program that calls a function by a computed name"),))
    if ">" in code and "print" in code and _awk_redirects(code):
        return Script((Finding("script", "prompt", "an awk program that may write a file"),))
    return Script()


def _awk_code(text: str) -> str | None:
    """The program without the content of its strings and comments."""
    out: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "#":
            at = _line_end(text, at)
            continue
        if char == '"':
            end = at + 1
            while end < len(text) and text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            if end >= len(text):
                return None
            out.append('""')
            at = end + 1
            continue
        before = "".join(out[-40:]).rstrip()[-1:]
        if char == "/" and (not before or before in "{(,;!~&|\n}"):
            # Nothing can be divided here, so it begins a regular expression.
            at = _delimited(text, at, 1)
            if at < 0:
                return None
            out.append("//")
            continue
        if char == "\\" and at + 1 < len(text) and text[at + 1] != "\n":
            return None
        out.append(char)
        at += 1
    return "".join(out)


def _awk_redirects(code: str) -> bool:
    """Whether a `>` may belong to a print statement rather than to a comparison."""
    depth = 0
    printing = -1
    for at, char in enumerate(code):
        if code.startswith("print", at):
            printing = depth
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char in ";}\n{":
            printing = -1
        elif char == ">" and printing >= 0 and depth <= printing:
            return True
    return False


LANGUAGES: Mapping[str, Callable[[str], Script]] = {"sed": sed, "awk": awk}
