"""The session as the panes tell it: blocks of the chat, runs of the terminal, words of the status bar.

Fed by `dispatch` from the live bus or from a recorded journal; it cannot tell which, and needs not to.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Protocol

from vtcode_tui.render import StyleName
from vtcode_tui.tui.panes.blocks import Answer, Block, Note, Said, Thought, ToolCall

if TYPE_CHECKING:
    from vtcode_tui.events.types import Event, ModelPartial
    from vtcode_tui.tui.panes.chat import ChatPane
    from vtcode_tui.tui.panes.events import EventPane
    from vtcode_tui.tui.panes.status import StatusBar
    from vtcode_tui.tui.panes.terminal import TerminalPane

SUBJECTS = ("command", "cmd", "path", "pattern", "query", "question", "task", "text", "url", "name")
_HANDED = frozenset({"explore", "delegate"})
"""Calls with a conversation of their own inside."""


class Stage(Protocol):
    """The panes that a story is told on."""

    chat: ChatPane
    events: EventPane
    terminal: TerminalPane
    status: StatusBar

    def files_changed(self) -> None:
        """What is staged may be different now."""
        ...

    def answered(self, text: str) -> None:
        """The model's message is complete."""
        ...


def subject_of(tool: str, arguments: dict[str, Any]) -> str:
    """A call in one line: what it is about, without the names of its arguments where they are plain."""
    for name in SUBJECTS:
        value = arguments.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
            return shlex.join(value)
    if isinstance(argv := arguments.get("argv"), list | tuple):
        return shlex.join(map(str, argv))
    return ", ".join(f"{key}: {value}" for key, value in arguments.items())


