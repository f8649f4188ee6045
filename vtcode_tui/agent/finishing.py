"""An acceptance that a crash cut off is finished by whichever session opens next in its workspace.

The human decided, and the decision is in the journal of the session that it was made in; what is written now is in
the journal of the one that writes it. So is what was taken back in the real files, where a crash kept it from being
told.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from vtcode_tui.agent.means import Means
from vtcode_tui.common.errors import UsageError, VtcodeError
from vtcode_tui.common.home import Home
from vtcode_tui.events import locate
from vtcode_tui.events.live import Notice
from vtcode_tui.sessions.listing import kept_alone
from vtcode_tui.sessions.store import read_meta
from vtcode_tui.workspace.layer import MODULE, TRACING, Layer, forget_untold, is_untold, unfinished_layers
from vtcode_tui.workspace.wire import decode

_NAMED = 6
_FINISHED = "cut off in the middle and is finished now"


async def finish_acceptances(means: Means, home: Home, own: str) -> None:
    """Finish those of all sessions of this workspace that no other process has open; `own`: this session's id."""
    root = means.workspace.root
    for session in await asyncio.to_thread(unfinished_layers, home.layers.resolve()):
        layer = Layer(root, home.layers.resolve() / session)
        if session == own:
            await _finish(means, layer)
            continue
        try:
            folder = await asyncio.to_thread(locate, home, session)
            if Path(read_meta(folder).workspace).resolve() != root:
                continue
        except (UsageError, OSError):
            continue  # nobody can say whose it was
        with kept_alone(folder) as alone:
            if alone:
                await _finish(means, layer)


async def _finish(means: Means, layer: Layer) -> None:
    if layer.unfinished:
        await finish_acceptance(means, layer)
    await tell_taken_back(means, layer.folder)


async def tell_taken_back(means: Means, folder: Path) -> None:
    """Record what was taken back in the real files when vtcode, or its worker, was killed before that was told."""
    if not await asyncio.to_thread(is_untold, folder):
        return
    arguments = {"root": str(means.workspace.root), "folder": str(folder)}
    profile = means.profile("untold", folder)
    try:
        answer, _ = await means.work.run(
            "untold", TRACING, "untold", arguments, profile, "finds what was taken back"
        )
    except VtcodeError as error:
        means.bus.publish(Notice(f"Files were taken back, and nobody can say which: {error}", "error"))
        return
    for changed in means.told(decode(answer["changes"]).files, "rollback"):
        await means.bus.record(changed)
    await asyncio.to_thread(forget_untold, folder)


async def finish_acceptance(means: Means, layer: Layer) -> None:
    """Finish one, record what it changed, and say what could not be done; a failure is told, and tried again."""
    profile = means.profile("recover", means.workspace.root, layer.folder)
    arguments = layer.arguments(live=means.live())
    try:
        answer, _ = await means.work.run("recover", MODULE, "recover", arguments, profile, "finishes an acceptance")
    except VtcodeError as error:
        text = f"An acceptance was cut off in the middle and could not be finished: {error}"
        means.bus.publish(Notice(text, "error"))
        return
    made = means.told(decode(answer["changes"]).files, "accept")
    for changed in made:
        await means.bus.record(changed)
    await asyncio.to_thread(layer.told)
    names = ", ".join(changed.path for changed in made[:_NAMED]) or "no file"
    more = f" and {len(made) - _NAMED} more" if len(made) > _NAMED else ""
    how = "written and is in the journal only now" if answer.get("whole") else _FINISHED
    text = f"What you had accepted was {how}: {names}{more}."
    means.bus.publish(Notice(text, "warning"))
    means.failed(answer.get("failed"), "was not finished accepting")
