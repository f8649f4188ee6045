"""One simple command to a report: find its description, read its words by it, judge every word in its role."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vtcode_tui.policy import environment
from vtcode_tui.policy.arguments import Reading, Value, read, replaced
from vtcode_tui.policy.catalogue import describe
from vtcode_tui.policy.description import Description, Slot
from vtcode_tui.policy.languages import LANGUAGES
from vtcode_tui.policy.paths import Ground, Use, judge_word
from vtcode_tui.policy.patterns import fits
from vtcode_tui.policy.report import Argument, Report
from vtcode_tui.policy.resolve import inside, resolved
from vtcode_tui.policy.script import Redirection, Simple
from vtcode_tui.policy.shell import parse
from vtcode_tui.policy.words import Shape, Word, literal

if TYPE_CHECKING:
    from vtcode_tui.policy.finding import Finding

DEEPEST = 8
_PATH_ROLES: dict[str, Use] = {
    "stat": "stat",
    "read": "read",
    "write": "write",
    "delete": "delete",
    "folder": "read",
}
_SYSTEM_BINS = ("/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
_TOOL_FOLDERS = ("node_modules/.bin", ".venv/bin", "venv/bin", "vendor/bin", "env/bin", "bin")


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


def judge_text(
    text: str, folders: tuple[str, ...] | None, context: Context
) -> tuple[list[Report], tuple[str, ...]]:
    """Every command of a shell text, and the troubles of the text as a whole."""
    if context.depth > DEEPEST:
        return [], ("commands are nested too deeply inside each other",)
    script = parse(text, folders, context.home)
    inner = replace(context, functions=context.functions | script.functions)
    return [judge(simple, inner) for simple in script.commands], script.troubles


def judge(simple: Simple, context: Context) -> Report:
    """One simple command."""
    report = Report(simple)
    context.budget[0] -= 1
    if context.budget[0] < 0 or context.depth > DEEPEST:
        report.add("size", "prompt", "too many commands to judge")
        return report
    for assignment in simple.assignments:
        finding = environment.judge(assignment.name, assignment.value, assignment.exported, bool(simple.words))
        report.findings.append(finding)
    for redirection in simple.redirections:
        _redirection(redirection, simple, report, context)
    if simple.words:
        _Judgement(simple, report, context).run()
    elif not report.findings:
        report.add("empty", "allow", "nothing is run")
    return report


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
        reached = resolved(folder or "/", start) or ""
        if inside(reached, root):
            below = reached[len(root) :].strip("/")
            if any(below == f or below.endswith("/" + f) for f in _TOOL_FOLDERS):
                return base, "tools"
            return base, "workspace"
        if reached in map(str, context.ground.situation.search_path):
            return base, "system"
    return base, "elsewhere"


class _Judgement:
    """The judgement of one command with words."""

    def __init__(self, simple: Simple, report: Report, context: Context) -> None:
        self.simple = simple
        self.report = report
        self.context = context
        self.folders = simple.folders
        self.consumed = False

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
        reading = read(self.simple.words[1:], described)
        report.chain, report.source = reading.chain, f"programs/{described.file}"
        self._judge(reading)

    def _unknown(self, name: str, where: str) -> None:
        report = self.report
        if where == "system":
            report.add("program", "prompt", f"{name} is not described in the policy's tables")
        else:
            report.add("program", "prompt", f"{self.simple.words[0].text} is run by its path: it may be anything")
            if where != "elsewhere":
                self._code_file(self.simple.words[0])
        report.exact_only = True
        report.raise_effect("run")
        for word in self.simple.words[1:]:
            self._leaks(word)

    def _judge(self, reading: Reading) -> None:
        report, described = self.report, reading.description
        layers: list[Reading] = []
        layer: Reading | None = reading
        while layer is not None:
            layers.insert(0, layer)
            layer = layer.outer
        for each in layers:
            for value in each.values:
                self._value(value)
        report.findings.extend(reading.found)
        verdict, why, effect = described.verdict, described.why, described.effect
        for case in described.cases:
            used = {n for each in layers for n in each.used}
            if (not case.when or case.when & used) and not case.unless & used:
                verdict, why, effect = case.verdict, case.why or why, case.effect or effect
                break
        for option in {id(o): o for each in layers for o in each.used.values()}.values():
            if option.effect:
                report.raise_effect(option.effect)
        if reading.harmless:
            report.findings = [f for f in report.findings if f.verdict == "deny" or f.name in _LASTING]
            report.add("harmless", "allow", "only prints something about the program")
            return
        if self.folders is None and described.file != "builtins.toml":
            report.add("folder", "prompt", "the folder that it runs in is not known")
        report.raise_effect(effect)
        report.add("program", verdict, why or f"{' '.join(reading.chain)} is described")
        if effect == "network":
            report.exact_only = True
        for words in reading.inner:
            self._inner(words, appends=described.appends)
        for option_name, words in reading.execs:
            self._exec(option_name, words, reading)
        reads_code = described.stdin and not described.stdin_unless & reading.used.keys()
        if (
            reads_code
            and not self.consumed
            and not reading.inner
            and (not reading.arguments or "-s" in reading.used)
        ):
            self._stdin(described)
        if not reading.arguments and described.runs and not reading.inner:
            report.add("program", "allow", "runs nothing")

    def _value(self, value: Value) -> None:
        slot, word, report = value.slot, value.word, self.report
        before = len(report.findings)
        if slot.verdict != "allow":
            report.add("argument", slot.verdict, f"{word.text}: {slot.why or 'needs a person'}")
        self._expected(slot, word)
        match slot.role:
            case "stat" | "read" | "write" | "delete" | "folder":
                self._path(slot.role, word)
            case "program" | "shell" | "script" | "code" | "sed" | "awk":
                self._code(slot, word)
            case "host" | "url":
                self._remote(slot.role, word)
            case "revision":
                self._revision(word)
            case "assign":
                name, _, _ = word.start.partition("=")
                report.findings.append(environment.judge(name, word.after(len(name) + 1), True, True))
            case "task":
                report.raise_effect("run")
            case "any":
                self._leaks(word)
            case _:
                pass
        new = report.findings[before:]
        decisive = max(new, key=lambda f: ("allow", "prompt", "deny").index(f.verdict), default=None)
        report.arguments.append(
            Argument(
                word.text,
                slot.role,
                value.label,
                decisive.verdict if decisive else "allow",
                decisive.detail if decisive else "",
            )  # fmt: skip
        )

    def _expected(self, slot: Slot, word: Word) -> None:
        if not slot.only and not slot.never:
            return
        if word.value is None:
            self.report.add("uncertain", "prompt", f"{word.text}: {word.why}, and it matters which value it has")
            return
        folded = word.value
        if slot.only and not fits(folded, slot.only):
            self.report.add(
                "argument", "prompt", slot.why or f"{word.text} is not among the values that are described"
            )
        elif slot.never and fits(folded, slot.never):
            self.report.add("argument", "prompt", slot.why or f"{word.text} needs a person")

    def _path(self, role: str, word: Word) -> None:
        use = _PATH_ROLES[role]
        self.report.findings.extend(judge_word(word, use, self.folders, self.context.ground))
        if use in {"write", "delete"} and not self._is_sink(word):
            self.report.raise_effect("write")
        if role == "folder":
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
                self._code_file(word)
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
        self._text(word.value)

    def _text(self, text: str) -> None:
        reports, troubles = judge_text(text, self.folders, self.context.deeper())
        self.report.inner.extend(reports)
        for trouble in troubles:
            self.report.add("shell", "prompt", trouble)
        for inner in reports:
            self.report.raise_effect(inner.effect)
        if not reports and not troubles:
            self.report.add("shell", "allow", "an empty command")

    def _stdin(self, described: Description) -> None:
        self.report.exact_only = True
        fed = self.simple.fed
        if described.stdin == "shell" and self.simple.feed == "text" and fed is not None and fed.value is not None:
            self._text(fed.value)
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
        source = self.simple.source
        described = describe(source[0].value or "") if source else None
        if described is not None and self.simple.feed == "pipe":
            reading = read(source[1:], described)
            lists = reading.description.lists
            if (
                lists
                and not lists.unless & reading.used.keys()
                and (not lists.when or lists.when & reading.used.keys())
            ):
                inner = judge(Simple(source, folders=self.folders), self.context.deeper())
                if inner.mode == "allow":
                    return Word(
                        "...", None, (Shape("./", "glob", "**"),), True, "the paths that it reads", loose=True
                    )
        return Word("...", None, (Shape("", "any"),), True, "what it reads is added", loose=True)

    def _exec(self, name: str, words: tuple[Word, ...], reading: Reading) -> None:
        if not words:
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
        if name in {"-execdir", "-okdir"}:
            self.folders, shapes = None, [Shape("./", "any")]
        braces = Word("{}", None, tuple(shapes), False, "what is found")
        self._inner(replaced(words, braces), repeated=True)
        self.folders = outer

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

    def _leaks(self, word: Word) -> None:
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

    def _code_file(self, word: Word) -> None:
        if word.value is None or self.folders is None:
            return
        for folder in self.folders:
            reached = resolved(word.value, folder)
            if reached:
                self.report.code_files.append(Path(reached))


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
