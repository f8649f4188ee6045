"""Paths that a failed run complained about, explained by what the run could see.

The kernel seldom says which path it refused: Landlock tells those who may read the machine's audit (`records`),
and what is not mounted is just not found. The program mostly says it, so what it wrote is read once more after it
failed. Two audiences, kept apart:

- The model hears what follows from the profile alone ("not among the places that this run sees"), the same words
  whether or not the path exists: a model that prints made-up complaints learns nothing about the machine.
- People hear of a path that really is there and that the sandbox hid. That takes one look at the path's existence
  from outside, which is why it never reaches a model.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace

from vtcode_tui.sandbox.explain import PROTECTED
from vtcode_tui.sandbox.inner.job import OWN
from vtcode_tui.sandbox.records import Refused
from vtcode_tui.sandbox.run import Denial
from vtcode_tui.sandbox.view import View

_KEPT = 64 << 10
"""Bytes of the end of the output that are searched."""
_MOST = 8
_CANDIDATES = 400
"""Words of complaints that are looked at as paths of the workspace."""
_ORDINARY = ("/etc/", "/proc/", "/sys/", "/dev/")
"""Programs ask for many a file there that they do well without."""
_NEAR = 3
"""Lines between a path and the complaint about it: some programs give the cause on a line of its own."""

_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\r")
_COMPLAINT = re.compile(
    r"no such file|permission denied|not permitted|read-only file system|resource busy|value too large|"
    r"not found|not exist|"
    r"n't exist|"
    r"(?:cannot|can't|could not|couldn't|failed to|unable to) "
    r"(?:open|access|find|read|stat|load|create|write|locate)|"
    r"\b(?:ENOENT|EACCES|EPERM|EROFS)\b|No rule to make target",
    re.IGNORECASE,
)
_WRITING = re.compile(
    r"read-only file system|resource busy|\bEROFS\b|(?:cannot|can't|could not|failed to|unable to) "
    r"(?:create|write|touch|remove|rename|move|make|mkdir|unlink|delete|change|chmod|lock)|"
    r"\b(?:mkdir|unlink|rename|write|rmdir)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"permission denied|not permitted|value too large|\bE(?:ACCES|PERM|OVERFLOW)\b", re.IGNORECASE)
_QUOTED = re.compile(r"[\"'`‘“]((?:~|)/[^\"'`’”\n]{1,4000})[\"'`’”]")
_BARE = re.compile(r"(?<![\w.@:/~-])((?:~|)/[^\s\"'`’”:;,()\[\]{}<>|*?]{1,4000})")
_RELATIVE = re.compile(r"(?<![\w/~-])(?:\./)?[\w.][^\s\"'`’”:;,()\[\]{}<>|*?]{0,1000}")
_PROGRAM = re.compile(r"(?:^|: )([\w.+-]{1,100}): (?:command )?not found\s*$")


class Complaints:
    """Keeps the end of what a run writes, and explains it once the run has failed."""

    def __init__(self, view: View, search_path: str) -> None:
        self._view = view
        self._search_path = search_path
        self._said = bytearray()

    def settle(self, folder: str) -> None:
        """The run's own folder has got its name."""
        home, tmp = (place.replace(OWN, folder) for place in (self._view.own_home, self._view.own_tmp))
        self._view = replace(self._view, own_home=home, own_tmp=tmp)

    def hear(self, data: bytes) -> None:
        """Take a piece of output."""
        self._said += data
        if len(self._said) > 2 * _KEPT:
            del self._said[: len(self._said) - _KEPT]

    def denials(self) -> tuple[Denial, ...]:
        """What the sandbox had to do with the complaints. Looks at paths outside (their existence only)."""
        text = self._text()
        if not _COMPLAINT.search(text):
            return ()
        found: list[Denial] = []
        for path, writing in _complained(text):
            if len(found) >= 2 * _MOST:
                break
            found += self._explained(self._view.real(path), writing=writing)
        found += self._named(text, denied=True)
        found += self._hidden_programs(text)
        return tuple(dict.fromkeys(found))

    def about_protected(self) -> tuple[Denial, ...]:
        """The same of a run that succeeded, for protected paths alone: git goes on without its settings."""
        if b"resource busy" not in self._said and b"Read-only file system" not in self._said:
            return ()
        return tuple(dict.fromkeys(self._named(self._text(), denied=False)))

    def _text(self) -> str:
        return _CONTROL.sub(b"", bytes(self._said[-_KEPT:])).decode(errors="replace")

    def recorded(self, refused: Sequence[Refused]) -> tuple[Denial, ...]:
        """The same for paths that the kernel itself recorded as refused."""
        found: list[Denial] = []
        for path, writing in [one for one in refused if not one[0].startswith(_ORDINARY)][:_MOST]:
            found += self._explained(path, writing=writing)
        return tuple(dict.fromkeys(found))

    def _explained(self, path: str, *, writing: bool) -> Iterator[Denial]:
        view = self._view
        layer = "landlock" if view.tier == "kernel" else "namespace"
        sight = view.of(path)
        if sight == "protected" and writing:
            yield Denial("path", f"{view.short(path)} is protected: no run changes it", layer, PROTECTED)
        elif sight == "read-only" and writing:
            detail = f"{view.short(path)} is read-only for this run"
            yield Denial("path", detail, layer, view.remedy_to_write(path))
        elif sight == "writable" and (owner := _other_owner(path, str(view.profile.workspace))):
            detail = f"{view.short(path)} belongs to {owner}: a run changes what is yours alone"
            yield Denial("path", detail, layer, "`chown -R` or `chgrp -R` it to yourself, outside of a run")
        elif sight == "unseen":
            yield Denial("path", view.why_unseen(path), layer, view.remedy(path), audience="model")
            if _is_there(path):
                detail = f"{view.short(path)} exists and is hidden from this run"
                yield Denial("path", detail, layer, view.remedy(path), audience="people")

    def _named(self, text: str, *, denied: bool) -> Iterator[Denial]:
        """Paths that a program named from the workspace on, as git and most others do: those that it could not
        change, and (`denied`) those that it was denied in whatever way."""
        root = str(self._view.profile.workspace)
        seen = set[str]()
        explained = 0
        for line in text.splitlines():
            writing = bool(_WRITING.search(line))
            if not writing and not (denied and _DENIED.search(line)):
                continue
            for word in _RELATIVE.findall(line):
                path = os.path.normpath(f"{root}/{word.rstrip('.')}")
                if path in seen or len(seen) >= _CANDIDATES or explained >= _MOST:
                    continue
                seen.add(path)
                sight = self._view.of(path)
                if sight == "protected" or (sight == "writable" and os.path.lexists(path)):
                    for found in self._explained(path, writing=writing):
                        explained += 1
                        yield found

    def _hidden_programs(self, text: str) -> Iterator[Denial]:
        view = self._view
        layer = "landlock" if view.tier == "kernel" else "namespace"
        named = dict.fromkeys(match[1] for line in text.splitlines() if (match := _PROGRAM.search(line)))
        for name in list(named)[:_MOST]:
            path = shutil.which(name, path=self._search_path)
            if path is not None and view.of(os.path.realpath(path)) == "unseen":
                detail = f"the program {name} is {view.short(path)}, which is hidden from this run"
                yield Denial("path", detail, layer, view.remedy(os.path.dirname(path)), audience="people")


