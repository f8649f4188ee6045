"""The turn: ask the model, perform its calls, ask again, until it answers without a call or the human stops it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from vtcode_tui.agent.asking import Asking
from vtcode_tui.agent.cleaning import without_secrets
from vtcode_tui.agent.context import KEEP_TOKENS, History
from vtcode_tui.agent.loops import REPEATS, Repetition
from vtcode_tui.agent.prompts import BROKE_OFF, NO_SUMMARY, STEERED, SUMMARISE
from vtcode_tui.agent.states import TurnTable
from vtcode_tui.common.errors import DeniedError, ModelError
from vtcode_tui.config.settings import Context
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import ContextCompacted, ModelFailed
from vtcode_tui.events.within import Recorder
from vtcode_tui.llm.chain import Chain
from vtcode_tui.llm.messages import Message, Text, ToolResult, ToolUse
from vtcode_tui.llm.tokens import estimate_message

_NO_SUMMARY = frozenset({"context_exceeded", "malformed_stream", "refusal", "invalid", "no_tools"})
DEFAULT_WINDOW = 32_768
"""Assumed where neither provider nor settings say how much a model takes."""


class Performer(Protocol):
    """Performs the calls of a message; `agent.calls.Calls` does."""

    async def perform_all(self, uses: Sequence[ToolUse], turn: int) -> list[ToolResult]:
        """The results, in the order of the calls."""
        ...


class Keeper(Protocol):
    """Keeps the conversation on disk; `sessions.Store` does."""

    def add(self, message: Message, turn: int | None = None) -> None:
        """Append a message; `turn` is given with the prompt that begins one."""
        ...

    def summarise(self, summary: str, kept_from: int) -> None:
        """Note a compaction."""
        ...


class Turn:
    """Runs turns over one history. Everything it may wait for can be cancelled."""

    def __init__(
        self,
        *,
        bus: Recorder,
        history: History,
        asking: Asking,
        calls: Performer,
        keeper: Keeper,
        table: TurnTable,
        context: Context,
        go_on: Callable[[str, str], Awaitable[bool]],
        facts: Callable[[Sequence[Message], int], Awaitable[str]],
        max_rounds: int,
    ) -> None:
        self._bus, self._history, self._asking, self._calls = bus, history, asking, calls
        self._keeper, self._table, self._context, self._go_on = keeper, table, context, go_on
        self._repetition = Repetition()
        self._facts = facts
        self._compacted_at = -1
        self.steered: list[str] = []
        self.failure = ""
        """Why the last turn failed, in one sentence; empty where it did not."""
        self._max_rounds = max_rounds

    def keep(self, message: Message, turn: int | None = None) -> None:
        """Add a message to the history and to the disk, without secrets; `turn` comes with the prompt of one."""
        redact = self._asking.redact
        self._history.add(without_secrets(message, redact, exact=True), turn)
        self._keeper.add(without_secrets(message, redact, exact=False), turn)

    async def run(self, chain: Chain, prompt: Message, turn: int) -> str:
        """Take a prompt to its end: `done`, `failed`, or `stopped` by the human or a limit."""
        if (size := estimate_message(prompt)) > (window := self.window(chain)):
            # Making room would summarise what no model has read yet.
            self.failure = (
                f"This was not sent: it is about {size:,} tokens long, and the model takes {window:,} "
                "(model.context_window, where its server does not say). Put the text into a file and name it."
            )
            self._bus.publish(Notice(self.failure, "error"))
            return "failed"
        # What was said to a turn that was stopped before its next pause has not been heard yet.
        self.keep(Message("user", (*self._steering(), *prompt.parts)), turn)
        self._repetition.forget()
        self.failure = ""
        self._table.step("prompt", turn)
        rounds = 0
        while True:
            rounds += 1
            if not await self._may_go_on(rounds):
                self._table.step("stop")
                return "stopped"
            try:
                await self.make_room(chain, "threshold")
                message = await self._ask(chain, turn)
            except ModelError as error:
                await self.broke_off(turn, str(error), BROKE_OFF)
                await self._failed(chain, error, turn)
                self._table.step("stop")
                return "failed"
            except DeniedError as error:
                self.failure = str(error)
                self._bus.publish(Notice(self.failure, "error"))
                self._table.step("stop")
                return "stopped"
            self.keep(message)
            uses = [part for part in message.parts if isinstance(part, ToolUse)]
            if not uses:
                if self.steered:
                    # Said while the model gave its last word: it was said to this turn, so this turn goes on.
                    self.keep(Message("user", tuple(self._steering())))
                    continue
                self._table.step("answer")
                return "done"
            self._table.step("tools")
            results = await self._calls.perform_all(uses, turn)
            self.keep(Message("user", (*results, *self._steering())))
            self._table.step("results")
            if not await self._circles(uses, results):
                self._table.step("stop")
                return "stopped"

    async def broke_off(self, turn: int, reason: str, note: str) -> None:
        """Keep what the person has seen of an answer that will not be whole, with a note of ours to the model."""
        if (text := await self._asking.broke_off(turn, reason)).strip():
            self.keep(Message("assistant", (Text(text),)))
            self.keep(Message("user", (Text(note, "cut"),)))

    async def _ask(self, chain: Chain, turn: int) -> Message:
        """One message; a conversation that the provider finds too long is compacted once and asked again."""
        try:
            return await self._asking.ask(chain, turn)
        except ModelError as error:
            if error.kind != "context_exceeded":
                raise
            await self.compact(chain, "provider")
            return await self._asking.ask(chain, turn)

    def _steering(self) -> list[Text]:
        said, self.steered[:] = list(self.steered), []
        return [part for text in said for part in (Text(STEERED, "vtcode"), Text(text, "steer"))]

    async def _may_go_on(self, rounds: int) -> bool:
        if rounds > 1 and (rounds - 1) % self._max_rounds == 0:
            return await self._go_on("turns", f"The model has asked for tools {rounds - 1} times in this turn.")
        if due := self._asking.spent.due():
            if not await self._go_on("budget", due):
                return False
            self._asking.spent.go_on()
        return True

    async def _circles(self, uses: Sequence[ToolUse], results: Sequence[ToolResult]) -> bool:
        for use, result in zip(uses, results, strict=True):
            count = self._repetition.seen(use.name, use.arguments, result.text.replace(use.id, ""))
            if count >= REPEATS:
                self._repetition.forget()
                return await self._go_on(
                    "repetition", f"The model made the same call {count} times with the same answer: {use.name}."
                )
        return True

    async def _failed(self, chain: Chain, error: ModelError, turn: int) -> None:
        link = chain.current
        self.failure = str(error)
        await self._bus.record(
            ModelFailed(provider=link.endpoint.provider, model=link.model, kind=error.kind, message=str(error)),
            turn=turn,
            outcome="failure",
        )
        self._bus.publish(Notice(str(error), "error"))

    def window(self, chain: Chain) -> int:
        """How many tokens the model takes."""
        return chain.current.facts.context_window or DEFAULT_WINDOW

    async def make_room(self, chain: Chain, trigger: str) -> None:
        """Mask old outputs, then summarise, when the window fills up."""
        window = self.window(chain)
        before, count = self._history.tokens(), len(self._history.messages)
        if before > window * self._context.mask_at and self._history.mask():
            after = self._history.tokens()
            await self._compacted(trigger, "mask", before, after, count, count, "")
        # What was compacted a moment ago has nothing left to give: asking again and again would only cost.
        if self._history.tokens() > window * self._context.compact_at and count > self._compacted_at + 1:
            await self.compact(chain, trigger)

    async def compact(self, chain: Chain, trigger: str) -> None:
        """Replace all but the last prompts by a summary, with what the person said and decided word for word; the
        full history stays on disk. Raises ModelError where no model can be reached."""
        thinking = self._table.phase == "thinking"
        if thinking:
            self._table.step("compact")
        before, count, window = self._history.tokens(), len(self._history.messages), self.window(chain)
        self._history.mask()
        kept_from = self._history.cut_point(window)
        words = await self._summary(chain, trigger)
        facts = await self._facts(self._history.messages[:kept_from], min(KEEP_TOKENS, window // 6))
        # In characters, that is about a quarter of the window: a summary may not fill it again.
        summary = "\n\n".join(part for part in (facts, words[:window]) if part)
        self._history.compact(summary, kept_from)
        self._keeper.summarise(summary, kept_from)
        self._compacted_at = count
        await self._compacted(
            trigger, "summary", before, self._history.tokens(), count, count - kept_from + 1, summary
        )
        if thinking:
            self._table.step("compacted")

    async def _summary(self, chain: Chain, trigger: str) -> str:
        """The model's summary; where it cannot give one, the session goes on with what is kept word for word."""
        room = int(self.window(chain) * self._context.compact_at)
        try:
            return await self._asking.summarise(chain, SUMMARISE, room, self._table.turn)
        except ModelError as error:
            if error.kind not in _NO_SUMMARY or trigger == "manual":
                raise
            self._bus.publish(Notice(f"Older messages left out without a summary: {error}", "warning"))
            return NO_SUMMARY

    async def _compacted(
        self, trigger: str, method: str, before: int, after: int, messages: int, left: int, summary: str
    ) -> None:
        await self._bus.record(
            ContextCompacted.model_validate(
                {
                    "trigger": trigger,
                    "method": method,
                    "before_tokens": before,
                    "after_tokens": after,
                    "before_messages": messages,
                    "after_messages": left,
                    "summary": summary,
                }
            ),
            turn=self._table.turn,
        )
