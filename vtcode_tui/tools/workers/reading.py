"""Reads a file or lists a folder, with every size bounded. Standard library only: runs inside the sandbox."""

from __future__ import annotations

import difflib
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from vtcode_tui.tools.workers.walking import walk

MAX_BYTES = 60_000
"""What one reading gives at most."""
MAX_LINE = 2_000
_MAX_SCAN = 256 << 20
_SNIFF = 8_192


def _missing(path: str, shown: str) -> str:
    missing = Path(path)
    try:
        near = difflib.get_close_matches(missing.name, [one.name for one in missing.parent.iterdir()], n=3)
    except OSError:
        near = []
    hint = f" Near it: {', '.join(near)}." if near else ""
    return f"{shown} does not exist.{hint}"


def refusal(path: str, shown: str) -> str:
    """Why a path cannot be read as a text file, in one sentence; empty when it can."""
    try:
        info = Path(path).stat()
    except FileNotFoundError:
        return _missing(path, shown)
    except OSError as error:
        return f"{shown} cannot be read: {error.strerror}."
    if stat.S_ISDIR(info.st_mode):
        return f"{shown} is a folder: use list_files."
    if not stat.S_ISREG(info.st_mode):
        return f"{shown} is not a regular file (a device, socket or pipe) and is not read."
    try:
        with Path(path).open("rb") as file:
            start = file.read(_SNIFF)
    except OSError as error:
        return f"{shown} cannot be read: {error.strerror}."
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return f"{shown} is a binary file of {info.st_size:,} bytes and is not shown."
    return ""


def read_file(arguments: dict[str, Any], out: BinaryIO) -> dict[str, Any]:
    """Write lines `offset`.. of a text file with their numbers; at most `limit` lines and MAX_BYTES."""
    path, shown = arguments["path"], arguments["shown"]
    first, limit = int(arguments["offset"]), int(arguments["limit"])
    if why := refusal(path, shown):
        return {"error": why}
    number = written = shown_lines = scanned = 0
    more = cut = False
    with Path(path).open("rb") as file:
        while line := file.readline(MAX_LINE + 1):
            number += 1
            scanned += len(line)
            whole = line.endswith(b"\n") or len(line) <= MAX_LINE
            while line and not whole and scanned < _MAX_SCAN:
                rest = file.readline(1 << 20)
                scanned += len(rest)
                whole = not rest or rest.endswith(b"\n")
                cut = cut or number >= first
            if number < first and scanned < _MAX_SCAN:
                continue
            if shown_lines >= limit or written >= MAX_BYTES or scanned >= _MAX_SCAN:
                more = True
                break
            text = line[:MAX_LINE].rstrip(b"\r\n") if arguments.get("numbered", True) else line
            piece = b"%6d\t%s\n" % (number, text) if arguments.get("numbered", True) else text
            out.write(piece)
            written += len(piece)
            shown_lines += 1
    last = first + shown_lines - 1
    if shown_lines == 0 and number:
        return {"error": f"{shown} has {number} lines; line {first} does not exist."}
    return {"first": first, "last": max(last, 0), "more": more, "cut": cut, "size": Path(path).stat().st_size}


def list_files(arguments: dict[str, Any], out: BinaryIO) -> dict[str, Any]:
    """Write the entries below a folder, one a line, folders with a trailing slash; ignored files left out."""
    path, shown, limit = arguments["path"], arguments["shown"], int(arguments["limit"])
    if not Path(path).is_dir():
        return {"error": _missing(path, shown) if not os.path.lexists(path) else f"{shown} is not a folder."}
    count = 0
    for relative, entry in walk(path, hidden=arguments["hidden"], depth=arguments["depth"]):
        if count >= limit:
            return {"count": count, "more": True}
        out.write((relative + _mark(entry) + "\n").encode(errors="surrogateescape"))
        count += 1
    return {"count": count, "more": False}


def _mark(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        try:
            return f" -> {Path(entry.path).readlink()}"
        except OSError:
            return " ->"
    return "/" if entry.is_dir(follow_symlinks=False) else ""
