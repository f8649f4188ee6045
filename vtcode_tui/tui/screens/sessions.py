"""The session picker: earlier sessions, the newest first, by folder, time and words of the conversation.

What is typed narrows the list at once by what a row says, and a moment later by the conversations themselves. The
session under the cursor is shown beside the list; one key each resumes, replays, forks or deletes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeAlias

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from vtcode_tui.common.clock import local
from vtcode_tui.common.errors import VtcodeError
from vtcode_tui.common.home import Home
from vtcode_tui.render import MUTED, Line, Span, Style, cut, pad, plain_line, spans_of
from vtcode_tui.render.telling import plural
from vtcode_tui.sessions import Listed, delete, fork, search, sessions, staged_at_end
from vtcode_tui.tui.base import BaseApp
from vtcode_tui.tui.keys import SESSIONS, bindings, key_on
from vtcode_tui.tui.panes.heading import LEAVES, Heading, Keys, Row
from vtcode_tui.tui.screens.ask import Ask
from vtcode_tui.tui.screens.choosing import Choosing
from vtcode_tui.tui.screens.copying import Copying
from vtcode_tui.tui.screens.session_preview import Preview
from vtcode_tui.workspace import left_staged

if TYPE_CHECKING:
    from textual import events
    from textual.app import App

    from vtcode_tui.config.settings import Settings

Act: TypeAlias = Literal["resume", "replay"]
BEFORE = 8
"""Characters that are shown before words that were found."""
PAUSE = 0.2
"""Seconds without a key before the conversations are searched."""


class Chosen(NamedTuple):
    """What the person wants to do with which session."""

    act: Act
    folder: Path


def row_of(listed: Listed, hit: str = "") -> Line:
    """A session in one row: when, where, what about, how long; with the line that the words were found in."""
    meta = listed.meta
    moment = local(meta.updated or meta.started)
    when = plain_line(f"{moment.day} {moment.clock[:5]}")
    where = pad(cut(plain_line(Path(meta.workspace).name or meta.workspace), 14), 14)
    title = plain_line(meta.title or "no prompt yet")
    standing = () if meta.ended else (Span("open now  " if listed.open_now else "not closed  ", Style("caution")),)
    gone = () if listed.has_conversation else (Span("deleted  ", MUTED),)
    # How it stands is before a title that may be long, and so is, on 80 columns, what was found beside one.
    if hit:
        found = (Span("  "), *spans_of(cut(plain_line(hit), 60), Style("good")), Span("  "))
        told = (*spans_of(cut(title, 16)), *found, *standing, *gone)
    else:
        turns = Span(f"  {plural(meta.turns, 'turn')}", MUTED)
        told = (*standing, *gone, *spans_of(cut(title, 60)), turns)
    return Line((Span(f" {when}  ", MUTED), *spans_of(f"{where}  ", Style("accent")), *told))


class Sessions(Choosing[Chosen | None]):
    """Gives what is to be done with which session; None when it is left."""

    BINDINGS: ClassVar[list[Any]] = bindings(SESSIONS)

    def __init__(
        self, home: Home, title: str = "sessions", *, act: Act = "resume", here: Path | None = None
    ) -> None:
        super().__init__([])
        self._home, self._title, self._act, self._here = home, title, act, here
        self._only_here = False
        self._all: tuple[Listed, ...] = ()
        self._rows: dict[Path, Line] = {}
        self._shown: list[Listed] = []
        self._hits: dict[Path, str] = {}
        self._preview = Preview()

    def compose(self) -> ComposeResult:
        """A heading, a line to type on, the list beside its preview, the keys."""
        with Vertical(id="sessions"):
            yield Heading(self._title, LEAVES)
            yield Input(placeholder="words, a folder, a day", id="pick-text", compact=True, select_on_focus=False)
            with Horizontal(id="session-columns"):
                yield self._choices
                yield self._preview
            yield Keys(id="session-keys")

    def on_mount(self) -> None:
        """The line has the keys."""
        line = self.query_one(Input)
        line.cursor_blink = False
        line.focus()
        self._read()

    def on_resize(self, event: events.Resize) -> None:
        """The preview needs some width."""
        self._preview.display = event.size.width >= 100

    def _read(self) -> None:
        found = sessions(self._home)
        if found:
            zone = local(found[0].meta.updated or found[0].meta.started).zone
            self.query_one(Heading).tell(f"local time ({zone})" if zone else "")
        # Nobody looks for one that was left before anything was asked in it, unless to see that it was so.
        self._all = tuple(one for one in found if self._act == "replay" or not one.nothing_happened)
        self._rows = {one.folder: row_of(one) for one in self._all}
        self._narrow()

    def _narrow(self, *, keep: bool = False) -> None:
        kept = self._current() if keep else None
        words = self.query_one(Input).value.lower().split()
        pool = [one for one in self._all if not self._only_here or one.meta.workspace == str(self._here)]
        hits = self._hits
        rows = [
            (one, row_of(one, hits[one.folder]) if one.folder in hits else self._rows[one.folder]) for one in pool
        ]
        matching = [
            (one, row)
            for one, row in rows
            if one.folder in self._hits or all(word in f"{row.text} {one.meta.workspace}".lower() for word in words)
        ]
        self._shown = [one for one, _ in matching]
        self._choices.all = [row for _, row in matching]
        self._choices.narrow("")
        if kept in self._shown:
            self._choices.put_cursor(self._shown.index(kept))
        self._looked_at()

    def _current(self) -> Listed | None:
        place = self._place()
        return None if place is None else self._shown[place]

    def _looked_at(self) -> None:
        self._preview.show_session(self._current())
        other = "replay" if self._act == "resume" else "resume"
        words = {
            f" enter {self._act} ": "screen.take",
            f" {key_on(self.app, 'sessions.other')} {other} ": "screen.other",
            f" {key_on(self.app, 'sessions.fork')} fork ": "screen.fork",
            f" {key_on(self.app, 'sessions.delete')} delete ": "screen.delete",
        }
        if self._here is not None:
            words[
                f" {key_on(self.app, 'sessions.here')} {'all folders' if self._only_here else 'this folder only'} "
            ] = "screen.here"
        spans = tuple(Span(text, Style("accent") if number == 0 else MUTED) for number, text in enumerate(words))
        count = f"{len(self._shown)} of {len(self._all)} "
        self.query_one("#session-keys", Row).show(spans, (Span(count, MUTED),), actions=words)

    # The words.

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow by the rows now, by the conversations in a moment."""
        event.stop()
        self._hits = {}
        self._narrow()
        if len(event.value.strip()) >= 3:
            self.run_worker(self._search(event.value.strip()), exclusive=True, group="search", exit_on_error=True)

    async def _search(self, words: str) -> None:
        await asyncio.sleep(PAUSE)
        hits = await asyncio.to_thread(_first_hits, self._home, words)
        if hits and self.query_one(Input).value.strip() == words:
            self._hits = hits
            self._narrow(keep=True)

    # The keys.

    def action_take(self) -> None:
        """Do what the list was opened for."""
        self._leave_with(self._act)

    def action_other(self) -> None:
        """The other of resume and replay."""
        self._leave_with("replay" if self._act == "resume" else "resume")

    def _leave_with(self, act: Act) -> None:
        listed = self._current()
        if listed is None:
            return
        if act == "resume" and not listed.has_conversation:
            self.app.notify(
                "its conversation was deleted: it can only be replayed", markup=False, severity="warning"
            )
            return
        if act == "resume" and listed.open_now:
            copies = key_on(self.app, "sessions.fork")
            self.app.notify(
                f"a vtcode process has it open: leave it there first, or go on with a copy ({copies})",
                markup=False,
                severity="warning",
            )
            return
        self.dismiss(Chosen(act, listed.folder))

    def action_here(self) -> None:
        """This folder's sessions only, or all."""
        if self._here is not None:
            self._only_here = not self._only_here
            self._narrow(keep=True)

    def action_fork(self) -> None:
        """A new session with the same conversation, to be gone on with; first what it would begin with."""
        listed = self._current()
        if listed is not None and listed.has_conversation:
            self.run_worker(self._ask_for_copy(listed), exit_on_error=True)

    async def _ask_for_copy(self, listed: Listed) -> None:
        staged = await asyncio.to_thread(staged_at_end, listed.folder) if self._left(listed) else ()

        def answer(word: str | None) -> None:
            if word == "make":
                self.run_worker(self._fork(listed), exit_on_error=True)

        self.app.push_screen(Copying(listed, staged), answer)

    async def _fork(self, listed: Listed) -> None:
        try:
            folder = await fork(self._home, listed.folder)
        except VtcodeError as error:
            self.app.notify(str(error), markup=False, severity="error")
            return
        self.dismiss(Chosen("resume", folder))

    def action_delete(self) -> None:
        """Remove a conversation, after a question."""
        listed = self._current()
        if listed is None or not listed.has_conversation:
            return

        def take(text: str) -> str:
            if text.strip().lower() != "yes":
                return "only yes deletes it"
            try:
                delete(self._home, listed.folder)
            except (VtcodeError, OSError) as error:
                return str(error)
            self._read()
            return ""

        question = f"delete the conversation “{cut(listed.meta.title, 40)}”? type yes"
        lost = "its staged changes that were not accepted go too; " if self._left(listed) else ""
        self.app.push_screen(Ask(question, hint=f"{lost}its journal stays: it is evidence", take=take))

    def _left(self, listed: Listed) -> bool:
        return left_staged(self._home.layers, listed.folder.name)

    def action_leave(self) -> None:
        """Nothing."""
        self.dismiss(None)


