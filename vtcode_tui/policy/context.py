"""What a command's judgement depends on besides the command."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from vtcode_tui.policy.paths import Ground


@dataclass(frozen=True, slots=True)
class Context:
    """What a command's judgement depends on besides the command."""

    ground: Ground
    home: str
    functions: frozenset[str] = frozenset()
    depth: int = 0
    repeated: bool = False
    """Run by find, fd or xargs, once for every file."""
    budget: list[int] = field(default_factory=lambda: [400])
    """Commands that may still be judged; shared by everything inside one call."""

    def deeper(self) -> Context:
        """The context of a command inside a command."""
        return replace(self, depth=self.depth + 1)
