"""Earlier prompts, kept over sessions in a file of vtcode's own."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from vtcode_tui.common.files import write_atomically

KEPT = 500


class History:
    """Prompts from the oldest to the newest, and where the person is in them."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self.prompts: list[str] = []
        self._place: int | None = None
        self._draft = ""
        if file is not None:
            with contextlib.suppress(OSError, UnicodeDecodeError):
                for line in file.read_text(encoding="utf-8").splitlines():
                    with contextlib.suppress(json.JSONDecodeError):
                        if isinstance(text := json.loads(line), str):
                            self.prompts.append(text)

    def add(self, text: str) -> None:
        """Remember a prompt that was sent."""
        self._place = None
        if not text.strip() or (self.prompts and self.prompts[-1] == text):
            return
        self.prompts = [*self.prompts[-KEPT + 1 :], text]
        if self._file is not None:
            # A history that cannot be written is not worth a word: the prompt itself is in the journal.
            with contextlib.suppress(OSError):
                write_atomically(self._file, "".join(json.dumps(prompt) + "\n" for prompt in self.prompts))

    def step(self, delta: int, draft: str) -> str | None:
        """The prompt before or after; the unsent draft stands after the newest. None: there is no more."""
        if not self.prompts:
            return None
        if self._place is None:
            if delta > 0:
                return None
            self._draft, self._place = draft, len(self.prompts)
        place = self._place + delta
        if place < 0:
            return None
        if place >= len(self.prompts):
            self._place = None
            return self._draft
        self._place = place
        return self.prompts[place]
