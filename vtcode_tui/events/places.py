"""Where the journals of sessions lie, and how one is found by its id or the beginning of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from vtcode_tui.common.errors import UsageError
from vtcode_tui.common.home import Home
from vtcode_tui.events.lines import NAME


def session_folder(home: Home, session: str, started: datetime) -> Path:
    """The folder of a session that starts now: `sessions/YYYY/MM/DD/<id>`; nothing is created."""
    return home.sessions / f"{started:%Y}" / f"{started:%m}" / f"{started:%d}" / session


def session_folders(home: Home) -> list[Path]:
    """The folders of all sessions that have a journal, oldest first."""
    return sorted((path.parent for path in home.sessions.glob(f"*/*/*/*/{NAME}")), key=lambda folder: folder.name)


def locate(home: Home, session: str) -> Path:
    """The folder of a session: by path, id, the beginning of an id, or `last`.

    Raises UsageError when nothing or more than one thing fits.
    """
    given = Path(session).expanduser()
    if given.name == NAME and given.is_file():
        return given.parent
    if (given / NAME).is_file():
        return given
    folders = session_folders(home)
    if session == "last" and folders:
        return folders[-1]
    fitting = [folder for folder in folders if session and folder.name.startswith(session)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise UsageError(f"no session {session!r} below {home.sessions}: `vtcode sessions list` names them")
    some = ", ".join(folder.name for folder in fitting[:3])
    raise UsageError(f"{len(fitting)} sessions begin with {session!r} ({some}, ...): give more of the id")