class Story:
    """What has been told so far."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.calls: dict[str, ToolCall] = {}
        """By call; those inside a sub-task are told at the call that began it."""
        self._tasks: dict[str, ToolCall] = {}
        """By the event that began the call."""
        self.answer: Answer | None = None
        self.thought: Thought | None = None
        self.turn_calls = 0

    def note(
        self,
        text: str,
        event: Event | None = None,
        *,
        style: StyleName = "muted",
        mark: str = "·",
        apart: bool = False,
    ) -> None:
        """A sentence of ours in the chat."""
        self.stage.chat.add(Note(text=text, style=style, mark=mark, tight=not apart, seq=event.seq if event else 0))

    def said_last(self, text: str) -> bool:
        """Whether the chat ends with this sentence: an event may have said already what a notice says."""
        last = self.stage.chat.blocks[-1:]
        return bool(last) and isinstance(last[0], Note) and last[0].text == text

    # The model's words.

    def reasoning_piece(self, turn: int, text: str) -> None:
        """A piece of reasoning came."""
        if self.thought is None:
            self.thought = Thought(turn=turn)
            self.stage.chat.add(self.thought)
        self.thought.feed(text)
        self.stage.chat.changed(self.thought)

    def answer_piece(self, turn: int, text: str) -> None:
        """A piece of the answer came."""
        if self.answer is None:
            self._close_thought()
            self.answer = Answer(turn=turn)
            self.stage.chat.add(self.answer)
        self.answer.feed(text)
        self.stage.chat.changed(self.answer)

    def discard(self, reason: str) -> None:
        """The pieces so far do not count: they are shown as what they are, and the answer begins anew."""
        for block in (self.answer, self.thought):
            if isinstance(block, Answer):
                block.void = f"discarded: {reason}"
                block.finish(block.copy_text())
                self.stage.chat.changed(block)
        self._close_thought()
        self.answer = self.thought = None

    def broke_off(self, event: Event, data: ModelPartial) -> None:
        """As much of a message as came before it was stopped or broke."""
        if data.reasoning:
            if self.thought is None:
                self.thought = Thought(turn=event.turn)
                self.stage.chat.add(self.thought)
            self.thought.text, self.thought.done, self.thought.seq = data.reasoning, True, event.seq
            self.thought.parts.clear()
            self.stage.chat.changed(self.thought)
        if data.text:
            if self.answer is None:
                self.answer = Answer(turn=event.turn)
                self.stage.chat.add(self.answer)
            said = "partial: {}; the model has this much" if data.kept else "discarded: {}"
            self.answer.void = said.format(data.reason)
            self.answer.finish(data.text)
            self.answer.seq = event.seq
            self.stage.chat.changed(self.answer)
        self.answer = self.thought = None

    def _close_thought(self) -> None:
        if self.thought is not None and not self.thought.done:
            self.thought.done = True
            self.thought.text = self.thought.copy_text()
            self.stage.chat.changed(self.thought)

    def reasoned(self, event: Event, text: str) -> None:
        """The whole of a reasoning is known."""
        thought = self.thought
        if thought is None:
            if not text.strip():
                return
            thought = Thought(turn=event.turn)
            self.stage.chat.add(thought)
        thought.text, thought.done, thought.seq = text, True, event.seq
        thought.parts.clear()
        self.stage.chat.changed(thought)
        self.thought = None

    def responded(self, event: Event, text: str) -> None:
        """The whole of a message is known."""
        self._close_thought()
        self.thought = None
        if self.answer is None and text.strip():
            self.answer = Answer(turn=event.turn)
            self.stage.chat.add(self.answer)
        if self.answer is not None:
            self.answer.finish(text)
            self.answer.seq = event.seq
            self.stage.chat.changed(self.answer)
        self.answer = None
        if text.strip():
            self.stage.answered(text)

    def prompted(self, event: Event, text: str, origin: str) -> None:
        """The person said something."""
        self.stage.chat.add(Said(text=text, origin=origin, seq=event.seq, turn=event.turn))

    # Calls.

    def called(self, event: Event, tool: str, arguments: dict[str, Any], cwd: str) -> None:
        """The model asked for a tool."""
        subject = subject_of(tool, arguments)
        if (task := self.task_of(event)) is not None:
            task.steps = (*task.steps, f"{tool}  {subject}")
            self.calls[event.call or ""] = task
            self.stage.chat.changed(task)
            return
        details = tuple((key, value if isinstance(value, str) else repr(value)) for key, value in arguments.items())
        if len(details) == 1 and details[0][1] == subject:
            details = ()
        block = ToolCall(
            tool=tool,
            subject=subject,
            details=(*details, ("in", cwd)),
            seq=event.seq,
            turn=event.turn,
            call=event.call or "",
            began=event.id,
        )
        self.calls[block.call] = self._tasks[event.id] = block
        self.answer = None
        self.stage.chat.add(block)

    def task_of(self, event: Event) -> ToolCall | None:
        """The call of the sub-task that an event happened in; None for the session's own."""
        task = self._tasks.get(event.parent or "")
        return task if task is not None and task.tool in _HANDED else None

    def call_of(self, event: Event) -> ToolCall | None:
        """The block of the call that an event belongs to."""
        return self.calls.get(event.call or "")

    def update(self, event: Event, **changes: Any) -> ToolCall | None:
        """Something about a call is different now."""
        block = self.call_of(event)
        if block is not None and block is self.task_of(event):
            waiting = {*block.waits} - {event.call} | ({event.call} if changes.get("state") == "waiting" else set())
            block.waits = tuple(name for name in waiting if name)
            changes = {"state": "waiting" if waiting else "running"}
        if block is not None:
            for name, value in changes.items():
                setattr(block, name, value)
            self.stage.chat.changed(block)
        return block

    def refused(self, event: Event, text: str) -> None:
        """The sandbox or the policy stopped something: said at its call, in red, never folded away."""
        block = self.call_of(event)
        if block is None:
            self.note(text, event, style="bad", mark="⊘")
        elif text not in block.denials:
            block.denials.append(text)
            self.stage.chat.changed(block)

    def restore(self, blocks: list[Block]) -> None:
        """Go on from other blocks (the viewer goes to another time)."""
        calls = [block for block in blocks if isinstance(block, ToolCall)]
        self.calls = {block.call: block for block in calls}
        self._tasks = {block.began: block for block in calls}
        self.answer = next((b for b in blocks[-2:] if isinstance(b, Answer) and b.live and not b.void), None)
        self.thought = next((b for b in blocks[-2:] if isinstance(b, Thought) and not b.done), None)
        self.stage.chat.restore(blocks)


def is_prompt(block: Block) -> bool:
    """Whether a block is something that the person said."""
    return isinstance(block, Said)
