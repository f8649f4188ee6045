"""What the person writes and where it goes: prompts, /commands, !commands, the queue, the editor, the history."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported
from textual.screen import Screen

from vtcode_tui.common.errors import VtcodeError
from vtcode_tui.common.home import Home
from vtcode_tui.render import Line, Span, plain, plain_line, spans_of
from vtcode_tui.sandbox.editor import edit
from vtcode_tui.sandbox.run import TerminalSize
from vtcode_tui.tui.commands import parse
from vtcode_tui.tui.device import Device
from vtcode_tui.tui.intents import NO_SESSION, Saying
from vtcode_tui.tui.panes.prompt import Prompt
from vtcode_tui.tui.panes.queued import Queued
from vtcode_tui.tui.screens.pick import Pick

if TYPE_CHECKING:
    from vtcode_tui.tui.app import VtcodeApp
    from vtcode_tui.tui.commands import SlashCommand
    from vtcode_tui.tui.intents import Intents
    from vtcode_tui.tui.panes.chat import ChatPane
    from vtcode_tui.tui.panes.status import StatusBar


LONGEST = 2_000
"""Characters of an earlier prompt by which it is found."""


class Composing(Screen[None]):
    """The prompt's side of the work screen."""

    intents: Intents
    chat: ChatPane
    prompt: Prompt
    queued: Queued
    status: StatusBar

    @property
    def vtcode(self) -> VtcodeApp:
        """The app, by its own type."""
        raise NotImplementedError

    def command(self, command: SlashCommand, argument: str) -> None:
        """Run a /command."""
        raise NotImplementedError

    def terminal_size(self) -> TerminalSize:
        """The cells of the terminal pane."""
        raise NotImplementedError

    def on_suggestions_taken(self) -> None:
        """A completion was clicked."""
        self.prompt.action_complete()
        self.prompt.focus()

    # Sending.

    def on_prompt_sent(self, message: Prompt.Sent) -> None:
        """A prompt, a /command or a !command."""
        text = message.text
        if (command := parse(text)) is not None:
            self.command(*command)
        elif self.intents.failed:
            self.prompt.put(_joined([Saying(text)], self.prompt.text))
            self.app.notify(NO_SESSION, severity="warning", markup=False)
        elif text.startswith("!"):
            self.intents.shell(text[1:].strip(), self.terminal_size())
        elif message.steer:
            self.intents.steer(text)
        else:
            self.chat.following = True
            self.intents.submit(text, tuple(picture.data for picture in message.pictures))

    def on_prompt_complaint(self, message: Prompt.Complaint) -> None:
        """Something could not be attached or sent: it stays in the prompt."""
        self.app.notify(plain(message.text), severity="warning", markup=False)

    def on_prompt_wanted(self, message: Prompt.Wanted) -> None:
        """Candidates for @word."""
        self.intents.find_files(message.query, self.prompt.offer)

    # What waits to be sent.

    def show_waiting(self) -> None:
        """Other prompts wait for the running turn."""
        waiting = self.intents.waiting
        self.prompt.queued = len(waiting)
        self.queued.show(waiting)
        self.status.tell(queued=len(waiting))

    def on_prompt_take_back(self, message: Prompt.TakeBack) -> None:
        """The last one comes back into the prompt."""
        self._take_back(-1)

    def on_queued_take_back(self, message: Queued.TakeBack) -> None:
        """One of them comes back into the prompt."""
        self._take_back(message.index)

    def _take_back(self, index: int) -> None:
        saying = self.intents.take_back(index)
        if saying is not None:
            self.prompt.put(_joined([saying], self.prompt.text))
            self.prompt.focus()

    def action_interrupt(self) -> None:
        """Stop the turn; what waits comes back into the prompt: nobody who stops wants the next one to begin."""
        self.unsend()
        self.intents.interrupt()

    def unsend(self) -> None:
        """All that waits comes back into the prompt."""
        waiting = []
        while (saying := self.intents.take_back(0)) is not None:
            waiting.append(saying)
        if waiting:
            self.prompt.put(_joined(waiting, self.prompt.text))

    # The editor and the history.

    def action_editor(self) -> None:
        """Write the prompt in the person's own editor."""
        self.prompt.action_editor()

    def on_prompt_editing(self, message: Prompt.Editing) -> None:
        """The person's own editor, on the whole terminal; meanwhile the session goes on behind it."""
        self.run_worker(self._edit(), name="editing", group="editing", exclusive=True, exit_on_error=True)

    async def _edit(self) -> None:
        driver = self.app._driver
        if not isinstance(driver, Device):
            self.app.notify("an editor needs a terminal of its own", severity="warning", markup=False)
            return
        try:
            with self.app.batch_update(), self.app.suspend():
                state = Home.from_environment().state
                # Nothing may be raised in here: Textual would not take the terminal back.
                text, problem = await _edited(self.prompt.written(), state, driver.terminal)
        except SuspendNotSupported as error:
            text, problem = "", str(error)
        if problem:
            self.app.notify(plain(problem), severity="warning", markup=False)
        else:
            self.prompt.put(plain(text))
        self.app.refresh(layout=True)
        self.prompt.focus()

    def on_prompt_search(self, message: Prompt.Search) -> None:
        """Search the earlier prompts."""
        prompts = list(dict.fromkeys(reversed(self.prompt.earlier.prompts)))
        # Nobody looks for the end of a pasted megabyte, and every letter typed would search it.
        rows = [Line((Span(" "), *spans_of(plain_line(prompt[:LONGEST])))) for prompt in prompts]

        def take(index: int | None) -> None:
            if index is not None:
                self.prompt.put(prompts[index])

        self.vtcode.push_screen(Pick("earlier prompts", rows), take)


async def _edited(text: str, state: Path, terminal: int) -> tuple[str, str]:
    """The text as the person left it, or why it counts as not edited."""
    try:
        return await edit(text, state, terminal, os.environ), ""
    except VtcodeError as error:
        return "", str(error)


def _joined(sayings: list[Saying], draft: str) -> str:
    return "\n\n".join([*(saying.text for saying in sayings), *([draft] if draft.strip() else [])])
