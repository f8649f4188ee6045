"""Starting and ending the screen: the device, the streams, the terminal as it was."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vtcode_tui.common.errors import UsageError
from vtcode_tui.common.home import Home
from vtcode_tui.render import plain
from vtcode_tui.tui import require_screen
from vtcode_tui.tui.base import BaseApp
from vtcode_tui.tui.crash import told
from vtcode_tui.tui.history import History
from vtcode_tui.tui.places import Places

if TYPE_CHECKING:
    from vtcode_tui.config.settings import Settings
    from vtcode_tui.events.types import Event
    from vtcode_tui.tui import OpenCore
    from vtcode_tui.tui.curtain import Curtain
    from vtcode_tui.tui.screens.doctor import Diagnosis
    from vtcode_tui.tui.screens.sessions import Act, Chosen


def start_app(
    open_core: OpenCore,
    load_settings: Callable[[], Settings],
    *,
    root: Path,
    title: str = "",
    draft: str = "",
    guide: tuple[str, ...] = (),
    curtain: Curtain | None = None,
    resumed: Path | None = None,
    doctor: Callable[[], Sequence[Diagnosis]] = tuple,
    served: bool = False,
) -> int | Path:
    """See `vtcode_tui.tui.run_app`."""
    # Thousands of objects are made before anything is shown, and none of them is garbage; the app ends this.
    gc.disable()
    from vtcode_tui.tui.app import VtcodeApp  # the viewer and the app load nothing of each other

    if not served:
        require_screen()
    state = Home.from_environment().state
    history = History(state / "prompts.jsonl")
    app = VtcodeApp(
        open_core,
        load_settings,
        root=root,
        title=title,
        draft=draft,
        guide=guide,
        history=history,
        on_event_line=None if served else _lines_to_stderr(),
        curtain=curtain,
        resumed=resumed,
        doctor=doctor,
        places=Places(state / "screens.json", root),
    )
    if served:
        from vtcode_tui.tui.page import Page  # its stdin and stdout are the page: nothing else may be written there

        app.driver_class = Page
        return _run(app)
    status = _run(app)
    if app.last_answer and sys.stdout is not None and not sys.stdout.isatty():
        sys.stdout.write(app.last_answer.rstrip("\n") + "\n")
        sys.stdout.flush()
    return app.wanted or status


def _lines_to_stderr() -> Callable[[Event], None] | None:
    """Redirected stderr gets the events as JSON lines; the interface is drawn on the terminal itself."""
    stream = sys.__stderr__
    if stream is None or stream.isatty():
        return None

    def write(event: Event) -> None:
        with contextlib.suppress(OSError):
            # Whoever read it went away: the journal has it all the same.
            stream.write(event.model_dump_json() + "\n")
            stream.flush()

    return write


def _run(app: BaseApp) -> int:
    for name in ("TEXTUAL_DRIVER", "TEXTUAL_PRESS", "TEXTUAL_SCREENSHOT", "TEXTUAL_DEBUG", "TEXTUAL_LOG"):
        # A development aid must not be a way to press keys in front of an approval.
        os.environ.pop(name, None)
    result = app.run(mouse=True)
    if app.report:
        sys.stderr.write(f"vtcode: {plain(told(app.report, Home.from_environment().state / 'crashes'))}\n")
        return app.return_code or 1
    return result if isinstance(result, int) else app.return_code or 0


def start_viewer(session_folder: Path, settings: Settings) -> int:
    """See `vtcode_tui.tui.run_viewer`."""
    from vtcode_tui.tui.viewer import ViewerApp

    require_screen()
    return _run(ViewerApp(session_folder, settings))


def start_picker(question: str, act: Act) -> Chosen | None:
    """See `vtcode_tui.tui.pick`."""
    from vtcode_tui.config import load
    from vtcode_tui.tui.screens.sessions import PickerApp  # reads all sessions

    require_screen()
    home = Home.from_environment()
    app = PickerApp(home, question, act, load(home, None).settings)
    _run(app)
    return app.chosen


def draw_picture(session_folder: Path, settings: Settings, *, size: tuple[int, int], at: str) -> str:
    """See `vtcode_tui.tui.picture_of`."""
    from vtcode_tui.tui.picture import svg_of
    from vtcode_tui.tui.screens.replay import place_of
    from vtcode_tui.tui.viewer import ViewerApp

    if at and place_of(at) is None:
        raise UsageError(f"a place is a time (1:30) or an event (#120), not {at!r}")
    app = ViewerApp(session_folder, settings)

    async def draw() -> str:
        async with app.run_test(size=size) as pilot:
            screen = app.shown
            await screen.ready.wait()
            if screen.player is None:
                raise UsageError(f"{session_folder} cannot be shown: {screen.problem}")
            screen.go(at) if at else screen.action_seek_to(-1)
            await pilot.pause(0.1)
            while screen.terminal.busy:
                await pilot.pause(0.05)
            await pilot.pause()
            return svg_of(app)

    return asyncio.run(draw())
