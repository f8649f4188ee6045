"""Opens a session: trust, policy, models, folder, journal, gate, sandbox, put together in that order."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtcode_tui import __version__
from vtcode_tui.agent.asking import Asking
from vtcode_tui.agent.calls import Calls
from vtcode_tui.agent.changes import Previews
from vtcode_tui.agent.context import History
from vtcode_tui.agent.ground import SessionGround
from vtcode_tui.agent.instructions import Instructions, read_instructions
from vtcode_tui.agent.numbers import Numbers
from vtcode_tui.agent.nursery import Nursery
from vtcode_tui.agent.own_work import OwnWork
from vtcode_tui.agent.port import Reader
from vtcode_tui.agent.session import Origin, Parts, Session, go_on
from vtcode_tui.agent.states import TurnTable
from vtcode_tui.agent.turn import Turn
from vtcode_tui.common.clock import Clock, SystemClock, rfc3339
from vtcode_tui.common.errors import ModelError
from vtcode_tui.common.files import sha256_of
from vtcode_tui.common.home import Home
from vtcode_tui.common.ids import uuid7
from vtcode_tui.config.settings import Settings
from vtcode_tui.events import Bus, Journal, Redactor, session_folder
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import SessionForked, SessionResumed, SessionStarted, ToolFinished
from vtcode_tui.gate.execution import Executor
from vtcode_tui.gate.gate import Gate
from vtcode_tui.gate.judging import PolicyJudge
from vtcode_tui.gate.recording import recordings
from vtcode_tui.gate.subject import Programs
from vtcode_tui.gate.types import Approver
from vtcode_tui.llm import Chain, resolve_models
from vtcode_tui.llm.messages import Message
from vtcode_tui.llm.tokens import estimate_tokens
from vtcode_tui.sandbox.capability import Capability
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.sessions.conversation import conversation_of, unanswered
from vtcode_tui.sessions.items import Parsed
from vtcode_tui.sessions.recovery import Standing, settled, standing_in
from vtcode_tui.sessions.store import Meta, Store
from vtcode_tui.tools.registry import builtin
from vtcode_tui.tools.workers.searching import rank
from vtcode_tui.workspace import trust_of

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
    fork: Path | None = None
    """The folder of a session whose conversation a new session begins with."""
    fork_items: int | None = None
    """How many items of it are taken; None: all."""
    max_turns: int | None = None
    config_sha256: str = ""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    clock: Clock = field(default_factory=SystemClock)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A session's folder, opened or made."""

    store: Store
    journal: Journal
    parsed: Parsed
    standing: Standing


async def open_core(opening: Opening) -> Session:
    """Open a session. Raises VtcodeError: ConfigError for a broken policy, JournalError, WorkspaceError."""
    models = resolve_models(opening.settings, opening.environ, clock=opening.clock)
    chain, looked = await _chain(models, opening.choice)
    redactor = Redactor.of_environment(opening.environ)
    redactor.learn({f"provider-key-{i}": value for i, value in enumerate(models.secrets())})
    opened = _folder(opening)
    bus = Bus(opened.journal, redactor=redactor)
    if opening.reader is not None:
        bus.subscribe(opening.reader)
    try:
        return await _assemble(opening, opened, bus, redactor, models, chain, looked)
    except BaseException:
        opened.journal.abandon()
        raise


async def _chain(models: Any, choice: str) -> tuple[Chain | None, tuple[str, ...]]:
    try:
        return await models.chain(choice), ()
    except ModelError as error:
        return None, (str(error), *map(str, models.looked))


def _folder(opening: Opening) -> _Opened:
    if opening.resume is not None:
        standing = standing_in(opening.resume)
        journal = Journal.reopen(opening.resume, clock=opening.clock)
        store, parsed = Store.reopen(opening.resume)
        return _Opened(store, journal, parsed, standing)
    now = opening.clock.now()
    session = uuid7()
    folder = session_folder(opening.home, session, now)
    journal = Journal.create(folder, session, clock=opening.clock)
    parsed, standing, parent = Parsed(()), Standing(), ""
    if opening.fork is not None:
        parent_store, whole = Store.reopen(opening.fork)
        parent = parent_store.meta.id
        parsed = Parsed(whole.items[: opening.fork_items])
    meta = Meta(
        id=session,
        workspace=str(opening.root),
        started=rfc3339(now),
        updated=rfc3339(now),
        parent=parent,
        origin=opening.origin,
    )
    store = Store.create(folder, meta)
    store.copy(parsed.items)
    return _Opened(store, journal, parsed, standing)


