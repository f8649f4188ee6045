"""The core of a session: takes a front end's intents, runs turns one at a time, and records everything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any

from vtcode_tui.agent.forking import ForkPreview, inherit, preview
from vtcode_tui.agent.parts import Mode, Origin, Parts, human, leaves, media_type
from vtcode_tui.agent.port import Reader
from vtcode_tui.agent.prompts import INTERRUPTED, STOPPED
from vtcode_tui.agent.rewinding import Rewinding, RewindPreview
from vtcode_tui.common.clock import rfc3339
from vtcode_tui.common.errors import ModelError, UsageError, VtcodeError
from vtcode_tui.common.files import sha256_of
from vtcode_tui.common.home import Home
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import ConfigChanged, PromptSubmitted, SessionEnded, ToolFinished
from vtcode_tui.llm.chain import Chain
from vtcode_tui.llm.discover import Looked
from vtcode_tui.llm.messages import Image, Message, Text, ToolResult, ToolUse
from vtcode_tui.sandbox.capability import Capability
from vtcode_tui.sandbox.run import TerminalSize
from vtcode_tui.sessions.conversation import unanswered
from vtcode_tui.workspace.changes import ChangeSet, Selection
from vtcode_tui.workspace.trust import Influence


class Session:
    """See `agent.port.Core`."""

    def __init__(
        self,
        parts: Parts,
        *,
        root: Path,
        capability: Capability,
        trusted: bool,
        mode: Mode,
        origin: Origin,
        chain: Chain | None,
        looked_for: tuple[str, ...] = (),
        turn: int = 0,
    ) -> None:
        self._parts = parts
        self.session = parts.store.meta.id
        self.folder = parts.store.folder
        self.root = root
        self.capability, self.trusted, self.mode = capability, trusted, mode
        self.looked_for = looked_for
        self.last_answer = ""
        self.outcome = ""
        """How the last turn ended: done, failed, stopped or interrupted."""
        self._origin, self._chain = origin, chain
        self.model = chain.current.name if chain is not None else ""
        self.turn = turn
        self._one_turn = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self._human = human()
        self.staged = parts.changes.staged
        self._rewinding = Rewinding(
            parts.bus, parts.history, parts.store, parts.changes, parts.prompts, parts.store.folder
        )
        self._overheard: list[str] = []
        self._closed = False
        self._afterwards: list[Callable[[], Awaitable[None]]] = []

    @property
    def policy_sha256(self) -> str:
        """The digest of the rules in force."""
        return self._parts.ground.policy_sha256

    def subscribe(self, reader: Reader) -> Callable[[], None]:
        """Hear everything from now on."""
        return self._parts.bus.subscribe(reader)

    async def ready(self, home: Home) -> None:
        """What is done first: finish what a crash interrupted, begin as the copy that it is, fill the meter."""
        await self._parts.ground.finish()
        await self._rewinding.finish(self.turn, self._human)
        await inherit(self._parts, home, self._human, self.overhear)
        await self._parts.ground.begin()
        if (chain := self._chain) is not None:
            self._parts.asking.meter(self._parts.turn.window(chain))
            self._parts.asking.foretell(chain)

    async def submit(self, text: str, *, images: tuple[bytes, ...] = ()) -> None:
        """Run a prompt's turn to its end; it waits for the turn before it."""
        origin: Origin = "queue" if self._one_turn.locked() else self._origin
        self.turn += 1
        turn = self.turn
        await self._said(text, origin, turn, images)
        async with self._one_turn:
            if self._closed:
                return
            task = self._running = self._parts.nursery.start(self._contained(text, images, turn))
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:
                task.cancel()
                await asyncio.wait({task})
                raise
            finally:
                self._running = None
                if task.cancelled():
                    await self._interrupted(turn)

    async def _said(self, text: str, origin: Origin, turn: int, images: tuple[bytes, ...] = ()) -> None:
        event = await self._parts.bus.record(
            PromptSubmitted(
                text=self._parts.redact(text),
                sha256=sha256_of(text.encode("utf-8", "backslashreplace")),
                origin=origin,
                attachments=tuple(sha256_of(image) for image in images),
            ),
            turn=turn,
            actor=self._human,
        )
        if origin != "steer":
            self._parts.prompts[turn] = event.seq

    async def _contained(self, text: str, images: tuple[bytes, ...], turn: int) -> None:
        """A turn. A defect of ours ends it, and nothing else: it is said and reported, and the session goes on."""
        (failure,) = await asyncio.gather(self._take(text, images, turn), return_exceptions=True)
        if isinstance(failure, asyncio.CancelledError):
            raise failure
        if failure is not None:
            self._parts.calls.kill_all("the turn failed")
            self._parts.table.step("stop")
            defect = f"{type(failure).__name__}: {failure}"
            self._parts.bus.publish(Notice(f"A defect of vtcode ended the turn: {defect}", "error"))
            asyncio.get_running_loop().call_exception_handler({"message": "a turn failed", "exception": failure})
            await self._answer_open_calls("error", "[vtcode stopped the turn.]", turn)

    async def _take(self, text: str, images: tuple[bytes, ...], turn: int) -> None:
        """One turn, as a task of its own; whatever of our own tree goes wrong is said and ends the turn."""
        parts = self._parts
        self.outcome = "failed"
        try:
            if self._chain is None:
                raise ModelError("; ".join(self.looked_for) or "no model is configured", kind="not_running")
            if not (meta := parts.store.meta).title or meta.model != self.model:  # now: it may be killed
                words = meta.title or " ".join(parts.redact(text).split())[:80]
                self._note(title=words, model=self.model, turns=turn)
            await parts.changes.mark(turn)
            self.outcome = await parts.turn.run(self._chain, self._prompt(text, images), turn)
            self.last_answer = self._answer()
        except* (VtcodeError, OSError) as group:
            parts.calls.kill_all("the turn failed")
            said = list(dict.fromkeys(map(str, leaves(group))))
            for sentence in said:
                parts.bus.publish(Notice(sentence, "error"))
            parts.table.step("stop")
            await self._answer_open_calls("error", f"[vtcode stopped the turn: {said[0]}]", turn)
        self._note(turns=turn, updated=rfc3339(parts.clock.now()))

    def _note(self, **changes: Any) -> None:
        """Change meta.json; it is a convenience for lists, and a full disk must not end a session for it."""
        try:
            self._parts.store.update(**changes)
        except VtcodeError as error:
            self._parts.bus.publish(Notice(str(error), "error"))

    def _prompt(self, text: str, images: tuple[bytes, ...]) -> Message:
        overheard, self._overheard = tuple(Text(one, "vtcode") for one in self._overheard), []
        pictures = tuple(Image(image, media_type(image)) for image in images)
        return Message("user", (*overheard, *pictures, Text(self._parts.redact(text))))

    def _answer(self) -> str:
        said = [message.parts for message in self._parts.history.messages[-1:] if message.role == "assistant"]
        return "".join(part.text for parts in said for part in parts if isinstance(part, Text))

    async def _interrupted(self, turn: int) -> None:
        parts, self.outcome = self._parts, "interrupted"
        parts.calls.kill_all("interrupted by the human")
        with contextlib.suppress(VtcodeError):
            await parts.turn.broke_off(turn, "stopped by the person", STOPPED)
        parts.table.step("stop")
        await self._answer_open_calls("interrupted", INTERRUPTED, turn)
        parts.bus.publish(Notice("Interrupted.", "info"))

    async def _answer_open_calls(self, status: str, text: str, turn: int) -> None:
        """Every call of the last message gets a result, so that the conversation stays whole."""
        if not (open_uses := unanswered(self._parts.history.messages)):
            return
        results = tuple(ToolResult(use.id, text, True) for use in open_uses)
        # Where disk or journal fail there is nobody left to tell; the conversation in memory is whole all the same.
        with contextlib.suppress(VtcodeError):
            self._parts.turn.keep(Message("user", results))
            await self._record_open_calls(open_uses, status, text, turn)

    async def _record_open_calls(self, open_uses: list[ToolUse], status: str, text: str, turn: int) -> None:
        for use in open_uses:
            finished = ToolFinished.model_validate(
                {
                    "tool": use.name[:200],
                    "status": status,
                    "summary": text,
                    "result": text,
                    "result_sha256": sha256_of(text),
                }
            )
            await self._parts.bus.record(finished, turn=turn, call=use.id, outcome="failure")

    def steer(self, text: str) -> None:
        """Say something at the next pause of the running turn."""
        self._parts.turn.steered.append(self._parts.redact(text))
        self._parts.nursery.start(self._said(text, "steer", self.turn))

    def overhear(self, text: str) -> None:
        """Have the model hear something with the next prompt."""
        self._overheard.append(f"[{text}]")

    async def interrupt(self) -> None:
        """Stop the running turn."""
        task = self._running
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})
        else:
            self._parts.calls.kill_all("interrupted by the human")

    async def shell(self, text: str, size: TerminalSize) -> None:
        """Run the human's own command; the model hears of it with the next prompt."""
        call = self._parts.number()
        try:
            told = await self._parts.calls.human_command(call, text, self.turn, size, self._human)
        except VtcodeError as error:
            self._parts.bus.publish(Notice(str(error), "error"))
            return
        self._overheard.append(
            f"[The person ran a command of their own: {self._parts.redact(text)}]\n{told[:8000]}"
        )

    def type_into(self, call: str, data: bytes) -> None:
        """The human types into a run's terminal."""
        if execution := self._parts.calls.runs.get(call):
            execution.run.write(data)

    def resize(self, call: str, size: TerminalSize) -> None:
        """The terminal pane has another size, for this run and those to come."""
        self._parts.calls.size = size
        if execution := self._parts.calls.runs.get(call):
            execution.resize(size)

    def kill(self, call: str) -> None:
        """End a run."""
        if execution := self._parts.calls.runs.get(call):
            execution.run.kill("ended by the human")

    async def changes(self) -> ChangeSet:
        """What is staged now."""
        return await self._parts.changes.now()

    async def accept(self, selection: Selection, digest: str) -> None:
        """Write staged changes to the real workspace."""
        await self._parts.changes.accept(selection, digest, self.turn)

    async def discard(self, selection: Selection, digest: str) -> None:
        """Throw staged changes away."""
        await self._parts.changes.discard(selection, digest, self.turn)

    async def preview_rewind(self, turn: int) -> RewindPreview:
        """What going back to just before the prompt of a turn would change."""
        return await self._rewinding.preview(turn)

    async def rewind(self, turn: int, digest: str, *, files: bool = True, undo: Collection[str] = ()) -> None:
        """Go back to just before the prompt of a turn."""
        if self._one_turn.locked() or self._parts.calls.runs:
            raise UsageError("something is running: interrupt it before you go back")
        async with self._one_turn:
            await self._rewinding.go(turn, digest, files=files, undo=undo, now=self.turn, human=self._human)
            self._overheard.clear()
            if self._chain is not None:
                self._parts.asking.meter(self._parts.turn.window(self._chain))

    async def preview_fork(self, turn: int | None) -> ForkPreview:
        """See `agent.forking.preview`."""
        return await preview(self._parts.changes, turn)

    async def compact(self) -> None:
        """Make room in the context now. Raises UsageError where there is nothing to summarise, or no model."""
        async with self._one_turn:
            if self._parts.history.is_fresh:
                raise UsageError("nothing new was said: there is nothing to summarise")
            if self._chain is None:
                raise UsageError("there is no model that could summarise the conversation")
            await self._parts.turn.compact(self._chain, "manual")

    async def set_mode(self, mode: Mode) -> None:
        """Change what the agent may do."""
        before, self.mode = self.mode, mode
        self._parts.ground.set_mode(mode)
        await self._changed("mode", before, mode)

    async def set_model(self, provider: str, model: str) -> None:
        """Let another model answer from now on."""
        choice = "/".join(part for part in (provider, model) if part)
        before, chain = self.model, await self._parts.ground.models.chain(choice)
        self._answers(chain)
        await self._changed("model", before, self.model)

    def _answers(self, chain: Chain) -> None:
        before, self._chain = self._chain, chain
        self.model = chain.current.name
        self._parts.asking.meter(self._parts.turn.window(chain))
        self._parts.asking.foretell(chain)
        if before is not None:
            self._parts.nursery.start(self._leave(before))

    async def _leave(self, chain: Chain) -> None:
        """Close the connections of a chain that answers no more, once the turn that may still ask it is over."""
        async with self._one_turn:
            await chain.aclose()

    async def _changed(self, what: str, before: str, after: str, file: str = "") -> None:
        changed = ConfigChanged(what=what, before=before, after=after, file=file)
        await self._parts.bus.record(changed, turn=self.turn, actor=self._human)

    async def note_setting(self, key: str, before: str, after: str, file: str) -> None:
        """Record that the human changed a key of their own configuration."""
        await self._changed(key, before, after, file)

    async def models(self) -> tuple[Looked, ...]:
        """What every configured provider and every local server offers now."""
        return await self._parts.ground.models.survey()

    async def load_model(self, provider: str, model: str, context: int | None = None) -> None:
        """Have a local server load a model; the one that answers is asked for its new window."""
        models = self._parts.ground.models
        await models.load(provider, model, context)
        await self._changed("loaded model", "", f"{provider}/{model}")
        if self.model == f"{provider}/{model}":
            self._answers(await models.chain(self.model))

    async def unload_model(self, provider: str, model: str) -> None:
        """Have a local server drop a model from memory."""
        await self._parts.ground.models.unload(provider, model)
        await self._changed("loaded model", f"{provider}/{model}", "")

    async def find_files(self, query: str, limit: int) -> tuple[str, ...]:
        """Fuzzy search over the paths of the workspace."""
        if not self.trusted:
            return ()
        return await self._parts.ground.find(query, limit)

    async def grant_trust(self, shown: tuple[Influence, ...]) -> None:
        """Trust this workspace, with the influences that the human was shown; WorkspaceError if they changed."""
        files, self.trusted = (await self._parts.ground.trust(shown)).files, True
        await self._changed("trust", "untrusted", "trusted", str(self.root))
        for name, sha256 in files.items():
            await self._changed("instructions", "", sha256, name)

    def when_closed(self, act: Callable[[], Awaitable[None]]) -> None:
        """Do something more once the session is closed."""
        self._afterwards.append(act)

    async def close(self, reason: str, exit_code: int | None = None) -> None:
        """End the session; `exit_code` where the program ends with it and the status says how it went."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._close(reason, exit_code)
        finally:
            for act in self._afterwards:
                await act()

    async def _close(self, reason: str, exit_code: int | None) -> None:
        parts = self._parts
        await self.interrupt()
        parts.calls.kill_all("the session ended")
        runs = [execution.finished for execution in parts.calls.runs.values()]
        if runs:
            await asyncio.wait(runs, timeout=10)
        await parts.changes.settle()
        await parts.ground.anchor()
        await parts.nursery.close()
        ended = SessionEnded(
            reason=reason,
            turns=self.turn,
            tools=parts.calls.made,
            denied=parts.calls.denied,
            input_tokens=parts.asking.spent.input_tokens,
            output_tokens=parts.asking.spent.output_tokens,
            cost_usd=parts.asking.spent.cost_usd,
            files_changed=len(parts.pinned.written),
            exit_code=exit_code,
        )
        try:
            await parts.bus.record(ended, outcome="failure" if exit_code else "success")
            self._note(ended=True, updated=rfc3339(parts.clock.now()), model=self.model)
        finally:
            await parts.ground.seal()
            if self._chain is not None:
                await self._chain.aclose()
