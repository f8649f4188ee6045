"""`vtcode find`: fuzzy search over the files of the workspace."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """  vtcode find conftest
  vtcode find 'api rout'          both words, somewhere in the path
  vtcode find --json -n 5 mdl"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("query", help="letters of the path, in order; words are separated by blanks")
    parser.add_argument("-n", "--limit", type=int, default=20, help="how many at most (default: 20)")
    parser.add_argument(
        "--cwd", type=Path, default=None, metavar="DIR", help="the workspace (default: this folder)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(given: argparse.Namespace) -> int:
    """Print the best matches; status 1 when there is none."""
    import json

    from vtcode_tui.code import Finder
    from vtcode_tui.workspace import Workspace

    root = Workspace(given.cwd or Path.cwd()).root
    matches = Finder(root).find(given.query, max(1, given.limit))
    if given.json:
        print(json.dumps([{"path": m.path, "score": round(m.score, 3), "positions": m.positions} for m in matches]))
        return 0 if matches else 1
    for match in matches:
        # A file name is hostile text: control characters are shown, never sent to the terminal.
        print(match.path if match.path.isprintable() else match.path.encode("unicode_escape").decode())
    return 0 if matches else 1
