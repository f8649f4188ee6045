"""What a shell text will run, as data: simple commands with their words, assignments, redirections and folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from vtcode_tui.policy.words import Word

Feed: TypeAlias = Literal["", "pipe", "file", "text"]
"""Where a command's standard input comes from: inherited, a pipe, a file, or a text written in the script."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """`NAME=VALUE`; `exported` where programs will see it."""

    name: str
    value: Word
    exported: bool


@dataclass(frozen=True, slots=True)
class Redirection:
    """`> file` and its kin; the operator as written, without a descriptor number."""

    operator: str
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple command. Without words it is only its assignments and redirections."""

    words: tuple[Word, ...]
    assignments: tuple[Assignment, ...] = ()
    redirections: tuple[Redirection, ...] = ()
    folders: tuple[str, ...] | None = ()
    """Every folder it may run in; None when that cannot be known."""
    feed: Feed = ""
    fed: Word | None = None
    piped: bool = False
    """Its output goes into another command."""
    text: str = ""
    source: tuple[tuple[Word, ...], ...] = ()
    """The commands of the pipeline whose output this one reads, where all of them are plain commands."""


@dataclass(frozen=True, slots=True)
class Script:
    """The simple commands of a text in order, and everything about the text that nobody should take on trust."""

    commands: tuple[Simple, ...]
    troubles: tuple[str, ...] = ()
    functions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Frame:
    """What is known at one point of a script."""

    folders: tuple[str, ...] | None
    variables: tuple[tuple[str, Word], ...] = ()
    feed: Feed = ""
    fed: Word | None = None
    piped: bool = False
    source: tuple[tuple[Word, ...], ...] = ()
    quoted: bool = False
    """Inside double quotes, where nothing is split."""

    def known(self, name: str) -> Word | None:
        """The values of a variable, where they are known."""
        return next((word for key, word in reversed(self.variables) if key == name), None)

    def plain(self) -> Frame:
        """The same point, for a command whose input and output are not the surrounding one's."""
        return replace(self, feed="", fed=None, piped=False, source=(), quoted=False)
