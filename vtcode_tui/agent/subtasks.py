"""Sub-tasks: turns inside a call, with a history and a budget of their own and no more rights than their session.

What a sub-task may do is bounded from outside: its calls go through the session's gate and sandbox (for `explore` a
gate that lets nothing but reading through), no tool in it begins another sub-task, its answer comes back as data.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vtcode_tui.agent.answers import Answer
from vtcode_tui.agent.asking import Asking, Numbering
from vtcode_tui.agent.bench import Bench
from vtcode_tui.agent.calls import Calls
from vtcode_tui.agent.context import History
from vtcode_tui.agent.pinned import Pinned
from vtcode_tui.agent.prompts import STOPPED, SUBTASK
from vtcode_tui.agent.spending import Spent
from vtcode_tui.agent.states import TurnTable
from vtcode_tui.agent.turn import Turn
from vtcode_tui.config.settings import Settings
from vtcode_tui.events.live import TurnState
from vtcode_tui.events.types import Event
from vtcode_tui.events.within import Recorder, Within
from vtcode_tui.llm.messages import Message, Text
from vtcode_tui.llm.tokens import estimate_tokens
from vtcode_tui.sessions.store import Store
from vtcode_tui.tools.answer import decoded, shorten
from vtcode_tui.tools.delegating import DelegateInput, ExploreInput
from vtcode_tui.workspace.changes import ChangeSet

AT_ONCE = 4
MOST_IN_A_TURN = 12
ROUNDS = 40
"""How often a sub-task may ask for tools before it must answer."""
TOKENS = 1_000_000
_ANSWER_BYTES = 12_000


@dataclass(slots=True)
class _Limits:
    """Answers for the human where only the session itself may ask: no, and why."""

    why: str = ""

    async def __call__(self, kind: str, why: str) -> bool:
        self.why = why
        return False


class Subtasks:
    """See `agent.calls.Handing`."""

    def __init__(
        self,
        bus: Recorder,
        bench: Bench,
        asking: Asking,
        *,
        redact: Callable[[str], str],
        number: Numbering,
        settings: Settings,
        store: Store,
    ) -> None:
        self._bus, self._bench, self._asking = bus, bench, asking
        self._redact, self._number, self._settings, self._store = redact, number, settings, store
        self._places = asyncio.Semaphore(AT_ONCE)
        self._begun: Counter[int] = Counter()

    async def __call__(self, given: ExploreInput | DelegateInput, asked: Event) -> Answer:
        """Run a sub-task to its end; whatever it started has ended when this returns or is cancelled."""
        chain = self._asking.chain
        assert chain is not None and asked.call is not None
        self._begun[asked.turn] += 1
        if self._begun[asked.turn] > MOST_IN_A_TURN:
            why = f"A turn has at most {MOST_IN_A_TURN} sub-tasks; do the rest yourself."
            return Answer("invalid", why, "too many sub-tasks")
        task = given.question if isinstance(given, ExploreInput) else given.task
        reads = isinstance(given, ExploreInput)
        async with self._places:
            bus = Within(self._bus, asked.id)
            calls = self._bench(bus, reads=reads)
            limits = _Limits()
            spent = Spent(TOKENS, None, within=self._asking.spent)
            turn, history = self._turn(bus, calls, limits, spent, asked.call)
            try:
                outcome = await turn.run(chain, Message("user", (Text(self._redact(task)),)), asked.turn)
            finally:
                await calls.end_own("its sub-task ended")
                await turn.broke_off(asked.turn, "stopped with its sub-task", STOPPED)
        return _answered(outcome, turn.failure or limits.why, history, calls.made, spent)

    def _turn(self, bus: Recorder, calls: Calls, limits: _Limits, spent: Spent, call: str) -> tuple[Turn, History]:
        history = History(estimate_tokens)
        asking = Asking(
            bus,
            history,
            self._redact,
            self._number,
            spent,
            self._asking.boundary,
            max_output=self._settings.model.max_output_tokens,
        )
        asking.set_prefix(f"{self._asking.system}\n{SUBTASK}", calls.registry.specs())
        meta = self._store.meta
        own = meta.model_copy(update={"id": f"{meta.id}/{call}", "parent": meta.id})
        turn = Turn(
            bus=bus,
            history=history,
            asking=asking,
            calls=calls,
            keeper=Store.create(self._store.folder / "tasks" / Path(call).name, own),
            table=TurnTable(_unseen),
            context=self._settings.context,
            go_on=limits,
            facts=_task,
            max_rounds=ROUNDS,
        )
        return turn, history


async def _task(messages: Sequence[Message], budget: int) -> str:
    """What outlives a summary in a sub-task: its task."""
    return Pinned().text(messages, ChangeSet(), budget)


def _unseen(state: TurnState) -> None:
    """The status bar tells of the session's turn, not of those inside it."""


def _answered(outcome: str, why: str, history: History, made: int, spent: Spent) -> Answer:
    said = [
        part.text
        for message in history.messages
        if message.role == "assistant"
        for part in message.parts
        if isinstance(part, Text)
    ]
    cost = f"{made} calls, {spent.total:,} tokens"
    answer, cut = shorten((said[-1] if said else "").encode("utf-8", "replace"), _ANSWER_BYTES, _ANSWER_BYTES, "")
    text = decoded(answer)
    if outcome == "done":
        return Answer("ok", text, f"done, {cost}", data=True, truncated=cut)
    reason = why or "it was stopped"
    text = f"[The sub-task did not finish: {reason}]\n{text}".rstrip()
    return Answer("error", text, f"not finished: {reason} ({cost})", data=True, truncated=cut)
