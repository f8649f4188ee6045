"""One simple command to a report: find its description, read its words by it, judge every word in its role."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vtcode_tui.policy import environment
from vtcode_tui.policy.arguments import Executed, Reading, read, replaced
from vtcode_tui.policy.catalogue import describe
from vtcode_tui.policy.context import Context
from vtcode_tui.policy.description import Description
from vtcode_tui.policy.finding import worst
from vtcode_tui.policy.paths import Use, judge_word, names_secret
from vtcode_tui.policy.report import Argument, Report
from vtcode_tui.policy.resolve import inside, resolved
from vtcode_tui.policy.roles import Roles
from vtcode_tui.policy.script import Redirection, Simple
from vtcode_tui.policy.shell import parse
from vtcode_tui.policy.words import Shape, Word, literal

if TYPE_CHECKING:
    from vtcode_tui.policy.finding import Finding

DEEPEST = 8
_SYSTEM_BINS = ("/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
_TOOL_FOLDERS = ("node_modules/.bin", ".venv/bin", "venv/bin", "vendor/bin", "env/bin", "bin")


def judge_text(
    text: str, folders: tuple[str, ...] | None, context: Context
) -> tuple[list[Report], tuple[str, ...]]:
    """Every command of a shell text, and the troubles of the text as a whole."""
    if context.depth > DEEPEST:
        return [], ("commands are nested too deeply inside each other",)
    script = parse(text, folders, context.home)
    inner = context
    if script.functions:
        inner = replace(context, functions=context.functions | script.functions)
    return [judge(simple, inner) for simple in script.commands], script.troubles


def judge(simple: Simple, context: Context) -> Report:
    """One simple command."""
    report = Report(simple)
    context.budget[0] -= 1
    if context.budget[0] < 0 or context.depth > DEEPEST:
        report.add("size", "prompt", "too many commands to judge")
        return report
    loading: list[str] = []
    for assignment in simple.assignments:
        finding, effect = environment.judge(
            assignment.name, assignment.value, assignment.exported, simple.folders, context.ground
        )
        report.findings.append(finding)
        word = f"{assignment.name}={assignment.value.text}"
        report.arguments.append(Argument(word, "assign", "variable", finding.verdict, finding.detail))
        if effect == "run":
            loading.append(assignment.name)
        else:
            report.raise_effect(effect)
    for redirection in simple.redirections:
        before = len(report.findings)
        _redirection(redirection, simple, report, context)
        decisive = worst(report.findings[before:])
        role = "read" if redirection.operator in {"<", "<&"} else "write"
        found = (decisive.verdict, decisive.detail) if decisive else ("allow", "")
        report.arguments.append(
            Argument(f"{redirection.operator} {redirection.target.text}", role, "redirection", *found)
        )
    if simple.words:
        _Judgement(simple, report, context, judge_text).run()
    elif not report.findings:
        report.add("empty", "allow", "nothing is run")
    for name in loading:
        loads(name, report)
    return report


def loads(name: str, report: Report) -> None:
    """A variable that makes a program run code of the workspace changes nothing for one that does so anyway."""
    if not any(r.effect in {"run", "network"} for r in report.every() if not r.inner):
        report.add("environment", "prompt", f"{name} makes a program run code that only reads or writes otherwise")


def _redirection(redirection: Redirection, simple: Simple, report: Report, context: Context) -> None:
    target = redirection.target
    if target.start.startswith(("/dev/tcp/", "/dev/udp/")):
        report.add("network", "prompt", f"{target.text} is a network connection")
        report.raise_effect("network")
        report.exact_only = True
        return
    uses: tuple[Use, ...] = ("read",) if redirection.operator in {"<", "<&"} else ("write",)
    if redirection.operator == "<>":
        uses = ("read", "write")
    if target.value is None and any(s.tail for s in target.options):
        report.add("redirection", "prompt", f"{redirection.operator} {target.text}: {target.why}")
    for use in uses:
        findings = judge_word(target, use, simple.folders, context.ground)
        report.findings.extend(findings)
        sink = target.value is not None and context.ground.places.sinks.holds(target.value)
        if use == "write" and not sink:
            report.raise_effect("write")


def program_name(word: Word, folders: tuple[str, ...] | None, context: Context) -> tuple[str, str]:
    """The base name that a command word is known by, and where it lies: system, tools, workspace or elsewhere."""
    value = word.value or ""
    if "/" not in value:
        return value, "system"
    folder, _, base = value.rpartition("/")
    if folder in _SYSTEM_BINS:
        return base, "system"
    root = context.ground.root
    for start in folders or ():
        reached = resolved(folder or "/", start, root) or ""
        if inside(reached, root):
            below = reached[len(root) :].strip("/")
            if any(below == f or below.endswith("/" + f) for f in _TOOL_FOLDERS):
                return base, "tools"
            return base, "workspace"
        if reached in map(str, context.ground.situation.search_path):
            return base, "system"
    return base, "elsewhere"


class _Judgement(Roles):
    """The judgement of one command with words."""

    def run(self) -> None:
        """Judge the command; the report holds the result."""
        report, word = self.report, self.simple.words[0]
        if all(w.value is not None for w in self.simple.words):
            report.values = tuple(w.value or "" for w in self.simple.words)
        if word.value is None:
            report.add("program", "prompt", f"which program {word.text} is cannot be known: {word.why}")
            report.exact_only = True
            return
        if word.odd:
            report.add("disguise", "prompt", f"{word.text}: {word.odd}")
        if word.value in self.context.functions:
            report.add("function", "allow", f"{word.value} is defined in the command itself")
            return
        name, where = program_name(word, self.folders, self.context)
        described = describe(name) if name.isascii() else None
        if name.startswith("python:"):
            # A module of the workspace or of an installed tool: known by the tool's own name where it is Python.
            tool = describe(name.partition(":")[2])
            described = described or (tool if tool and tool.contained and tool.file.startswith("python") else None)
            name = f"the Python module {name.partition(':')[2]}"
        if where != "system" and described is not None and not _may_lie(described, where):
            described = None
        if described is None:
            self._unknown(name, where)
            return
        words = [self._listed(w) if w.source else w for w in self.simple.words[1:]]
        reading = read(words, described)
        report.chain, report.source = reading.chain, f"programs/{described.file}"
        self._judge(reading)

    def _unknown(self, name: str, where: str) -> None:
        report = self.report
        if where == "system":
            report.add("program", "prompt", f"{name} is not described in the policy's tables")
        else:
            report.add("program", "prompt", f"{self.simple.words[0].text} is run by its path: it may be anything")
            if where != "elsewhere":
                self.code_file(self.simple.words[0])
        report.exact_only = True
        report.raise_effect("run")
        for word in self.simple.words[1:]:
            self.leaks(word)

    def _judge(self, reading: Reading) -> None:
        report, described = self.report, reading.description
        layers: list[Reading] = []
        layer: Reading | None = reading
        while layer is not None:
            layers.insert(0, layer)
            layer = layer.outer
        for each in layers:
            for value in each.values:
                self.value(value)
        report.findings.extend(reading.found)
        used = {name: option for each in layers for name, option in each.used.items()}
        for name, option in used.items():
            if option.effect:
                report.raise_effect(option.effect)
            if not option.slots:
                role = "harmless" if option.harmless else "flag"
                report.arguments.append(Argument(name, role, "option", option.verdict, option.why))
        if reading.harmless:
            report.findings = [f for f in report.findings if f.verdict == "deny" or f.name in _LASTING]
            report.add("harmless", "allow", "only prints something about the program")
            return
        self._own(described, reading, frozenset(used))
        self._runs(described, reading)
        for name in self.loads:
            loads(name, report)

    def _own(self, described: Description, reading: Reading, used: frozenset[str]) -> None:
        """The verdict of the program itself, as the first case that fits says."""
        verdict, why, effect = described.verdict, described.why, described.effect
        for case in described.cases:
            if (not case.when or case.when & used) and not case.unless & used:
                verdict, why, effect = case.verdict, case.why or why, case.effect or effect
                break
        if self.folders is None and described.file != "builtins.toml":
            self.report.add("folder", "prompt", "the folder that it runs in is not known")
        self.report.raise_effect(effect)
        self.report.add("program", verdict, why or f"{' '.join(reading.chain)} is described")
        if effect == "network":
            self.report.exact_only = True

    def _runs(self, described: Description, reading: Reading) -> None:
        """The commands inside this one."""
        marker = next((v.word for v in reversed(reading.values) if v.slot.role == "marker"), None)
        for words in reading.inner:
            if marker is None:
                self._inner(words, appends=described.appends)
            else:
                self._inner(self._marked(words, marker), repeated=True)
                self._added_all_the_same(words)
        for executed in reading.execs:
            self._exec(executed, reading)
        reads_code = described.stdin and not described.stdin_unless & reading.used.keys()
        if (
            reads_code
            and not self.consumed
            and not reading.inner
            and (len(reading.arguments) < described.stdin_arguments or "-s" in reading.used)
        ):
            self._stdin(described)

    def _stdin(self, described: Description) -> None:
        self.report.exact_only = True
        fed = self.simple.fed
        if described.stdin == "shell" and self.simple.feed == "text" and fed is not None and fed.value is not None:
            self.text(fed.value)
            return
        what = "a pipe" if self.simple.feed == "pipe" else "its standard input"
        self.report.add("standard input", "prompt", f"{described.name} runs what it reads from {what}")
        self.report.raise_effect("run")

    def _inner(self, words: Sequence[Word], *, appends: bool = False, repeated: bool = False) -> None:
        repeated = repeated or appends
        if appends:
            words = (*words, self._appended())
        simple = Simple(
            tuple(words),
            (),
            (),
            self.folders,
            self.simple.feed,
            self.simple.fed,
            self.simple.piped,
            " ".join(w.text for w in words),
        )
        context = self.context.deeper()
        inner = judge(simple, replace(context, repeated=True) if repeated else context)
        self.report.inner.append(inner)
        self.report.raise_effect(inner.effect)
        self.report.exact_only = True

    def _appended(self) -> Word:
        """What is added to the command: paths of the workspace, if what prints them says so; else anything."""
        if self.simple.feed == "pipe" and self._lists(self.simple.source):
            return Word("...", None, _LISTED, True, "the paths that it reads", loose=True)
        return Word("...", None, (Shape("", "any"),), True, "what it reads is added", loose=True)

    def _added_all_the_same(self, words: Sequence[Word]) -> None:
        """Another option may take the marker back, and what is read is added at the end: both must be harmless."""
        simple = Simple((*words, self._appended()), folders=self.folders, text=" ".join(w.text for w in words))
        added = judge(simple, replace(self.context.deeper(), repeated=True))
        if added.mode != "allow":
            self.report.inner.append(added)

    def _marked(self, words: Sequence[Word], marker: Word) -> Sequence[Word]:
        """The command with what it reads wherever the marker stands: one word each time, whatever it is."""
        if not marker.value:
            why = marker.why or "it is empty"
            self.report.add("uncertain", "prompt", f"{marker.text} stands for what is read: {why}")
            return words
        listed = self.simple.feed == "pipe" and self._lists(self.simple.source)
        shapes = _LISTED if listed else (Shape("", "any"),)
        return replaced(words, Word(marker.text, None, shapes, False, "what it reads"), marker.value)

    def _listed(self, word: Word) -> Word:
        """A substitution that prints paths of the workspace is as many of them; any may look like an option."""
        if not self._lists(word.source):
            return word
        return Word(word.text, None, _LISTED, word.splits, "the paths that are listed", loose=word.loose)

    def _lists(self, source: tuple[tuple[Word, ...], ...]) -> bool:
        """Whether a pipeline prints paths of the workspace and nothing else."""
        for position, words in enumerate(source):
            described = describe(words[0].value or "") if words else None
            if described is None:
                return False
            reading = read(words[1:], described)
            says = reading.description.filters if position else reading.description.lists
            if not says or not says.fits(reading.used.keys()):
                return False
            if position and any(v.slot.role == "read" for v in reading.values):
                return False
            if any(names_secret(w.value or w.text, self.context.ground) for w in words):
                return False
            if judge(Simple(words, folders=self.folders), self.context.deeper()).mode != "allow":
                return False
        return bool(source)

    def _exec(self, executed: Executed, reading: Reading) -> None:
        if not executed.words:
            return
        starts = [v.word for v in reading.values if v.slot.role in {"stat", "read"} and not v.label.startswith("-")]
        shapes: list[Shape] = []
        for start in starts or [literal(".")]:
            for shape in start.options:
                known = not shape.tail and bool(shape.start)
                shapes.append(
                    Shape(f"{shape.start.rstrip('/')}/", "glob", "**") if known else Shape(shape.start, "any")
                )
        outer = self.folders
        if executed.option in {"-execdir", "-okdir"}:
            self.folders, shapes = None, [Shape("./", "any")]
        if any(names_secret(w.value or w.text, self.context.ground) for w in self.simple.words):
            shapes = [Shape("", "any")]
        braces = Word("{}", None, tuple(shapes), executed.several, "what is found")
        self._inner(replaced(executed.words, braces), repeated=True)
        self.folders = outer


_LISTED = (Shape("", "glob", "**"),)
_LASTING = frozenset({"redirection", "disguise", "uncertain", "network", "outside", "credentials", "environment"})


def _may_lie(described: Description, where: str) -> bool:
    match where:
        case "tools":
            return described.contained
        case "workspace":
            return described.local
        case _:
            return False


def findings_of(reports: Sequence[Report]) -> list[Finding]:
    """Every finding of every command, in order."""
    return [f for r in reports for each in r.every() for f in each.findings]
