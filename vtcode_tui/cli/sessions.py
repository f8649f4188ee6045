"""`vtcode sessions`: list, look at, search, fork, export and delete sessions."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.common.home import Home
    from vtcode_tui.sessions import Listed

EXAMPLE = """  vtcode sessions list --here
  vtcode sessions search 'retry limit'
  vtcode sessions export last --format html --output session.html"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="all sessions, the newest first")
    listing.add_argument("--here", action="store_true", help="only those of this folder")
    listing.add_argument("--limit", type=int, default=0, metavar="N", help="only so many")
    show = actions.add_parser("show", help="the conversation of one session")
    show.add_argument("session", metavar="SESSION", help="an id, its beginning, or `last`")
    search = actions.add_parser("search", help="find a text in all conversations")
    search.add_argument("text")
    search.add_argument("--here", action="store_true", help="only sessions of this folder")
    fork = actions.add_parser("fork", help="begin a new session with the conversation of another one")
    fork.add_argument("session", metavar="SESSION")
    fork.add_argument("--items", type=int, metavar="N", help="only the first N items")
    export = actions.add_parser(
        "export",
        help="the conversation as Markdown, HTML or JSON; its terminals as asciicast; its screen as SVG; ATIF",
    )
    export.add_argument("session", metavar="SESSION")
    export.add_argument("--format", choices=("md", "html", "json", "cast", "svg", "atif"), default="md")
    export.add_argument("--output", metavar="FILE", help="where to write it (default: stdout)")
    export.add_argument(
        "--at", default="", metavar="PLACE", help="svg: a time (1:30) or an event (#120); default: end"
    )
    export.add_argument("--size", default="160x48", metavar="CxR", help="svg: columns and rows of the screen")
    delete = actions.add_parser(
        "delete", help="remove the conversation and recordings; the journal stays as evidence"
    )
    delete.add_argument("session", metavar="SESSION")
    for action in (listing, show, search):
        action.add_argument("--json", action="store_true", help="print JSON")


def run(given: argparse.Namespace) -> int:
    """Do the action."""
    from vtcode_tui.common.home import Home
    from vtcode_tui.events import locate

    home = Home.from_environment()
    match given.action:
        case "list":
            return _list(home, given)
        case "search":
            return _search(home, given)
    folder = locate(home, given.session)
    match given.action:
        case "show":
            _write(_conversation(folder, "json" if given.json else "md"), None, raw=given.json)
            return 0
        case "export":
            return _export(folder, given)
        case "fork":
            return _fork(home, folder, given.items)
        case _:
            return _delete(home, folder)


def _here(given: argparse.Namespace) -> Path | None:
    return Path.cwd().resolve() if given.here else None


def _row(one: Listed) -> dict[str, object]:
    return {**one.meta.model_dump(), "folder": str(one.folder), "conversation": one.has_conversation}


def _list(home: Home, given: argparse.Namespace) -> int:
    from vtcode_tui.common.clock import local
    from vtcode_tui.render import plain_line
    from vtcode_tui.render.telling import plural
    from vtcode_tui.sessions import sessions

    found = sessions(home, workspace=_here(given))
    found = found[: given.limit] if given.limit > 0 else found
    if given.json:
        print(json.dumps([_row(one) for one in found], indent=1))
        return 0
    for one in found:
        state = "" if one.meta.ended else "  (open now)" if one.open_now else "  (not closed)"
        state += "" if one.has_conversation else "  (deleted)"
        title, turns = plain_line(one.meta.title or "no prompt yet"), plural(one.meta.turns, "turn")
        begun = local(one.meta.started)
        when = plain_line(f"{begun.day} {begun.clock[:5]} {begun.zone}")
        print(f"{one.meta.id}  {when}  {turns:>9}  {title}{state}")
    return 0


def _search(home: Home, given: argparse.Namespace) -> int:
    from vtcode_tui.render import plain_line
    from vtcode_tui.sessions import search

    hits = 0
    for hit in search(home, given.text, workspace=_here(given)):
        hits += 1
        if given.json:
            row = {"session": hit.session.meta.id, "item": hit.item.seq, "role": hit.item.role, "line": hit.line}
            print(json.dumps(row))
        else:
            print(f"{hit.session.meta.id[:13]}  {hit.item.role:<9} {plain_line(hit.line)[:160]}")
    return 0 if hits else 1


def _export(folder: Path, given: argparse.Namespace) -> int:
    match given.format:
        case "svg":
            text = _picture(folder, given)
        case "cast":
            from vtcode_tui.sessions import to_asciicast

            text = "".join(line + "\n" for line in to_asciicast(folder))
        case "atif":
            from vtcode_tui.events.export import converter
            from vtcode_tui.events.export.form import export

            text = "".join(line + "\n" for line in export(folder, converter("atif"), since=""))
        case form:
            text = _conversation(folder, form)
    _write(text, given.output, raw=given.format != "md")
    return 0


def _conversation(folder: Path, form: str) -> str:
    from vtcode_tui.sessions import parse, read_meta, to_html, to_json, to_markdown

    meta = read_meta(folder)
    path = folder / "session.md"
    items = parse(path.read_bytes() if path.exists() else b"").items
    return {"md": to_markdown, "html": to_html, "json": to_json}[form](meta, items)


def _picture(folder: Path, given: argparse.Namespace) -> str:
    from vtcode_tui.common.errors import UsageError
    from vtcode_tui.common.home import Home
    from vtcode_tui.config import load
    from vtcode_tui.tui import picture_of

    columns, cross, rows = given.size.partition("x")
    if not (
        cross and columns.isdecimal() and rows.isdecimal() and 20 <= int(columns) <= 500 and 5 <= int(rows) <= 200
    ):
        raise UsageError(f"--size is columns and rows, such as 160x48, not {given.size!r}")
    settings = load(Home.from_environment(), None).settings
    return picture_of(folder, settings, size=(int(columns), int(rows)), at=given.at)


def _write(text: str, output: str | None, *, raw: bool) -> None:
    from vtcode_tui.common.errors import UsageError
    from vtcode_tui.common.files import write_atomically
    from vtcode_tui.render import plain

    if output is None:
        print(text if raw else plain(text), end="" if text.endswith("\n") else "\n")
        return
    try:
        write_atomically(Path(output).absolute(), text.encode("utf-8", "replace"), mode=0o644)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from error


def _fork(home: Home, folder: Path, items: int | None) -> int:
    import asyncio

    from vtcode_tui.render import plain_line
    from vtcode_tui.sessions import fork, read_meta, staged_at_end

    made = asyncio.run(fork(home, folder, items))
    print(made.name)
    paths = staged_at_end(folder)
    if paths and (staged := read_meta(made).staged) is not None:
        words = (
            "come along when the copy is opened" if staged.wanted else "stay with it: the copy ends within a turn"
        )
        print(f"its staged changes {words}", file=sys.stderr)
        for path in paths:
            print(f"  {plain_line(path)}", file=sys.stderr)
    return 0


def _delete(home: Home, folder: Path) -> int:
    from vtcode_tui.sessions import delete

    delete(home, folder)
    print(f"{folder.name}: conversation, recordings and layer are gone; the journal stays (`vtcode audit prune`)")
    return 0
