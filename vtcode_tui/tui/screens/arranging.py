"""The places of the panes: arranged for the size of the terminal, shared out as the person wants it.

What the person changed is remembered for each workspace, and is there again the next time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.css.query import NoMatches
from textual.screen import Screen

from vtcode_tui.tui.layout import SIDE, Choice, Pane, Shares, arrange
from vtcode_tui.tui.panes.heading import Heading

if TYPE_CHECKING:
    from textual import events
    from textual.widget import Widget

    from vtcode_tui.tui.places import Places


class Arranging(Screen[None]):
    """Chat and side panes on the stage; keys and mouse give one of them more room."""

    choice: Choice
    places: Places | None = None
    """Where the person's arrangement is remembered; None: nowhere."""
    _dragged: Pane | None = None

    def on_resize(self, event: events.Resize) -> None:
        """Another size has room for other panes."""
        self.place()

    def place(self) -> None:
        """Show the panes that the choice and the size ask for."""
        width, height = self.app.size
        shown = arrange(width, height, self.choice)
        try:
            stage, side, chat = self.query_one("#stage"), self.query_one("#side"), self.query_one("#chat-box")
        except NoMatches:
            return
        for name in ("chat", *SIDE):
            self.query_one(f"#{name}-box").display = name in shown.visible
        side.display = bool(shown.visible & set(SIDE))
        stage.set_class(shown.stacked, "-stacked")
        stage.set_class("chat" in shown.visible and side.display, "-split")
        self._share(stage, side, chat, stacked=shown.stacked)
        self.set_class(width < 100, "-narrow")
        self.set_class(height < 16, "-low")
        self.show_approvals("approvals" in shown.visible)

    def _share(self, stage: Widget, side: Widget, chat: Widget, *, stacked: bool) -> None:
        shares = self.choice.shares
        mine, theirs = f"{shares.chat}fr", f"{100 - shares.chat}fr"
        whole = "1fr"
        chat.styles.width, side.styles.width = (whole, whole) if stacked else (mine, theirs)
        chat.styles.height, side.styles.height = (mine, theirs) if stacked else (whole, whole)
        for name in SIDE:
            self.query_one(f"#{name}-box").styles.height = f"{shares.of(name)}fr"

    def show_approvals(self, shown: bool) -> None:
        """The strip of what waits; the viewer has none."""

    def choose(self, **changes: Any) -> None:
        """Another wish of the person about what to see."""
        self.choice = replace(self.choice, **changes)
        self.place()
        if self.places is not None:
            self.places.remember(self.choice)

    # More room, less room.

    def action_widen(self, delta: int) -> None:
        """Give the pane that has the keys more columns (chat and side share them), or fewer."""
        focused = self.focused
        grow = delta if focused is None or focused.id not in SIDE else -delta
        self.choose(shares=self.choice.shares.with_chat(self.choice.shares.chat + 5 * grow))

    def action_heighten(self, delta: int) -> None:
        """Give the pane that has the keys more rows, or fewer."""
        name = self.focused.id if self.focused is not None else None
        if name in SIDE:
            self.choose(shares=self.choice.shares.grown(name, delta))
        elif self.query_one("#stage").has_class("-stacked"):
            self.choose(shares=self.choice.shares.with_chat(self.choice.shares.chat + 5 * delta))

    def action_even(self) -> None:
        """As it was at first."""
        self.choose(shares=Shares(), hidden=frozenset(), zoomed=False)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the line beside the side panes, or of the heading of one of them."""
        if event.button != 1:
            return
        grip = self._grip(int(event.screen_x), int(event.screen_y))
        if grip is not None:
            self._dragged = grip

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move what is held."""
        if self._dragged is None:
            return
        # Not before it moves: without that it is a click on the heading.
        self.capture_mouse()
        x, y = int(event.screen_x), int(event.screen_y)
        shares = self.choice.shares
        stage = self.query_one("#stage")
        if self._dragged == "chat":
            inside, whole = (
                (y - stage.region.y, stage.region.height)
                if stage.has_class("-stacked")
                else (x, stage.region.width)
            )
            moved = shares.with_chat(round(inside * 100 / max(1, whole)))
        else:
            above = self._above(self._dragged)
            if above is None:
                return
            upper, lower = self.query_one(f"#{above}-box").region, self.query_one(f"#{self._dragged}-box").region
            moved = shares.parted(above, self._dragged, (y - upper.y) / max(1, upper.height + lower.height))
        if moved != shares:
            self.choose(shares=moved)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go."""
        if self._dragged is not None:
            self._dragged = None
            self.release_mouse()
            event.stop()

    def _above(self, name: Pane) -> Pane | None:
        shown: list[Pane] = [pane for pane in SIDE if self.query_one(f"#{pane}-box").display]
        place = shown.index(name) if name in shown else 0
        return shown[place - 1] if place else None

    def _grip(self, x: int, y: int) -> Pane | None:
        stage, side = self.query_one("#stage"), self.query_one("#side")
        if not stage.has_class("-split") or not stage.region.contains(x, y):
            return None
        if not stage.has_class("-stacked") and x == side.region.x:
            return "chat"
        for name in SIDE:
            box = self.query_one(f"#{name}-box")
            if box.display and box.query_one(Heading).region.contains(x, y):
                return name if self._above(name) else "chat" if stage.has_class("-stacked") else None
        return None
