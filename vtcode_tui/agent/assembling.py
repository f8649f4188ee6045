"""Puts a session together from what was opened: each part gets what it needs, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtcode_tui.agent.asking import Asking
from vtcode_tui.agent.bench import Bench
from vtcode_tui.agent.boundary import Boundary, Question
from vtcode_tui.agent.context import History
from vtcode_tui.agent.ground import SessionGround
from vtcode_tui.agent.instructions import Instructions, read_instructions
from vtcode_tui.agent.numbers import Numbers
from vtcode_tui.agent.nursery import Nursery
from vtcode_tui.agent.own_work import OwnWork
from vtcode_tui.agent.parts import Parts, go_on
from vtcode_tui.agent.pinned import Pinned
from vtcode_tui.agent.session import Session
from vtcode_tui.agent.spending import Spent
from vtcode_tui.agent.states import TurnTable
from vtcode_tui.agent.subtasks import Subtasks
from vtcode_tui.agent.turn import Turn
from vtcode_tui.config.settings import DataClass
from vtcode_tui.events import Bus, Journal, Redactor, read_events
from vtcode_tui.llm import Chain, Models
from vtcode_tui.llm.messages import Message
from vtcode_tui.llm.tokens import estimate_tokens
from vtcode_tui.sessions.conversation import conversation_of
from vtcode_tui.sessions.items import Parsed
from vtcode_tui.sessions.recovery import Standing
from vtcode_tui.sessions.store import Store
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

    @property
    def turn(self) -> int:
        """The last turn; in a copy the conversation knows of turns that its own journal has not seen."""
        known = (item.facts.get("turn") for item in self.parsed.items)
        return max([self.standing.turn, *(turn for turn in known if isinstance(turn, int))])

    @property
    def number(self) -> int:
        """The highest number of a call: a model is never given two of one name."""
        names = (str(item.facts.get("id", "")) for item in self.parsed.items)
        numbers = (int(name[1:]) for name in names if name[:1].isalpha() and name[1:].isdecimal())
        return max([self.standing.number, *numbers])

    @property
    def reach(self) -> DataClass | None:
        """The data class that the conversation was last sent to; None where there is no conversation yet."""
        # A conversation whose journal does not say who has seen it is asked about before anybody wider does.
        return self.standing.reach or ("local" if self.parsed.items else None)


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

    trust = await asyncio.to_thread(trust_of, opening.root, opening.home)  # a long look in a large folder
    numbers = Numbers(opened.number)
    ground = SessionGround(opening, models, bus, opened.store.meta.id, trusted=trust.trusted)
    nursery = Nursery()
    await nursery.open()
    ground.judge.doubtful = opened.standing.doubtful()
    bus.subscribe(ground.judge.hear)
    pinned = _pinned(opening)
    bus.subscribe(pinned.hear)
    table = TurnTable(bus.publish)
    bench = Bench(opening, opened, ground, nursery, redactor, table, redact, numbers.of("w"))
    gate, executor = bench.gate(bus, ground.judge), bench.executor(bus)
    work = OwnWork(gate, executor, ground.workspace.root, bench.number)
    changes = ground.changes(work, lambda: bool(bench.runs))
    bench.changes = changes
    question = go_on(gate, ground.workspace.root, numbers.of("q"), lambda: table.turn)
    history, asking = _talk(opening, opened, bus, redact, numbers, question)
    subtasks = Subtasks(
        bus, bench, asking, redact=redact, number=numbers.of("c"), settings=opening.settings, store=opened.store
    )

    async def facts(messages: Sequence[Message], budget: int) -> str:
        return pinned.text(messages, await changes.now(), budget)

    calls = bench.calls(bus, gate, executor, work, bench.registry(), subtasks)
    bench.parent = calls
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
        go_on=question,
        facts=facts,
        max_rounds=opening.max_turns or opening.settings.context.max_turns,
    )
    parts = Parts(
        bus, gate, calls, changes, history, asking, turn, table, opened.store, nursery, ground, redact,
        opening.clock, numbers.of("h"), dict(opened.standing.prompts), pinned,
    )  # fmt: skip
    return _session(opening, opened, parts, chain, looked, trusted=trust.trusted), turn, instructions


def _session(
    opening: Opening, opened: Opened, parts: Parts, chain: Chain | None, looked: tuple[str, ...], *, trusted: bool
) -> Session:
    """The session over its parts."""
    return Session(
        parts,
        root=opening.root.resolve(),
        capability=opening.capability,
        trusted=trusted,
        mode=opening.settings.mode,
        origin=opening.origin,
        chain=chain,
        looked_for=looked,
        turn=opened.turn,
    )


def _talk(
    opening: Opening, opened: Opened, bus: Bus, redact: Callable[[str], str], numbers: Numbers, question: Question
) -> tuple[History, Asking]:
    """The conversation as it stands, and what asks the model to go on with it."""
    history = History(estimate_tokens, conversation_of(opened.parsed.items))
    context = opening.settings.context
    boundary = Boundary(opened.reach, question, free=opening.settings.model.cross_data_class)
    spent = Spent(context.session_token_budget, context.session_cost_budget_usd)
    spent.add(opened.standing.usage, opened.standing.cost_usd)
    max_output = opening.settings.model.max_output_tokens
    return history, Asking(bus, history, redact, numbers.of("c"), spent, boundary, max_output=max_output)


def _pinned(opening: Opening) -> Pinned:
    """The person's decisions, with those before a resume."""
    pinned = Pinned()
    if opening.resume is not None:
        for event in read_events(opening.resume):
            pinned.hear(event)
    return pinned