async def _assemble(
    opening: Opening,
    opened: _Opened,
    bus: Bus,
    redactor: Redactor,
    models: Any,
    chain: Chain | None,
    looked: tuple[str, ...],
) -> Session:
    settings, clock = opening.settings, opening.clock

    def redact(text: str) -> str:
        return redactor.redact(text).text

    trust = trust_of(opening.root, opening.home)
    numbers = Numbers(opened.standing.number)
    ground = SessionGround(opening, models, bus, opened.store.meta.id, trusted=trust.trusted)
    nursery = Nursery()
    await nursery.open()
    table = TurnTable(bus.publish)
    conversation = conversation_of(opened.parsed.items)
    history = History(estimate_tokens, conversation.messages, conversation.summary, conversation.kept_from)
    gate = Gate(
        bus=bus,
        judge=ground.judge,
        approver=opening.approver,
        profiles=ground.profiles,
        programs=Programs(ground.judge.situation.search_path, ground.workspace.root, ground.workspace.state),
        root=ground.workspace.root,
        redact=redact,
        clock=clock,
        expire_seconds=settings.approvals.expire_seconds,
    )
    executor = Executor(
        bus=bus,
        spawner=opening.spawner,
        capability=opening.capability,
        tasks=nursery.start,
        recording=recordings(opened.store.folder, redactor, clock),
        redact=redact,
        clock=clock,
    )
    work = OwnWork(gate, executor, ground.workspace.root, numbers.of("w"))
    running: list[Calls] = []
    changes = ground.changes(work, lambda: any(calls.runs for calls in running))
    registry = builtin(head=settings.context.output_head_bytes, tail=settings.context.output_tail_bytes)
    if opening.tools:
        registry = registry.only(opening.tools)

    async def observe(call: str, turn: int, outcome: Outcome, executed: bool) -> None:
        ground.stale_paths()
        for changed in await changes.after(outcome, executed=executed):
            await bus.record(changed, turn=turn, call=call)

    calls = Calls(
        bus=bus,
        gate=gate,
        executor=executor,
        registry=registry,
        place=ground.workspace,
        outputs=lambda call: opened.store.folder / "spool" / f"{Path(call).name}.out",
        observe=observe,
        preview=None if changes.staged else Previews(work, ground.surroundings),
        table=table,
        redact=redact,
        clock=clock,
    )
    running.append(calls)
    asking = Asking(bus, history, redact, numbers.of("c"), max_output=settings.model.max_output_tokens)
    instructions = read_instructions(opening.root) if trust.trusted else Instructions()
    ground.attach(asking, calls, registry, instructions)
    ground.set_mode(settings.mode)
    turn_of: list[Session] = []
    turn = Turn(
        bus=bus,
        history=history,
        asking=asking,
        calls=calls,
        keeper=opened.store,
        table=table,
        context=settings.context,
        go_on=go_on(gate, ground.workspace.root, numbers.of("q"), lambda: turn_of[0].turn if turn_of else 0),
    )
    turn.max_rounds = opening.max_turns or settings.context.max_turns
    session = Session(
        Parts(
            bus, gate, calls, changes, history, asking, turn, table, opened.store, nursery, ground, redact, clock,
            rank, numbers.of("h"),
        ),
        root=ground.workspace.root,
        capability=opening.capability,
        trusted=trust.trusted,
        mode=settings.mode,
        origin=opening.origin,
        chain=chain,
        looked_for=looked,
        turn=opened.standing.turn,
    )  # fmt: skip
    turn_of.append(session)
    await _announce(opening, opened, bus, ground.judge, session, instructions)
    await _recover(opened, turn, bus, session)
    if chain is not None:
        asking.meter(turn.window(chain))
    for text in ground.notices:
        bus.publish(Notice(text, "warning"))
    return session


async def _announce(
    opening: Opening, opened: _Opened, bus: Bus, judge: PolicyJudge, session: Session, instructions: Instructions
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
        policy_sha256=judge.sha256,
        tier=opening.capability.tier,
        model=session.model,
        log_key=opened.journal.log_key,
        root_head=opened.journal.root_head,
        instructions=dict(instructions.files),
    )
    await bus.record(started)
    if opening.resume is not None:
        resumed = SessionResumed(
            from_session=session.session,
            from_seq=max(opened.standing.last_seq, 0),
            modified=bool(opened.parsed.modified),
        )
        await bus.record(resumed)
        opened.store.update(ended=False)
    if opening.fork is not None:
        await bus.record(SessionForked(from_session=opened.store.meta.parent, from_seq=len(opened.parsed.items)))


async def _recover(opened: _Opened, turn: Turn, bus: Bus, session: Session) -> None:
    """Give every call that was under way a result; what nobody can know is said, and nothing runs again."""
    if opened.parsed.torn:
        bus.publish(
            Notice("The last message of the conversation was cut off by a crash and is left out.", "warning")
        )
    if opened.parsed.modified:
        bus.publish(Notice("session.md was edited by hand since it was written.", "warning"))
    uses = unanswered(conversation_of(opened.parsed.items).messages)
    if not uses:
        return
    results, unknown = settled(uses, opened.standing)
    turn.keep(Message("user", tuple(results)))
    for result in results:
        if result.id in opened.standing.finished:
            continue
        requested = opened.standing.requested.get(result.id)
        finished = ToolFinished(
            tool=requested.tool if requested else "",
            status="unknown" if result.id in unknown else "interrupted",
            summary=result.text.strip("[]"),
            result=result.text,
            result_sha256=sha256_of(result.text),
        )
        await bus.record(finished, turn=session.turn, call=result.id, outcome="unknown")
    for call in unknown:
        requested = opened.standing.requested.get(call)
        what = f"{requested.tool} {dict(requested.arguments)}" if requested else call
        bus.publish(
            Notice(
                f"Unknown outcome: vtcode stopped while {call} ran ({what[:200]}). Check before it is repeated.",
                "warning",
            )
        )
