"""`vtcode symbols`: definitions in the workspace, by name."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """  vtcode symbols Session
  vtcode symbols --json -n 5 parse_patch
  vtcode symbols rdln              letters of a name, in order"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("query", help="a name, a part of one, or its letters in order")
    parser.add_argument("-n", "--limit", type=int, default=20, help="how many at most (default: 20)")
    parser.add_argument(
        "--cwd", type=Path, default=None, metavar="DIR", help="the workspace (default: this folder)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(given: argparse.Namespace) -> int:
    """Print the best matches; status 1 when there is none."""
    import json
    import sys

    from vtcode_tui.cli.looking import look, plain
    from vtcode_tui.workspace import Workspace

    root = Workspace(given.cwd or Path.cwd()).root
    answer = look(root, "symbols", query=given.query, limit=max(1, given.limit))
    if given.json:
        print(json.dumps(answer))
    else:
        for row in answer["symbols"]:
            within = f"{row['within']}." if row["within"] else ""
            print(plain(f"{row['path']}:{row['line']}  {row['kind']} {within}{row['name']}"))
        if not answer["complete"]:
            print("vtcode: the workspace is large: not every file was looked at", file=sys.stderr)
    return 0 if answer["symbols"] else 1
