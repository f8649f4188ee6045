"""A session as one asciicast, which any player shows: each run after the other, with what was asked as markers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vtcode_tui.events.types import ExecFinished, ExecStarted, PromptSubmitted, ToolRequested
from vtcode_tui.sessions.replay import Recording

IDLE_LIMIT = 2.0
COLUMNS, ROWS = 100, 30
_DIM, _RESET, _CLEAR = "\x1b[2m", "\x1b[0m", "\x1b[?1049l\x1b[0m\x1b[H\x1b[2J\x1b[3J"


def to_asciicast(folder: Path) -> Iterator[str]:
    """The lines of an asciicast v2 of all runs of a session that had output, pauses cut to two seconds.

    https://docs.asciinema.org/manual/asciicast/v2/: asciinema 2 plays no later version, and every player that has
    one plays this. Prompts and commands are markers: a player can jump to them.
    """
    recording = Recording(folder, idle_limit=IDLE_LIMIT)
    began = recording.events[0].time if len(recording) else ""
    header: dict[str, Any] = {"version": 2, "width": COLUMNS, "height": ROWS, "env": {"TERM": "xterm-256color"}}
    header["title"] = f"vtcode session {folder.name}, begun {began}"
    yield _line(header)
    last = 0.0
    for at, code, text in sorted(_moments(recording), key=lambda moment: moment[0]):
        last = max(last, at)
        yield _line([round(last, 3), code, text])


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _moments(recording: Recording) -> Iterator[tuple[float, str, str]]:
    wanted = {"prompt.submitted", "tool.requested", "exec.started", "exec.finished"}
    commands: dict[str, str] = {}
    shown: set[str] = set()
    for place, kind in enumerate(recording.events.types):
        if kind not in wanted:
            continue
        event, at = recording.events[place], recording.times[place]
        match event.data:
            case PromptSubmitted():
                yield at, "m", _one_line(event.data.text)
            case ToolRequested() if event.call:
                commands[event.call] = str(event.data.arguments.get("command", "")) or event.data.tool
            case ExecStarted() if event.call:
                output = recording.output(place)
                if output.pieces:
                    shown.add(event.call)
                    command = _one_line(commands.get(event.call) or " ".join(event.data.argv))
                    yield at, "m", command
                    yield at, "o", f"{_CLEAR}{_DIM}$ {command}{_RESET}\r\n"
                    for written, piece in zip(output.times, output.pieces, strict=True):
                        text = piece.decode("utf-8", "replace")
                        yield max(at, written), "o", text if output.terminal else text.replace("\n", "\r\n")
            case ExecFinished() if event.call in shown:
                ending = f"signal {event.data.signal}" if event.data.signal else f"exit {event.data.exit_code}"
                yield at, "o", f"\r\n{_DIM}[{ending}]{_RESET}\r\n"


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]
