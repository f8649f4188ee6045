"""What the person wants, passed to the core. The only caller of `agent.port.Core` in the screen.

Every intent runs as a worker of the screen. An error of vtcode's own tree becomes a sentence for the person;
nothing is retried and nothing is guessed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vtcode_tui.common.errors import VtcodeError, WorkspaceError
from vtcode_tui.sandbox.run import TerminalSize
from vtcode_tui.workspace import influencing

if TYPE_CHECKING:
    from vtcode_tui.agent.forking import ForkPreview
    from vtcode_tui.agent.port import Core
    from vtcode_tui.agent.rewinding import RewindPreview
    from vtcode_tui.llm.discover import Looked
    from vtcode_tui.workspace.changes import ChangeSet, Selection
    from vtcode_tui.workspace.trust import Influence


@dataclass(frozen=True, slots=True)
class Saying:
    """A prompt with its pictures."""

    text: str
    images: tuple[bytes, ...] = ()


NO_SESSION = "there is no session here: /sessions goes on with another one, /quit leaves"

Start = Callable[[Callable[[], Coroutine[Any, Any, None]], str], object]


class Intents:
    """A core, perhaps not open yet, and the person's wishes towards it."""

    def __init__(
        self,
        start: Start,
        complain: Callable[[str], None],
        moved: Callable[[], None],
        over: Callable[[], None] = lambda: None,
    ) -> None:
        self.core: Core | None = None
        self._over = over
        self._start = start
        self._complain = complain
        self._moved = moved
        self._early: list[str] = []
        self.waiting: list[Saying] = []
        """Prompts that the running turn holds up, the next one first: they can still be changed or taken back."""
        self.running = 0
        """Turns that were given to the core and are not over: one or none."""
        self.commands = 0
        """The person's own commands that are not over."""
        self.failed = False
        """Whether there is no core, and none will come."""

    def opened(self, core: Core) -> None:
        """The core is there: what was typed meanwhile is sent."""
        self.core = core
        early, self._early = self._early, []
        for text in early:
            self.shell(text, TerminalSize())
        self._next()

    def fail(self) -> None:
        """There will be no core: what was typed meanwhile can only be taken back."""
        self.failed = True
        self.waiting[:0] = [Saying(f"!{text}") for text in self._early]
        self._early.clear()

    @property
    def busy(self) -> bool:
        """Whether a turn runs or something is on its way to one."""
        return self.running > 0 or bool(self.waiting)

    def _run(self, work: Callable[[Core], Awaitable[None]], name: str) -> None:
        async def guarded() -> None:
            if self.core is None:
                opening = "the session is still being opened; try again in a moment"
                self._complain(NO_SESSION if self.failed else opening)
                return
            try:
                await work(self.core)
            except VtcodeError as error:
                self._complain(str(error))
            except OSError as error:
                self._complain(f"{name} failed: {error.strerror or error}")

        self._start(guarded, name)

    def submit(self, text: str, images: tuple[bytes, ...] = ()) -> None:
        """Send a prompt; while a turn runs, or the core is not there yet, it waits."""
        self.waiting.append(Saying(text, images))
        self._next()

    def _next(self) -> None:
        """Send the next one if nothing holds it up; what still waits is shown either way."""
        if self.core is not None and not self.running and self.waiting:
            self._send(self.waiting.pop(0))
        self._moved()

    def _send(self, saying: Saying) -> None:
        self.running = 1

        async def turn(core: Core) -> None:
            try:
                await core.submit(saying.text, images=saying.images)
            finally:
                self.running = 0
                if not self.waiting:
                    self._over()
                self._next()

        self._run(turn, "the turn")

    def take_back(self, index: int = -1) -> Saying | None:
        """One of the prompts that wait, taken out of the queue."""
        if not -len(self.waiting) <= index < len(self.waiting):
            return None
        saying = self.waiting.pop(index)
        self._moved()
        return saying

    def steer(self, text: str) -> None:
        """Say it to the running turn; without one it is a prompt."""
        if self.core is not None and self.running:
            self.core.steer(text)
        else:
            self.submit(text)

    def shell(self, text: str, size: TerminalSize) -> None:
        """Run the person's own command."""
        if self.core is None:
            self._early.append(text)
            return
        self.commands += 1
        self._moved()

        async def command(core: Core) -> None:
            try:
                await core.shell(text, size)
            finally:
                self.commands -= 1
                self._moved()

        self._run(command, "the command")

    def interrupt(self) -> None:
        """Stop the turn; without one, the person's own commands."""
        self._run(lambda core: core.interrupt(), "stopping")

    def type_into(self, call: str, data: bytes) -> None:
        """Keys for a run's terminal."""
        if self.core is not None:
            self.core.type_into(call, data)

    def resize(self, call: str, columns: int, rows: int) -> None:
        """A run's terminal has another size."""
        if self.core is not None:
            self.core.resize(call, TerminalSize(columns, rows))

    def kill(self, call: str) -> None:
        """End a run."""
        if self.core is not None:
            self.core.kill(call)

    def changes(self, show: Callable[[ChangeSet], None]) -> None:
        """Find out what is staged."""

        async def ask(core: Core) -> None:
            show(await core.changes())

        self._run(ask, "reading the staged changes")

    def decide(
        self,
        accept: bool,
        selection: Selection,
        digest: str,
        done: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        """Accept or discard staged changes as they were on the screen; `failed` where that was not done."""

        async def act(core: Core) -> None:
            try:
                await (core.accept(selection, digest) if accept else core.discard(selection, digest))
            except (VtcodeError, OSError):
                failed()
                raise
            done()

        self._run(act, "accepting" if accept else "discarding")

    def find_files(self, query: str, show: Callable[[str, tuple[str, ...]], None]) -> None:
        """Candidates for @query."""

        async def ask(core: Core) -> None:
            show(query, await core.find_files(query, 50))

        if self.core is not None:
            self._run(ask, "finding files")

    def preview_rewind(self, turn: int, show: Callable[[RewindPreview], None]) -> None:
        """Find out what going back to before the prompt of a turn would change."""

        async def ask(core: Core) -> None:
            show(await core.preview_rewind(turn))

        self._run(ask, "looking back")

    def rewind(
        self, turn: int, digest: str, *, files: bool, undo: tuple[str, ...], done: Callable[[], None]
    ) -> None:
        """Go back as it was shown."""

        async def act(core: Core) -> None:
            await core.rewind(turn, digest, files=files, undo=undo)
            done()

        self._run(act, "going back")

    def preview_fork(self, turn: int | None, show: Callable[[ForkPreview], None]) -> None:
        """Find out what a copy that ends before the prompt of a turn (None: at the end) would begin with."""

        async def ask(core: Core) -> None:
            show(await core.preview_fork(turn))

        self._run(ask, "looking at what a copy would begin with")

    def compact(self) -> None:
        """Make room in the context."""
        self._run(lambda core: core.compact(), "compacting")

    def set_mode(self, mode: Literal["build", "plan", "read-only"]) -> None:
        """Change what the agent may do."""
        self._run(lambda core: core.set_mode(mode), "changing the mode")

    def set_model(self, provider: str, model: str) -> None:
        """Let another model answer."""
        self._run(lambda core: core.set_model(provider, model), "changing the model")

    def note_setting(self, key: str, before: str, after: str, file: str) -> None:
        """Have it on record that a key of the configuration was changed."""
        self._run(lambda core: core.note_setting(key, before, after, file), "recording the setting")

    def models(self, show: Callable[[tuple[Looked, ...]], None]) -> None:
        """Find out what every provider offers."""

        async def ask(core: Core) -> None:
            show(await core.models())

        self._run(ask, "looking for models")

    def load_model(self, provider: str, model: str) -> None:
        """Have a local server load a model."""
        self._run(lambda core: core.load_model(provider, model), "loading the model")

    def unload_model(self, provider: str, model: str) -> None:
        """Have a local server drop a model."""
        self._run(lambda core: core.unload_model(provider, model), "unloading the model")

    def ask_influences(self, root: Path, show: Callable[[tuple[Influence, ...]], None]) -> None:
        """Say what would have a say in this workspace."""

        async def ask(core: Core) -> None:
            show(await asyncio.to_thread(influencing, root))

        self._run(ask, "looking at the folder")

    def grant_trust(
        self, shown: tuple[Influence, ...], done: Callable[[], None], again: Callable[[], None]
    ) -> None:
        """Trust the workspace as it was shown, and ask `again` where it is not that any more."""

        async def act(core: Core) -> None:
            try:
                await core.grant_trust(shown)
            except WorkspaceError:
                again()
                raise
            done()

        self._run(act, "granting trust")
