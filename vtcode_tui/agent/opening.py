"""Opens a session: trust, policy, models, folder, journal, gate, sandbox, put together in that order."""

from __future__ import annotations

import asyncio
import os
import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vtcode_tui import __version__
from vtcode_tui.agent.assembling import Opened, assemble
from vtcode_tui.agent.instructions import Instructions
from vtcode_tui.agent.parts import Origin
from vtcode_tui.agent.port import Reader
from vtcode_tui.agent.prompts import PROMPT_VERSION
from vtcode_tui.agent.recovering import recover
from vtcode_tui.agent.session import Session
from vtcode_tui.common.clock import Clock, SystemClock, rfc3339
from vtcode_tui.common.errors import ModelError
from vtcode_tui.common.files import sha256_of
from vtcode_tui.common.home import Home
from vtcode_tui.common.ids import uuid7
from vtcode_tui.config.settings import Settings
from vtcode_tui.events import Anchoring, Bus, Journal, Redactor, Shipping, redaction_key, session_folder
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import SessionResumed, SessionStarted
from vtcode_tui.gate.types import Approver
from vtcode_tui.llm import Chain, Models, resolve_models
from vtcode_tui.sandbox.capability import NO_SANDBOX, Capability
from vtcode_tui.sessions.items import Parsed
from vtcode_tui.sessions.recovery import Standing, standing_in
from vtcode_tui.sessions.store import Meta, Store, require_conversation

if TYPE_CHECKING:
    from vtcode_tui.gate.execution import Spawner


@dataclass(frozen=True, slots=True)
class Opening:
    """What a front end decides before a session begins."""

    root: Path
    home: Home
    settings: Settings
    spawner: Spawner
    capability: Capability
    approver: Approver
    reader: Reader | None = None
    """Hears everything from the first event on."""
    origin: Origin = "tui"
    choice: str = ""
    """`provider/model`, or empty for what settings and environment say."""
    tools: tuple[str, ...] = ()
    """Only these tools; empty: all."""
    resume: Path | None = None
    """The folder of a session to continue."""
    max_turns: int | None = None
    config_sha256: str = ""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    clock: Clock = field(default_factory=SystemClock)


async def open_core(opening: Opening) -> Session:
    """Open a session. Raises VtcodeError: ConfigError for a broken policy, JournalError, WorkspaceError."""
    models = resolve_models(opening.settings, opening.environ, clock=opening.clock)
    chain, looked = await _chain(models, opening.choice)
    audit = opening.settings.audit
    redactor = Redactor.of_environment(opening.environ, key=redaction_key(opening.home.keys))
    redactor.learn({f"provider-key-{i}": value for i, value in enumerate(models.secrets())})
    shipping = Shipping(audit.exporters, opening.home, environ=opening.environ) if audit.exporters else None
    anchoring = Anchoring(audit.anchors, audit.rfc3161_url, audit.rfc3161_ca)
    opened = (
        _created(opening, anchoring) if opening.resume is None else await _read(opening, anchoring, opening.resume)
    )
    bus = Bus(opened.journal, redactor=redactor, capture=audit.capture)
    if opening.reader is not None:
        bus.subscribe(opening.reader)
    try:
        session, turn, instructions = await assemble(opening, opened, bus, redactor, models, chain, looked)
        await _announce(opening, opened, bus, session, instructions)
        await recover(opened, turn, bus, session.turn)
        await session.ready(opening.home)
        if shipping is not None:
            bus.subscribe(shipping.hear)
            shipping.start(opened.journal.folder, bus.publish)
            session.when_closed(shipping.finish)
        return session
    except BaseException:
        opened.journal.abandon()
        raise


async def _chain(models: Models, choice: str) -> tuple[Chain | None, tuple[str, ...]]:
    try:
        return await models.chain(choice), ()
    except ModelError as error:
        looked = tuple(map(str, models.looked))
        return None, (str(error).removesuffix("; " + "; ".join(looked)), *looked)


async def _read(opening: Opening, anchoring: Anchoring, folder: Path) -> Opened:
    """What is gone on with, read beside the loop: a long session takes a second."""
    reading = asyncio.get_running_loop().run_in_executor(None, _reopened, opening, anchoring, folder)
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        reading.add_done_callback(_let_go)
        raise


def _let_go(reading: asyncio.Future[Opened]) -> None:
    if not reading.cancelled() and reading.exception() is None:
        reading.result().journal.abandon()


def _reopened(opening: Opening, anchoring: Anchoring, folder: Path) -> Opened:
    require_conversation(folder)
    standing = standing_in(folder)
    journal = Journal.reopen(folder, clock=opening.clock, anchoring=anchoring)
    store, parsed = Store.reopen(folder)
    return Opened(store, journal, parsed, standing)


def _created(opening: Opening, anchoring: Anchoring) -> Opened:
    now = opening.clock.now()
    session = uuid7()
    folder = session_folder(opening.home, session, now)
    journal = Journal.create(folder, session, clock=opening.clock, anchoring=anchoring)
    meta = Meta(
        id=session,
        workspace=str(opening.root),
        started=rfc3339(now),
        updated=rfc3339(now),
        origin=opening.origin,
    )
    return Opened(Store.create(folder, meta), journal, Parsed(()), Standing())


async def _announce(
    opening: Opening, opened: Opened, bus: Bus, session: Session, instructions: Instructions
) -> None:
    """The first event of a session, or of its continuation."""
    await opened.journal.prepare()
    started = SessionStarted(
        vtcode=__version__,
        python=platform.python_version(),
        kernel=f"{platform.system()} {platform.release()}",
        user=os.environ.get("USER") or str(os.getuid()),
        uid=os.getuid(),
        host=socket.gethostname(),
        pid=os.getpid(),
        workspace=str(session.root),
        trusted=session.trusted,
        config_sha256=opening.config_sha256 or sha256_of(opening.settings.model_dump_json()),
        policy_sha256=session.policy_sha256,
        tier=opening.capability.tier,
        model=session.model,
        instructions=dict(instructions.files),
        prompt_version=PROMPT_VERSION,
    )
    await bus.record(started)
    if opening.capability.uncontained:
        bus.publish(Notice(NO_SANDBOX, "error"))
    if opening.resume is not None:
        resumed = SessionResumed(
            from_session=session.session,
            from_seq=max(opened.standing.last_seq, 0),
            modified=bool(opened.parsed.modified),
        )
        await bus.record(resumed)
        # The one that is in use now is the newest here, also when it is killed before it asked anything again.
        opened.store.update(ended=False, updated=rfc3339(opening.clock.now()))
