"""A word in its role: what a path, a script, a host or a piece of code means for the verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from vtcode_tui.policy import environment
from vtcode_tui.policy.arguments import Value
from vtcode_tui.policy.context import Context
from vtcode_tui.policy.description import Slot
from vtcode_tui.policy.finding import worst
from vtcode_tui.policy.languages import LANGUAGES
from vtcode_tui.policy.paths import Use, judge_word
from vtcode_tui.policy.patterns import fits
from vtcode_tui.policy.report import Argument, Report
from vtcode_tui.policy.resolve import resolved
from vtcode_tui.policy.script import Simple
from vtcode_tui.policy.words import Word, literal

JudgeText: TypeAlias = Callable[[str, tuple[str, ...] | None, Context], tuple[list[Report], tuple[str, ...]]]
_PATH_ROLES: dict[str, tuple[Use, ...]] = {
    "stat": ("stat",),
    "read": ("read",),
    "write": ("write",),
    "delete": ("delete",),
    "move": ("read", "write"),
    "folder": ("read",),
    "into": ("write",),
}


class Roles:
    """Judges words one by one into a report; remembers the folder and whether code has been named."""

    def __init__(self, simple: Simple, report: Report, context: Context, judge_text: JudgeText) -> None:
        self.simple = simple
        self.report = report
        self.context = context
        self.judge_text = judge_text
        self.folders = simple.folders
        self.consumed = False
        self.loads: list[str] = []
        """Variables by which the command that follows would run code of the workspace."""

    def value(self, value: Value) -> None:
        """One word in its role."""
        slot, word, report = value.slot, value.word, self.report
        before = len(report.findings)
        if slot.verdict != "allow":
            report.add("argument", slot.verdict, f"{word.text}: {slot.why or 'needs a person'}")
        self._expected(slot, word)
        match slot.role:
            case "stat" | "read" | "write" | "delete" | "move" | "folder" | "into":
                self._path(slot.role, word)
            case "program" | "shell" | "script" | "code" | "sed" | "awk":
                self._code(slot, word)
            case "host" | "url":
                self._remote(slot.role, word)
            case "revision":
                self._revision(word)
            case "assign":
                name, _, _ = word.start.partition("=")
                given = word.after(len(name) + 1)
                finding, effect = environment.judge(name, given, True, self.folders, self.context.ground)
                report.findings.append(finding)
                if effect == "run":
                    self.loads.append(name)
            case "task":
                report.raise_effect("run")
            case "any":
                self.leaks(word)
            case _:
                pass
        decisive = worst(report.findings[before:])
        report.arguments.append(
            Argument(
                word.text,
                slot.role,
                value.label,
                decisive.verdict if decisive else "allow",
                decisive.detail if decisive else "",
            )
        )

    def _expected(self, slot: Slot, word: Word) -> None:
        if not slot.only and not slot.never:
            return
        if word.value is None:
            self.report.add("uncertain", "prompt", f"{word.text}: {word.why}, and it matters which value it has")
            return
        name = "script" if slot.role == "script" else "argument"
        if slot.only and not fits(word.value, slot.only):
            self.report.add(name, "prompt", slot.why or f"{word.text} is not among the values that are described")
        elif slot.never and fits(word.value, slot.never):
            self.report.add(name, "prompt", slot.why or f"{word.text} needs a person")

    def _path(self, role: str, word: Word) -> None:
        uses = _PATH_ROLES[role]
        for use in uses:
            self.report.findings.extend(judge_word(word, use, self.folders, self.context.ground))
        if not {"write", "delete"}.isdisjoint(uses) and not self._is_sink(word):
            self.report.raise_effect("write")
        if role in {"folder", "into"}:
            if word.value is None or self.folders is None:
                self.folders = None
            elif word.value.startswith("/"):
                self.folders = (word.value,)
            else:
                self.folders = tuple(f"{f.rstrip('/')}/{word.value}" for f in self.folders)

    def _is_sink(self, word: Word) -> bool:
        return word.value is not None and self.context.ground.places.sinks.holds(word.value)

    def _code(self, slot: Slot, word: Word) -> None:
        report = self.report
        if slot.role in LANGUAGES:
            self._small(slot.role, word)
            return
        self.consumed = True
        report.exact_only = True
        if slot.role == "shell" and self.context.repeated:
            report.add("shell", "prompt", f"a shell is run for every file: {word.text[:80]}")
        if slot.role == "shell":
            self._shell(word)
            return
        report.raise_effect("run")
        match slot.role:
            case "program":
                report.add("runs", "prompt", f"runs {word.text}")
            case "script":
                report.findings.extend(judge_word(word, "read", self.folders, self.context.ground))
                self.code_file(word)
                if not slot.only:
                    report.add("script", "prompt", f"runs {word.text} as code")
            case _:
                if not slot.only:
                    report.add("code", "prompt", f"evaluates code: {word.text[:80]}")

    def _small(self, language: str, word: Word) -> None:
        report = self.report
        if word.value is None:
            report.add("script", "prompt", f"the {language} script {word.text} is not certain: {word.why}")
            report.exact_only = True
            return
        script = LANGUAGES[language](word.value)
        if script.findings:
            report.exact_only = True
            report.raise_effect("run")
        report.findings.extend(script.findings)
        for path in script.reads:
            self._path("read", literal(path))
        for path in script.writes:
            self._path("write", literal(path))

    def _shell(self, word: Word) -> None:
        if word.value is None:
            self.report.add("uncertain", "prompt", f"the shell text {word.text} is not certain: {word.why}")
            return
        self.text(word.value)

    def text(self, text: str) -> None:
        """Shell text that the command would run."""
        reports, troubles = self.judge_text(text, self.folders, self.context.deeper())
        self.report.inner.extend(reports)
        for trouble in troubles:
            self.report.add("shell", "prompt", trouble)
        for inner in reports:
            self.report.raise_effect(inner.effect)
        if not reports and not troubles:
            self.report.add("shell", "allow", "an empty command")

    def _remote(self, role: str, word: Word) -> None:
        report = self.report
        value = word.start
        if role == "url" and word.value is not None and "://" not in value:
            self._path("read", word)
            return
        if value.startswith("file:"):
            self._path("read", word.after(len("file://")) if value.startswith("file://") else word.after(5))
        host = value.partition("://")[2] or value
        host = host.partition("/")[0].rpartition("@")[2]
        if word.value is not None and host and host not in report.hosts:
            report.hosts.append(host)
        report.add("network", "prompt", f"contacts {host or word.text}")
        report.raise_effect("network")
        report.exact_only = True

    def _revision(self, word: Word) -> None:
        value = word.value
        if value is None:
            if not word.start:
                # A variable or a command's output: git takes it for a revision or a path below its own root.
                if word.splits and any(s.tail == "any" for s in word.options):
                    self.report.add("uncertain", "prompt", f"{word.text}: {word.why}")
                return
            self._path("read", word)
            return
        self._path("read", word)
        _, colon, path = value.partition(":")
        if colon and path and not value.startswith(":"):
            self._path("read", literal(path.lstrip("/")))

    def leaks(self, word: Word) -> None:
        """Credentials and vtcode's own files are out of reach of commands that nobody has described, too."""
        value = word.value
        if value is None:
            findings = judge_word(word, "read", self.folders, self.context.ground)
            self.report.findings.extend(f for f in findings if f.verdict == "deny")
            return
        if any(c in value for c in " \n\t") or len(value) > 1000:
            return
        candidates = {value, value.partition("=")[2], value.partition("@")[2], value.partition(":")[2]}
        for candidate in candidates:
            path = candidate.removeprefix("file://").lstrip("@")
            if path.startswith("~/"):
                path = self.context.home + path[1:]
            if "/" not in path and not path.startswith("."):
                continue
            findings = judge_word(literal(path), "read", self.folders, self.context.ground)
            self.report.findings.extend(f for f in findings if f.verdict == "deny")

    def code_file(self, word: Word) -> None:
        """Note a file that is run as code, so that its content can be pinned."""
        if word.value is None or self.folders is None:
            return
        for folder in self.folders:
            reached = resolved(word.value, folder, self.context.ground.root)
            if reached:
                self.report.code_files.append(Path(reached))
