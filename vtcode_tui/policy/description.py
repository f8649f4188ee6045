"""What a program's arguments may do, as data. `docs/policy.md` explains how a file in `programs/` is written."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vtcode_tui.policy.finding import Effect
from vtcode_tui.policy.types import Mode

Style: TypeAlias = Literal["gnu", "posix", "words", "plain"]
"""How options are written: anywhere; before the first argument; one dash and a whole word; none at all."""

COMMAND_ROLES = frozenset({"argv", "module", "assign"})

ROLES: Mapping[str, str] = {
    "flag": "an option without a value",
    "harmless": "an option that makes the whole command only print something, such as --help",
    "text": "a value that touches nothing: a pattern, a name, a format",
    "number": "digits, perhaps with a unit",
    "stat": "a path of which only metadata is looked at",
    "read": "a path that is read",
    "write": "a path that is written or made",
    "delete": "a path that is removed",
    "move": "a path that is taken away to another place: read and written",
    "folder": "a path that the program changes to before it does its work",
    "into": "a path that the program changes to, and writes below",
    "program": "the name or path of a program that is run, without arguments",
    "argv": "the rest of the words are a command",
    "module": "the rest of the words are a Python module that is run, and its arguments",
    "exec": "the words up to `;` or `+` are a command, `{}` stands for what is found",
    "shell": "shell text that is run",
    "script": "a file that is run as code",
    "code": "text that is evaluated as code",
    "sed": "a sed script",
    "awk": "an awk program",
    "host": "a host that is contacted",
    "url": "a URL that is fetched, or a path where it is none",
    "revision": "a git revision, a range, or a path of the workspace",
    "assign": "NAME=VALUE, which goes into the environment of the command that follows",
    "task": "a target, task or script that the workspace's own build files define",
    "marker": "a text that stands for what is read wherever it stands in the command that follows",
    "any": "anything; the program's verdict already says what to think of it",
}


@dataclass(frozen=True, slots=True)
class Slot:
    """What one value is: its role, which values are expected, and a verdict of its own."""

    role: str
    verdict: Mode = "allow"
    why: str = ""
    only: tuple[str, ...] = ()
    """Patterns of the values that are understood; any other prompts."""
    never: tuple[str, ...] = ()
    """Patterns of values that prompt."""
    repeats: bool = False
    optional: bool = False
    when: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """An option: its names, and the slots of the values that it takes."""

    names: tuple[str, ...]
    slots: tuple[Slot, ...] = ()
    verdict: Mode = "allow"
    why: str = ""
    harmless: bool = False
    glued: bool = False
    """The value, if any, is always part of the same word."""
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A verdict that holds when certain options are given; the first case that fits decides."""

    when: frozenset[str]
    unless: frozenset[str]
    verdict: Mode
    why: str
    effect: Effect | None

    def fits(self, used: Set[str]) -> bool:
        """Whether the options of a command are the ones that are meant."""
        return (not self.when or not self.when.isdisjoint(used)) and self.unless.isdisjoint(used)


@dataclass(frozen=True, slots=True)
class Description:
    """One program or sub-command."""

    name: str
    file: str
    verdict: Mode = "prompt"
    why: str = ""
    effect: Effect = "read"
    style: Style = "gnu"
    options: Mapping[str, Option] = field(default_factory=dict)
    arguments: tuple[Slot, ...] = ()
    subs: Mapping[str, Description] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()
    environment: Mapping[str, Slot] = field(default_factory=dict)
    unsure: bool = False
    """No option of it can write, connect or run something: a word that may become an option does no harm."""
    bundle: frozenset[str] = frozenset()
    """Letters of which the first word may be a cluster without a dash (tar, ps)."""
    stdin: Literal["", "shell", "code"] = ""
    """What standard input is when there are no arguments."""
    stdin_unless: frozenset[str] = frozenset()
    stdin_arguments: int = 1
    """From so many arguments on it does not take standard input for them."""
    versions: bool = False
    """A version number behind the name does not make another program (python3.12, gcc-13)."""
    contained: bool = False
    """May also be run from the workspace's own tool folders (node_modules/.bin, .venv/bin)."""
    local: bool = False
    """Also known by its path in the workspace (./gradlew)."""
    appends: bool = False
    """Adds arguments to the command it runs (xargs)."""
    lists: Case | None = None
    """Prints paths below its arguments, and nothing else, when these options say so."""

    filters: Case | None = None
    """Prints some of the lines that it reads, unchanged, when these options say so."""
    keys: str = ""
    """What keys that are typed into it can do besides being read as text."""
    stops: bool = False
    """Its own options end at the first argument that is none: what follows is a command or belongs to one."""
