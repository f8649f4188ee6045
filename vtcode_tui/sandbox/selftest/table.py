"""What an attack is, and the table of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["sh", "py"]


@dataclass(frozen=True, slots=True)
class Attack:
    """One way out: code that runs in the sandbox, against the world that `world.World` made.

    `open_in` names the tiers in which it is known to succeed; `docs/sandbox.md` says why for each.
    """

    group: str
    name: str
    kind: Kind
    code: str
    open_in: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """Group and name in one."""
        return f"{self.group}: {self.name}"


def sh(group: str, name: str, code: str, *, open_in: str = "") -> Attack:
    """An attack in bash; the world is in its variables."""
    return Attack(group, name, "sh", code, frozenset(open_in.split()))


def py(group: str, name: str, code: str, *, open_in: str = "") -> Attack:
    """An attack in Python; the world is in `W`, `sc` makes raw system calls, `ok` and `broke` tell of success."""
    return Attack(group, name, "py", code, frozenset(open_in.split()))


def all_attacks() -> tuple[Attack, ...]:
    """The whole table."""
    from vtcode_tui.sandbox.selftest import (
        files,
        kernel_news,
        kernel_surface,
        machinery,
        processes,
        repository,
        side_doors,
        sockets,
    )

    rooms = (files, repository, processes, sockets, kernel_surface, machinery, side_doors, kernel_news)
    return tuple(attack for room in rooms for attack in room.ATTACKS)
