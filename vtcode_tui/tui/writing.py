"""A text area whose own keys keep their place in what is typed.

Bindings with priority run when a key arrives, before the letters typed just before it have been handled: Enter
would send a prompt without its last word. Here a key is looked up when its turn comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import TextArea

from vtcode_tui.tui.echo import Echo

if TYPE_CHECKING:
    from textual import events
    from textual.binding import Binding
    from textual.message import Message


class Writing(Echo):
    """Several lines of text; a cursor that does not blink."""

    def __init__(self, text: str = "", *, id: str, placeholder: str = "") -> None:
        super().__init__(
            text,
            id=id,
            soft_wrap=True,
            show_line_numbers=False,
            tab_behavior="focus",
            compact=True,
            placeholder=placeholder,
            highlight_cursor_line=False,
        )
        self.cursor_blink = False

    def post_message(self, message: Message) -> bool:
        """Nobody asks where the cursor went: with each letter, that message would walk up to the app."""
        return False if isinstance(message, TextArea.SelectionChanged) else super().post_message(message)

    def type(self, key: events.Key) -> bool:
        """Put a letter where the cursor is, in this very turn; False where the key may mean something else here."""
        if not key.is_printable or _is_chord(key) or self.read_only or key.key in self._own_keys():
            return False
        assert key.character is not None
        self._replace_via_keyboard(key.character, *self.selection)
        return True

    def _own_keys(self) -> dict[str, list[Binding]]:
        own = self._bindings
        if self.app._keymap:
            own = own.copy()
            own.apply_keymap(self.app._keymap)
        return own.key_to_bindings

    async def _on_key(self, event: events.Key) -> None:
        for binding in self._own_keys().get(event.key, ()):
            if await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return
        if _is_chord(event):
            # An answer to what does not wait any more, for example: it means nothing here, and is no letter.
            event.prevent_default()
            return
        await super()._on_key(event)


def _is_chord(key: events.Key) -> bool:
    """Whether it is a letter with alt: the terminal tells of the letter too, but nobody meant to write it."""
    return key.key.startswith("alt+")
