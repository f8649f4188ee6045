"""Workers of code intelligence: `listing`, `outline_of`, `symbols`. They run in the sandbox, for grammars are C.

Run as `Invoke("vtcode_tui.code.workers", NAME, JSON)`; each needs to read `root` and vtcode's own installation.

    listing     root                     {"paths": [...]}                     every file that is not ignored
    outline_of  root, path               {"language", "symbols": [...]}       the definitions of one file
    symbols     root, query, [limit]     {"symbols": [...], "files", "complete"}   definitions by name, best first
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from vtcode_tui.code.languages import language_of
from vtcode_tui.code.listing import list_files
from vtcode_tui.code.outlines import MAX_BYTES, Symbol, outline

Arguments: TypeAlias = Mapping[str, Any]
_SECONDS = 20.0


def listing(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """The files of the workspace."""
    return {"paths": list(list_files(Path(arguments["root"])))}


def outline_of(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """The definitions of one file."""
    root, path = Path(arguments["root"]), str(arguments["path"])
    shown = path.removeprefix(f"{root}/")
    text = _read(root / path)
    if text is None:
        return {"error": f"{shown} cannot be read as a file of at most {MAX_BYTES >> 20} MB"}
    language = language_of(path, text)
    if not language:
        return {"error": f"{shown} is in no language that vtcode can outline"}
    return {"language": language, "symbols": [symbol.as_json() for symbol in outline(text, language)]}


def symbols(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Definitions whose name holds the query, or its letters in order; those that are it come first."""
    root, query, limit = Path(arguments["root"]), str(arguments["query"]), int(arguments.get("limit", 50))
    wanted = query.casefold()
    ends = time.monotonic() + float(arguments.get("seconds", _SECONDS))
    found: list[tuple[int, str, Symbol]] = []
    later: list[str] = []
    files = 0
    complete = True
    for later_pass in (False, True):
        for path in later if later_pass else list_files(root):
            if time.monotonic() > ends or (later_pass and len(found) >= limit):
                complete = later_pass and len(found) >= limit
                break
            if not language_of(path):
                continue
            text = _read(root / path)
            if text is None:
                continue
            if not later_pass and wanted.encode() not in text.lower():
                later.append(path)  # the letters may still be there with others between them
                continue
            files += 1
            rows = outline(text, language_of(path, text))
            found += [(rank, path, symbol) for symbol in rows if (rank := _rank(symbol.name, query)) is not None]
    return {"symbols": _best(found, limit), "files": files, "complete": complete}


def _best(found: Iterable[tuple[int, str, Symbol]], limit: int) -> list[dict[str, Any]]:
    ordered = sorted(found, key=lambda row: (row[0], len(row[2].name), row[1], row[2].line))
    return [symbol.as_json(path=path) for _, path, symbol in ordered[:limit]]


def _rank(name: str, query: str) -> int | None:
    folded, wanted = name.casefold(), query.casefold()
    if name == query:
        return 0
    if folded == wanted:
        return 1
    if folded.startswith(wanted):
        return 2
    if wanted in folded:
        return 3
    letters = iter(folded)
    return 4 if len(wanted) > 1 and all(letter in letters for letter in wanted) else None


def _read(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            return None
        return file.read(MAX_BYTES)
