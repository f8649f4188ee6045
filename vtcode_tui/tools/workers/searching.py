"""Searches texts and file names below a folder. Standard library only: runs inside the sandbox."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from typing import Any, BinaryIO

from vtcode_tui.tools.workers.reading import MAX_BYTES
from vtcode_tui.tools.workers.walking import glob_pattern, walk

_MAX_FILE = 16 << 20
_MAX_SHOWN = 300


def _files(top: str, glob: str) -> list[tuple[str, str]]:
    if Path(top).is_file():
        return [(Path(top).name, top)]
    pattern = glob_pattern(glob) if glob else None
    return [
        (relative, entry.path)
        for relative, entry in walk(top)
        if entry.is_file(follow_symlinks=False) and (pattern is None or pattern.fullmatch(relative))
    ]


def _text_of(path: str) -> bytes | None:
    """A file's content when it is text of a sensible size."""
    try:
        if Path(path).stat().st_size > _MAX_FILE:
            return None
        with Path(path).open("rb") as file:
            data = file.read(_MAX_FILE)
    except OSError:
        return None
    return None if b"\0" in data[:8192] else data


def search_text(arguments: dict[str, Any], out: BinaryIO) -> dict[str, Any]:
    """Write `path:line: text` for every line that matches, at most `limit` of them; context lines with `-`."""
    source = re.escape(arguments["pattern"]) if arguments["literal"] else arguments["pattern"]
    flags = re.IGNORECASE if arguments["ignore_case"] else 0
    try:
        pattern = re.compile(source.encode(), flags)
    except re.error as error:
        return {
            "error": f"the pattern is not a regular expression ({error}); set literal to search for it as it is."
        }
    matches = files = written = skipped = 0
    limit, context = int(arguments["limit"]), int(arguments["context"])
    for relative, path in _files(arguments["path"], arguments["glob"]):
        data = _text_of(path)
        if data is None:
            skipped += 1
            continue
        if not pattern.search(data):
            continue
        name = f"{arguments['base']}/{relative}" if arguments["base"] else relative
        hits = 0
        for piece in _lines_with(data, pattern, name.encode(errors="surrogateescape"), context):
            hits += piece[0]
            matches += piece[0]
            out.write(piece[1])
            written += len(piece[1])
            if matches >= limit or written >= MAX_BYTES:
                return {"matches": matches, "files": files + 1, "more": True, "skipped": skipped}
        files += bool(hits)
    return {"matches": matches, "files": files, "more": False, "skipped": skipped}


def _lines_with(data: bytes, pattern: re.Pattern[bytes], name: bytes, context: int) -> list[tuple[int, bytes]]:
    """The matching lines of one file with their context: (1 for a match and 0 for context, the line to write)."""
    found: list[tuple[int, bytes]] = []
    before: deque[tuple[int, bytes]] = deque(maxlen=context) if context else deque(maxlen=0)
    after = 0
    for number, line in enumerate(data.splitlines(), 1):
        if pattern.search(line):
            found.extend((0, b"%s-%d- %s\n" % (name, n, text[:_MAX_SHOWN])) for n, text in before)
            before.clear()
            found.append((1, b"%s:%d: %s\n" % (name, number, line[:_MAX_SHOWN])))
            after = context
        elif after:
            found.append((0, b"%s-%d- %s\n" % (name, number, line[:_MAX_SHOWN])))
            after -= 1
        else:
            before.append((number, line))
    return found


def find_files(arguments: dict[str, Any], out: BinaryIO) -> dict[str, Any]:
    """Write the paths whose name matches a glob, or contains the letters of the query in order, best first."""
    query, limit = arguments["query"], int(arguments["limit"])
    base = arguments["base"]
    paths = [relative for relative, entry in walk(arguments["path"]) if not entry.is_dir(follow_symlinks=False)]
    if any(char in query for char in "*?["):
        pattern = glob_pattern(query)
        best = [path for path in paths if pattern.fullmatch(path)]
    else:
        best = rank(query, paths)
    for path in best[:limit]:
        out.write((f"{base}/{path}" if base else path).encode(errors="surrogateescape") + b"\n")
    return {"count": min(len(best), limit), "more": len(best) > limit}


def rank(query: str, paths: list[str]) -> list[str]:
    """The paths that contain the query's letters in order; whole words, then file names, then short paths first."""
    wanted = query.lower().replace(" ", "")
    scored = []
    for path in paths:
        low = path.lower()
        position = -1
        for char in wanted:
            position = low.find(char, position + 1)
            if position < 0:
                break
        else:
            name = low.rsplit("/", 1)[-1]
            scored.append((wanted != name, wanted not in name, wanted not in low, len(path), path))
    return [row[-1] for row in sorted(scored)]
