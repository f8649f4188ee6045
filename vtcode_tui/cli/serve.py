"""`vtcode serve`: the app in a browser on this machine. Off unless asked for, on loopback only, behind a token."""

from __future__ import annotations

import argparse

EXAMPLE = """  vtcode serve               print an address that works once, for this folder
  vtcode serve ~/src/project --port 8765"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="the workspace (default: this folder)")
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="the port on 127.0.0.1 (default: a free one)"
    )


def run(given: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from pathlib import Path

    from vtcode_tui.common.errors import UsageError
    from vtcode_tui.tui import serve_app

    root = Path(given.path).expanduser()
    if not root.is_dir():
        raise UsageError(f"{given.path} is not a folder: `vtcode serve [PATH]` serves a folder")
    if not 0 <= given.port <= 65535:
        raise UsageError(f"--port is a number up to 65535, not {given.port}")
    return serve_app(root.resolve(), given.port, lambda text: print(text, flush=True))
