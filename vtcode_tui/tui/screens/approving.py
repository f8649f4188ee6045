"""The keys of the approval queue: alive while something waits, whatever has the focus."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from vtcode_tui.policy.types import Command
from vtcode_tui.tui.screens.ask import Ask

if TYPE_CHECKING:
    from vtcode_tui.tui.app import VtcodeApp
    from vtcode_tui.tui.panes.approvals import ApprovalPane
    from vtcode_tui.tui.queue import ApprovalQueue


class ApprovalKeys:
    """Answers to what waits. A yes is judged by the moment its key was pressed, never by when it was handled."""

    queue: ApprovalQueue
    approvals: ApprovalPane

    @property
    def vtcode(self) -> VtcodeApp:
        """The app, by its own type."""
        raise NotImplementedError

    def action_approve(self) -> None:
        """Say yes, if a yes counts."""
        if self.vtcode.typed_alone:
            self.queue.approve(self.vtcode.pressed)

    def action_approve_click(self) -> None:
        """The same with the mouse."""
        self.queue.approve(self.vtcode.pressed)

    def action_alike(self) -> None:
        """Say yes to everything of this kind that was read."""
        if self.vtcode.typed_alone:
            self.queue.approve_alike(self.vtcode.pressed)

    def action_alike_click(self) -> None:
        """The same with the mouse."""
        self.queue.approve_alike(self.vtcode.pressed)

    def action_deny(self) -> None:
        """Say no."""
        self.queue.deny()

    def action_deny_why(self) -> None:
        """Say no, and say why."""
        item = self.queue.current

        def deny(reason: str | None) -> None:
            if reason is not None and item in self.queue.waiting:
                self.queue.deny(reason.strip(), item)

        self.vtcode.push_screen(Ask("deny, because", hint="the model reads this"), deny)

    def action_scope(self) -> None:
        """Once, this session, always."""
        self.queue.widen()

    def action_rule(self) -> None:
        """Edit the rule that would be written."""
        item = self.queue.current
        if item is None or item.chosen.rule is None:
            self.vtcode.tell("choose `this session` or `always` first: `once` writes no rule", "warning")
            return
        rule = json.dumps(dict(item.chosen.rule.rule), ensure_ascii=True, default=str)

        def rewrite(text: str) -> str:
            if self.queue.current is item:
                try:
                    self.queue.rewrite_rule(text)
                except ValueError as error:
                    return str(error)
            return ""

        hint = "JSON, as it was shown; it is looked at before it can be approved"
        self.vtcode.push_screen(Ask("the rule to be written", rule, hint=hint, take=rewrite))

    def action_edit_command(self) -> None:
        """Edit the command; it goes through the whole gate again, as the person's."""
        item = self.queue.current
        if item is None:
            return
        command = item.request.call.access.command
        if command is None:
            self.vtcode.tell("only commands can be edited here; deny and say why instead", "warning")
            return

        def edit(text: str | None) -> None:
            if text is not None and text.strip() and item in self.queue.waiting:
                self.queue.edit(text, item)

        hint = "it goes through policy and approval again, as yours"
        self.vtcode.push_screen(Ask("edit the command", _text_of(command), hint=hint, several=True), edit)

    def action_read(self, direction: int) -> None:
        """Read on or back."""
        self.approvals.read(direction)

    def action_explain(self) -> None:
        """Open the policy's explanation further, or fold it."""
        self.approvals.explain()

    def action_next(self, delta: int) -> None:
        """Look at another one that waits."""
        self.queue.select(delta)


def _text_of(command: Command) -> str:
    return command.text if command.text is not None else shlex.join(command.argv)
