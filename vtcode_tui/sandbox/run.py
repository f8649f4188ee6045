"""A sandboxed worker in flight, and what is known when it has ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Denial:
    """Something the sandbox refused: what, and what a human could approve to let it through."""

    kind: str
    """`path`, `host`, `syscall`, `limit` or `protected`."""
    detail: str
    layer: str
    remedy: str = ""
    pid: int = 0
    process: str = ""
    count: int = 1
    audience: Literal["all", "model", "people", "journal"] = "all"
    """`model`: says nothing about what exists outside, and nothing for certain; `people`: no model may hear it.

    `journal`: it is evidence, and the run went on without it.
    """


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; exactly one of `exit_code`, `signal` and `setup_error` says why."""

    exit_code: int | None
    signal: int | None = None
    setup_error: str = ""
    """The sandbox could not be set up, or a pinned file had changed: the work never began."""
    result: Mapping[str, Any] | None = None
    """What an `Invoke` returned."""
    limit: str = ""
    killed: str = ""
    survivors: int = 0
    duration_ms: int = 0
    cpu_ms: int = 0
    max_rss_kb: int = 0
    denials: tuple[Denial, ...] = ()


@dataclass(frozen=True, slots=True)
class TerminalSize:
    """Columns and rows of a PTY."""

    columns: int = 80
    rows: int = 24


class Run(Protocol):
    """The handle of a run. Leaving it un-awaited does not keep it alive: closing the spawner ends it."""

    pid: int

    def output(self) -> AsyncIterator[bytes]:
        """Everything the run writes, as it comes; ends when the run has ended. Not reading is back-pressure."""
        ...

    async def wait(self) -> Outcome:
        """The outcome, once the run and everything it started have ended."""
        ...

    def write(self, data: bytes) -> None:
        """Send input to the run's terminal or standard input."""
        ...

    def resize(self, size: TerminalSize) -> None:
        """Change the size of the run's terminal; without a terminal this does nothing."""
        ...

    def kill(self, reason: str) -> None:
        """End the run with everything it started; `reason` is what `Outcome.killed` will say."""
        ...
