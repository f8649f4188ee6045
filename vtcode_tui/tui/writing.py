"""A text area whose own keys keep their place in what is typed.

Bindings with priority run when a key arrives, before the letters typed just before it have been handled: Enter
would send a prompt without its last word. Here a key is looked up when its turn comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.scroll_view import ScrollView
from textual.widgets import TextArea

if TYPE_CHECKING:
    from textual import events
    from textual.geometry import Region
    from textual.message import Message
    from textual.strip import Strip


class Writing(TextArea):
    """Several lines of text; a cursor that does not blink."""

    _dressed = False

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

    def notify_style_update(self) -> None:
        """The styles have changed: the next painting takes them over."""
        super().notify_style_update()
        self._dressed = False

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint; the theme's colours are worked out when they have changed, not for each letter."""
        if self._dressed:
            return ScrollView.render_lines(self, crop)
        self._dressed = True
        return super().render_lines(crop)

    async def _on_key(self, event: events.Key) -> None:
        own = self._bindings
        if self.app._keymap:
            own = own.copy()
            own.apply_keymap(self.app._keymap)
        for binding in own.key_to_bindings.get(event.key, ()):
            if await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return
        await super()._on_key(event)
