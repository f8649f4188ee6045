"""The least that Textual costs: one text to type into, and a log beside it that grows 150 times a second once `go`
is sent.

`python -m benchmarks.startup --stream -c "python -m benchmarks._bare"` times it as it times `vtcode`: what Textual
gives to whoever takes it as it comes.
"""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Input, RichLog, Static

from benchmarks._model import RATE, WORDS


class Bare(App[None]):
    """A log, a text, a row of words."""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield RichLog(wrap=True, max_lines=10_000)
        yield Input()
        yield Static("a bare app: type here")

    def on_mount(self) -> None:
        """The text has the keys."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Begin to stream."""
        event.input.value = ""
        self.set_interval(1 / RATE, self._grow)

    def _grow(self) -> None:
        self.query_one(RichLog).write(" ".join(WORDS).strip())


if __name__ == "__main__":
    Bare().run()
