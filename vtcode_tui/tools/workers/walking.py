"""Walks a folder the way a developer sees it: .gitignore files respected, version control and caches left out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

SKIPPED = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".mypy_cache", ".ruff_cache"})
"""Folders that are never entered."""

_Rule = tuple[bool, bool, "re.Pattern[str]"]


def _translate(pattern: str) -> str:
    """A gitignore glob as a regular expression over a `/`-separated path."""
    out, i = "", 0
    while i < len(pattern):
        char = pattern[i]
        if pattern.startswith("**/", i):
            out, i = out + "(?:.*/)?", i + 3
        elif pattern.startswith("**", i):
            out, i = out + ".*", i + 2
        elif char == "*":
            out, i = out + "[^/]*", i + 1
        elif char == "?":
            out, i = out + "[^/]", i + 1
        elif char == "[" and (end := pattern.find("]", i + 2)) > 0:
            body = pattern[i + 1 : end].replace("\\", r"\\").replace("[", r"\[")
            body = "^" + body[1:] if body.startswith("!") else body
            out, i = f"{out}[{body}]", end + 1
        elif char == "\\" and i + 1 < len(pattern):
            out, i = out + re.escape(pattern[i + 1]), i + 2
        else:
            out, i = out + re.escape(char), i + 1
    return out


def glob_pattern(glob: str) -> re.Pattern[str]:
    """A glob over relative paths; without `/` it matches at any depth. One that makes no sense matches itself."""
    anchored = "/" in glob.rstrip("/")
    body = _translate(glob.strip("/"))
    try:
        return re.compile(body if anchored else f"(?:.*/)?{body}")
    except re.error:
        return re.compile(re.escape(glob))


def parse_ignore(text: str, base: str) -> list[_Rule]:
    """The rules of the .gitignore in folder `base` (relative, or empty): negated, folders only, pattern."""
    rules: list[_Rule] = []
    prefix = re.escape(base + "/") if base else ""
    for raw in text.splitlines():
        line = raw.rstrip() if not raw.endswith("\\ ") else raw
        if not line or line.startswith("#"):
            continue
        negated = line.startswith("!")
        line = line[1:] if negated else line
        folder = line.endswith("/")
        line = line.rstrip("/")
        anchored = "/" in line
        body = _translate(line.lstrip("/"))
        try:
            rules.append((negated, folder, re.compile(prefix + (body if anchored else f"(?:.*/)?{body}"))))
        except re.error:
            continue
    return rules


def _ignored(relative: str, is_folder: bool, rules: list[_Rule]) -> bool:
    verdict = False
    for negated, folder, pattern in rules:
        if (is_folder or not folder) and pattern.fullmatch(relative):
            verdict = not negated
    return verdict


def _rules_in(folder: str, base: str) -> list[_Rule]:
    try:
        with (Path(folder) / ".gitignore").open(encoding="utf-8", errors="replace") as file:
            return parse_ignore(file.read(1 << 20), base)
    except OSError:
        return []


def walk(
    top: str, *, hidden: bool = True, depth: int | None = None, ignore: bool = True
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every file and folder below `top`, sorted, as (path relative to `top`, entry); symlinks are not followed."""
    stack: list[tuple[str, str, list[_Rule], int]] = [(top, "", _rules_in(top, "") if ignore else [], 1)]
    while stack:
        folder, base, rules, level = stack.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            continue
        deeper = []
        for entry in entries:
            relative = f"{base}/{entry.name}" if base else entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if (entry.name.startswith(".") and not hidden) or (is_folder and entry.name in SKIPPED):
                continue
            if _ignored(relative, is_folder, rules):
                continue
            yield relative, entry
            if is_folder and (depth is None or level < depth):
                below = [*rules, *_rules_in(entry.path, relative)] if ignore else rules
                deeper.append((entry.path, relative, below, level + 1))
        stack.extend(reversed(deeper))
