"""`vtcode audit`: verify, read and export what happened."""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vtcode_tui.cli import audit_more
from vtcode_tui.common.errors import UsageError
from vtcode_tui.common.home import Home

if TYPE_CHECKING:
    from vtcode_tui.events.chain import Problem
    from vtcode_tui.events.evidence import Evidence
    from vtcode_tui.events.verdict import Report

EXAMPLE = """  vtcode audit verify last                     is the last session's journal intact?
  journalctl -t vtcode -o cat | vtcode audit verify --all --anchors -
  vtcode audit show last                       what happened, line by line
  vtcode audit export last --format ocsf > session.ocsf.jsonl
  vtcode audit report last --html > report.html
  vtcode audit script > verify.sh              verify with a shell and sha256sum only"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    commands = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")
    verify = commands.add_parser("verify", help="0 sealed, 5 tampered, 6 open or torn, 7 required anchor missing")
    verify.add_argument("session", nargs="?", help="a path, an id or its beginning, or `last`")
    verify.add_argument("--all", action="store_true", help="every session, and none may be missing")
    verify.add_argument(
        "--anchors",
        action="append",
        metavar="FILE",
        help="system log, git notes, RFC 3161 tokens or exported events; - reads stdin",
    )
    verify.add_argument(
        "--timestamp-ca",
        metavar="FILE",
        help="certificates (PEM) that RFC 3161 tokens among the anchors must be signed under",
    )
    verify.add_argument("--host-key", metavar="FILE", help="the host key's public half, kept elsewhere")
    verify.add_argument(
        "--allowed-signers", metavar="FILE", help="verify signed approvals with this file of ssh-keygen(1)"
    )
    verify.add_argument("--json", action="store_true")
    show = commands.add_parser("show", help="a readable timeline")
    show.add_argument("session", nargs="?", default="last")
    show.add_argument(
        "--type", action="append", metavar="PREFIX", help="only events of these types, as in `approval`"
    )
    show.add_argument("--json", action="store_true", help="the raw lines")
    tail = commands.add_parser("tail", help="follow a session that runs")
    tail.add_argument("session", nargs="?", default="last")
    tail.add_argument("--json", action="store_true")
    audit_more.arguments(commands)
    commands.add_parser("schema", help="the events as JSON Schema")
    commands.add_parser("script", help="print verify.sh, which needs nothing but a POSIX shell and sha256sum")


def run(given: argparse.Namespace) -> int:
    """Do what was asked."""
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "verify": _verify,
        "show": _show,
        "tail": _tail,
        "schema": _schema,
        "script": _script,
    } | audit_more.COMMANDS
    return commands[given.what](given)


def _verify(given: argparse.Namespace) -> int:
    from vtcode_tui.events.places import locate
    from vtcode_tui.events.verdict import EXIT, verify, verify_all, worst
    from vtcode_tui.sandbox import beside

    home = Home.from_environment()
    if given.all == bool(given.session):
        raise UsageError("name one session, or give --all")
    evidence, key = _evidence(given.anchors, given.timestamp_ca), _host_key(given.host_key)
    if given.all:
        reports, problems = verify_all(home.sessions, host_key=key, evidence=evidence, beside=beside)
    else:
        folder = locate(home, given.session)
        reports, problems = [verify(folder, host_key=key, evidence=evidence, beside=beside)], []
    if given.allowed_signers:
        reports = [_with_signatures(report, Path(given.allowed_signers)) for report in reports]
    state = "tampered" if problems else worst(report.state for report in reports)
    if evidence.given and not reports and not problems:
        state = "unanchored"
    if given.json:
        print(
            json.dumps(
                {"state": state, "sessions": [_as_json(one) for one in reports], "problems": _plain(problems)}
            )
        )
    else:
        for report in reports:
            _say(report)
        for problem in problems:
            _print(f"TAMPERED  [{problem.layer}] {problem.text}")
        if given.all:
            print(f"{len(reports)} sessions: {state}")
    return EXIT[state]


def _evidence(files: list[str] | None, authority: str | None) -> Evidence:
    from vtcode_tui.events.evidence import Evidence
    from vtcode_tui.events.timestamps import authorities, read_stamp

    if not files:
        if authority:
            raise UsageError("--timestamp-ca says which tokens count among --anchors, and none are given")
        return Evidence()
    try:
        raw = [sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes() for name in files]
    except OSError as error:
        raise UsageError(f"anchors cannot be read: {error}") from error
    trusted = authorities(Path(authority)) if authority else ()
    stamps = tuple(found for data in raw if data[:1] == b"\x30" and (found := read_stamp(data, trusted)))
    return Evidence("\n".join(data.decode("utf-8", "replace") for data in raw), given=True, stamps=stamps)


def _host_key(name: str | None) -> bytes | None:
    if name is None:
        return None
    try:
        return base64.b64decode(Path(name).read_bytes(), validate=False)
    except (OSError, binascii.Error) as error:
        raise UsageError(f"{name} is not the public half of a host key: {error}") from error


def _with_signatures(report: Report, signers: Path) -> Report:
    from vtcode_tui.events.approvals import check_approvals

    return check_approvals(report, signers)


_WORDS = {
    "sealed": "INTACT    sealed",
    "open": "INTACT    open: the session runs, or ended without closing its journal",
    "torn": "INTACT    torn: a crash cut the last line; it is set aside when the session is continued",
    "unanchored": "UNANCHORED sealed, but no anchor or host key that was given vouches for it",
    "tampered": "TAMPERED",
}


def _say(report: Report) -> None:
    anchored = ", anchored" if report.anchored else ""
    _print(f"{_WORDS[report.state]}{anchored}  {report.session}  {report.events} events  head {report.head}")
    for problem in report.problems:
        _print(f"  [{problem.layer}] {problem.text}")
    if report.state in {"open", "torn"}:
        _print(f"  signed: the events before {report.trusted}; nobody vouches for later ones yet")
    if report.problems:
        _print(f"  trustworthy: the events before {report.trusted} (last good checkpoint)")
    for note in report.notes[:20]:
        _print(f"  note: {note}")
    if len(report.notes) > 20:
        _print(f"  note: and {len(report.notes) - 20} more (--json lists all)")


def _print(text: str) -> None:
    """One line. What a journal says of paths and names must not act on the terminal of whoever verifies it."""
    from vtcode_tui.render import plain_line

    print(plain_line(text))


def _raw(raw: bytes) -> str:
    from vtcode_tui.render import json_for

    return json_for(sys.stdout, raw).decode("utf-8", "backslashreplace")


def _plain(problems: tuple[Problem, ...] | list[Problem]) -> list[dict[str, object]]:
    return [{"layer": one.layer, "seq": one.seq, "text": one.text} for one in problems]


def _as_json(report: Report) -> dict[str, object]:
    return {
        "session": report.session,
        "path": str(report.path),
        "state": report.state,
        "exit_status": report.exit_status,
        "events": report.events,
        "head": report.head,
        "checkpoints": report.checkpoints,
        "trusted": report.trusted,
        "anchored": report.anchored,
        "first_bad": report.first_bad,
        "layer": report.layer,
        "problems": _plain(report.problems),
        "notes": list(report.notes),
    }


def _show(given: argparse.Namespace) -> int:
    from vtcode_tui.events.lines import event_of, read_lines
    from vtcode_tui.events.places import locate
    from vtcode_tui.events.timeline import line

    wanted = tuple(given.type or ())
    for raw in read_lines(locate(Home.from_environment(), given.session)):
        event = event_of(raw)
        if not wanted or event.type.startswith(wanted):
            print(_raw(raw) if given.json else line(event))
    return 0


def _tail(given: argparse.Namespace) -> int:
    from vtcode_tui.events.follow import follow
    from vtcode_tui.events.lines import event_of
    from vtcode_tui.events.places import locate
    from vtcode_tui.events.timeline import line

    for raw in follow(locate(Home.from_environment(), given.session)):
        print(_raw(raw) if given.json else line(event_of(raw)), flush=True)
    return 0


def _schema(given: argparse.Namespace) -> int:
    from vtcode_tui.events.schema import schema

    print(json.dumps(schema(), indent=2))
    return 0


def _script(given: argparse.Namespace) -> int:
    import vtcode_tui.events

    print((Path(vtcode_tui.events.__file__).parent / "verify.sh").read_text(), end="")
    return 0
