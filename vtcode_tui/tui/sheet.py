"""A sheet: lines of styled text in one scrolling widget, however many there are.

Every pane is a sheet. It draws only the rows on the screen, from `row(y)`, and keeps nothing but the strips of
those rows. A sheet that follows stays at its end until a person scrolls up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.cache import FIFOCache
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from vtcode_tui.render import Line, cut_spans
from vtcode_tui.tui.barred import Barred
from vtcode_tui.tui.brush import Brush
from vtcode_tui.tui.frame import Frame
from vtcode_tui.tui.themes import palette_of

_WORD = re.compile(r"\.*[\w~/@-]+(?:[.:][\w~/@-]+)*|\s+|[^\w\s]+")
"""What a double click takes: a name, a path or an address, without the stop behind it; or blanks; or signs."""


def _seen(strip: Strip, scroll_x: int, width: int, base: RichStyle) -> Strip:
    """What is seen of a row where the pane has been scrolled sideways."""
    if not scroll_x and strip.cell_length == width:
        # A strip that is cut to what it is already would keep itself alive: only the collector would free it.
        return strip
    return strip.crop_extend(scroll_x, scroll_x + width, base)


class Sheet(Barred, can_focus=True):
    """A scrolling pane of lines. Subclasses answer `row_count` and `row`."""

    ALLOW_SELECT = True
    follow_at_start = False
    click_moves = False
    """Whether a click puts the cursor on the row under the mouse."""
    hangs = True
    """Whether the rows that a line goes on in are set in by blanks that are not its own."""
    alike = True
    """Whether rows of which `looks` is equal look the same wherever they stand."""
    click_selects = True
    """Whether a double click selects the word under the mouse, and a triple one its line."""

    class Left(Message):
        """The sheet no longer follows its end, or follows it again."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._strips: FIFOCache[tuple[int, int], Strip] = FIFOCache(512)
        self._brush: Brush | None = None
        self._edges: Frame | None = None
        self._painted: FIFOCache[tuple[Hashable, int, int, bool], Strip] = FIFOCache(256)
        self.following = self.follow_at_start
        self._due: Callable[[], object] | None = None
        self.cursor: int | None = None
        """The row that keys act on; None where the pane has no cursor."""

    # What subclasses say.

    def row_count(self) -> int:
        """How many rows there are at the present width."""
        return 0

    def row(self, y: int) -> Line:
        """Row `y`, 0 <= y < row_count()."""
        return Line()

    def rows(self, first: int, last: int) -> Iterable[Line]:
        """The rows first <= y < last."""
        return map(self.row, range(first, last))

    def looks(self, first: int, last: int) -> Iterable[Hashable]:
        """What tells how each of the rows first <= y < last looks: where it is equal they are painted alike."""
        return self.rows(first, last)

    def make_strip(self, y: int, width: int, base: RichStyle, *, marked: bool) -> Strip:
        """Row `y` as it is drawn: with … where it goes on beyond the pane and nobody can scroll there."""
        row = self.row(y)
        strip = self.brush.strip(row, width, base, marked=marked)
        if strip.cell_length > width and not self.widest() and cell_len(row.text.rstrip()) > width:
            strip = self.brush.strip(row._replace(spans=cut_spans(row.spans, width)), width, base, marked=marked)
        return strip

    def widest(self) -> int:
        """The cells of the widest row; 0 where rows are wrapped to the pane."""
        return 0

    # Drawing.

    @property
    def shows_cursor(self) -> bool:
        """Whether the row of the cursor stands out."""
        return self.has_focus

    @property
    def brush(self) -> Brush:
        """The colours in force."""
        if self._brush is None:
            self._brush = Brush(palette_of(self.app.current_theme))
        return self._brush

    @property
    def text_width(self) -> int:
        """How many cells a row may fill."""
        return max(1, self.scrollable_content_region.width)

    def redraw(self) -> None:
        """Rows are different now: measure them again, keep to the end if that is where we are, paint once."""
        self._strips.clear()
        self.grown()

    def grown(self) -> None:
        """There are more rows at the end now, or fewer; all others are as they were."""
        count = self.row_count()
        self._measure(Size(max(self.widest(), 0), count))
        if self.following:
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)
        self.refresh()

    def _measure(self, size: Size) -> None:
        """Take another size over; where no scroll bar comes or goes nothing else has to be laid out for it."""
        bars = self.show_horizontal_scrollbar, self.show_vertical_scrollbar
        before, shown = self.virtual_size, self.scrollable_content_region.size
        if size == before:
            return
        if bars == (False, True) and size.width <= shown.width and size.height > self.container_size.height:
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        else:
            self.virtual_size = size
            # Its bars come and go now, and not when it has been laid out: that would be one more layout for them.
            self._scroll_update(size)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint: a row that looks as one did before is the same strip, which the terminal's bytes are kept with."""
        frame, width = self._edges, self.outer_size.width
        ordinary = self.alike and crop.column_span == (0, width) and self.text_selection is None
        if ordinary and crop.height and (frame is None or frame.width != width):
            # One row is painted the long way: what stands round it stands round all others.
            frame = self._edges = Frame.of(self, super().render_lines(crop.split_horizontal(1)[0])[0])
        if ordinary and frame is not None:
            return self._paint(frame, crop)
        return super().render_lines(crop)

    def _paint(self, frame: Frame, crop: Region) -> list[Strip]:
        width, base = self.scrollable_content_region.width, self.rich_style
        scroll_x, top = self.scroll_offset
        cursor = self.cursor if self.shows_cursor else None
        first = top + crop.y
        last = max(first, min(first + crop.height, self.virtual_size.height, self.row_count()))
        strips = []
        for y, look in enumerate(self.looks(first, last), first):
            key = (look, scroll_x, width, y == cursor)
            strip = self._painted.get(key)
            if strip is None:
                # As it is now: what was drawn last at this place may be an earlier state of it.
                strip = self.make_strip(y, width, base, marked=y == cursor)
                strip = self._painted[key] = frame.put_round(_seen(strip, scroll_x, width, base))
            strips.append(strip)
        if len(strips) < crop.height:
            strips += [frame.put_round(Strip.blank(width, base))] * (crop.height - len(strips))
        return strips

    def render_line(self, y: int) -> Strip:
        """One row of the screen, which knows where its characters stand."""
        width, base = self.scrollable_content_region.width, self.rich_style
        scroll_x, scroll_y = self.scroll_offset
        index = scroll_y + y
        if index >= self.virtual_size.height:
            return Strip.blank(width, base)
        strip = self._strip(index, width, base)
        selection = self.text_selection
        if selection is not None and (span := self.selected_in(selection, index)) is not None:
            strip = self._select(strip, self._filled(index, span), scroll_x)
        return strip.apply_offsets(scroll_x, index)

    def _strip(self, index: int, width: int, base: RichStyle) -> Strip:
        marked = index == self.cursor and self.shows_cursor
        key = (index, -1 if marked else width)
        strip = self._strips.get(key)
        if strip is None:
            strip = self.make_strip(index, width, base, marked=marked)
            self._strips[key] = strip
        return _seen(strip, self.scroll_offset.x, width, base)

    def _filled(self, y: int, span: tuple[int, int]) -> tuple[int, int]:
        """Characters of a row as the cells they fill; -1 is its end."""
        text = self.row(y).text
        return cell_len(text[: span[0]]), -1 if span[1] == -1 else cell_len(text[: span[1]])

    def _select(self, strip: Strip, span: tuple[int, int], scroll_x: int) -> Strip:
        start, end = span
        look = self.screen.get_component_rich_style("screen--selection")
        length = strip.cell_length
        first = max(0, start - scroll_x)
        last = length if end == -1 else max(first, min(length, end - scroll_x))
        before, chosen, after = strip.crop(0, first), strip.crop(first, last), strip.crop(last, length)
        if self.app.native_ansi_color:
            # Whatever colours the terminal has, or none at all: turned round, and what is dim is so no longer.
            turned = [(text, style or RichStyle.null()) for text, style, _ in chosen]
            segments = [Segment(text, one + RichStyle(reverse=not one.reverse, dim=False)) for text, one in turned]
        else:
            # Over the colours that are there: under them, as `Strip.apply_style` has it, nobody would see the mark.
            segments = list(Segment.apply_style(chosen, post_style=look))
        marked = Strip(segments, chosen.cell_length)
        return Strip.join([before, marked, after])

    def lead(self, row: Line) -> int:
        """How many characters at the beginning of a row are ours, and no part of what is copied."""
        return 0

    def selected_in(self, selection: Selection, y: int) -> tuple[int, int] | None:
        """From which character of a row to which (-1: its end) it is marked and copied; None where it is not."""
        return selection.get_span(y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text; wrapped rows are one line again."""
        count = self.row_count()
        first = selection.start.y if selection.start else 0
        last = min(selection.end.y if selection.end else count - 1, count - 1)
        text, begun = "", False
        for y in range(first, last + 1):
            row = self.row(y)
            span = self.selected_in(selection, y)
            if span is None:
                continue
            part = row.text[max(span[0], self.lead(row)) : None if span[1] == -1 else span[1]]
            if not row.joined:
                text = text.rstrip(" ") + "\n" if begun else text
            elif self.hangs and begun and row.fill != "code":
                # A row that goes on is set in by blanks of ours; the one it was broken at ends the row before.
                part = part.lstrip(" ")
            text, begun = text + part, True
        return text.rstrip(), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Show what is selected."""
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Another width: rows may be others."""
        self.redraw()
        if self._due is not None:
            self.once_placed(self._due)

    def once_placed(self, act: Callable[[], object]) -> None:
        """Do something that needs to know how much room there is: now, or as soon as the pane is on the screen."""
        placed = bool(self.scrollable_content_region.height)
        self._due = None if placed else act
        if placed:
            act()

    def notify_style_update(self) -> None:
        """The theme or the focus changed: all strips are mixed anew."""
        super().notify_style_update()
        self._strips.clear()
        self._painted.clear()
        self._brush = self._edges = None

    # Following.

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Leave the end when a person scrolls up, join it again when they come back."""
        super().watch_scroll_y(old_value, new_value)
        if not self.follow_at_start:
            return
        # A layout can move rows to the end at most (what is beyond it is cut): only a person gets away from it.
        at_end = new_value >= self.max_scroll_y
        if new_value < old_value and not at_end and self.following:
            self.following = False
            self.post_message(self.Left())
        elif at_end and not self.following:
            self.following = True
            self.post_message(self.Left())

    # Keys that every pane has.

    def move_cursor(self, delta: int) -> None:
        """Move the cursor of the pane, or scroll where it has none."""
        if self.cursor is None:
            self.scroll_relative(y=delta, animate=False)
            return
        self.put_cursor(self.cursor + delta)

    def put_cursor(self, y: int) -> None:
        """Put the cursor on a row and bring it onto the screen."""
        self.cursor = max(0, min(y, self.row_count() - 1))
        self._strips.clear()
        self.show_row(self.cursor)
        self.refresh()

    def show_row(self, y: int, *, margin: int = 0) -> None:
        """Scroll as little as needed to have row `y` on the screen."""
        height = self.scrollable_content_region.height
        if not height:
            if self._due is None:  # somebody who waits already knows better where to be
                self.once_placed(lambda: self.show_row(y, margin=margin))
            return
        top = self.scroll_offset.y
        if y - margin < top:
            self.scroll_to(y=max(0, y - margin), animate=False, immediate=True, force=True)
        elif y + margin >= top + height:
            self.scroll_to(y=y + margin - height + 1, animate=False, immediate=True, force=True)

    def row_under(self, event: events.Click) -> int | None:
        """The row under the mouse; None below the last one, and where text was selected."""
        y = event.y + int(self.scroll_offset.y)
        return y if y < self.row_count() and self.text_selection is None else None

    def on_click(self, event: events.Click) -> None:
        """Where it should: put the cursor there."""
        if self.click_moves and event.chain == 1 and (y := self.row_under(event)) is not None:
            self.put_cursor(y)
        if event.chain > 1:
            event.prevent_default()  # Textual would select the whole pane
            if self.click_selects and event.widget is self:
                self._select_at(
                    event.x + int(self.scroll_offset.x), event.y + int(self.scroll_offset.y), event.chain
                )

    def _select_at(self, cell: int, y: int, chain: int) -> None:
        """Select the word at a cell, or with a third click the line, however many rows it is wrapped to."""
        if y >= self.row_count():
            return
        first = last = y
        text = self.row(y).text
        start, end = next((m.span() for m in _WORD.finditer(text) if cell < cell_len(text[: m.end()])), (0, 0))
        if chain > 2:
            while first and self.row(first).joined:
                first -= 1
            while last + 1 < self.row_count() and self.row(last + 1).joined:
                last += 1
            start, end = self.line_start(first, start), len(self.row(last).text)
        if end:
            self.screen.selections = {self: Selection(Offset(start, first), Offset(end, last))}

    def line_start(self, y: int, at: int) -> int:
        """The character at which the line begins that a character of a row belongs to."""
        return 0

    def action_down(self) -> None:
        """One row down."""
        self.move_cursor(1)

    def action_up(self) -> None:
        """One row up."""
        self.move_cursor(-1)

    def action_page(self, direction: int) -> None:
        """A screenful down or up."""
        self.move_cursor(direction * max(1, self.scrollable_content_region.height - 1))

    def action_top(self) -> None:
        """To the first row."""
        self._jump(0)

    def action_bottom(self) -> None:
        """To the last row."""
        self._jump(self.row_count() - 1)

    def _jump(self, y: int) -> None:
        if self.cursor is None:
            self.scroll_to(y=max(0, y), animate=False, immediate=True, force=True)
        else:
            self.put_cursor(y)


def find_row(sheet: Sheet, wanted: Callable[[Line], bool], start: int, step: int = 1) -> int | None:
    """The next row after `start` that is wanted, round the end; None when there is none."""
    count = sheet.row_count()
    for offset in range(1, count + 1):
        y = (start + step * offset) % count
        if wanted(sheet.row(y)):
            return y
    return None
