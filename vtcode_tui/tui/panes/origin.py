"""From something on the screen to the event that it came from."""

from __future__ import annotations

from textual.message import Message


class Origin(Message):
    """The person wants to see where something comes from: a message, a call, a run or a changed file.

    One of the three is given; `call` with `type` is the last event of that type with that call.
    """

    def __init__(self, *, seq: int = 0, call: str = "", type: str = "", path: str = "") -> None:
        super().__init__()
        self.seq, self.call, self.type, self.path = seq, call, type, path
