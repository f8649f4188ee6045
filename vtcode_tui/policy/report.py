"""What was found out about one command: every finding, every argument's role, and the commands it would run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vtcode_tui.policy.finding import WEIGHT, Effect, Finding, worst
from vtcode_tui.policy.script import Simple
from vtcode_tui.policy.types import Mode, strictest


@dataclass(frozen=True, slots=True)
class Argument:
    """A word as the program's description understands it."""

    text: str
    role: str
    label: str
    verdict: Mode
    detail: str = ""


@dataclass(slots=True)
class Report:
    """The judgement of one simple command. `values` are its words where all are certain."""

    simple: Simple
    values: tuple[str, ...] | None = None
    chain: tuple[str, ...] = ()
    source: str = ""
    findings: list[Finding] = field(default_factory=list)
    arguments: list[Argument] = field(default_factory=list)
    inner: list[Report] = field(default_factory=list)
    effect: Effect = "read"
    hosts: list[str] = field(default_factory=list)
    code_files: list[Path] = field(default_factory=list)
    fileless: tuple[str, ...] | None = None
    """The words with None-like markers for workspace files, for a rule about any file."""
    rule: str = ""
    exact_only: bool = False
    """Runs programs, evaluates code or reaches the network: never generalised."""
    layers: list[str] = field(default_factory=list)

    def add(self, name: str, verdict: Mode, detail: str, *, firm: bool = False) -> None:
        """Note a finding."""
        self.findings.append(Finding(name, verdict, detail, firm))

    def raise_effect(self, effect: Effect) -> None:
        """The effect is at least this."""
        if WEIGHT[effect] > WEIGHT[self.effect]:
            self.effect = effect

    def own_verdict(self) -> Finding | None:
        """The strictest finding about this command itself."""
        return worst(self.findings)

    def every(self) -> Iterator[Report]:
        """This command and every command inside it."""
        yield self
        for report in self.inner:
            yield from report.every()

    @property
    def mode(self) -> Mode:
        """The verdict of this command with everything inside it."""
        found = [f.verdict for r in self.every() for f in r.findings]
        return strictest(*found) if found else "prompt"

    def tree(self) -> dict[str, Any]:
        """This report as plain data, for people and for the journal."""
        decisive = self.own_verdict()
        return {
            "command": self.simple.text or " ".join(w.text for w in self.simple.words),
            "program": " ".join(self.chain),
            "described_in": self.source,
            "verdict": self.mode,
            "effect": self.effect,
            "reason": decisive.detail if decisive else "",
            "rule": self.rule,
            "arguments": [
                {"word": a.text, "role": a.role, "as": a.label, "verdict": a.verdict, "detail": a.detail}
                for a in self.arguments
            ],
            "findings": [
                {"check": f.name, "verdict": f.verdict, "detail": f.detail}
                for f in self.findings
                if f.verdict != "allow"
            ],
            "runs": [r.tree() for r in self.inner],
        }
