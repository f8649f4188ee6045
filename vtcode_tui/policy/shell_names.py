"""Whether a variable can have another value than the one that was seen: asked of the text of a script as a whole.

A value is followed only where nothing in the text could change it; whatever looks as if it might, counts.
"""

from __future__ import annotations

import re
from functools import cached_property

_REBINDING = re.compile(
    r"\b(read|mapfile|readarray|getopts|eval|source|trap|unset|select|coproc|printf\s+-v|wait\s+-p|let|enable|alias)\b"
    r"|\b(declare|local|typeset)\s+-\w*n|(^|[;&|\n({]\s*|\b(then|do|else)\s+)\.\s"
)
"""Commands by which a variable may be set without its name standing in front of an equals sign."""


class Names:
    """The variables of one text."""

    def __init__(self, text: str) -> None:
        # A line that is continued is one word to the shell.
        self.text = text.replace("\\\n", "")

    @cached_property
    def rebinds(self) -> bool:
        """Whether a command may set a variable that is not named in an assignment."""
        return _REBINDING.search(self.text) is not None

    @cached_property
    def moves(self) -> bool:
        """Whether the shell may change its folder."""
        return re.search(r"\b(cd|pushd|popd|eval)\b", self.text) is not None

    @cached_property
    def functions(self) -> bool:
        """Whether functions may be defined."""
        return re.search(r"\(\s*\)|\bfunction\b", self.text) is not None

    def kept_by_loop(self, name: str, body: str) -> bool:
        """Whether a loop variable keeps its value in the loop's body."""
        if not name.isidentifier() or self.rebinds or self._assigned(name, self.text):
            return False
        loops = len(self._loops(name, self.text))
        return not self._loops(name, body.replace("\\\n", "")) and (loops == 1 or not self.functions)

    def counted(self, name: str) -> bool:
        """Whether the variable of an arithmetic loop is a number and nothing else."""
        return (
            name.isidentifier()
            and not (self.rebinds or self.functions or self._loops(name, self.text))
            and len(self._assigned(name, self.text)) <= len(re.findall(r"\bfor\s*\(\(", self.text))
        )

    def numeric(self, name: str) -> bool:
        """Whether everything that the text assigns to a variable is a number."""
        if not name.isidentifier() or self.rebinds or self._loops(name, self.text):
            return False
        given = len(self._assigned(name, self.text))
        return given > 0 and given == len(
            re.findall(rf"(?<![\w$]){name}=(?:\$\(\([^()]*\)\)|\d{{1,9}})(?=[\s;&|)]|$)", self.text)
        )

    def set(self, name: str) -> bool:
        """Whether the text gives a variable of the shell another value."""
        return (
            bool(self._assigned(name, self.text) or self._loops(name, self.text)) if name.isidentifier() else False
        )

    def once(self, name: str) -> bool:
        """Whether the text assigns a variable in one place only."""
        if (
            not name.isidentifier()
            or self.rebinds
            or self._loops(name, self.text)
            or re.search(rf"\(\(.*\b{name}\b", self.text)
        ):
            return False
        return len(self._assigned(name, self.text)) == 1

    @staticmethod
    def _assigned(name: str, text: str) -> list[str]:
        return re.findall(rf"(?<![\w$]){name}(?=\+?=|\[)|\$\{{{name}:?=|\{{{name}\}}(?=[<>])", text)

    @staticmethod
    def _loops(name: str, text: str) -> list[str]:
        return re.findall(rf"\bfor\s+{name}\b", text)
