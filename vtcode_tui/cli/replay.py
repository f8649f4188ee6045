"""`vtcode replay`: watch a session again, in the same panes, from its journal. Nothing is run."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """  vtcode replay last            in the viewer
  vtcode replay 01a2            by the beginning of its id
  vtcode replay last --text     as plain lines, for pipes and screen readers"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "session", nargs="?", default="", metavar="SESSION", help="an id, its beginning, a folder, or `last`"
    )
    parser.add_argument("--text", action="store_true", help="print the session as lines instead of showing it")
    parser.add_argument("--verbose", action="store_true", help="with --text: every event, not only the story")


def run(given: argparse.Namespace) -> int:
    """Show the viewer, or print the lines."""
    from vtcode_tui.cli import main
    from vtcode_tui.common.home import Home
    from vtcode_tui.events import locate
    from vtcode_tui.tui import pick, require_screen, run_viewer

    home = Home.from_environment()
    if given.text:
        return _print(locate(home, given.session or "last"), verbose=given.verbose)
    require_screen("`vtcode replay --text SESSION`")
    if not given.session:
        chosen = pick("which session shall be replayed?", "replay")
        return 0 if chosen is None else main([chosen[0], str(chosen[1])])
    folder = locate(home, given.session)

    from vtcode_tui.config import load

    return run_viewer(folder, load(home, None).settings)


def _print(folder: Path, *, verbose: bool) -> int:
    import shutil

    from vtcode_tui.common.clock import local
    from vtcode_tui.events import read_events, verify
    from vtcode_tui.render import timeline_text

    events = list(read_events(folder))
    for line in timeline_text(events, shutil.get_terminal_size().columns, verbose=verbose):
        print(line)
    report = verify(folder)
    zone = local(events[-1].time).zone if events else ""
    print(f"\njournal: {report.state}, {report.events} events" + (f"; times are {zone}" if zone else ""))
    return 5 if report.state == "tampered" else 0
