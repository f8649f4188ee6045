"""The rest of `vtcode audit`: export, report, prune, anchor."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from vtcode_tui.common.clock import SystemClock
from vtcode_tui.common.errors import UsageError
from vtcode_tui.common.home import Home


def arguments(commands: Any) -> None:
    """Declare these subcommands."""
    export = commands.add_parser("export", help="write events in another format")
    export.add_argument("session", nargs="?", help="a path, an id or its beginning, or `last`")
    export.add_argument("--all", action="store_true", help="every session")
    export.add_argument(
        "--format", default="jsonl", choices=("jsonl", "ocsf", "ecs", "otlp", "rfc5424", "cef", "hec", "atif")
    )
    export.add_argument("--since", default="", metavar="TIME", help="RFC 3339, as in 2026-11-22T00:00:00Z")
    report = commands.add_parser("report", help="an account of a session for a reviewer")
    report.add_argument("session", nargs="?", default="last")
    report.add_argument("--html", action="store_true", help="HTML instead of Markdown")
    prune = commands.add_parser("prune", help="remove old sessions; a signed line in the root log says so")
    prune.add_argument("session", nargs="?", help="one session; without it all that are older than the setting")
    prune.add_argument("--yes", action="store_true", help="do it; without this it is only listed")
    prune.add_argument("--reason", default="retention")
    anchor = commands.add_parser("anchor", help="leave the root log's head where nobody here can change it")
    anchor.add_argument("--timestamp", metavar="URL", help="a time-stamping authority (RFC 3161)")
    anchor.add_argument("--print", action="store_true", help="print the line only, for a git note or a ticket")


def _export(given: argparse.Namespace) -> int:
    from vtcode_tui.events.export import converter
    from vtcode_tui.events.export.form import export
    from vtcode_tui.events.places import locate, session_folders
    from vtcode_tui.render import text_for

    home = Home.from_environment()
    if given.all == bool(given.session):
        raise UsageError("name one session, or give --all")
    since = _time(given.since)
    for folder in session_folders(home) if given.all else [locate(home, given.session)]:
        for line in export(folder, converter(given.format), since=since):
            print(text_for(sys.stdout, line))
    return 0


def _time(text: str) -> str:
    """The form in which events carry times, so that they compare as text."""
    from datetime import UTC, datetime

    from vtcode_tui.common.clock import rfc3339

    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--since {text!r} is not a time such as 2026-11-22T00:00:00Z") from error
    return rfc3339(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _report(given: argparse.Namespace) -> int:
    from vtcode_tui.events.lines import read_events
    from vtcode_tui.events.places import locate
    from vtcode_tui.events.report import account, as_html, as_markdown
    from vtcode_tui.events.verdict import verify

    folder = locate(Home.from_environment(), given.session)
    blocks = account(verify(folder), list(read_events(folder)))
    print(as_html(blocks) if given.html else as_markdown(blocks), end="")
    return 0


def _prune(given: argparse.Namespace) -> int:
    from vtcode_tui.config.layers import load
    from vtcode_tui.events.places import locate
    from vtcode_tui.events.prune import Aged, aged, check_age, last_event, prune
    from vtcode_tui.workspace import remove_layer

    home, now = Home.from_environment(), SystemClock().now()
    audit = load(home, None).settings.audit
    if given.session:
        folder = locate(home, given.session)
        found = [Aged(folder, last_event(folder))]
    else:
        found = aged(home, now=now, days=max(audit.retention_days, audit.minimum_days))
    for one in found:
        # What is listed is what would be done: one that is too young is refused here too.
        check_age(one.folder, now=now, minimum_days=audit.minimum_days)
        if given.yes:
            prune(home, one.folder, now=now, minimum_days=audit.minimum_days, reason=given.reason)
            remove_layer(home.layers, one.folder.name)
        print(f"{'removed' if given.yes else 'would remove'} {one.folder.name}  last event {one.last:%Y-%m-%d}")
    if not given.yes and found:
        print("nothing was removed: say --yes to do it", file=sys.stderr)
    return 0


def _anchor(given: argparse.Namespace) -> int:
    from vtcode_tui.config.layers import load
    from vtcode_tui.events.anchoring import Anchorage, Anchoring, timestamp
    from vtcode_tui.events.anchors import anchor_line
    from vtcode_tui.events.rootcheck import check_root
    from vtcode_tui.events.rootlog import ROOT, RootHead, RootLog

    home = Home.from_environment()
    log, found = RootLog(home.audit, home.keys), check_root(home.audit / ROOT)
    if found.problems:
        raise UsageError(f"the root log does not verify and is not anchored: {found.problems[0].text}")
    if not found.size:
        raise UsageError("there is no session yet whose root log could be anchored")
    standing = RootHead(found.size, found.head)
    if given.print:
        print(anchor_line(log.host_key(), standing))
        return 0
    audit = load(home, None).settings.audit
    url = given.timestamp or audit.rfc3161_url
    if given.timestamp:
        token = timestamp(log, standing, Anchoring(rfc3161_url=url, rfc3161_ca=audit.rfc3161_ca))
        print(token)
        log.append("anchor", "", {"where": [token.name], "size": standing.size})
        return 0
    where = Anchorage(log, "", Anchoring(("syslog", *(("rfc3161",) if url else ())), url, audit.rfc3161_ca)).leave(
        standing
    )
    print(anchor_line(log.host_key(), standing))
    if not where:
        print("there is no system log here (journald, /dev/log): keep the line yourself", file=sys.stderr)
        return 1
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "export": _export,
    "report": _report,
    "prune": _prune,
    "anchor": _anchor,
}
"""The subcommands by name."""
