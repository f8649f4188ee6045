"""One prompt without a screen: the answer on stdout, the events as JSON lines on stderr, nothing else on either."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from vtcode_tui.agent import Opening, Session, capability_of, open_core
from vtcode_tui.common.errors import DeniedError, ModelError, VtcodeError
from vtcode_tui.common.home import Home
from vtcode_tui.config import Loaded
from vtcode_tui.events import Event, line_of
from vtcode_tui.events.live import Live, Notice
from vtcode_tui.headless.approver import Never
from vtcode_tui.render import json_for, text_for
from vtcode_tui.sandbox import Spawner

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done, and where."""

    prompt: str
    root: Path
    home: Home
    loaded: Loaded
    choice: str = ""
    accept: Literal["none", "workspace"] = "none"
    max_turns: int | None = None
    tools: tuple[str, ...] = ()
    as_json: bool = False
    mode: Literal["build", "plan", "read-only"] | None = None
    resume: Path | None = None


@dataclass(slots=True)
class _Streams:
    out: BinaryIO
    err: BinaryIO
    seen: dict[str, int] = field(default_factory=dict)

    def reader(self, what: Event | Live) -> None:
        """Write an event; a reader of stderr that went away must not stop the session."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            if isinstance(what, Event):
                self.seen[what.type] = self.seen.get(what.type, 0) + 1
                self.err.write(json_for(self.err, line_of(what)) + b"\n")
                self.err.flush()
            elif isinstance(what, Notice):
                note = {"type": "notice", "severity": what.severity, "text": what.text}
                self.err.write(json_for(self.err, json.dumps(note).encode()) + b"\n")
                self.err.flush()


class _Defects(logging.Handler):
    """What the interpreter and libraries complain of, as notices: their own lines are no JSON."""

    def __init__(self, tell: Callable[[Notice], object]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """One line for one complaint; of a traceback its last words."""
        text = f"{record.name}: {record.getMessage()}"
        if record.exc_info and (error := record.exc_info[1]) is not None:
            text += f": {type(error).__name__}: {error}"
        self._tell(Notice(text, "error" if record.levelno >= logging.ERROR else "warning"))


async def perform(job: Job, spawner: Spawner, out: BinaryIO, err: BinaryIO) -> int:
    """Do a job; the exit status. Raises VtcodeError for what goes wrong before the session is open."""
    streams = _Streams(out, err)
    defects = _Defects(streams.reader)
    logging.getLogger().addHandler(defects)
    try:
        settings = job.loaded.settings
        if job.mode is not None:
            settings = settings.model_copy(update={"mode": job.mode})
        capability = await capability_of(spawner, settings)
        session = await open_core(
            Opening(
                root=job.root,
                home=job.home,
                settings=settings,
                spawner=spawner,
                capability=capability,
                approver=Never(),
                reader=streams.reader,
                origin="exec",
                choice=job.choice,
                tools=job.tools,
                resume=job.resume,
                max_turns=job.max_turns,
                config_sha256=job.loaded.sha256,
            )
        )
        try:
            return await _converse(job, session, streams)
        except VtcodeError as error:
            # The session has begun: from here on nothing but JSON is on stderr.
            streams.reader(Notice(str(error), "error"))
            return error.exit_status
    finally:
        await spawner.close()
        logging.getLogger().removeHandler(defects)


async def _converse(job: Job, session: Session, streams: _Streams) -> int:
    reason, status = "failed", 1
    try:
        if not session.trusted:
            raise DeniedError(
                f"{session.root} is not trusted, so nothing runs in it: `vtcode trust grant` trusts it"
            )
        if not session.model:
            raise ModelError("; ".join(session.looked_for) or "no model is configured", kind="not_running")
        with _signals(session) as interrupted:
            await session.submit(job.prompt)
            if session.outcome == "done" and job.accept == "workspace":
                await _accept(session, streams)
        status = 130 if interrupted() else {"done": 0, "stopped": 3}.get(session.outcome, 1)
        reason = session.outcome
        _answer(job, session, streams, status)
        return status
    except VtcodeError as error:
        status = error.exit_status
        raise
    finally:
        await session.close(reason, status)


@contextlib.contextmanager
def _signals(session: Session) -> Iterator[Callable[[], bool]]:
    loop = asyncio.get_running_loop()
    hit: list[int] = []

    def on(number: int) -> None:
        hit.append(number)
        stopping.append(loop.create_task(session.interrupt()))

    stopping: list[asyncio.Task[None]] = []
    for number in _SIGNALS:
        loop.add_signal_handler(number, on, number)
    try:
        yield lambda: bool(hit)
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def _accept(session: Session, streams: _Streams) -> None:
    """Accept what is staged, but for protected paths and conflicts: those wait for a human."""
    changes = await session.changes()
    chosen = {change.path: None for change in changes.files if not change.protected and not change.conflict}
    if chosen:
        await session.accept(chosen, changes.digest)
    left = [change.path for change in changes.files if change.path not in chosen]
    if left:
        streams.reader(Notice(f"Left for a human to accept: {', '.join(left)} (`vtcode resume {session.session}`)"))


def _answer(job: Job, session: Session, streams: _Streams, status: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        if job.as_json:
            row = {
                "answer": session.last_answer,
                "outcome": session.outcome,
                "session": session.session,
                "model": session.model,
                "status": status,
            }
            streams.out.write(json.dumps(row).encode() + b"\n")
        elif session.last_answer:
            answer = text_for(streams.out, session.last_answer)
            streams.out.write(answer.encode("utf-8", "replace") + b"\n")
        streams.out.flush()


def run(job: Job, spawner: Spawner, out: BinaryIO, err: BinaryIO) -> int:
    """Do a job in an event loop of its own, and close the spawner; the exit status."""
    return asyncio.run(perform(job, spawner, out, err))
