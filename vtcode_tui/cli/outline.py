"""`vtcode outline`: the definitions of one file."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """  vtcode outline src/app.py
  vtcode outline --json main.go"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", help="a source file of the workspace")
    parser.add_argument(
        "--cwd", type=Path, default=None, metavar="DIR", help="the workspace (default: this folder)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(given: argparse.Namespace) -> int:
    """Print the definitions in the order of their lines, indented by what they are in."""
    import json

    from vtcode_tui.cli.looking import look, plain
    from vtcode_tui.workspace import Workspace

    place = Workspace(given.cwd or Path.cwd())
    path = place.resolve(given.file)
    answer = look(place.root, "outline_of", path=place.relative(path))
    if given.json:
        print(json.dumps(answer))
        return 0
    for row in answer["symbols"]:
        indent = "  " * (row["within"].count(".") + 1 if row["within"] else 0)
        print(plain(f"{row['line']:>5}  {indent}{row['kind']} {row['name']}"))
    return 0