def _first_hits(home: Home, words: str) -> dict[Path, str]:
    hits: dict[Path, str] = {}
    for hit in search(home, words):
        hits.setdefault(hit.session.folder, _around(hit.line, words))
    return hits


def _around(line: str, words: str) -> str:
    """A line from a little before the words that were found in it."""
    at = line.casefold().find(words.casefold())
    return line if at < 2 * BEFORE else f"…{line[at - BEFORE :]}"


def pick_session(app: App[Any], here: Path, chosen: Callable[[Chosen], None]) -> None:
    """Show the list over the app and hand on what was chosen."""

    def take(choice: Chosen | None) -> None:
        if choice is not None:
            chosen(choice)

    app.push_screen(Sessions(Home.from_environment(), here=here), take)


class PickerApp(BaseApp):
    """The list alone, for `vtcode resume` and `vtcode replay` without a name."""

    def __init__(self, home: Home, title: str, act: Act, settings: Settings) -> None:
        super().__init__()
        self._home, self._title, self._act, self._keys = home, title, act, settings.interface.keys
        self._wrong = (*self.take_own_themes(), *self.take_theme(settings.interface.theme))
        self.chosen: Chosen | None = None

    def on_mount(self) -> None:
        """Show the list; leaving it leaves."""

        def take(choice: Chosen | None) -> None:
            self.chosen = choice
            self.exit(0)

        for text in (*self._wrong, *self.take_keys(self._keys)):
            self.notify(text, severity="warning", markup=False)

        self.push_screen(Sessions(self._home, self._title, act=self._act, here=Path.cwd()), take)
