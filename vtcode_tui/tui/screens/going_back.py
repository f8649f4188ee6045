"""What can be done with a message of the chat: send it again, go back to before it, fork there, copy its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from vtcode_tui.common.errors import VtcodeError
from vtcode_tui.common.home import Home
from vtcode_tui.render import Line, Span, Style, cut, plain_line, spans_of
from vtcode_tui.tui.screens.pick import Pick

if TYPE_CHECKING:
    from vtcode_tui.agent.forking import ForkPreview
    from vtcode_tui.agent.rewinding import RewindPreview
    from vtcode_tui.tui.app import VtcodeApp
    from vtcode_tui.tui.intents import Intents
    from vtcode_tui.tui.panes.chat import ChatPane
    from vtcode_tui.tui.panes.prompt import Prompt


class GoingBack(Screen[None]):
    """The chat's side of the work screen."""

    intents: Intents
    prompt: Prompt
    chat: ChatPane

    @property
    def vtcode(self) -> VtcodeApp:
        """The app, by its own type."""
        raise NotImplementedError

    def on_chat_pane_resend(self, message: ChatPane.Resend) -> None:
        """An earlier prompt, to be edited."""
        self.prompt.put(message.text)
        self.prompt.focus()

    def on_chat_pane_choose_code(self, message: ChatPane.ChooseCode) -> None:
        """One of several code blocks, into the clipboard."""
        rows = [
            Line(
                (
                    Span(f" {plain_line(block.language) or 'text':<10} ", Style("accent")),
                    *spans_of(cut(plain_line(block.text.strip().split("\n")[0]), 70), Style("code")),
                )
            )
            for block in message.blocks
        ]

        def copy(index: int | None) -> None:
            if index is not None:
                self.vtcode.work.copy(message.blocks[index].text, "code")

        self.app.push_screen(Pick("copy which code?", rows), copy)

    # Going back.

    def on_chat_pane_rewind(self, message: ChatPane.Rewind) -> None:
        """Look at what going back would change."""
        self.intents.preview_rewind(message.turn, self._ask_rewind)

    def _ask_rewind(self, preview: RewindPreview) -> None:
        from vtcode_tui.tui.screens.rewind import Rewind, Wish  # loads the diff, which most sessions begin without

        def go(wish: Wish | None) -> None:
            if wish is not None:
                self.intents.rewind(
                    preview.turn,
                    preview.digest,
                    files=wish.files,
                    undo=wish.undo,
                    done=lambda: self._went_back(preview.prompt),
                )

        self.app.push_screen(Rewind(preview), go)

    def _went_back(self, prompt: str) -> None:
        if not self.prompt.text:
            self.prompt.put(prompt)
        self.prompt.focus()
        self.vtcode.work.files_changed()

    # Forking.

    def on_chat_pane_fork(self, message: ChatPane.Fork) -> None:
        """Go on in a copy of the session that ends here; this one stays as it is."""
        core = self.intents.core
        if core is None:
            return
        if self.intents.busy:
            self.app.notify("a turn runs: stop it first (esc)", severity="warning", markup=False)
            return
        self.intents.preview_fork(message.before_turn, lambda preview: self._ask_fork(message, preview))

    def _ask_fork(self, message: ChatPane.Fork, preview: ForkPreview) -> None:
        """Show which staged files come along; where there are none, there is nothing to ask."""

        def go(staged: bool | None) -> None:
            if staged is not None:
                work = self._fork(message, staged=staged)
                self.run_worker(work, name="forking", group="forking", exclusive=True)

        if not preview.files.files and not preview.unknown:
            go(True)
            return
        from vtcode_tui.tui.screens.fork import ForkScreen  # loads the diff, which most sessions begin without

        self.app.push_screen(ForkScreen(preview, message.prompt), go)

    async def _fork(self, message: ChatPane.Fork, *, staged: bool) -> None:
        from vtcode_tui.sessions import fork  # reads and writes sessions: only when one is forked

        core = self.intents.core
        if core is None:
            return
        home, before = Home.from_environment(), message.before_turn
        try:
            folder = await fork(home, core.folder, before_turn=before, staged=staged)
        except (VtcodeError, OSError) as error:
            self.vtcode.tell(plain_line(f"not forked: {error}"), "error")
            return
        if message.prompt:
            self.prompt.earlier.add(message.prompt)
        self.vtcode.go_on_with(folder)
