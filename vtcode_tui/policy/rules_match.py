"""Which rules speak about a command, and what remains of its findings once they have spoken."""

from __future__ import annotations

from collections.abc import Sequence

from vtcode_tui.policy.context import Context
from vtcode_tui.policy.finding import Finding
from vtcode_tui.policy.paths import judge_path
from vtcode_tui.policy.report import Report
from vtcode_tui.policy.rules import CommandRule, HostRule, Policy, strictest_command
from vtcode_tui.policy.types import STRICTNESS, Command, Mode

FILE, FILES = "{file}", "{files}"


def apply_rules(
    command: Command, reports: Sequence[Report], whole: list[Finding], policy: Policy, context: Context
) -> tuple[list[Finding], str]:
    """Every finding that counts, and the name of an allow rule that settled the questions."""
    all_findings = [*whole, *(f for r in reports for each in r.every() for f in each.findings)]
    if not policy.commands and not policy.hosts:
        return all_findings, ""
    root = context.ground.root
    rules = [r for r in policy.commands if not r.workspace or r.workspace == root]
    exact = [r for r in rules if _is_exactly(r, command)]
    settled = strictest_command(exact)
    if settled is not None and settled.verdict == "allow":
        kept = [f for f in all_findings if f.firm or f.verdict == "deny" or f.name in {"trust"}]
        kept += _spoken(reports, rules, context, only_stricter=True)
        kept.append(Finding("rule", "allow", f"allowed by {settled.origin.place}"))
        return kept, f"rule {settled.origin.place}"
    findings = [*whole]
    if settled is not None:
        findings.append(_ruled(settled))
    name = ""
    for report in (each for top in reports for each in top.every()):
        mine = _for(report, rules, context)
        if mine is not None:
            report.rule = mine.origin.place
            if mine.verdict == "allow":
                findings.extend(f for f in report.findings if f.firm or f.verdict == "deny")
                findings.append(_ruled(mine))
                name = f"rule {mine.origin.place}"
                continue
            findings.append(_ruled(mine))
        findings.extend(_hosts(report, policy.hosts))
    return findings, name


def _ruled(rule: CommandRule) -> Finding:
    words = rule.text or " ".join(rule.command)
    return Finding(
        "rule", rule.verdict, f"{rule.why or words}: {rule.verdict} by {rule.origin.place}", rule.verdict == "deny"
    )


def _spoken(
    reports: Sequence[Report], rules: list[CommandRule], context: Context, *, only_stricter: bool
) -> list[Finding]:
    found = [_for(each, rules, context) for top in reports for each in top.every()]
    return [_ruled(r) for r in found if r is not None and (not only_stricter or r.verdict != "allow")]


def _is_exactly(rule: CommandRule, command: Command) -> bool:
    if rule.extent != "exact":
        return False
    if rule.text:
        return command.text == rule.text
    return bool(command.argv) and command.argv == rule.command


def _for(report: Report, rules: list[CommandRule], context: Context) -> CommandRule | None:
    return strictest_command([r for r in rules if _speaks(r, report, context)])


def _speaks(rule: CommandRule, report: Report, context: Context) -> bool:
    values = report.values
    if not rule.command or not report.simple.words:
        return False
    if rule.verdict != "allow":
        # A stricter rule also holds for a command of which only the beginning is certain.
        known = [w.value for w in report.simple.words]
        words = [known[0].rpartition("/")[2] if known[0] and "/" not in rule.command[0] else known[0], *known[1:]]
        return list(rule.command) == words[: len(rule.command)] and (
            rule.extent != "exact" or len(words) == len(rule.command)
        )
    if values is None or report.simple.assignments or report.simple.redirections:
        return False
    if rule.extent != "exact" and report.inner:
        return False
    match rule.extent:
        case "exact":
            return values == rule.command
        case "files":
            return _with_files(rule.command, values, report, context)
        case "described":
            return values[: len(rule.command)] == rule.command and asks_as_a_whole(report)
        case "prefix":
            return values[: len(rule.command)] == rule.command


def asks_as_a_whole(report: Report) -> bool:
    """Whether nothing but the program's own verdict asks: no option, no word and no path of it."""
    return not report.exact_only and all(
        f.verdict == "allow" or f.name in {"program", "option-verdict"} for f in report.findings
    )


def _with_files(pattern: tuple[str, ...], values: tuple[str, ...], report: Report, context: Context) -> bool:
    if report.exact_only:
        return False
    fixed = pattern[:-1] if pattern[-1:] == (FILES,) else pattern
    # A word that asks by itself, whatever file it may name, was not in the command that was approved.
    asking = {a.text for a in report.arguments if a.verdict != "allow"}
    if len(values) < len(fixed) or (fixed is pattern and len(values) != len(pattern)):
        return False
    for place, got in enumerate(values):
        want = fixed[place] if place < len(fixed) else FILE
        if want == got:
            continue
        if want != FILE or report.simple.words[place].text in asking or not _is_file(got, report, context):
            return False
    return True


def _is_file(value: str, report: Report, context: Context) -> bool:
    if value.startswith("-") or report.simple.folders is None:
        return False
    root = context.ground.root
    for folder in report.simple.folders:
        for use in ("read", "write"):
            found = judge_path(value, use, folder, context.ground)
            if found.verdict != "allow":
                return False
        from vtcode_tui.policy.resolve import inside, resolved

        reached = resolved(value, folder, root)
        if reached is None or not inside(reached, root) or reached == root:
            return False
    return True


def _hosts(report: Report, rules: Sequence[HostRule]) -> list[Finding]:
    """A command's findings, its network questions answered by the rules on its hosts where there are any."""
    if not report.hosts or not rules:
        return report.findings
    verdicts: list[Mode] = []
    for host in report.hosts:
        matching = [r.verdict for r in rules if r.matches(host)]
        verdicts.append(max(matching, key=STRICTNESS.__getitem__) if matching else "prompt")
    if "deny" in verdicts:
        return [*report.findings, Finding("host", "deny", f"a rule denies {', '.join(report.hosts)}", firm=True)]
    if all(v == "allow" for v in verdicts):
        # Every host it names is allowed; the proxy holds it to them. Everything else about it still counts.
        kept = [f for f in report.findings if f.name not in {"network", "program"} or f.verdict != "prompt"]
        return [*kept, Finding("host", "allow", f"a rule allows {', '.join(report.hosts)}")]
    return report.findings
