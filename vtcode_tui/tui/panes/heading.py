"""The one row above a pane: its name, what it holds, and the keys that matter there."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from vtcode_tui.render import MUTED, Line, Span, Style, cut_spans
from vtcode_tui.tui.brush import Brush, width_of
from vtcode_tui.tui.keys import Hint, first_key, key_on
from vtcode_tui.tui.themes import palette_of

LEAVES, CLOSES = Hint("esc", "leaves", "escape"), Hint("esc", "closes", "escape")
TAKES = Hint("enter", "takes it", "enter")


def hinted(hints: Sequence[Hint], style: Style = MUTED) -> tuple[tuple[Span, ...], dict[str, str]]:
    """Keys and their words as spans, and what a click on each does: the same as the key."""
    spans: list[Span] = []
    for hint in hints:
        spans += [Span("  ", style)] * bool(spans) + [Span(hint.text, style)]
    return tuple(spans), {hint.text: f"app.press({hint.press!r})" for hint in hints}


class Row(Widget):
    """One row of spans: some at the left, some at the right; the right side gives way."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.left: tuple[Span, ...] = ()
        self.right: tuple[Span, ...] = ()
        self.clicks: dict[str, str] = {}
        """What a click on a span of this text does."""
        self.right_stays = False
        """Whether the left side gives way instead."""
        self._brush: Brush | None = None

    def show(
        self, left: tuple[Span, ...], right: tuple[Span, ...] = (), *, actions: dict[str, str] | None = None
    ) -> None:
        """Draw other spans. `actions` maps a span's text to the action that a click on it runs."""
        clicks = actions or {}
        if (left, right, clicks) == (self.left, self.right, self.clicks):
            return
        self.left, self.right, self.clicks = left, right, clicks
        self.refresh()

    def notify_style_update(self) -> None:
        """The theme changed."""
        super().notify_style_update()
        self._brush = None

    def render_line(self, y: int) -> Strip:
        """Draw the row."""
        return Strip.blank(self.size.width, self.rich_style) if y else self.strip_of(self.left, self.right)

    def strip_of(self, spans: tuple[Span, ...], side: tuple[Span, ...]) -> Strip:
        """Spans at the left and at the right as the row that is drawn."""
        width, base = self.size.width, self.rich_style
        self._brush = self._brush or Brush(palette_of(self.app.current_theme))
        left = cut_spans(spans, width - width_of(side) - 2 if self.right_stays else width)
        room = width - width_of(left) - 2
        right = cut_spans(side, room) if room > 3 else ()
        gap = Span(" " * max(0, width - width_of(left) - width_of(right)))
        segments = []
        for span in (*left, gap, *right):
            look = self._brush.on(span.style, base)
            if action := self.clicks.get(span.text):
                look += RichStyle(meta={"@click": action})
            if span.text:
                segments.append(Segment(span.text, look))
        return Strip(segments, width)


class Keys(Row):
    """Keys and what they do, one span each; where they do not fit they go on below. Its height is `auto`."""

    def _folded(self, width: int) -> list[tuple[Span, ...]]:
        rows: list[list[Span]] = [[]]
        used = 0
        for span in self.left:
            cells = width_of((span,))
            if used + cells > width and used and span.text.strip():
                rows.append([Span(" ")])
                used = 1
            rows[-1].append(span)
            used += cells
        return [tuple(row) for row in rows]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as they need."""
        return len(self._folded(width))

    def show(
        self, left: tuple[Span, ...], right: tuple[Span, ...] = (), *, actions: dict[str, str] | None = None
    ) -> None:
        """Draw other keys; there may be another number of rows."""
        before = len(self._folded(self.size.width or 1))
        super().show(left, right, actions=actions)
        if len(self._folded(self.size.width or 1)) != before:
            self.refresh(layout=True)

    def render_line(self, y: int) -> Strip:
        """Draw one of the rows; the right side stands in the first."""
        rows = self._folded(self.size.width)
        if y >= len(rows):
            return Strip.blank(self.size.width, self.rich_style)
        return self.strip_of(rows[y], self.right if len(rows) == 1 else ())


class Heading(Row):
    """The title row of a pane, bright while the pane has the keys (a click gives them to it), or of a dialog."""

    def __init__(self, title: str, *hints: Hint, key: str = "", id: str | None = None) -> None:
        super().__init__(id=id, classes="heading")
        self._title, self._hints, self._key = title, hints, key
        """`key` is the name of the key that leads there: it is what stands at the right usually."""
        self._told: tuple[str | tuple[Span, ...], str | tuple[Span, ...] | None, dict[str, str] | None] = (
            "",
            None,
            None,
        )

    def on_mount(self) -> None:
        """Show the bare title."""
        self.tell()

    def tell(
        self,
        info: str | tuple[Span, ...] = "",
        right: str | tuple[Span, ...] | None = None,
        *,
        actions: dict[str, str] | None = None,
    ) -> None:
        """Say what the pane holds now."""
        self._told = (info, right, actions)
        said = (Span(info, MUTED),) if isinstance(info, str) and info else info or ()
        spans: tuple[Span, ...] = (Span(f" {self._title}", Style("heading")),)
        if said:
            spans += (Span("  "), *said)
        side, clicks = hinted(self._hints)
        if right is None and self._key:
            right = key_on(self.app, self._key)
        if right is not None:
            side = (Span(right, MUTED),) if isinstance(right, str) else right
        self.show(spans, (*side, Span(" ", MUTED)), actions={**clicks, **(actions or {})})

    async def on_click(self, event: events.Click) -> None:
        """The pane gets the keys, unless something of its own was clicked."""
        if self._key and "@click" not in event.style.meta:
            key = first_key(self._key, getattr(self.app, "chosen_keys", None))
            await self.app.run_action(f"press({key!r})", self.app)

    def again(self) -> None:
        """Say the same: the keys are others now."""
        info, right, actions = self._told
        self.tell(info, right, actions=actions)


def facts(label: str, *spans: Span, labels: int = 9) -> Line:
    """A row that begins with a quiet label."""
    return Line((Span(f"  {label:<{labels}}", MUTED), *spans))
