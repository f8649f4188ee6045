"""The work screen: five panes, the prompt and the status bar over one session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.widgets import TextArea

from vtcode_tui.render import MUTED, Span, Style, plain, plain_line
from vtcode_tui.tui.history import History
from vtcode_tui.tui.intents import Intents
from vtcode_tui.tui.keys import APPROVALS, Hint, bindings, first_key, key_for
from vtcode_tui.tui.layout import Pane
from vtcode_tui.tui.panes.approvals import ApprovalPane
from vtcode_tui.tui.panes.diff import DiffPane
from vtcode_tui.tui.panes.prompt import Prompt, Suggestions
from vtcode_tui.tui.panes.queued import Queued
from vtcode_tui.tui.panes.terminal import TerminalPane
from vtcode_tui.tui.queue import ApprovalQueue
from vtcode_tui.tui.screens.approving import ApprovalKeys
from vtcode_tui.tui.screens.ask import Ask
from vtcode_tui.tui.screens.commanding import CommandActions
from vtcode_tui.tui.screens.composing import Composing
from vtcode_tui.tui.screens.going_back import GoingBack
from vtcode_tui.tui.screens.panes import PaneScreen
from vtcode_tui.tui.screens.rewrite import Rewrite
from vtcode_tui.workspace.changes import Edited, Overwrite, Rewritten

if TYPE_CHECKING:
    from vtcode_tui.tui.app import VtcodeApp
    from vtcode_tui.workspace.changes import ChangeSet, Choice

LEAVE_SECONDS = 2.0
_GATED = {"approve", "deny", "deny_why", "scope", "rule", "edit_command", "alike", "explain", "read", "next"}


class WorkScreen(ApprovalKeys, CommandActions, Composing, GoingBack, PaneScreen):
    """Where the work is done."""

    BINDINGS: ClassVar[list[Any]] = bindings(APPROVALS)

    def __init__(self, queue: ApprovalQueue, history: History) -> None:
        super().__init__()
        self.queue = queue
        self.approvals = ApprovalPane(queue)
        self.suggestions = Suggestions()
        self.prompt = Prompt(self.suggestions, history)
        self.queued = Queued()
        self.intents = Intents(self._start, self.complain, self.show_waiting, self._turn_over)
        self._leave_asked = -LEAVE_SECONDS
        self._changes_due = False

    @property
    def vtcode(self) -> VtcodeApp:
        """The app, by its own type."""
        return cast("VtcodeApp", self.app)

    def compose(self) -> ComposeResult:
        """Stage, queue, prompt, status, top to bottom."""
        yield from self.compose_stage()
        yield self.approvals
        yield self.queued
        yield self.suggestions
        yield self.prompt
        yield self.status

    def on_mount(self) -> None:
        """The prompt has the keys."""
        self.suggestions.display = False
        self.queue.on_change = lambda: self.vtcode.at_home(self._queue_changed)
        self.queue.on_arrival = lambda: self.vtcode.at_home(self.vtcode.ring)
        self.place()
        self.on_diff_pane_counted()
        self.on_terminal_pane_changed()
        self.home()

    def _start(self, work: Any, name: str) -> object:
        # A function, not a coroutine: a worker that is ended before it begins would leave one that nobody awaits.
        return self.run_worker(work, name=name, group="intents", exit_on_error=True)

    def _turn_over(self) -> None:
        self.vtcode.call_away("the turn is over")

    def complain(self, text: str) -> None:
        """A sentence about something that did not work, where the eyes are."""
        self.vtcode.tell(text, "error")

    # Places.

    def home(self) -> None:
        """The prompt."""
        self.set_focus(self.prompt)

    def show_approvals(self, shown: bool) -> None:
        """The strip of what waits."""
        self.approvals.display = shown

    def pane_view(self, name: Pane) -> Any:
        """The approval queue never takes the keys: they stay in the prompt."""
        return self.prompt if name == "approvals" else super().pane_view(name)

    def action_pane(self, name: Pane) -> None:
        """Go to a pane; the approval queue opens up or folds instead."""
        if name != "approvals":
            super().action_pane(name)
            return
        self.approvals.unfolded = not self.approvals.unfolded and bool(self.queue.waiting)
        shown = self.choice.selected != "approvals" or self.approvals.unfolded
        self.choose(selected="approvals" if shown and not self.queue.waiting else "chat")
        self.approvals.show()

    @property
    def stoppable(self) -> bool:
        """Whether anything runs that Esc in the prompt would stop: a turn, a command, or what one left running."""
        return bool(self.intents.running or self.intents.commands or self.terminal.alive)

    def tell_keys(self) -> None:
        """In the prompt the status bar says the keys of what can be done about what goes on."""
        super().tell_keys()
        chosen = self.app_keys
        review = self.status.status.review
        self.status.tell(
            review=review._replace(key=key_for("pane.diff", chosen), press=first_key("pane.diff", chosen))
        )
        if self.focused is not self.prompt:
            return
        run = self.terminal.current
        offered = {
            "interrupt": "stop" if self.stoppable else "",
            "take": "type into it" if run is not None and run.terminal and not run.ending else "",
        }
        self.status.tell(
            keys=tuple(
                Hint(key_for(name, chosen), word, first_key(name, chosen)) for name, word in offered.items() if word
            )
        )

    def show_waiting(self) -> None:
        """A turn began or is over, or other prompts wait for it."""
        super().show_waiting()
        self.tell_keys()

    def action_back(self) -> None:
        """One step back: completions, pane, then the turn or the person's own command stops."""
        if self.suggestions.display:
            self.suggestions.show([])
        elif self.focused is not self.prompt:
            self.choose(selected="chat", zoomed=False)
            self.home()
        elif self.stoppable:
            self.action_interrupt()

    def action_stop(self) -> None:
        """What Ctrl-C means where we are: copy, clear, stop what runs, or leave when pressed twice."""
        if text := self.get_selected_text():
            self.copy(text, "selection")
            self.clear_selection()
        elif isinstance(self.focused, TextArea) and self.focused.text:
            self.focused.text = ""
        elif self.stoppable or self.intents.waiting:
            self.action_interrupt()
        elif self.vtcode.pressed - self._leave_asked < LEAVE_SECONDS:
            self.vtcode.action_leave()
        else:
            self._leave_asked = self.vtcode.pressed
            self.app.notify("Ctrl-C again leaves vtcode", markup=False, timeout=LEAVE_SECONDS)

    def action_take_over(self) -> None:
        """The person's keyboard goes to the run, or comes back."""
        if self.terminal.taken:
            self.terminal.give_back()
            self.home()
        elif self.terminal.take_over():
            self.action_pane("terminal")
        else:
            self.app.notify("no run that has a terminal is in front", markup=False, timeout=2)
        self.on_terminal_pane_changed()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A taken-over terminal has every key but one; the keys of the queue live only while something waits."""
        if self.terminal.taken and self.focused is self.terminal and action != "take_over":
            return False
        if action in _GATED:
            return bool(self.queue.waiting)
        return True

    def on_event_pane_counted(self) -> None:
        """The heading of the log says how the journal stands, too."""
        status = self.status.status
        look = MUTED if status.journal_good else Style("bad")
        self.events.chain = (Span(status.journal, look),) if status.journal else ()
        super().on_event_pane_counted()

    # The queue.

    def _queue_changed(self) -> None:
        waiting = bool(self.queue.waiting)
        if not waiting:
            self.approvals.unfolded = False
        if waiting != self.choice.waiting:
            selected = "chat" if self.choice.selected == "approvals" else self.choice.selected
            self.choose(waiting=waiting, selected=selected)
        self.approvals.show()

    # The terminal.

    def on_terminal_pane_typed(self, message: TerminalPane.Typed) -> None:
        """Keys for a run."""
        self.intents.type_into(message.call, message.data)

    def on_terminal_pane_over(self) -> None:
        """Who has left a program types into the prompt again, as after the key that gives the keyboard back."""
        if self.focused is self.terminal:
            self.home()

    def on_terminal_pane_sized(self, message: TerminalPane.Sized) -> None:
        """A run is shown at another size."""
        self.intents.resize(message.call, message.columns, message.rows)

    def on_terminal_pane_kill(self, message: TerminalPane.Kill) -> None:
        """A run is to end."""
        self.intents.kill(message.call)

    # The changes.

    def files_changed(self) -> None:
        """Ask for the staged changes, once for however many files changed in a row."""
        if not self._changes_due:
            self._changes_due = True
            self.set_timer(0.05, self._ask_changes)

    def _ask_changes(self) -> None:
        self._changes_due = False
        if self.intents.core is not None:
            self.intents.changes(self._show_changes)

    def _show_changes(self, changes: ChangeSet) -> None:
        self.diff.show(changes)
        self.status.tell(staged=len(changes.files))

    def on_diff_pane_decided(self, message: DiffPane.Decided) -> None:
        """Accept or discard; protected files and throwing everything away are asked about by name."""
        written = "".join(map(_written, message.selection.values()))
        if not written and not self.vtcode.typed_alone:
            # A letter within a burst is text that went to the wrong pane, or a paste. (The editor has looked at
            # the key that took what was written, and whatever was typed since must not lose it.)
            return

        def keep() -> None:
            if written:
                self.copy(written, "text you wrote, which was not accepted")

        def act() -> None:
            self.intents.decide(message.accept, message.selection, message.digest, self.files_changed, keep)

        protected = [
            file.path for file in self.diff.changes.files if file.protected and file.path in message.selection
        ]
        lost = [path for path, choice in message.selection.items() if isinstance(choice, Overwrite)]
        if lost:
            version = "the agent's version" if message.accept else "what it was before the run"
            question = f"overwrite {', '.join(lost)} with {version}? what you wrote there is lost. type yes"
        elif message.accept and protected:
            question = f"accept into protected {', '.join(protected)}? type yes"
        elif not message.accept and message.what.startswith("all "):
            question = f"throw away {message.what}? type yes"
        else:
            act()
            return

        def answer(text: str | None) -> None:
            if text is not None and text.strip().lower() == "yes":
                act()

        self.app.push_screen(Ask(question, hint="anything else leaves them as they are"), answer)

    def on_diff_pane_complaint(self, message: DiffPane.Complaint) -> None:
        """Something cannot be done here."""
        self.app.notify(plain(message.text), severity="warning", markup=False)

    def on_diff_pane_editing(self, message: DiffPane.Editing) -> None:
        """The person writes some lines themselves."""

        def take(text: str | None) -> None:
            if text is not None:
                message.done(text)

        title = plain_line(message.title)
        self.app.push_screen(Rewrite(title, message.text, line=message.line, hint="takes it as written"), take)

    def on_diff_pane_comment(self, message: DiffPane.Comment) -> None:
        """A word about a line goes into the prompt, with the line."""

        def comment(text: str | None) -> None:
            if text and text.strip():
                where = f"In `{message.path}`"
                if message.line:
                    where += f" line {message.line}:\n> {message.text}"
                self.on_prompt_sent(Prompt.Sent(f"{where}\n{text.strip()}"))

        line = f":{message.line}" if message.line else ""
        self.app.push_screen(Ask(f"about {message.path}{line}", several=True), comment)

    def answered(self, text: str) -> None:
        """The last message is what stdout gets at the end."""
        self.vtcode.last_answer = text


def _written(choice: Choice) -> str:
    """What the person wrote themselves; empty where they chose among what was there."""
    match choice:
        case Edited(hunks=hunks):
            raw = b"".join(hunks.values())
        case Rewritten(content=raw):
            pass
        case _:
            return ""
    return raw.decode("utf-8", "backslashreplace")
