"""Keys that are typed ahead: each is handled once what the one before it did has been done.

A key walks from the widget that has the keys up to the app, where it is looked up, and what it does may walk up
once more and open a screen, which is there a moment later. What is typed behind a `/` meanwhile would reach the
pane that the person has just left, or nobody. So it waits here; letters written into a text do not, as nothing
comes of them but text.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from textual import events
from textual.widgets import Input, TextArea

from vtcode_tui.tui.panes.hands import Hands

if TYPE_CHECKING:
    from textual.app import App
    from textual.message_pump import MessagePump
    from textual.widget import Widget

PATIENCE_SECONDS = 1.0
"""A widget that goes while a key is on its way takes the news of it along: nothing is held for longer than this."""
_WALKS = 2
"""The key's own, and that of the message which its action sends."""

Typed: TypeAlias = events.Key | events.Paste


def is_text(event: Typed, target: Widget) -> bool:
    """Whether it only becomes text, or bytes for a run."""
    if isinstance(target, Hands) and target.taken:
        return True
    plain = isinstance(event, events.Paste) or event.is_printable
    return plain and isinstance(target, Input | TextArea)


class TypeAhead:
    """What has been typed and waits for its turn; `handle` is given one after the other."""

    def __init__(self, app: App[Any], handle: Callable[[Typed], Awaitable[None]]) -> None:
        self._app, self._handle = app, handle
        self._waiting: deque[Typed] = deque()
        self._round = 0
        self._under_way = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> bool:
        """Whether what was typed before is not done yet."""
        return self._under_way or bool(self._waiting)

    def holds(self, event: Typed) -> bool:
        """Keep it, if what was typed before it is not done yet."""
        if self.busy:
            self._waiting.append(event)
            return True
        return False

    def follow(self, target: Widget) -> None:
        """A key has been sent to a widget: hold the next ones until it is done."""
        self._under_way = True
        self._round += 1
        self._timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._give_up, self._round)
        self._rise(target, target, self._round, _WALKS)

    def _rise(self, node: MessagePump | None, target: Widget, number: int, walks: int) -> None:
        """Come behind whatever a widget has to do, then to its parent, as the key does."""
        if node is not None and node is not self._app and node.call_later(self._risen, node, target, number, walks):
            return
        self._app.call_later(self._walked, target, number, walks)

    def _risen(self, node: MessagePump, target: Widget, number: int, walks: int) -> None:
        self._rise(node._parent, target, number, walks)

    def _walked(self, target: Widget, number: int, walks: int) -> None:
        if walks > 1:
            self._rise(target, target, number, walks - 1)
        # A screen that has just been opened says who has its keys when it is mounted, and the app hears it then.
        elif not self._app.screen.call_later(self._app.call_later, self._done, number):
            self._app.call_later(self._done, number)

    def _give_up(self, number: int) -> None:
        self._app.call_later(self._done, number)

    async def _done(self, number: int) -> None:
        if number != self._round or not self._under_way:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._under_way = False
        while self._waiting and not self._under_way:
            await self._handle(self._waiting.popleft())
