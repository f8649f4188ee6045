"""`vtcode resume`: continue a session in the app, in the folder that it belongs to."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """  vtcode resume           choose from a list
  vtcode resume last      the newest one
  vtcode resume --plain last"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", nargs="?", default="", metavar="SESSION", help="an id, its beginning, or `last`")
    parser.add_argument("--plain", action="store_true", help="lines instead of a screen, for screen readers")
    parser.add_argument("--model", default="", metavar="M", help="provider/model, or either of both")
    parser.add_argument(
        "-c", "--config", action="append", default=[], metavar="KEY=VALUE", help="a setting for this run"
    )


def run(given: argparse.Namespace) -> int:
    """Show the app over the session."""
    from vtcode_tui.cli import main
    from vtcode_tui.cli.app import reads_aloud, show
    from vtcode_tui.common.errors import UsageError
    from vtcode_tui.common.home import Home
    from vtcode_tui.events import locate
    from vtcode_tui.sessions import read_meta
    from vtcode_tui.tui import pick, require_screen

    home = Home.from_environment()
    plain = given.plain or reads_aloud(home)
    if not (plain and given.session):
        require_screen("`vtcode sessions list` and `vtcode resume --plain SESSION`")
    if not given.session:
        chosen = pick("which session shall go on?", "resume")
        return 0 if chosen is None else main([chosen[0], str(chosen[1])])
    folder = locate(home, given.session)
    root = Path(read_meta(folder).workspace)
    if not root.is_dir():
        raise UsageError(f"the folder of this session is gone: {root}")
    return show(root.resolve(), given.config, choice=given.model, resume=folder, plain=plain)
