"""Keys, pastes and mouse events as the bytes a program in a terminal expects: for taking over a run.

Keys are named as Textual names them (`up`, `ctrl+c`, `alt+x`, `shift+tab`, `f5`), so that a pane passes on what it
gets.
"""

from __future__ import annotations

import re
from typing import Literal

from vtcode_tui.terminal.state import Modes

_FINAL = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}
_TILDE = {"insert": 2, "delete": 3, "pageup": 5, "pagedown": 6}
_FUNCTION = {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
_FUNCTION_TILDE = {"f5": 15, "f6": 17, "f7": 18, "f8": 19, "f9": 20, "f10": 21, "f11": 23, "f12": 24}
_SIMPLE = {
    "enter": "\r",
    "return": "\r",
    "tab": "\t",
    "escape": "\x1b",
    "backspace": "\x7f",
    "space": " ",
}
_NAMED = {
    "ctrl+space": "\0",
    "ctrl+@": "\0",
    "ctrl+at": "\0",
    "ctrl+left_square_bracket": "\x1b",
    "ctrl+backslash": "\x1c",
    "ctrl+right_square_bracket": "\x1d",
    "ctrl+circumflex_accent": "\x1e",
    "ctrl+underscore": "\x1f",
    "ctrl+slash": "\x1f",
    "ctrl+backspace": "\x08",
    "shift+tab": "\x1b[Z",
    "shift+enter": "\r",
    "ctrl+enter": "\r",
    "shift+space": " ",
    "shift+backspace": "\x7f",
    "shift+escape": "\x1b",
}
_MODIFIERS = {"shift": 1, "alt": 2, "ctrl": 4, "meta": 8, "super": 8}


def encode(key: str, modes: Modes, character: str | None = None) -> bytes:
    """The bytes of a key; `character` is what it types, where it types something. Unknown keys give nothing."""
    names = key.split("+") if key != "+" else ["+"]
    *modifiers, name = names if names[-1] else [*names[:-2], "+"]
    held = 0
    for modifier in modifiers:
        held |= _MODIFIERS.get(modifier, 0)
    sequence = _special(name, held, modes)
    if sequence is None:
        sequence = _typed(key, name, held, character)
    return sequence.encode("utf-8", errors="replace")


def _special(name: str, held: int, modes: Modes) -> str | None:
    modified = f";{held + 1}" if held else ""
    if name in _FINAL:
        if held:
            return f"\x1b[1{modified}{_FINAL[name]}"
        return f"\x1b{'O' if modes.application_cursor else '['}{_FINAL[name]}"
    if name in _TILDE:
        return f"\x1b[{_TILDE[name]}{modified}~"
    if name in _FUNCTION:
        return f"\x1b[1{modified}{_FUNCTION[name]}" if held else f"\x1bO{_FUNCTION[name]}"
    if name in _FUNCTION_TILDE:
        return f"\x1b[{_FUNCTION_TILDE[name]}{modified}~"
    return None


def _typed(key: str, name: str, held: int, character: str | None) -> str:
    alt = "\x1b" if held & _MODIFIERS["alt"] else ""
    without_alt = "+".join(part for part in key.split("+") if part != "alt") if alt else key
    if without_alt in _NAMED:
        return alt + _NAMED[without_alt]
    if name in _SIMPLE:
        return alt + _SIMPLE[name]
    if held & _MODIFIERS["ctrl"]:
        return alt + chr(ord(name.upper()) & 0x1F) if len(name) == 1 and name.isascii() and name.isalpha() else ""
    if character is not None and character.isprintable():
        return alt + character
    if len(name) == 1:
        return alt + (name.upper() if held & _MODIFIERS["shift"] else name)
    return ""


_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def paste(text: str, modes: Modes) -> bytes:
    """Pasted text: line ends as Enter, and without the control characters that would end a bracketed paste."""
    clean = _UNSAFE.sub("", text.replace("\r\n", "\r").replace("\n", "\r"))
    if modes.bracketed_paste:
        clean = f"\x1b[200~{clean}\x1b[201~"
    return clean.encode("utf-8", errors="replace")


Button = Literal["left", "middle", "right", "none", "wheel-up", "wheel-down"]
_BUTTONS: dict[Button, int] = {"left": 0, "middle": 1, "right": 2, "none": 3, "wheel-up": 64, "wheel-down": 65}


def mouse(
    action: Literal["press", "release", "move"],
    button: Button,
    column: int,
    row: int,
    modes: Modes,
    *,
    shift: bool = False,
    alt: bool = False,
    ctrl: bool = False,
) -> bytes:
    """A mouse event at a cell (from 0), if the program asked for such events; otherwise nothing."""
    wanted = {
        "off": False,
        "press": action == "press",
        "click": action != "move",
        "drag": action != "move" or button != "none",
        "motion": True,
    }[modes.mouse]
    if not wanted:
        return b""
    code = _BUTTONS[button] + 4 * shift + 8 * alt + 16 * ctrl + 32 * (action == "move")
    if modes.mouse_sgr:
        return f"\x1b[<{code};{column + 1};{row + 1}{'m' if action == 'release' else 'M'}".encode()
    if action == "release":
        code = code & ~3 | 3
    if column > 222 or row > 222:
        return b""
    return b"\x1b[M" + bytes((32 + code, 33 + column, 33 + row))


def focus(gained: bool, modes: Modes) -> bytes:
    """The pane got or lost the keyboard, if the program wants to know."""
    return (b"\x1b[I" if gained else b"\x1b[O") if modes.focus_events else b""
