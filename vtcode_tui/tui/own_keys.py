"""Keys of the person's own (`[interface.keys]`): which can be, and one sentence for each that cannot."""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches

from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys

from vtcode_tui.tui.keys import APPROVALS, EVERYWHERE, KEYS, Key

# What a terminal sends for Enter, Tab, Backspace and a line feed is text, whatever it is called.
_CHORD = re.compile(r"(?!ctrl\+[hijm]\Z)(?:ctrl|alt|super|hyper|meta)\+.|f\d")
_MODIFIERS = {"ctrl", "alt", "shift", "super", "hyper", "meta"}
_NAMED = {key.value for key in Keys} | set(KEY_NAME_REPLACEMENTS.values())


def keymap(chosen: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """The person's own keys, and a sentence for each that cannot be.

    That is an unknown action, a key that no terminal has, an answer that would be typed as text, and a key that
    would mean two things at once.
    """
    known = {key.id: key for key in KEYS}
    kept: dict[str, str] = {}
    wrong: list[str] = []
    for name, keys in chosen.items():
        if name not in known:
            near = get_close_matches(name, known, 1)
            wrong.append(f"[interface.keys] has no `{name}`" + (f": did you mean `{near[0]}`?" if near else ""))
        elif problem := _impossible(known[name], keys):
            wrong.append(f"[interface.keys] {name}: {problem}")
        else:
            kept[name] = keys
    for name in sorted(kept):
        if name in kept and (taken := _taken(known[name], kept)):
            del kept[name]
            wrong.append(f"[interface.keys] {name}: {taken}")
    return kept, sorted(wrong)


def _impossible(key: Key, keys: str) -> str:
    for one in keys.split(","):
        *modifiers, name = one.strip().split("+") if one.strip() != "+" else ["plus"]
        if not name or not set(modifiers) <= _MODIFIERS or not _is_key(name):
            return f"`{one.strip()}` is no key: write `ctrl+k`, `alt+x`, `f9` or a letter, several with commas"
        if key.group == APPROVALS and not _CHORD.match(one.strip()):
            return f"{one.strip()} is typed as text: an answer needs ctrl, alt or F1-F12"
    return ""


def _is_key(name: str) -> bool:
    if len(name) == 1 or name in _NAMED:
        return True
    try:
        return bool(unicodedata.lookup(KEY_TO_UNICODE_NAME.get(name, name.replace("_", " ").upper())))
    except KeyError:
        return False


def _taken(key: Key, kept: dict[str, str]) -> str:
    """Which other action that is alive at the same time has one of the keys of this one."""
    mine = set(_each(kept[key.id]))
    for other in KEYS:
        together = other.group == key.group or {other.group, key.group} == {EVERYWHERE, APPROVALS}
        if other.id != key.id and together and (both := mine & set(_each(kept.get(other.id, other.keys)))):
            return f"{min(both)} is the key of `{other.id}` already"
    return ""


def _each(keys: str) -> list[str]:
    return [one.strip() for one in keys.split(",")]
