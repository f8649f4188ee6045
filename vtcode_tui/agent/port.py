"""What a front end (the screen, `exec`, ACP, tests) may ask of the core: its intents, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from vtcode_tui.events.live import Live
from vtcode_tui.events.types import Event
from vtcode_tui.sandbox.capability import Capability
from vtcode_tui.sandbox.run import TerminalSize
from vtcode_tui.workspace.changes import ChangeSet, Selection

if TYPE_CHECKING:
    from vtcode_tui.llm.discover import Looked

Reader: TypeAlias = Callable[[Event | Live], None]
"""Called in the event loop for everything that happens, in order; must return at once."""


class Core(Protocol):
    """A session as its front end sees it. Every method records what it does as events."""

    session: str
    folder: Path
    """The session folder: journal, recordings, spool."""
    model: str
    """`provider/model` that answers now; empty when none was found."""
    looked_for: tuple[str, ...]
    """Where a model was looked for, one sentence each, for the person who has none."""
    capability: Capability
    trusted: bool
    mode: Literal["build", "plan", "read-only"]

    def subscribe(self, reader: Reader) -> Callable[[], None]:
        """Hear everything from now on; the returned function ends it."""
        ...

    async def submit(self, text: str, *, images: tuple[bytes, ...] = ()) -> None:
        """Send a prompt and run the turn to its end; a prompt while a turn runs is queued."""
        ...

    def steer(self, text: str) -> None:
        """Say something to the model at the next pause of the running turn."""
        ...

    async def interrupt(self) -> None:
        """Stop the turn: the model's stream is closed, its runs are killed, the session goes on."""
        ...

    async def shell(self, text: str, size: TerminalSize) -> None:
        """Run the human's own `!command` under policy and sandbox, in a terminal."""
        ...

    def type_into(self, call: str, data: bytes) -> None:
        """The human types into a run's terminal."""
        ...

    def resize(self, call: str, size: TerminalSize) -> None:
        """The terminal pane has another size."""
        ...

    def kill(self, call: str) -> None:
        """End a run."""
        ...

    async def changes(self) -> ChangeSet:
        """What is staged now."""
        ...

    async def accept(self, selection: Selection, digest: str) -> None:
        """Write staged changes to the real workspace; `digest` is of the change set that was on the screen.

        Raises StaleFileError when something moved on since; nothing is written then.
        """
        ...

    async def discard(self, selection: Selection, digest: str) -> None:
        """Throw staged changes away."""
        ...

    async def compact(self) -> None:
        """Make room in the context now."""
        ...

    async def set_mode(self, mode: Literal["build", "plan", "read-only"]) -> None:
        """Change what the agent may do."""
        ...

    async def set_model(self, provider: str, model: str) -> None:
        """Let another model answer from now on."""
        ...

    async def models(self) -> tuple[Looked, ...]:
        """What every configured provider and every local server offers now, one place each; never raises for one
        that is away: its state and the command that helps are in its place."""
        ...

    async def load_model(self, provider: str, model: str, context: int | None = None) -> None:
        """Have a local server load a model, with a window of `context` tokens; raises ModelError."""
        ...

    async def unload_model(self, provider: str, model: str) -> None:
        """Have a local server drop a model from memory; raises ModelError."""
        ...

    async def find_files(self, query: str, limit: int) -> tuple[str, ...]:
        """Fuzzy search over the paths of the workspace, best first."""
        ...

    async def grant_trust(self) -> None:
        """Trust this workspace: an explicit human act."""
        ...

    async def close(self, reason: str) -> None:
        """End the session: everything that runs is killed, the journal is sealed."""
        ...
