"""A text area whose letters stand on the screen as soon as they are typed.

Textual paints all rows of a text area for each letter, from five turns of the loop later on, with whatever else has
changed, and waits until 8 ms have passed since the frame before. Here the row of the letter is painted in the turn
that took the key; everything else follows in its own time.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Offset
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import TextArea

from vtcode_tui.tui.frame import Frame

if TYPE_CHECKING:
    from typing import Self

    from textual._queue import Queue
    from textual.document._document import EditResult
    from textual.document._edit import Edit
    from textual.geometry import Region
    from textual.message import Message
    from textual.message_pump import MessagePump


_queue_of: Callable[[MessagePump], Queue[Message | None]] = attrgetter("_message_queue")
# mypy cannot see through the property that Textual makes it with.


def rests(pump: MessagePump) -> bool:
    """Whether a pump has done all that was sent to it, and waits."""
    ready = _queue_of(pump).ready_event
    return not ready.is_set() and bool(ready._waiters)


class Echo(TextArea):
    """Several lines of text, wrapped, without line numbers and highlights."""

    _dressed = False
    _frame: Frame | None = None
    _editing = False

    def notify_style_update(self) -> None:
        """The styles have changed: the next painting takes them over."""
        super().notify_style_update()
        self._dressed, self._frame = False, None

    # What an edit changes.

    def edit(self, edit: Edit) -> EditResult:
        """Change the text and paint it at once: only its row, where it stays in it."""
        if self._editing or not self._is_mounted:
            return super().edit(edit)
        others_wait = bool(_queue_of(self).values)
        before = self._shape()
        self._editing = True
        try:
            result = super().edit(edit)
        finally:
            self._editing = False
        if before is None or self._shape() != before:
            self.refresh()
        else:
            self.refresh_lines(before[0])
        if not others_wait:
            self._paint_now()
        return result

    def _shape(self) -> tuple[int, int] | None:
        """The row of the cursor and the number of rows; None where more than a row may come to look different."""
        if not self.selection.is_empty or self._matching_bracket_location or self.document.end == (0, 0):
            return None
        return self._cursor_offset[1], len(self.wrapped_document._offset_to_line_info)

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Paint again, soon; what an edit changes it says itself."""
        if self._editing and not layout and not recompose:
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        """Scroll to the cursor, unless it is in view."""
        if not center:
            self._cursor_offset = self.wrapped_document.location_to_offset(self.cursor_location)
            if 0 <= self._cursor_offset[1] - self.scroll_offset.y < self.scrollable_content_region.height:
                return Offset(0, 0)
        return super().scroll_cursor_visible(center, animate)

    # Painting.

    def _paint_now(self) -> None:
        """Paint what of this text is dirty and nothing else, whatever else waits for the next frame.

        A layout that is due moves and paints this text again: until then it stands where the terminal shows it.
        """
        screen, app = self.screen, self.app
        painter = screen._compositor
        if (
            self._layout_required
            or self._scroll_required
            or app._batch_count
            or not screen.is_current
            or self not in painter.visible_widgets
        ):
            return
        self._repaint_required = False
        screen._dirty_widgets.discard(self)
        waiting, painter._dirty_regions = painter._dirty_regions, set()
        try:
            painter.update_widgets({self})
            app._display(screen, painter.render_update(screen_stack=app._background_screens))
        finally:
            painter._dirty_regions = waiting

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint; what is the same in every row is worked out when the styles have changed, not for each letter."""
        frame, width = self._frame, self.outer_size.width
        alone = crop.height == 1 and crop.column_span == (0, width) and not self.show_vertical_scrollbar
        if alone and frame is not None and frame.width == width:
            row = self._ordinary_row(crop.y)
            if row is not None:
                return [frame.put_round(row)]
        if self._dressed:
            return ScrollView.render_lines(self, crop)
        self._dressed = True
        strips = super().render_lines(crop)
        self._frame = Frame.of(self, strips[0]) if strips else None
        return strips

    def render_line(self, y: int) -> Strip:
        """One row; an ordinary one without the general case."""
        return self._ordinary_row(y) or super().render_line(y)

    def _ordinary_row(self, y: int) -> Strip | None:
        """A row in which nothing but the cursor is marked; None where there is more to draw."""
        theme, wrapped = self._theme, self.wrapped_document
        if not self.selection.is_empty or self._matching_bracket_location or self.suggestion or theme is None:
            return None
        base = theme.base_style if theme.base_style is not None else self.rich_style
        y += self.scroll_offset.y
        if self.document.end == (0, 0) or y >= len(wrapped._offset_to_line_info):
            return None
        index, section = wrapped._offset_to_line_info[y]
        text, ends = self.document[index], wrapped._wrap_offsets[index]
        if not text.isprintable():
            return None
        begin = ends[section - 1] if section else 0
        last = section == len(ends)
        shown = f"{text[begin:]} " if last else text[begin : ends[section]]
        row, column = self.selection.end
        segments = []
        if row == index and 0 <= column - begin < len(shown) and self._draw_cursor and theme.cursor_style:
            at = column - begin
            segments.append(Segment(shown[:at], base))
            segments.append(Segment(shown[at], base + theme.cursor_style))
            shown = shown[at + 1 :]
        segments.append(Segment(shown, base))
        segments = [segment for segment in segments if segment.text]
        used = sum(cell_len(segment.text) for segment in segments)
        width = max(used, self.scrollable_content_region.width)
        if used < width:
            segments.append(Segment(" " * (width - used), base))
        return Strip(segments, width)
