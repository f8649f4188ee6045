"""Asks a model and tells readers what comes: pieces while they arrive, events when a message is whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from vtcode_tui.agent.boundary import Boundary
from vtcode_tui.agent.context import History
from vtcode_tui.agent.spending import Spent
from vtcode_tui.common.errors import ModelError
from vtcode_tui.common.files import sha256_of
from vtcode_tui.events.live import AnswerDiscarded, ContextMeter, Notice, ReasoningDelta, TextDelta
from vtcode_tui.events.types import (
    Actor,
    ModelFailover,
    ModelPartial,
    ModelReasoning,
    ModelRequested,
    ModelResponded,
)
from vtcode_tui.events.within import Recorder
from vtcode_tui.llm.chain import Chain
from vtcode_tui.llm.discover import toolless
from vtcode_tui.llm.messages import (
    Completed,
    Message,
    Request,
    Restarted,
    Text,
    TextPiece,
    Thinking,
    ThinkingPiece,
    ToolPiece,
    ToolSpec,
    ToolUse,
)

_CUT = {
    "length": "The answer was cut off at its longest: model.max_output_tokens or the model's own limit.",
    "refusal": "The provider's safety system broke the answer off.",
}
_LONGEST_SUMMARY = 4_096
"""Tokens."""


class Numbering(Protocol):
    """Gives calls their ids."""

    def __call__(self) -> str:
        """A call id that this session has not used."""
        ...


@dataclass(frozen=True, slots=True)
class _Arrived:
    """What has come of an answer that is not whole yet."""

    provider: str
    model: str
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)


class Asking:
    """Puts requests together, reads the answers and keeps the sums of the session."""

    def __init__(
        self,
        bus: Recorder,
        history: History,
        redact: Callable[[str], str],
        number: Numbering,
        spent: Spent,
        boundary: Boundary,
        *,
        max_output: int,
    ) -> None:
        self._bus, self._history, self.redact, self._number = bus, history, redact, number
        self._max_output = max_output
        self.spent, self.boundary = spent, boundary
        self.chain: Chain | None = None
        """The chain that was asked last."""
        self.system = ""
        self.tools: tuple[ToolSpec, ...] = ()
        self._prefix = ""
        self._arrived: _Arrived | None = None

    def set_prefix(self, system: str, tools: Sequence[ToolSpec]) -> None:
        """What every request begins with, until the mode changes."""
        self.system, self.tools = system, tuple(tools)
        self._prefix = sha256_of(system + "".join(f"\0{t.name}\0{t.description}\0{t.schema}" for t in tools))
        self._history.fix(system, self.tools)

    async def ask(self, chain: Chain, turn: int) -> Message:
        """One message of the model, with call ids of ours. Raises ModelError."""
        self.chain = chain
        estimated = self._history.tokens()
        await self._requested(chain, len(self._history.messages), estimated, "answer", turn)
        link = chain.current
        request = Request(
            link.model, self.system, self._history.view(), self.tools, max_output_tokens=self._max_output
        )
        completed = await self._stream(chain, request, turn)
        self._history.calibrate(estimated, completed.usage)
        message = replace(completed.message, parts=self._renamed(completed.message))
        # It is whole: whoever stops the turn while it is being recorded must not have it told as partial too.
        self._arrived = None
        await self._record(completed, message, turn)
        self.meter(link.facts.context_window or 0)
        return message

    async def broke_off(self, turn: int, reason: str, *, kept: bool = True) -> str:
        """Record what had come of an answer that will not be whole; its text, empty where none had.

        `kept`: the model is given it from now on.
        """
        arrived, self._arrived = self._arrived, None
        if arrived is None or not (arrived.text or arrived.reasoning):
            return ""
        said = "".join(arrived.text)
        text = self.redact(said)
        await self._bus.record(
            ModelPartial(
                provider=arrived.provider,
                model=arrived.model,
                text=text,
                reasoning=self.redact("".join(arrived.reasoning)),
                sha256=sha256_of(said.encode("utf-8", "backslashreplace")),
                reason=self.redact(reason),
                kept=kept,
            ),
            turn=turn,
            actor=Actor(kind="model", id=f"{arrived.provider}/{arrived.model}"[:200]),
        )
        return text

    async def _requested(
        self, chain: Chain, messages: int, tokens: int, purpose: Literal["answer", "summary"], turn: int
    ) -> None:
        """A request is about to leave, as far as it may. Raises DeniedError where the human does not let it."""
        await self.boundary.cross(chain, messages, tokens)
        link = chain.current
        await self._bus.record(
            ModelRequested(
                provider=link.endpoint.provider,
                model=link.model,
                endpoint=link.endpoint.base_url,
                messages=messages,
                prefix_sha256=self._prefix,
                estimated_tokens=tokens,
                purpose=purpose,
                data_class=chain.reach,
            ),
            turn=turn,
        )

    async def summarise(self, chain: Chain, instruction: str, room: int, turn: int) -> str:
        """A summary of the conversation, asked for in `room` tokens. Raises ModelError, also when it is empty."""
        messages = (*self._history.within(room), Message("user", (Text(instruction),)))
        await self._requested(chain, len(messages), min(room, self._history.tokens()), "summary", turn)
        most = min(self._max_output, _LONGEST_SUMMARY)
        request = Request(chain.current.model, self.system, messages, self.tools, max_output_tokens=most)
        async with aclosing(chain.stream(request)) as stream:
            async for delta in stream:
                match delta:
                    case Restarted():
                        await self._failover(delta, turn)
                    case Completed():
                        await self._answered(delta, "", turn, purpose="summary")
                        text = "\n".join(p.text for p in delta.message.parts if isinstance(p, Text)).strip()
                        if text:
                            return self.redact(text)
                    case _:
                        pass
        raise ModelError("the model gave no summary", kind="malformed_stream")

    def meter(self, window: int) -> None:
        """Tell the status bar how full the context is."""
        self._bus.publish(ContextMeter(self._history.tokens(), window, self.spent.cost_usd, self.spent.cached))

    def foretell(self, chain: Chain) -> None:
        """Say beforehand what will come of a model: a question whether it may see what was said, no tools."""
        if lacks := toolless(chain.current):
            self._bus.publish(Notice(lacks, "warning"))
        if where := self.boundary.beyond(chain):
            what = f"{where} has not seen this conversation: you are asked before it is sent there."
            self._bus.publish(Notice(what, "warning"))

    async def _stream(self, chain: Chain, request: Request, turn: int) -> Completed:
        link = chain.current
        arrived = self._arrived = _Arrived(link.endpoint.provider, link.model)
        async with aclosing(chain.stream(request)) as stream:
            async for delta in stream:
                match delta:
                    case TextPiece(text=text):
                        arrived.text.append(text)
                        self._bus.publish(TextDelta(turn, text))
                    case ThinkingPiece(text=text):
                        arrived.reasoning.append(text)
                        self._bus.publish(ReasoningDelta(turn, text))
                    case ToolPiece():
                        pass
                    case Restarted():
                        await self.broke_off(turn, delta.reason, kept=False)
                        arrived = self._arrived = _Arrived(delta.to_provider, delta.to_model)
                        self._bus.publish(AnswerDiscarded(turn, delta.reason))
                        await self._failover(delta, turn)
                    case Completed():
                        return delta
        raise ModelError("the model's answer ended before it was complete", kind="malformed_stream")

    async def _failover(self, restart: Restarted, turn: int) -> None:
        await self._bus.record(
            ModelFailover(
                from_provider=restart.from_provider,
                from_model=restart.from_model,
                to_provider=restart.to_provider,
                to_model=restart.to_model,
                reason=self.redact(restart.reason),
                attempts=restart.attempts,
                dropped=restart.dropped,
                partial_output_discarded=restart.partial,
            ),
            turn=turn,
        )

    def _renamed(self, message: Message) -> tuple[Text | Thinking | ToolUse, ...]:
        """The parts with calls numbered by us: a provider's ids may be missing, repeated, or hostile names."""
        parts: list[Text | Thinking | ToolUse] = []
        for part in message.parts:
            match part:
                case ToolUse():
                    parts.append(replace(part, id=self._number()))
                case Text() | Thinking():
                    parts.append(part)
                case _:
                    pass
        return tuple(parts)

    async def _record(self, completed: Completed, message: Message, turn: int) -> None:
        actor = Actor(kind="model", id=f"{completed.provider}/{completed.model}"[:200])
        for part in message.parts:
            if isinstance(part, Thinking) and (part.text or part.signature):
                await self._bus.record(
                    ModelReasoning(
                        text=self.redact(part.text),
                        sha256=sha256_of(part.text.encode("utf-8", "backslashreplace")),
                        visible=bool(part.text) and not part.redacted,
                        signature_sha256=sha256_of(part.signature) if part.signature else "",
                    ),
                    turn=turn,
                    actor=actor,
                )
        if completed.finish in _CUT:
            self._bus.publish(Notice(_CUT[completed.finish], "warning"))
        text = self.redact("".join(p.text for p in message.parts if isinstance(p, Text)))
        calls = tuple(p.id for p in message.parts if isinstance(p, ToolUse))
        await self._answered(completed, text, turn, calls=calls)

    async def _answered(
        self,
        completed: Completed,
        text: str,
        turn: int,
        *,
        purpose: Literal["answer", "summary"] = "answer",
        calls: tuple[str, ...] = (),
    ) -> None:
        """Count an answer and record it, with its text where it is one; a summary's stands in its compaction."""
        usage, model = completed.usage, f"{completed.provider}/{completed.model}"
        self.spent.add(usage, completed.cost_usd)
        if completed.cost_usd is None and (unpriced := self.spent.unpriced(model)):
            self._bus.publish(Notice(unpriced, "warning"))
        await self._bus.record(
            ModelResponded(
                provider=completed.provider,
                model=completed.model,
                text=text,
                finish=completed.finish,
                response_id=completed.response_id,
                input_tokens=usage.input,
                output_tokens=usage.output,
                cache_read_tokens=usage.cache_read,
                cache_write_tokens=usage.cache_write,
                reasoning_tokens=usage.reasoning,
                first_byte_ms=completed.first_byte_ms,
                duration_ms=completed.duration_ms,
                cost_usd=completed.cost_usd,
                tool_calls=calls,
                purpose=purpose,
            ),
            turn=turn,
            actor=Actor(kind="model", id=model[:200]),
        )
