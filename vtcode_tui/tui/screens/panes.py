"""What the work screen and the viewer share: the panes, their places on the screen, the way between them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from vtcode_tui.common.files import write_atomically
from vtcode_tui.common.home import Home
from vtcode_tui.render import MUTED, Line, Span, Style, plain_line, spans_of
from vtcode_tui.tui.keys import (
    CHAT,
    DIFF,
    EVENTS,
    EVERYWHERE,
    TERMINAL,
    Hint,
    bindings,
    first_key,
    footer,
    key_on,
)
from vtcode_tui.tui.layout import SIDE, Choice, Pane
from vtcode_tui.tui.painter import Painter
from vtcode_tui.tui.panes.chat import ChatPane
from vtcode_tui.tui.panes.diff import DiffPane
from vtcode_tui.tui.panes.diff_body import DiffBody
from vtcode_tui.tui.panes.events import EventPane
from vtcode_tui.tui.panes.files import FileTree, tree_of, twig_row
from vtcode_tui.tui.panes.heading import Heading, hinted
from vtcode_tui.tui.panes.origin import Origin
from vtcode_tui.tui.panes.status import StatusBar
from vtcode_tui.tui.panes.terminal import TerminalPane
from vtcode_tui.tui.screens.arranging import Arranging
from vtcode_tui.tui.screens.ask import Ask
from vtcode_tui.tui.screens.pick import Pick

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.widget import Widget
    from textual.worker import Worker


class PaneScreen(Arranging):
    """Chat, diff, terminal and events, arranged for the size of the terminal."""

    BINDINGS: ClassVar[list[Any]] = bindings(EVERYWHERE)
    AUTO_FOCUS = ""
    own_keys: ClassVar[tuple[str, ...]] = ()
    """Groups of keys that this screen has wherever the focus is, and its status bar tells of."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = Painter()
        self.chat = ChatPane(id="chat")
        self.diff = DiffPane(id="diff")
        self.diff_body = DiffBody(self.diff)
        self.terminal = TerminalPane(id="terminal")
        self.events = EventPane(id="events")
        self.status = StatusBar()
        self.headings = {
            "chat": Heading("chat", key="pane.chat"),
            "diff": Heading("diff", key="pane.diff"),
            "terminal": Heading("terminal", key="pane.terminal"),
            "events": Heading("events", key="pane.events"),
        }
        self.choice = Choice()
        self._asking_files = False
        self._export: Worker[None] | None = None

    def compose_stage(self) -> ComposeResult:
        """The panes with their headings."""
        with Horizontal(id="stage"):
            with Vertical(id="chat-box", classes="box"):
                yield self.headings["chat"]
                yield self.chat
            with Vertical(id="side"):
                for name, pane in (("diff", self.diff_body), ("terminal", self.terminal), ("events", self.events)):
                    with Vertical(id=f"{name}-box", classes="box"):
                        yield self.headings[name]
                        yield pane

    def _compositor_refresh(self) -> None:
        # A pane that has just got its scroll bar is laid out once more at once: what is painted then is seen.
        if not any(pane._layout_required for pane in (self.chat, self.diff, self.terminal, self.events)):
            super()._compositor_refresh()

    # Places.

    def pane_view(self, name: Pane) -> Widget:
        """The widget of a pane that takes the keys."""
        views: dict[Pane, Widget] = {
            "chat": self.chat,
            "diff": self.diff,
            "terminal": self.terminal,
            "events": self.events,
        }
        return views[name]

    def action_pane(self, name: Pane) -> None:
        """Go to a pane."""
        side = name if name in SIDE else self.choice.side
        self.choose(selected=name, side=side, hidden=self.choice.hidden - {name})
        # At once: a letter that was typed right after the key belongs to the pane already. Where it is not on the
        # screen yet, with the next turn.
        view = self.pane_view(name)
        self.set_focus(view)
        if self.focused is not view:
            view.focus()

    def action_zoom(self) -> None:
        """One pane alone, or all again."""
        self.choose(zoomed=not self.choice.zoomed)

    def action_hide(self) -> None:
        """Hide the pane that has the keys; without one, show all again."""
        focused = self.focused
        name = focused.id if focused is not None else None
        if name in SIDE:
            hidden = self.choice.hidden | {name}
            self.choose(hidden=hidden, selected="chat", zoomed=False)
            self.home()
        else:
            self.choose(hidden=frozenset())

    def home(self) -> None:
        """Give the keys back to where they belong when no pane has them."""
        self.chat.focus()

    def on_screen_resume(self) -> None:
        """Somebody has the keys: Textual gives those that a window lost to the screen on top, which was another."""
        if self.focused is None and self.app.app_focus:
            self.home()

    # Headings.

    def on_descendant_focus(self) -> None:
        """The heading of the pane that has the keys is bright."""
        views = {"chat": self.chat, "diff": self.diff, "terminal": self.terminal, "events": self.events}
        for name, heading in self.headings.items():
            heading.set_class(self.focused is views[name], "-active")
        self.tell_keys()

    def tell_keys(self) -> None:
        """The status bar says the keys of the pane that has them."""
        groups = {"chat": CHAT, "diff": DIFF, "terminal": TERMINAL, "events": EVENTS}
        focused = self.focused.id if self.focused is not None else None
        here = () if focused not in groups or self.terminal.taken else (groups[focused],)
        if (focused == "diff" and not self.diff.decidable) or (focused == "events" and not self.events.total()):
            here = ()  # what cannot be done now is not offered
        chosen = self.app_keys
        self.status.tell(keys=footer((*self.own_keys, *here), chosen), always=footer((EVERYWHERE,), chosen))

    @property
    def app_keys(self) -> dict[str, str] | None:
        """The person's own keys."""
        return getattr(self.app, "chosen_keys", None)

    def tell_chat(self) -> None:
        """What the chat's heading says."""
        text = f"↓ {self.chat.news} new"
        self.headings["chat"].tell(
            (Span(text, Style("caution")),) if self.chat.news else "", actions={text: "screen.latest"}
        )

    def action_latest(self) -> None:
        """To the end of the chat, and follow it."""
        self.chat.action_bottom()

    def on_block_sheet_news(self, message: ChatPane.News) -> None:
        """Something came below what is read."""
        self.tell_chat()

    def on_terminal_pane_changed(self) -> None:
        """A run began, went on or ended."""
        self.status.tell(runs=self.terminal.alive)
        spans, actions = self.terminal.summary()
        heading, back = self.headings["terminal"], None
        # How the keys come back is to be read however many tabs there are.
        heading.right_stays = self.terminal.taken
        if self.terminal.taken:
            give = Hint(key_on(self.app, "take"), "give back", first_key("take", self.app_keys))
            back, clicks = hinted((give,))
            actions = {**actions, **clicks}
        heading.tell(spans, back, actions=actions)
        self.tell_keys()

    def action_run_tab(self, place: int) -> None:
        """A click on the tab of a run."""
        calls = list(self.terminal.runs)
        if place < len(calls):
            self.terminal.show_call(calls[place])
            self.action_pane("terminal")

    def on_event_pane_counted(self) -> None:
        """More events."""
        shown, total, wanted = self.events.shown_count(), self.events.total(), self.events.filter.text
        so_far = " so far" if self.events.filtering else ""
        text = f"{shown:,} of {total:,}{so_far} · {wanted}" if wanted else f"{total:,}"
        chain = (Span("  "), *self.events.chain) if self.events.chain else ()
        follow = () if self.events.following else (Span("  paused", Style("caution")),)
        zone = (Span(f"  {self.events.zone}", MUTED),) if self.events.zone else ()
        self.headings["events"].tell((*spans_of(plain_line(text), MUTED), *chain, *follow, *zone))

    def on_sheet_left(self) -> None:
        """A pane follows its end, or not."""
        self.on_event_pane_counted()

    def on_diff_pane_counted(self) -> None:
        """Other changes are shown."""
        self.headings["diff"].tell(self.diff.summary())
        self.diff_body.show()
        self.tell_keys()

    def on_diff_pane_moved(self) -> None:
        """The diff is at another file."""
        self.diff_body.show()

    def on_file_tree_chosen(self, message: FileTree.Chosen) -> None:
        """A file of the tree was clicked."""
        self.diff.show_path(message.path)

    def on_diff_pane_tree(self) -> None:
        """The tree where there is room for it; a list of the files where there is none."""
        if self.diff_body.roomy:
            self.diff_body.wanted = not self.diff_body.wanted
            self.diff_body.show()
            return
        if not (twigs := tree_of(self.diff.changes)):
            return
        rows = [twig_row(twig, min(80, self.app.size.width - 6)) for twig in twigs]

        def go(index: int | None) -> None:
            if index is not None:  # a folder leads to the first file in it
                self.diff.show_path(next(twig.file.path for twig in twigs[index:] if twig.file is not None))

        self.app.push_screen(Pick("changed files", rows), go)

    # What panes ask for.

    def on_chat_pane_copied(self, message: ChatPane.Copied) -> None:
        """Into the clipboard."""
        self.copy(message.text, message.what)

    def on_chat_pane_choose_link(self, message: ChatPane.ChooseLink) -> None:
        """Where links lead. Nothing here opens one: the terminal does, by a click of its own."""
        rows = [Line((Span(" "), *spans_of(plain_line(address), Style("link")))) for address in message.addresses]

        def copy(index: int | None) -> None:
            if index is not None:
                self.copy(message.addresses[index], "address")

        self.app.push_screen(Pick("copy which address?", rows), copy)

    def on_event_pane_copied(self, message: EventPane.Copied) -> None:
        """Into the clipboard."""
        self.copy(message.text, message.what)

    def on_terminal_pane_copied(self, message: TerminalPane.Copied) -> None:
        """Into the clipboard."""
        self.copy(message.text, message.what)

    def copy(self, text: str, what: str) -> None:
        """Into the clipboard, by the terminal's own means."""
        self.app.copy_to_clipboard(text)
        self.app.notify(f"copied the {what}", markup=False, timeout=2)

    def on_event_pane_filtering(self, message: EventPane.Filtering) -> None:
        """Ask for a filter of the event log."""

        def narrow(text: str) -> str:
            try:
                self.events.narrow(text)
            except ValueError as error:
                return str(error)
            return ""

        hint = "words, type:exec severity:high call:ID turn:2 -word; empty: all"
        self.app.push_screen(Ask("filter events", message.text, hint=hint, take=narrow))

    def on_event_pane_export(self, message: EventPane.Export) -> None:
        """Keep what is shown of the log as JSON lines, in vtcode's own folder; one file at a time."""
        if self._export is not None and not self._export.is_finished:
            self.app.notify("events are still being written to a file", markup=False, timeout=3)
            return
        if not message.places:
            self.app.notify("no event passes the filter: nothing is written", severity="warning", markup=False)
            return
        name = f"events-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.jsonl"
        file = Home.from_environment().state / "exports" / name
        self.app.notify(f"writing {len(message.places):,} events to a file …", markup=False, timeout=3)
        self._export = self.run_worker(self._write_events(file, message.places), exit_on_error=True)

    async def _write_events(self, file: Path, places: Sequence[int]) -> None:
        lines = await self.events.lines_of(places)
        try:
            await asyncio.to_thread(lambda: write_atomically(file, "".join(lines)))
        except OSError as error:
            self.app.notify(f"not written: {error.strerror}", severity="error", markup=False)
            return
        self.app.notify(f"{len(lines):,} events written to {file}", markup=False, timeout=8)

    def on_event_pane_goto(self, message: EventPane.Goto) -> None:
        """Show what belongs to an event in the pane where it is told."""
        event = message.event
        call, path = event.call or "", getattr(event.data, "path", "")
        if event.type.startswith("exec.") and self.terminal.show_call(call):
            self.action_pane("terminal")
        elif event.type in {"file.changed", "changes.reviewed"} and self.diff.find(path, None) is not None:
            self.action_pane("diff")
            self.diff.once_placed(lambda: self.diff.show_path(path))
        else:
            self.action_pane("chat")
            self.chat.once_placed(lambda: self.chat.show_seq(event.seq, call))

    def on_origin(self, message: Origin) -> None:
        """Show the event that something came from; `o` in the log goes back to it."""
        seq = self.events.find_origin(message)
        if seq is None:
            if not (message.call and self._show_other(message.call)):
                self.app.notify("no event tells of this", markup=False, timeout=2)
            return
        self.action_pane("events")
        self.events.once_placed(lambda: self.events.put_at_seq(seq))

    def _show_other(self, call: str) -> bool:
        """Show the run of a call that the log has no event of, for it was before; or from that run, the call."""
        if self.focused is not self.terminal:
            shown = self.terminal.show_call(call)
            if shown:
                self.action_pane("terminal")
            return shown
        if not any(block.call == call for block in self.chat.blocks):
            return False
        self.action_pane("chat")
        self.chat.once_placed(lambda: self.chat.show_seq(0, call))
        return True

    def on_terminal_pane_find(self) -> None:
        """Ask what to search for in the output."""

        def find(text: str | None) -> None:
            if text and not self.terminal.find(text):
                self.app.notify("not found", markup=False, timeout=2)

        self.app.push_screen(Ask("search in the output", ""), find)

    # The stage of a story.

    def files_changed(self) -> None:
        """What is staged may be different now."""

    def answered(self, text: str) -> None:
        """The model's message is complete."""
