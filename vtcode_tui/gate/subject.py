"""The exact action: the program, the code it will run, and one digest over everything that gives it meaning."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtcode_tui.common.files import sha256_of, sha256_of_file
from vtcode_tui.gate.plan import ACCEPT, Plan
from vtcode_tui.gate.types import Refusal
from vtcode_tui.sandbox.grant import Execute, Invoke, Pin, Work
from vtcode_tui.sandbox.inner.kernel import SETTLED_NS

_MOST_PROGRAMS = 40

FileHash = Callable[[Path], str | None]
"""The SHA-256 of a file as a run will see it (staged or real); None where there is none."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an approval is given for and a grant is bound to."""

    sha256: str
    work: Work | None
    executable: Path | None
    executable_sha256: str
    pins: tuple[Pin, ...]


class Programs:
    """Finds the file behind a program's name and its content's hash; hashes are kept while the file is the same."""

    def __init__(self, search_path: tuple[Path, ...], workspace: Path, staged: FileHash) -> None:
        self._search_path, self._workspace, self._staged = search_path, workspace, staged
        self._known: dict[tuple[int, ...], tuple[str, bool]] = {}
        """By the stamp of a file its hash, and whether the file had settled before it was read."""

    def resolve(self, word: str, cwd: Path) -> Path | None:
        """The file that `word` runs in folder `cwd`; a bare word is never looked for in the workspace."""
        if "/" in word:
            path = Path(os.path.normpath(cwd / word))
            return path if self._exists(path) else None
        for folder in self._search_path:
            path = folder / word
            if not folder.is_relative_to(self._workspace) and path.is_file() and os.access(path, os.X_OK):
                return path
        return None

    def _exists(self, path: Path) -> bool:
        return path.is_file() or (path.is_relative_to(self._workspace) and self._staged(path) is not None)

    async def sha256(self, path: Path) -> str | None:
        """The hash of a file's content as a run will see it; None where there is none or it cannot be read."""
        return (await self.pin(path)).sha256

    async def pin(self, path: Path) -> Pin:
        """A file with the hash of its content as a run will see it, and what may stand for the hash in the run."""
        if path.is_relative_to(self._workspace):
            return Pin(path, self._staged(path))
        try:
            stamp = _stamp(path)
            sha256, settled = self._known.get(stamp, ("", False))
            if not settled:
                settled = stamp[-1] + SETTLED_NS < time.time_ns()
                if settled or not sha256:
                    sha256 = await asyncio.to_thread(sha256_of_file, path)
                if _stamp(path) != stamp:
                    return Pin(path, sha256)
                self._known[stamp] = sha256, settled
        except OSError:
            return Pin(path, None)
        return Pin(path, sha256, stamp if settled else None)


def _stamp(path: Path) -> tuple[int, ...]:
    info = path.stat()
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns


def environment_sha256(environment: Mapping[str, str]) -> str:
    """One digest over names and values; the values themselves are written nowhere."""
    return sha256_of(json.dumps(sorted(environment.items()), separators=(",", ":")))


def named_programs(explanation: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The programs that a shell text will run, as far as the policy could tell."""
    names: dict[str, None] = {}
    pending = list((explanation or {}).get("commands", ()))
    while pending:
        command = pending.pop(0)
        if isinstance(command, Mapping):
            names[str(command.get("program") or "")] = None
            pending += list(command.get("runs") or ())
    return tuple(name for name in names if name and "\0" not in name)[:_MOST_PROGRAMS]


async def subject_of(
    plan: Plan,
    code_files: tuple[Path, ...],
    environment: Mapping[str, str],
    programs: Programs,
    names: tuple[str, ...] = (),
) -> Subject | Refusal:
    """Resolve and pin everything the action consists of. Only what changes its meaning goes into the digest."""
    work, executable, executable_sha256 = plan.work, None, ""
    # What the human accepts is compared with the real files, change by change, by the worker that writes it.
    written = () if plan.call.tool == ACCEPT else plan.call.access.writes
    pins = [Pin(state.path, state.sha256) for state in written]
    if isinstance(work, Execute):
        executable = programs.resolve(work.argv[0], plan.call.cwd)
        if executable is None:
            return Refusal(
                "invalid", f"There is no program {work.argv[0]!r} in the folders that programs run from."
            )
        pinned = await programs.pin(executable)
        executable_sha256 = pinned.sha256 or ""
        work = Execute(work.argv, executable)
        # The sandbox may give a program's file without the right to read it; then only its path is pinned.
        pins += [pinned] if executable_sha256 else []
        found = [programs.resolve(name, plan.call.cwd) for name in names]
        pins += [await programs.pin(path) for path in (*filter(None, found), *code_files)]
    unique = tuple({pin.path: pin for pin in pins}.values())
    meaning: dict[str, Any] = {
        "tool": plan.call.tool,
        "origin": plan.call.origin,
        "cwd": str(plan.call.cwd),
        "work": _meaning(work, plan),
        "executable": [str(executable or ""), executable_sha256],
        "environment": environment_sha256(environment) if isinstance(work, Execute) else "",
        "pins": sorted([str(pin.path), pin.sha256] for pin in unique),
        "changes": plan.changes.digest if plan.changes is not None else "",
    }
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return Subject(sha256_of(text), work, executable, executable_sha256, unique)


def _meaning(work: Work | None, plan: Plan) -> Any:
    match work:
        case Execute(argv=argv):
            return ["execute", list(argv)]
        case Invoke(module=module, function=function, arguments=arguments):
            return ["invoke", module, function, json.loads(arguments)]
        case None:
            return ["type", plan.call.access.typed, plan.call.arguments.get("call", "")]


async def stale(subject: Subject, programs: Programs) -> Path | None:
    """The first pinned file that is not what it was when the human was asked, or None."""
    for pin in subject.pins:
        if await programs.sha256(pin.path) != pin.sha256:
            return pin.path
    return None
