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
        if key.character is None or not key.is_printable or self.read_only or key.key in self._own_keys():
            return False
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
        await super()._on_key(event)
