"""The person's hands in a run: their keys, pastes and mouse go to it while they have taken it over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from textual import events
from textual.message import Message

from vtcode_tui.tui.sheet import Sheet

if TYPE_CHECKING:
    from vtcode_tui.terminal.keys import Button
    from vtcode_tui.tui.panes.runs import RunView

_BUTTONS: dict[int, Button] = {0: "none", 1: "left", 2: "middle", 3: "right"}
_ENDING = frozenset({"enter", "ctrl+d", "ctrl+c"})


class Hands(Sheet):
    """A sheet that shows a run, and gives it the keyboard and the mouse when the person says so."""

    class Typed(Message, namespace="terminal_pane"):
        """Bytes for a run's terminal: keys of the person, or an answer of the emulator to a question."""

        def __init__(self, call: str, data: bytes) -> None:
            super().__init__()
            self.call, self.data = call, data

    class Over(Message, namespace="terminal_pane"):
        """The run that the person typed into ended by their own key: nothing more was on its way to it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._may_end = False
        """Whether the last key is one that ends programs, and no letter of something half typed."""
        self.current: RunView | None = None
        """The run in front."""
        self.taken = False

    def soon(self) -> None:
        """Draw with the next frame."""
        raise NotImplementedError

    def take_over(self) -> bool:
        """Give the person's keyboard to the run in front, if it has a terminal and still runs."""
        view = self.current
        self.taken = view is not None and view.terminal and not view.ending
        if self.taken:
            self.following = True
        self.soon()
        return self.taken

    def give_back(self) -> None:
        """The keyboard is the person's again."""
        self.taken = False
        self.soon()

    def ended(self) -> None:
        """The run that the person typed into has ended."""
        self.give_back()
        if self._may_end:
            self.post_message(self.Over())

    async def _on_key(self, event: events.Key) -> None:
        if self.taken and self.current is not None:
            event.stop()
            event.prevent_default()
            self._may_end = event.key in _ENDING or self.current.screen.alternate
            if data := self._encode(event):
                self.post_message(self.Typed(self.current.call, data))

    def _encode(self, event: events.Key) -> bytes:
        from vtcode_tui.terminal import encode  # loaded by the first run already

        assert self.current is not None
        return encode(event.key, self.current.screen.modes, event.character)

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text goes to the run, bracketed where it asked for that; never anything that ends the bracket."""
        if self.taken and self.current is not None:
            from vtcode_tui.terminal import paste

            event.stop()
            self._may_end = False
            self.post_message(self.Typed(self.current.call, paste(event.text, self.current.screen.modes)))

    # The mouse: a program that asked for it gets it, in its own cells; Shift keeps it for selecting.

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A button goes down over the run."""
        self._point("press", event, _BUTTONS.get(event.button, "none"))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """It goes up again."""
        self._point("release", event, _BUTTONS.get(event.button, "none"))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The pointer moves over the run."""
        self._point("move", event, _BUTTONS.get(event.button, "none"))

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        if not self._point("press", event, "wheel-down"):
            super()._on_mouse_scroll_down(event)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        if not self._point("press", event, "wheel-up"):
            super()._on_mouse_scroll_up(event)

    def _point(self, action: Literal["press", "release", "move"], event: events.MouseEvent, button: Button) -> bool:
        view = self.current
        if not self.taken or view is None or event.shift or view.screen.modes.mouse == "off":
            return False
        from vtcode_tui.terminal import mouse  # loaded by the first run already

        place = event.get_content_offset(self)
        if place is None:
            return False
        row = place.y + int(self.scroll_offset.y) - view.screen.history
        if not 0 <= row < view.screen.rows:
            return False
        data = mouse(action, button, place.x, row, view.screen.modes, alt=event.meta, ctrl=event.ctrl)
        event.stop()
        event.prevent_default()
        if data:
            self.post_message(self.Typed(view.call, data))
        return True
