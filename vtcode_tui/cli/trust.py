"""`vtcode trust`: whether tools may run in a folder, and the human's act that lets them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.workspace import Trust

EXAMPLE = """  vtcode trust                  is this folder trusted, and what in it would influence vtcode
  vtcode trust grant ~/code/x   let tools run there
  vtcode trust revoke           take it back"""

ACTIONS = ("status", "grant", "revoke")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "words", nargs="*", metavar="[status|grant|revoke] [PATH]", help="default: status of this folder"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(given: argparse.Namespace) -> int:
    """Show, grant or take back; status 3 when the folder is not trusted."""
    from vtcode_tui.common.clock import SystemClock, rfc3339
    from vtcode_tui.common.errors import UsageError
    from vtcode_tui.common.home import Home
    from vtcode_tui.workspace import grant_trust, revoke_trust, trust_of

    words = list(given.words)
    action = words.pop(0) if words and words[0] in ACTIONS else "status"
    if len(words) > 1:
        raise UsageError(f"expected one of {', '.join(ACTIONS)} and a folder, found {' '.join(given.words)!r}")
    root, home = Path(words[0]) if words else Path.cwd(), Home.from_environment()
    if action == "revoke":
        held = revoke_trust(root, home)
        _print(trust_of(root, home), given.json, "" if held else "it was not trusted")
        return 0
    if action == "grant":
        before = trust_of(root, home)
        trust = grant_trust(root, home, now=rfc3339(SystemClock().now()), shown=before.influences)
    else:
        trust = trust_of(root, home)
    _print(trust, given.json)
    return 0 if trust.trusted else 3


def _print(trust: Trust, as_json: bool, note: str = "") -> None:
    import json

    if as_json:
        print(
            json.dumps(
                {
                    "status": trust.status,
                    "root": str(trust.root),
                    "reason": trust.reason,
                    "granted_at": trust.granted_at,
                    "influences": [
                        {"path": i.path, "sha256": i.sha256, "since": i.since} for i in trust.influences
                    ],
                },
                indent=2,
            )
        )
        return
    since = f" since {trust.granted_at}" if trust.trusted else ""
    print(f"{trust.root}: {trust.status}{since}{f' ({note or trust.reason})' if note or trust.reason else ''}")
    if trust.influences:
        print("files here that influence vtcode:")
    for influence in trust.influences:
        mark = "" if influence.since == "same" or trust.status == "untrusted" else f"  ({influence.since})"
        # A name is hostile text: show control characters as escapes.
        print(f"  {influence.path.encode('unicode_escape').decode()}  {influence.sha256[:12]}{mark}")
    if not trust.trusted:
        print("`vtcode trust grant` lets tools run here, in the sandbox and under your policy.")
