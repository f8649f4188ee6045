"""`vtcode demo`: the main job on a throw-away project with a scripted model; needs no key and no network."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from vtcode_tui.common.home import Home

EXAMPLE = """  vtcode demo           you approve and accept
  vtcode demo --auto    does it by itself and checks what it claims"""

GUIDE = (
    "A tour of two minutes. Everything is real (tools, policy, sandbox, journal); only the model is scripted.",
    "Press Enter to send the prompt that is typed already. The model reads the code and runs the failing test.",
    "When something waits in the approval queue, read it and decide. Accept the edit in the diff pane.",
    "Then type `Go on.` and watch what the README tries to make the model do. F1 shows the keys.",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--auto", action="store_true", help="answer by itself, without a screen, and check everything"
    )


def run(given: argparse.Namespace) -> int:
    """Do the tour; with --auto 0 only if every step ended as told."""
    from vtcode_tui.common.home import Home

    home = Home.from_environment()
    return _auto(home) if given.auto else _screen(home)


def _auto(home: Home) -> int:
    import asyncio
    import sys

    from vtcode_tui.agent import start_spawner

    spawner = start_spawner(home)

    from vtcode_tui.demo import tour

    checks, folder = asyncio.run(tour(home, spawner, lambda line: print(line, flush=True)))
    verified, words = _verified(folder)
    print()
    for check in checks:
        detail = f" ({check.detail})" if check.detail and not check.held else ""
        print(f"  {'ok' if check.held else 'FAILED':6} {check.text}{detail}")
    print(f"  {'ok' if verified else 'FAILED':6} the journal is intact and sealed: {words}")
    good = verified and all(check.held for check in checks)
    print(f"\nSee it again: vtcode replay {folder.name}")
    if not good:
        print("vtcode: the tour did not end as told", file=sys.stderr)
    return 0 if good else 1


def _verified(folder: Path) -> tuple[bool, str]:
    from vtcode_tui.events import verify

    report = verify(folder)
    words = "; ".join(str(problem) for problem in report.problems) or f"{report.state}, {report.events} events"
    return report.exit_status == 0, words


def _screen(home: Home) -> int:
    """The tour in the app itself; afterwards the journal is verified and a replay offered."""
    from vtcode_tui.tui import require_screen, run_app

    require_screen("`vtcode demo --auto`")

    from vtcode_tui.agent import start_spawner
    from vtcode_tui.demo import PROMPT
    from vtcode_tui.demo.stage import Tour
    from vtcode_tui.tui.curtain import Curtain

    with Curtain.rise("demo") as curtain:
        tour = Tour(home, start_spawner(home))
        curtain.listen()
        status = run_app(
            tour.open_core,
            tour.settings,
            root=tour.root,
            title="demo",
            draft=PROMPT,
            guide=GUIDE,
            curtain=curtain,
        )
    if tour.folder is not None:
        verified, words = _verified(tour.folder)
        print(f"The journal of the tour is {'intact and sealed' if verified else 'NOT in order'}: {words}")
        print(f"See it again: vtcode replay {tour.folder.name}")
    return status if isinstance(status, int) else 0
