"""What the model asked for, and what the policy says of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

Mode: TypeAlias = Literal["allow", "prompt", "deny"]
"""The three verdicts of the execution policy."""

STRICTNESS: Mapping[Mode, int] = {"allow": 0, "prompt": 1, "deny": 2}


def strictest(*modes: Mode) -> Mode:
    """The verdict that wins: deny beats prompt beats allow. No verdict at all is a prompt."""
    return max(modes, key=STRICTNESS.__getitem__, default="prompt")


@dataclass(frozen=True, slots=True)
class Command:
    """A command line: shell text, or the words of one program (no shell looks at those)."""

    text: str | None = None
    argv: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.text is None) == (not self.argv):
            raise ValueError("a command is either shell text or at least one word")


@dataclass(frozen=True, slots=True)
class FileState:
    """A file that a call would write, and the SHA-256 of its content now (None: it does not exist)."""

    path: Path
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Access:
    """What a call says it will touch. Paths are absolute and lie in the workspace once resolved."""

    reads: tuple[Path, ...] = ()
    writes: tuple[FileState, ...] = ()
    command: Command | None = None
    hosts: tuple[str, ...] = ()
    typed: str | None = None
    """Text typed into a running program (`write_stdin`)."""
    reader: tuple[str, ...] = ()
    """The words of the program that reads what is typed, as it was started; empty where nobody knows."""


Origin: TypeAlias = Literal["model", "human", "system"]


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call, validated: what the gate decides on and a grant is bound to."""

    id: str
    tool: str
    arguments: Mapping[str, Any]
    access: Access
    cwd: Path
    origin: Origin = "model"

    @property
    def digest(self) -> str:
        """The SHA-256 of what is asked: tool, arguments, folder and declared access; not the id."""
        access = asdict(self.access)
        subject = {
            "tool": self.tool,
            "arguments": self.arguments,
            "cwd": str(self.cwd),
            "access": access,
            "origin": self.origin,
        }
        text = json.dumps(subject, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Check:
    """One question the policy asked; `info` checks never decide."""

    name: str
    result: Literal["allow", "prompt", "deny", "info"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """A generalisation of an approval: the rule that would be written, and what it means in examples."""

    name: str
    rule: Mapping[str, Any]
    text: str
    also_allows: tuple[str, ...] = ()
    still_prompts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The policy's answer: the verdict, the rule that decided, every check, one sentence for a person."""

    mode: Mode
    rule: str
    reason: str
    checks: tuple[Check, ...] = ()
    risk: Literal["low", "medium", "high"] = "low"
    explanation: Mapping[str, Any] | None = None
    scopes: tuple[Scope, ...] = field(default=())
    """The ladder of rules that may be offered, narrowest first; empty where only `once` is safe."""
    code_files: tuple[Path, ...] = ()
    """Files that the command will run as code, where they can be named: the grant pins their content."""
    hosts: tuple[str, ...] = ()
    """Hosts the command would contact; a human who approves it may open them."""
