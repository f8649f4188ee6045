"""What a front end (the screen, `exec`, ACP, tests) may ask of the core: its intents, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from vtcode_tui.agent.forking import ForkPreview
from vtcode_tui.agent.rewinding import RewindPreview
from vtcode_tui.events.live import Live
from vtcode_tui.events.types import Event
from vtcode_tui.sandbox.capability import Capability
from vtcode_tui.sandbox.run import TerminalSize
from vtcode_tui.workspace.changes import ChangeSet, Selection
from vtcode_tui.workspace.trust import Influence

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
    staged: bool
    """Changes wait in a layer until they are accepted; otherwise they are real at once and can be rolled back."""
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
        """What waits for the human's review, sorted by path.

        `staged`: what is in the layer; the real files are as they were. Not `staged`: what commands have already
        done to the real files and nobody has looked at yet (edits were approved before they were made).
        """
        ...

    async def accept(self, selection: Selection, digest: str) -> None:
        """Accept changes; `digest` is `ChangeSet.digest` of what was on the screen.

        Staged: write them to the real workspace. Each path carries a `Choice`: all, some hunks, hunks with the
        human's own text (`Edited`), the whole file as the human wrote it (`Rewritten`), and for a `conflict` one of
        `Settled` (each of `FileChange.clashes` answered), `Rewritten` and `Overwrite` (the agent's version as a
        whole). To keep the workspace's version as a whole, discard. The agent sees the human's own text, too.
        Not staged: the files stay as they are and leave the review; only None and hunks are possible.

        Recorded as `changes.reviewed` with the SHA-256 of every text of the human's own, and a `file.changed` for
        each file with what was really written. Raises StaleFileError when something moved on since, WorkspaceError
        for a choice that does not answer a conflict or names a hunk or clash that does not exist, DeniedError for
        what policy forbids; nothing is written then.
        """
        ...

    async def discard(self, selection: Selection, digest: str) -> None:
        """Throw changes away: None or hunks. Staged: the layer forgets them.

        Not staged: the real files are brought back to what they were before the run (roll back), three-way merged
        where the human edited them since; where that cannot be (`conflict`), `Overwrite` brings the old version
        back. Raises as `accept` does.
        """
        ...

    async def preview_rewind(self, turn: int) -> RewindPreview:
        """What going back to just before the prompt of `turn` would change; UsageError for no such prompt."""
        ...

    async def rewind(self, turn: int, digest: str, *, files: bool = True, undo: Collection[str] = ()) -> None:
        """Go back to just before the prompt of `turn`, in the conversation and (`files`) in what runs see.

        `digest` is that of the `RewindPreview` on the screen. `undo` names paths of its `real` that are to be taken
        back in the real workspace as well. Recorded as `session.rewound`, after the `file.changed` events of what
        changed (`via` is `rewind`). Raises UsageError while a turn or a command runs, StaleFileError when the
        preview is out of date; nothing is changed then.
        """
        ...

    async def preview_fork(self, turn: int | None) -> ForkPreview:
        """What a copy of the session (`sessions.fork`) would begin with that ends before the prompt of `turn`, or
        that has all of the conversation (None)."""
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

    async def note_setting(self, key: str, before: str, after: str, file: str) -> None:
        """Record that the human changed a key of their own configuration while the session runs."""
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

    async def grant_trust(self, shown: tuple[Influence, ...]) -> None:
        """Trust this workspace: an explicit human act, for the influences that the human was shown.

        Raises WorkspaceError when they are others by now.
        """
        ...

    async def close(self, reason: str) -> None:
        """End the session: everything that runs is killed, the journal is sealed."""
        ...
