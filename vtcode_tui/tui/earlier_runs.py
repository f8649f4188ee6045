"""Runs of a session from before it was gone on with: tabs of the last ones, and what each wrote when it is opened.

Which runs there were is told by the names of the files that keep them, and by the conversation. Of the person's own
also two lines are read, the command and its end; all else when somebody looks, and no more than the pane's backlog.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vtcode_tui.common.errors import UsageError
from vtcode_tui.terminal.kept import SPOOLS, recording_of, spool_of
from vtcode_tui.tui.panes.blocks import Block, ToolCall
from vtcode_tui.tui.panes.runs import BACKLOG, KEPT_RUNS, RunView, Written, blank_screen, lines_of

if TYPE_CHECKING:
    from vtcode_tui.terminal import Recording

_EARLIER = "earlier"
_UNREADABLE = Written(ending="its recording cannot be read", good=False)


def last_runs(folder: Path, blocks: Iterable[Block]) -> list[RunView]:
    """The last runs of the session in a folder, the oldest first; `blocks` know what they were."""
    known = {block.call: block for block in blocks if isinstance(block, ToolCall)}
    try:
        with os.scandir(folder / SPOOLS) as found:
            ended = sorted((entry.stat().st_mtime_ns, entry.name) for entry in found if entry.name.endswith(".out"))
    except OSError:
        return []
    views = (earlier_run(folder, name.removesuffix(".out"), known) for _, name in ended[-KEPT_RUNS:])
    return [view for view in views if view is not None]


def earlier_run(folder: Path, call: str, known: Mapping[str, ToolCall]) -> RunView | None:
    """A run whose output is read when it comes to the front; None where nothing of it is kept."""
    cast, spool = recording_of(folder, call), spool_of(folder, call)
    terminal = cast.exists()
    if not terminal and not spool.exists():
        return None
    view = RunView(call, "", partial(blank_screen, 80, 24), terminal, _EARLIER)
    view.source = partial(_from_cast, cast) if terminal else partial(_from_spool, spool)
    if (block := known.get(call)) is not None:
        view.title, view.good = block.subject, block.state == "ok"
    elif terminal:
        # The person's own: the conversation does not say which of them it was.
        view.title, view.good = _asked(cast)
    return view


def _asked(cast: Path) -> tuple[str, bool]:
    """What a recording's command was, and whether it ended well, from its first line and its last."""
    from vtcode_tui.terminal import Recording

    try:
        recording = Recording(cast)
        exits = [moment.text for moment in recording.moments(last=512) if moment.code == "x"]
    except (OSError, UsageError):
        return "", False
    return recording.header.command, exits == ["0"]


def _from_cast(cast: Path) -> Written:
    from vtcode_tui.terminal import Recording  # loads the emulator

    try:
        recording = Recording(cast)
        size = cast.stat().st_size
    except (OSError, UsageError):
        return _UNREADABLE
    begun = Written(recording.header.columns, recording.header.rows, skipped=max(0, size - BACKLOG))
    return _moments(recording, begun)


def _moments(recording: Recording, written: Written) -> Written:
    pieces: list[bytes] = []
    try:
        for moment in recording.moments(last=BACKLOG):
            if moment.code == "o":
                pieces.append(moment.text.encode("utf-8", "replace"))
            elif moment.size is not None:
                written = replace(written, columns=moment.size[0], rows=moment.size[1])
            elif moment.code == "x":
                ending = _EARLIER if moment.text == "-1" else f"exit {moment.text}"
                written = replace(written, ending=ending, good=moment.text == "0")
    except (OSError, UsageError):
        written = replace(written, ending="its recording is damaged from here on", good=False)
    return replace(written, data=b"".join(pieces))


def _from_spool(spool: Path) -> Written:
    try:
        with spool.open("rb") as file:
            skipped = max(0, os.fstat(file.fileno()).st_size - BACKLOG)
            file.seek(skipped)
            return Written(data=lines_of(file.read(BACKLOG), terminal=False), skipped=skipped)
    except OSError:
        return _UNREADABLE