def _complained(text: str) -> Iterator[tuple[str, bool]]:
    """Paths near a complaint, each once, and whether it was about writing."""
    lines = text.splitlines()
    seen = set[str]()
    for at, line in enumerate(lines):
        paths = dict.fromkeys([*_QUOTED.findall(line), *_BARE.findall(_QUOTED.sub(" ", line))])
        if not paths:
            continue
        near = line if _COMPLAINT.search(line) else "\n".join(lines[max(0, at - _NEAR) : at + _NEAR + 1])
        if not _COMPLAINT.search(near):
            continue
        for path in paths:
            path = path.rstrip(".")
            if path not in seen and "\0" not in path:
                seen.add(path)
                yield path, bool(_WRITING.search(near))


def _other_owner(path: str, root: str) -> str:
    """Whose a file of the workspace is, if another user's or group's; the nearest that is there counts.

    Runs have no power of root's over it, and a layer knows no other ids than this user's.
    """
    while path.startswith(root) and os.path.realpath(path) == path:
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            path = os.path.dirname(path)
            continue
        except OSError:
            return ""
        ours = found.st_uid == os.getuid() and (found.st_gid == os.getgid() or os.getuid() == 0)
        return "" if ours else f"user {found.st_uid}, group {found.st_gid}"
    return ""


def _is_there(path: str) -> bool:
    """Whether this user could have read it: what nobody may read was not hidden by the sandbox."""
    try:
        return os.path.lexists(path) and os.access(path, os.R_OK)
    except (OSError, ValueError):
        return False
