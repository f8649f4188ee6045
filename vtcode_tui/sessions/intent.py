"""What going back is about to do, written down in the session's folder before the first step."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from vtcode_tui.common.errors import UsageError
from vtcode_tui.common.files import write_atomically


@dataclass(frozen=True, slots=True)
class Intent:
    """Going back to just before the prompt of a turn, as the human was shown it."""

    turn: int
    digest: str
    files: bool
    undo: tuple[str, ...]
    prompt_seq: int
    messages: int


class IntentFile:
    """The intent of a session; there is one from before the first step until the last is done."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "rewinding.json"

    def write(self, intent: Intent) -> None:
        """Write it down. Raises OSError."""
        write_atomically(self.path, json.dumps(asdict(intent)))

    def read(self) -> Intent | None:
        """What a crash interrupted; None when nothing was. Raises UsageError for a file that is damaged."""
        try:
            found = json.loads(self.path.read_bytes())
            return Intent(**{**found, "undo": tuple(found["undo"])})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise UsageError(f"{self.path} is damaged: going back was not finished") from None

    def done(self) -> None:
        """Nothing is left to do."""
        self.path.unlink(missing_ok=True)
