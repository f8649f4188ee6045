"""The full-screen application: a reader of events, a sender of intents. The only room that imports textual."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from vtcode_tui.common.errors import UsageError

if TYPE_CHECKING:
    from vtcode_tui.agent.port import Core, Reader
    from vtcode_tui.config.settings import Settings
    from vtcode_tui.gate.types import Approver
    from vtcode_tui.tui.curtain import Curtain
    from vtcode_tui.tui.screens.doctor import Diagnosis

OpenCore: TypeAlias = "Callable[[Approver, Reader], Awaitable[Core]]"
"""Builds the core after the first paint. `Approver` is the approval queue of the screen; `Reader` is to hear
everything from the first event on (the app does not call `core.subscribe` itself)."""


DEMO_WANTED = -1
"""The exit status of `run_app` when the person asked for the demo instead."""


def require_screen(instead: str = "`vtcode --plain`, `vtcode exec` or `vtcode ask`") -> None:
    """Raise UsageError with one sentence where there is no terminal to draw on; it names what works there."""
    from vtcode_tui.tui.curtain import screen_at_hand

    if not screen_at_hand():
        term = os.environ.get("TERM", "")
        reason = f"TERM is {term or 'not set'}" if term in {"", "dumb"} else "this process has none"
        raise UsageError(f"there is no terminal that can be drawn on ({reason}): use {instead} here")


def run_app(
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
    """Show the full-screen app over one core until the person leaves; the exit status, or the folder of the
    session that the person wants to go on with instead.

    Paints first, then calls `load_settings` and awaits `open_core` in the running event loop (so both may import
    what is heavy); an error of vtcode's tree from either is shown as its sentence. `title` names the session in the
    status bar; `draft` is put into the prompt, unsent; `guide` is shown as the first words of the chat, one line
    each (the demo tells there what to press); `curtain` is what is on the screen already; `resumed` is the
    folder of the session that is gone on with: what was said in it is shown first; `doctor` looks at everything but
    the sandbox, in a thread, when the person asks; `served` draws for the page of `serve_app`, for no terminal.
    Start the spawner before calling this: threads exist afterwards.
    At the end the core is closed, the terminal restored, and the last answer goes to stdout if that is no terminal.
    """
    from vtcode_tui.tui.start import start_app

    return start_app(
        open_core,
        load_settings,
        root=root,
        title=title,
        draft=draft,
        guide=guide,
        curtain=curtain,
        resumed=resumed,
        doctor=doctor,
        served=served,
    )


def run_linear(
    open_core: OpenCore, load_settings: Callable[[], Settings], *, root: Path, resumed: bool = False
) -> int:
    """The same core as lines without a screen, for screen readers; the exit status.

    Unless a session is `resumed`, it says how one that was cut off in `root` is gone on with.
    """
    from vtcode_tui.tui.linear import run_linear as run

    return run(open_core, load_settings, root=root, resumed=resumed)


def run_viewer(session_folder: Path, settings: Settings) -> int:
    """Show the replay viewer over a session's journal; the exit status. Nothing that runs a tool is imported."""
    from vtcode_tui.tui.start import start_viewer

    return start_viewer(session_folder, settings)


def pick(question: str, act: Literal["resume", "replay"]) -> tuple[Literal["resume", "replay"], Path] | None:
    """Let the person choose an earlier session: what to do (`act`, or the other one) with which folder."""
    from vtcode_tui.tui.start import start_picker

    return start_picker(question, act)


def picture_of(session_folder: Path, settings: Settings, *, size: tuple[int, int], at: str = "") -> str:
    """A picture (SVG) of the viewer at a place of a session: `1:30`, `#120`, or its end; no terminal is needed."""
    from vtcode_tui.tui.start import draw_picture

    return draw_picture(session_folder, settings, size=size, at=at)


def serve_app(root: Path, port: int, say: Callable[[str], None]) -> int:
    """Serve the app for a workspace to a browser on this machine until interrupted; the exit status.

    `port` 0 takes a free one; `say` is given the lines for the person, the address with its token among them.
    """
    from vtcode_tui.tui.serving import serve

    return serve(root, port, say)
