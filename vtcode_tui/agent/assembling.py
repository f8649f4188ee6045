"""Puts a session together from what was opened: each part gets what it needs, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vtcode_tui.agent.asking import Asking
from vtcode_tui.agent.calls import Calls
from vtcode_tui.agent.changes import Direct, Previews
from vtcode_tui.agent.context import History
from vtcode_tui.agent.ground import SessionGround
from vtcode_tui.agent.instructions import Instructions, read_instructions
from vtcode_tui.agent.layered import Layered
from vtcode_tui.agent.numbers import Numbers
from vtcode_tui.agent.nursery import Nursery
from vtcode_tui.agent.own_work import OwnWork
from vtcode_tui.agent.parts import Parts, go_on
from vtcode_tui.agent.session import Session
from vtcode_tui.agent.states import TurnTable
from vtcode_tui.agent.turn import Turn
from vtcode_tui.events import Bus, Journal, Redactor
from vtcode_tui.gate.execution import Executor
from vtcode_tui.gate.gate import Gate
from vtcode_tui.gate.recording import recordings
from vtcode_tui.gate.signing import ApprovalSigner, key_source
from vtcode_tui.llm import Chain, Models
from vtcode_tui.llm.tokens import estimate_tokens
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.sessions.conversation import conversation_of
from vtcode_tui.sessions.items import Parsed
from vtcode_tui.sessions.recovery import Standing
from vtcode_tui.sessions.store import Store
from vtcode_tui.tools.registry import builtin
from vtcode_tui.workspace import trust_of

if TYPE_CHECKING:
    from vtcode_tui.agent.opening import Opening


@dataclass(frozen=True, slots=True)
class Opened:
    """A session's folder, opened or made."""

    store: Store
    journal: Journal
    parsed: Parsed
    standing: Standing


async def assemble(
    opening: Opening,
    opened: Opened,
    bus: Bus,
    redactor: Redactor,
    models: Models,
    chain: Chain | None,
    looked: tuple[str, ...],
) -> tuple[Session, Turn, Instructions]:
    """The session with its turn and the instructions in force; nothing is recorded yet."""

    def redact(text: str) -> str:
        return redactor.redact(text).text

    trust = trust_of(opening.root, opening.home)
    numbers = Numbers(opened.standing.number)
    ground = SessionGround(opening, models, bus, opened.store.meta.id, trusted=trust.trusted)
    nursery = Nursery()
    await nursery.open()
    table = TurnTable(bus.publish)
    gate, executor = _gate(opening, opened, bus, ground, redact), _executor(opening, opened, bus, nursery, redactor)
    work = OwnWork(gate, executor, ground.workspace.root, numbers.of("w"))
    running: list[Calls] = []
    changes = ground.changes(work, lambda: any(calls.runs for calls in running))
    calls = _calls(opening, opened, bus, ground, gate, executor, changes, work, table, redact)
    running.append(calls)
    conversation = conversation_of(opened.parsed.items)
    history = History(estimate_tokens, conversation)
    asking = Asking(bus, history, redact, numbers.of("c"), max_output=opening.settings.model.max_output_tokens)
    instructions = read_instructions(ground.workspace.root) if trust.trusted else Instructions()
    ground.attach(asking, calls, calls.registry, instructions)
    ground.set_mode(opening.settings.mode)
    turn = Turn(
        bus=bus,
        history=history,
        asking=asking,
        calls=calls,
        keeper=opened.store,
        table=table,
        context=opening.settings.context,
        go_on=go_on(gate, ground.workspace.root, numbers.of("q"), lambda: table.turn),
        max_rounds=opening.max_turns or opening.settings.context.max_turns,
    )
    session = Session(
        Parts(
            bus, gate, calls, changes, history, asking, turn, table, opened.store, nursery, ground, redact,
            opening.clock, numbers.of("h"), dict(opened.standing.prompts),
        ),
        root=ground.workspace.root,
        capability=opening.capability,
        trusted=trust.trusted,
        mode=opening.settings.mode,
        origin=opening.origin,
        chain=chain,
        looked_for=looked,
        turn=opened.standing.turn,
    )  # fmt: skip
    return session, turn, instructions


def _gate(opening: Opening, opened: Opened, bus: Bus, ground: SessionGround, redact: Callable[[str], str]) -> Gate:
    approvals = opening.settings.approvals
    signer = ApprovalSigner(
        session=opened.store.meta.id,
        head=lambda: opened.journal.head,
        settings=approvals,
        source=key_source(approvals, opening.environ),
        clock=opening.clock,
    )
    return Gate(
        bus=bus,
        judge=ground.judge,
        approver=opening.approver,
        profiles=ground.profiles,
        programs=ground.programs(),
        root=ground.workspace.root,
        redact=redact,
        sign=signer,
        auth=lambda: signer.auth,
        clock=opening.clock,
        expire_seconds=approvals.expire_seconds,
    )


def _executor(opening: Opening, opened: Opened, bus: Bus, nursery: Nursery, redactor: Redactor) -> Executor:
    return Executor(
        bus=bus,
        spawner=opening.spawner,
        capability=opening.capability,
        tasks=nursery.start,
        recording=recordings(opened.store.folder, redactor, opening.clock),
        redact=lambda text: redactor.redact(text).text,
        clock=opening.clock,
    )


def _calls(
    opening: Opening,
    opened: Opened,
    bus: Bus,
    ground: SessionGround,
    gate: Gate,
    executor: Executor,
    changes: Direct | Layered,
    work: OwnWork,
    table: TurnTable,
    redact: Callable[[str], str],
) -> Calls:
    context = opening.settings.context
    registry = builtin(head=context.output_head_bytes, tail=context.output_tail_bytes)

    async def observe(call: str, turn: int, outcome: Outcome, executed: bool) -> None:
        ground.stale_paths()
        for changed in await changes.after(outcome, executed=executed):
            await bus.record(changed, turn=turn, call=call)

    return Calls(
        bus=bus,
        gate=gate,
        executor=executor,
        registry=registry.only(opening.tools) if opening.tools else registry,
        place=ground.workspace,
        outputs=lambda call: opened.store.folder / "spool" / f"{Path(call).name}.out",
        observe=observe,
        preview=None if changes.staged else Previews(work, ground.surroundings),
        table=table,
        redact=redact,
        clock=opening.clock,
    )
