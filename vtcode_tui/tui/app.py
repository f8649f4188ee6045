"""The application: one work screen over one core, painted before the core is built.

The person's side of every seam is here: what happens is told through `dispatch`, what the person wants leaves
through `Intents`, what the gate asks is answered by the `ApprovalQueue`. No logic of the agent lives in this
room.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from vtcode_tui.common.errors import VtcodeError
from vtcode_tui.render import plain_line
from vtcode_tui.tui import DEMO_WANTED
from vtcode_tui.tui.base import BaseApp
from vtcode_tui.tui.device import Device
from vtcode_tui.tui.history import History
from vtcode_tui.tui.keys import first_key
from vtcode_tui.tui.queue import ApprovalQueue
from vtcode_tui.tui.screens.help import Help
from vtcode_tui.tui.screens.work import WorkScreen
from vtcode_tui.tui.visits import Visits

if TYPE_CHECKING:
    from textual.screen import Screen

    from vtcode_tui.agent.port import Core
    from vtcode_tui.config.settings import Settings
    from vtcode_tui.events.live import Live
    from vtcode_tui.events.types import Event
    from vtcode_tui.tui import OpenCore
    from vtcode_tui.tui.curtain import Curtain
    from vtcode_tui.tui.panes.runs import RunView
    from vtcode_tui.tui.places import Places
    from vtcode_tui.tui.screens.doctor import Diagnosis
    from vtcode_tui.tui.story import Story
    from vtcode_tui.workspace import Influence

NoticeWords: TypeAlias = Literal["something waits for your approval", "the turn is over"]
NOTIFY = {"off": "", "osc9": "\x1b]9;vtcode: {}\x07", "osc777": "\x1b]777;notify;vtcode;{}\x07"}
"""How a terminal is asked to notify; nothing but the words above is ever put in."""


class VtcodeApp(Visits, BaseApp):
    """The full-screen app over a core."""

    def __init__(
        self,
        open_core: OpenCore,
        load_settings: Callable[[], Settings],
        *,
        root: Path,
        title: str = "",
        draft: str = "",
        guide: tuple[str, ...] = (),
        history: History | None = None,
        on_event_line: Callable[[Event], None] | None = None,
        curtain: Curtain | None = None,
        resumed: Path | None = None,
        places: Places | None = None,
        doctor: Callable[[], Sequence[Diagnosis]] = tuple,
    ) -> None:
        super().__init__()
        self.curtain = curtain
        self._open_core, self._load_settings = open_core, load_settings
        self.root, self._session_title, self._draft, self._guide = root, title, draft, guide
        self.queue = ApprovalQueue()
        self.work = WorkScreen(self.queue, history or History())
        self.core: Core | None = None
        self.last_answer = ""
        self._story: Story | None = None
        self._show: Callable[[Event | Live, Story], None] | None = None
        self._settings: Settings | None = None
        self._on_event_line = on_event_line
        self._leaving = False
        self._home = copy_context()
        if places is not None:
            self.work.places, self.work.choice = places, places.recall()
        self._resumed, self.doctor = resumed, doctor
        self.wanted: Path | None = None
        """The session that the person wants to go on with instead of this one."""

    @property
    def settings(self) -> Settings:
        """The settings, once they are loaded."""
        assert self._settings is not None, "settings are loaded before anything asks for them"
        return self._settings

    def get_default_screen(self) -> Screen[None]:
        """The work screen is there from the first paint on."""
        return self.work

    def on_mount(self) -> None:
        """Paint first, then build everything else."""
        self._home = copy_context()
        self.work.status.tell(
            workspace=self.root.name or str(self.root), title=self._session_title, state="opening"
        )
        if self._draft:
            self.work.prompt.put(self._draft)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        if isinstance(self._driver, Device):
            device = self._driver
            self.queue.when_drawn = lambda then: self.at_home(self._after_frame, partial(device.when_drawn, then))
            device.ready_for_keys()
        opening: Any = self._open
        self.run_worker(opening, name="opening the session", exit_on_error=True)

    async def _open(self) -> None:
        try:
            self._settings = await asyncio.to_thread(self._load_settings)
            dispatch = await asyncio.to_thread(importlib.import_module, "vtcode_tui.tui.dispatch")
            rows = await asyncio.to_thread(importlib.import_module, "vtcode_tui.tui.panes.event_rows")
            self.work.events.row_of = rows.row_of
            self._show, self._story = dispatch.show, dispatch.Story(self.work)
            self._apply(self._settings)
            for text in self._guide:
                self.show_note(text)
            if self._resumed is not None:
                from vtcode_tui.tui.recalling import recall  # only for a session that is gone on with

                await recall(self._resumed, self._story)
            core = await self._open_core(self.queue, self.happened)
        except VtcodeError as error:
            self.work.status.tell(state="no session")
            self.show_note(str(error), "bad")
            self.work.intents.fail()
            self.work.unsend()
            return
        finally:
            # What a start has made stays until the end: the collector need not look at it again with every key.
            self.sweep.begin()
        self.core = core
        if self._leaving:
            await core.close("left while opening")
            return
        self._opened(core)

    def _apply(self, settings: Settings) -> None:
        self.queue.grace = settings.approvals.grace_ms / 1000
        for text in self.take_own_themes():
            self.tell(text, "warning")
        self.look_as(settings)
        if not settings.interface.mouse and isinstance(self._driver, Device):
            self._driver.without_mouse()

    def look_as(self, settings: Settings) -> None:
        """What of the settings is only about the look and the keys of this screen."""
        wrong = self.take_theme(settings.interface.theme)
        self.work.diff.mode = settings.interface.diff
        self.work.prompt.vim = settings.interface.vim
        for text in (*wrong, *self.take_keys(settings.interface.keys)):
            self.tell(text, "warning")

    def _opened(self, core: Core) -> None:
        self.work.status.tell(
            tier=core.capability.tier, trusted=core.trusted, mode=core.mode, model=core.model, state="idle"
        )
        self.work.diff.staged = core.staged
        self.work.intents.opened(core)
        if (core.folder / "journal.jsonl").exists():
            self.work.events.live.folder = core.folder
        self.work.terminal.earlier = partial(self._earlier_run, core.folder)
        self.work.files_changed()
        if not core.trusted:
            self.ask_trust()
        elif not core.model:
            self.explain_no_model()
        elif self._resumed is None:
            offer: Any = partial(self._offer_recovery, core)
            self.run_worker(offer, name="looking for a session that was cut off")

    def _earlier_run(self, folder: Path, call: str) -> RunView | None:
        from vtcode_tui.tui.earlier_runs import earlier_run  # only for a run that has no tab

        return earlier_run(folder, call, self._story.calls if self._story is not None else {})

    # What happens.

    def happened(self, happening: Event | Live) -> None:
        """Hear everything: the reader of the core."""
        if self._show is not None and self._story is not None and not self._leaving:
            self.at_home(self._show, happening, self._story)
        if self._on_event_line is not None and (event := as_event(happening)) is not None:
            self._on_event_line(event)

    def _after_frame(self, act: Callable[[], None]) -> None:
        self.call_after_refresh(act)

    def at_home(self, act: Callable[..., None], *given: Any) -> None:
        """Do something for a caller from outside: Textual finds its app by a context variable of its own tasks."""
        self._home.copy().run(act, *given)

    def show_note(self, text: str, style: str = "muted") -> None:
        """A sentence of the program in the chat."""
        if self._story is not None:
            self._story.note(text, style=style, apart=True)  # type: ignore[arg-type]
        else:
            self.tell(text, "error" if style == "bad" else "info")

    def ring(self) -> None:
        """Something waits for the person: the bell, and a notification where the terminal is not looked at."""
        if self._settings is not None and self._settings.interface.bell:
            self.bell()
        self.call_away("something waits for your approval")

    def call_away(self, words: NoticeWords) -> None:
        """Have the terminal notify a person who looks elsewhere. The words are ours, always."""
        if self._settings is None or self.app_focus or self._driver is None or self.is_headless:
            return
        if sequence := NOTIFY[self._settings.interface.notify]:
            self._driver.write(sequence.format(words))

    # Screens.

    def action_help(self) -> None:
        """Every key."""
        self.push_screen(Help(dict(self._settings.interface.keys) if self._settings else {}))

    def ask_trust(self) -> None:
        """Ask whether this folder is to be trusted; say why it cannot be, where it cannot."""
        from vtcode_tui.common.home import Home
        from vtcode_tui.tui.screens.trust import Trust  # only in a folder that is new
        from vtcode_tui.workspace import keep_apart

        try:
            keep_apart(self.root, Home.from_environment())
        except VtcodeError as error:
            self.work.status.tell(trusted=False)
            self.show_note(
                f"{plain_line(str(error))}. No tool runs here: open a project's folder instead.", "caution"
            )
            return

        def ask(shown: tuple[Influence, ...]) -> None:
            def answered(answer: str | None) -> None:
                if answer == "trust":
                    self.work.intents.grant_trust(shown, self._trusted, self.ask_trust)
                else:
                    self.work.status.tell(trusted=self.core is not None and self.core.trusted)

            self.push_screen(Trust(self.root, shown), answered)

        self.work.intents.ask_influences(self.root, ask)

    def _trusted(self) -> None:
        self.work.status.tell(trusted=True)
        self.show_note("this folder is trusted now", "good")
        if self.core is not None and not self.core.model:
            self.explain_no_model()

    def explain_no_model(self) -> None:
        """Say where a model was looked for, and what works without one."""
        from vtcode_tui.tui.screens.no_model import NoModel  # only where there is none

        def answered(answer: str | None) -> None:
            if answer == "demo":
                self._leave(DEMO_WANTED)
            elif answer == "set up":
                self.action_setup()

        looked = self.core.looked_for if self.core is not None else ()
        if self.work.prompt.text:
            # Somebody writes: a screen that takes the keys away now would eat them.
            self.show_note(f"no model answers yet: {looked[0] if looked else 'none is configured'}", "caution")
            return
        self.push_screen(NoModel(looked), answered)

    def show_capability(self) -> None:
        """What this machine enforces, proven by trying."""
        if self.core is None:
            return
        rows = [f"sandbox tier: {self.core.capability.tier}"]
        rows += [self.core.capability.degraded[0]] if self.core.capability.uncontained else []
        for finding in self.core.capability.findings:
            remedy = f" · {finding.remedy}" if finding.remedy and not finding.works else ""
            rows.append(f"{'✓' if finding.works else '✗'} {finding.name}: {finding.detail}{remedy}")
        self.show_note("\n".join(rows))

    def pick_session(self) -> None:
        """Choose an earlier session to go on with or to look at."""
        from vtcode_tui.tui.screens.sessions import Chosen, pick_session  # reads all sessions

        def do(chosen: Chosen) -> None:
            if chosen.act == "replay":
                self.view(chosen.folder)
            elif self.core is not None and chosen.folder == self.core.folder:
                self.tell("this is the session that you are in", "warning")
            else:
                self.go_on_with(chosen.folder)

        pick_session(self, self.root, do)

    def go_on_with(self, folder: Path) -> None:
        """Leave this session and open another one in its place."""
        self.wanted = folder
        self._leave(0)

    async def _offer_recovery(self, core: Core) -> None:
        """Ask whether to go on with the last session here, if it was cut off."""
        from vtcode_tui.common.home import Home
        from vtcode_tui.sessions import interrupted

        home = Home.from_environment()
        found = await asyncio.to_thread(lambda: interrupted(home, self.root, but=core.session))
        if found is None or self._leaving:
            return
        if found.unsound:
            why = f"{found.unsound}; /sessions goes on with a copy of it"
            self.show_note(f"the last session here was cut off and is not gone on with: {why}", "bad")
            return
        if self.work.prompt.text or self.work.intents.busy or self.last_answer:
            # Somebody writes already: a screen that takes the keys away now would eat them.
            self.show_note("the last session here was cut off; /sessions goes on with it", "caution")
            return
        from vtcode_tui.tui.screens.recover import Recover  # only after a crash

        def answered(answer: str | None) -> None:
            if answer == "go on":
                self.go_on_with(found.listed.folder)

        self.push_screen(Recover(found), answered)

    def view(self, folder: Path) -> None:
        """Watch a session in the viewer, over the work screen."""
        from vtcode_tui.tui.screens.replay import ReplayScreen  # only when asked for

        self.push_screen(ReplayScreen(folder))

    def action_command_palette(self) -> None:
        """Find anything that can be done, and do it."""
        if self.screen is not self.work:
            return
        from vtcode_tui.tui.palette import entries  # only when asked for
        from vtcode_tui.tui.screens.pick import Pick

        found = entries(self.chosen_keys)

        def do(index: int | None) -> None:
            if index is not None:
                self.call_later(self.work.do, found[index])

        self.push_screen(Pick("commands", [entry.line() for entry in found]), do)

    # Leaving.

    def action_press(self, key: str) -> None:
        """Do what a key does whose word was clicked: not in the program that has been taken over."""
        if self.screen is self.work and self.work.terminal.taken and key != first_key("take", self.chosen_keys):
            self.work.terminal.give_back()
        super().action_press(key)

    def action_leave(self) -> None:
        """Close the session, then the screen."""
        self._leave(0)

    def _leave(self, status: int) -> None:
        if self._leaving:
            self.exit(status)
            return
        self._leaving = True
        self.work.status.tell(state="closing the session")
        self.queue.unattended()
        seal: Any = partial(self._seal, status)
        self.run_worker(seal, name="closing", exit_on_error=True)

    async def _seal(self, status: int) -> None:
        failed = await self._close_core("left by the person")
        self.exit(status or failed)

    async def on_unmount(self) -> None:
        """However the screen ends (a closed terminal, a defect of ours), the session is closed and sealed."""
        self._leaving = True
        self.queue.unattended()
        await self._close_core("the screen failed" if self.report else "the terminal was closed")

    async def _close_core(self, reason: str) -> int:
        core, self.core = self.core, None
        if core is None:
            return 0
        try:
            await core.close(reason)
        except VtcodeError as error:
            self.report = self.report or str(error)
            return error.exit_status
        return 0


def as_event(happening: Event | Live) -> Event | None:
    """The event, if it is one that the journal has; told by its number: no model is loaded for the question."""
    return cast("Event", happening) if hasattr(happening, "seq") else None
