"""The /commands as actions of the work screen; the palette runs the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from vtcode_tui.render import MUTED, Line, Span, Style, plain_line, spans_of
from vtcode_tui.sandbox.run import TerminalSize
from vtcode_tui.tui.panes.blocks import Answer
from vtcode_tui.tui.screens.ask import Ask
from vtcode_tui.tui.screens.modelling import show_models
from vtcode_tui.tui.screens.pick import Pick

if TYPE_CHECKING:
    from typing import Literal

    from vtcode_tui.tui.app import VtcodeApp
    from vtcode_tui.tui.commands import SlashCommand
    from vtcode_tui.tui.intents import Intents
    from vtcode_tui.tui.palette import Entry
    from vtcode_tui.tui.panes.chat import ChatPane
    from vtcode_tui.tui.panes.diff import DiffPane
    from vtcode_tui.tui.panes.prompt import Prompt
    from vtcode_tui.tui.panes.status import StatusBar
    from vtcode_tui.tui.panes.terminal import TerminalPane

MODES = ("build", "plan", "read-only")


class CommandActions:
    """What the person can ask for by name."""

    intents: Intents
    chat: ChatPane
    diff: DiffPane
    status: StatusBar
    terminal: TerminalPane
    prompt: Prompt

    @property
    def vtcode(self) -> VtcodeApp:
        """The app, by its own type."""
        raise NotImplementedError

    def command(self, command: SlashCommand, argument: str) -> None:
        """Run one, with its argument where it takes one."""
        if command.argument and argument:
            getattr(self, f"set_{command.action}")(argument)
        else:
            self.vtcode.call_later(self.vtcode.run_action, command.action, self)

    async def do(self, entry: Entry) -> None:
        """What was chosen in the palette, in the pane that it belongs to."""
        work = self.vtcode.work
        if entry.pane is not None:
            work.action_pane(entry.pane)
            await self.vtcode.run_action(entry.action, work.pane_view(entry.pane))
        elif entry.in_prompt:
            self.prompt.focus()
            await self.vtcode.run_action(entry.action, self.prompt)
        else:
            await self.vtcode.run_action(entry.action, work)

    def terminal_size(self) -> TerminalSize:
        """The cells of the terminal pane."""
        size = self.terminal.scrollable_content_region.size
        return TerminalSize(size.width, size.height) if size.width and size.height else TerminalSize()

    def action_compact(self) -> None:
        """Make room in the context."""
        self.intents.compact()

    def action_mode(self) -> None:
        """Choose what the agent may do."""
        about = {
            "build": "reads, runs and changes",
            "plan": "reads and runs, changes nothing",
            "read-only": "reads",
        }
        rows = [Line((Span(f" {mode:<12}", Style("accent")), Span(about[mode], MUTED))) for mode in MODES]
        self.vtcode.push_screen(Pick("mode", rows), lambda i: None if i is None else self.set_mode(MODES[i]))

    def set_mode(self, mode: str) -> None:
        """Change what the agent may do."""
        if mode in MODES:
            self.intents.set_mode(cast("Literal['build', 'plan', 'read-only']", mode))
            self.status.tell(mode=mode)
        else:
            self.vtcode.tell(f"mode is build, plan or read-only, not {plain_line(mode)}", "warning")

    def action_model(self) -> None:
        """Choose who answers."""
        choices = [
            f"{name}/{model}"
            for name, provider in self.vtcode.settings.providers.tables.items()
            for model in provider.models
        ]
        if not choices:
            ask = Ask("model", "", hint="PROVIDER/NAME, as in vtcode.toml")
            self.vtcode.push_screen(ask, lambda text: self.set_model(text) if text else None)
            return
        rows = [Line((Span(" "), *spans_of(plain_line(choice)))) for choice in choices]
        self.vtcode.push_screen(Pick("model", rows), lambda i: None if i is None else self.set_model(choices[i]))

    def action_models(self) -> None:
        """Look at what every provider offers now."""
        self.vtcode.tell("looking at every provider and the local servers …")
        self.intents.models(lambda places: show_models(self.vtcode, self.intents, places))

    def set_model(self, text: str) -> None:
        """Let another model answer."""
        provider, slash, model = text.strip().partition("/")
        if slash and model:
            self.intents.set_model(provider, model)
        else:
            self.vtcode.tell("a model is named PROVIDER/NAME", "warning")

    def action_theme(self) -> None:
        """Choose the colours."""
        names = self._themes()
        rows = [Line((Span(f" {name}"),)) for name in names]
        self.vtcode.push_screen(Pick("theme", rows), lambda i: None if i is None else self.set_theme(names[i]))

    def _themes(self) -> tuple[str, ...]:
        # One that was written since the start is there too, and what is wrong with it is said.
        for text in self.vtcode.take_own_themes():
            self.vtcode.tell(text, "warning")
        return self.vtcode.theme_names()

    def set_theme(self, name: str) -> None:
        """Use other colours."""
        names = self._themes()
        if name not in names and f"vtcode-{name}" in names:
            name = f"vtcode-{name}"
        if self.vtcode.no_color:
            self.vtcode.tell("NO_COLOR is set: the terminal's own colours are used, whatever the theme", "warning")
        elif name in names:
            self.vtcode.theme = name
        else:
            self.vtcode.tell(f"themes are {', '.join(names)}", "warning")

    def action_accept_all(self) -> None:
        """Accept everything staged."""
        self.diff.action_accept("all")

    def action_discard_all(self) -> None:
        """Throw everything staged away."""
        self.diff.action_reject("all")

    def action_copy_answer(self) -> None:
        """The last answer of the chat into the clipboard; one that was taken back is none."""
        answers = (
            block.copy_text()
            for block in reversed(self.chat.blocks)
            if isinstance(block, Answer) and not block.void
        )
        if answer := next(filter(None, answers), ""):
            self.vtcode.work.copy(answer, "last answer")
        else:
            self.vtcode.tell("no answer stands in the chat", "warning")

    def action_clear(self) -> None:
        """Clear the chat on the screen."""
        self.chat.clear()

    def action_trust(self) -> None:
        """Trust this folder, where that is not done."""
        if self.vtcode.core is not None and self.vtcode.core.trusted:
            self.vtcode.tell("this folder is trusted already; `vtcode trust revoke` takes that back")
        else:
            self.vtcode.ask_trust()

    def action_sandbox(self) -> None:
        """What this machine enforces, in the chat."""
        self.vtcode.show_capability()

    def action_sessions(self) -> None:
        """Look at earlier sessions."""
        self.vtcode.pick_session()

    def action_replay(self) -> None:
        """Watch this session from its beginning."""
        if self.intents.core is not None:
            self.vtcode.view(self.intents.core.folder)
