"""The decision on one call: a pure function of the call, the rules and the situation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from vtcode_tui.common.home import home_of_user
from vtcode_tui.policy.advice import changes
from vtcode_tui.policy.context import Context
from vtcode_tui.policy.disguise import disguises
from vtcode_tui.policy.finding import Effect, Finding, worst
from vtcode_tui.policy.judge import findings_of, judge, judge_text
from vtcode_tui.policy.paths import ground_of, judge_path
from vtcode_tui.policy.report import Report
from vtcode_tui.policy.rules import Policy
from vtcode_tui.policy.rules_match import apply_rules
from vtcode_tui.policy.script import Simple
from vtcode_tui.policy.situation import Situation
from vtcode_tui.policy.tools import judge_tool, tool_effect
from vtcode_tui.policy.types import Call, Check, Command, Decision
from vtcode_tui.policy.typing_into import reading_of
from vtcode_tui.policy.words import literal

LONGEST = 200_000


def default_situation(root: Path, home: Path | None = None) -> Situation:
    """The situation of a check outside a session: staged edits, nothing masked but what every project masks."""
    return Situation(
        root=root.resolve(),
        user_home=(home or home_of_user()).resolve(),
        masked=(".env", ".env.*", "!.env.example", "!.env.sample", "!.env.template"),
        staged=True,
    )


def decide(call: Call, policy: Policy, situation: Situation, *, scopes: bool = True) -> Decision:
    """The verdict on a call with every check. Never raises for what a call contains.

    `scopes` adds what only a person needs: the explanation, and the rules on offer, each proven first.
    """
    firm: list[Finding] = []
    if not situation.trusted:
        firm.append(Finding("trust", "deny", "this workspace is not trusted: nothing runs in it", firm=True))
    ground = ground_of(situation, policy.paths)
    context = Context(ground, str(situation.user_home))
    findings = [*firm, *judge_tool(call, policy, situation, ground)]
    reports: list[Report] = []
    rule = ""
    if call.access.command is not None:
        more, reports, rule = _judge_command(call.access.command, call, policy, context)
        findings.extend(more)
    if call.access.typed is not None:
        more, typed_reports = _judge_typed(call.access.typed, call, policy, context)
        findings.extend(more)
        reports = [*reports, *typed_reports]
    findings.extend(_mode(call, situation, reports))
    decision = _decision(findings, reports, rule, call, explained=scopes)
    if scopes and decision.mode == "prompt" and call.access.command is not None:
        from vtcode_tui.policy.scopes import ladder

        return replace(decision, scopes=ladder(call, reports, policy, situation, _without_scopes))
    return decision


def _without_scopes(call: Call, policy: Policy, situation: Situation) -> Decision:
    return decide(call, policy, situation, scopes=False)


def _judge_command(
    command: Command, call: Call, policy: Policy, context: Context
) -> tuple[list[Finding], list[Report], str]:
    text = command.text if command.text is not None else "\n".join(command.argv)
    findings = [Finding("characters", "prompt", d) for d in disguises(text, words=command.text is None)]
    if len(text) > LONGEST:
        return [Finding("size", "prompt", f"the command has {len(text)} characters")], [], ""
    findings.extend(_inside(call, context))
    folders = (str(call.cwd),)
    if command.text is not None:
        reports, troubles = judge_text(command.text, folders, context)
        findings.extend(Finding("shell", "prompt", t) for t in troubles)
        if not reports and not findings:
            findings.append(Finding("shell", "allow", "nothing is run"))
    else:
        words = tuple(literal(w) for w in command.argv)
        reports = [judge(Simple(words, (), (), folders, text=" ".join(command.argv)), context)]
    verdicts, rule = apply_rules(command, reports, findings, policy, context)
    return verdicts, reports, rule


def _inside(call: Call, context: Context) -> list[Finding]:
    if call.cwd == context.ground.situation.root:
        return []
    found = judge_path(str(call.cwd), "stat", str(call.cwd), context.ground)
    if found.verdict == "allow" and not str(call.cwd).startswith(context.ground.root):
        return [Finding("folder", "prompt", f"runs in {call.cwd}, outside the workspace")]
    return [found] if found.verdict != "allow" else []


def _judge_typed(text: str, call: Call, policy: Policy, context: Context) -> tuple[list[Finding], list[Report]]:
    """Text for a running program: judged as a command when a shell may be reading it."""
    stripped = text.strip("\r\n\x03\x04")
    if not stripped:
        return [Finding("typed", "allow", "only a key")], []
    kind, name = reading_of(call.access.reader, str(call.cwd), context)
    if kind == "data":
        return [Finding("typed", "allow", f"typed into {name}, which does not run it")], []
    if kind != "shell":
        return [Finding("typed", "prompt", f"typed into {name}, which may run something by it")], []
    findings = [Finding("characters", "prompt", d) for d in disguises(stripped, words=False)]
    if not text.endswith(("\n", "\r")):
        # `git pu`, then `sh` and a line end: each alone is harmless, what the shell reads is not.
        findings.append(Finding("typed", "prompt", "leaves a line unfinished, which what is typed next completes"))
    reports, troubles = judge_text(stripped, (str(call.cwd),), context)
    findings.extend(Finding("shell", "prompt", t) for t in troubles)
    if any(r.simple.words and r.simple.words[0].value in _MOVERS for top in reports for r in top.every()):
        findings.append(Finding("typed", "prompt", "changes the folder that what is typed later is judged in"))
    verdicts, _ = apply_rules(Command(text=stripped), reports, findings, policy, context)
    return verdicts, reports


_MOVERS = frozenset({"cd", "pushd", "popd"})


def _mode(call: Call, situation: Situation, reports: list[Report]) -> list[Finding]:
    if situation.mode == "build":
        return []
    effects: set[Effect] = {r.effect for top in reports for r in top.every()} | {tool_effect(call)}
    if effects <= {"read"}:
        return []
    if situation.mode == "plan" and effects <= {"read", "run"}:
        return [Finding("mode", "prompt", "plan mode: this runs code of the workspace")]
    return [Finding("mode", "deny", f"{situation.mode} mode: nothing may change", firm=True)]


def _decision(
    findings: list[Finding], reports: list[Report], rule: str, call: Call, *, explained: bool
) -> Decision:
    decisive = worst(findings) or Finding("nothing", "prompt", "nothing is known about this call")
    every = [r for top in reports for r in top.every()]
    hosts = tuple(dict.fromkeys((*call.access.hosts, *(h for r in every for h in r.hosts))))
    return Decision(
        mode=decisive.verdict,
        rule=rule if rule and decisive.verdict == "allow" else _named(decisive, reports),
        reason=_sentence(decisive, every),
        checks=_checks(findings) if explained else (),
        risk=_risk(decisive, every),
        explanation=_explanation(decisive, findings, reports) if explained else None,
        code_files=tuple(dict.fromkeys(f for r in every for f in r.code_files)),
        hosts=hosts,
    )


def _explanation(decisive: Finding, findings: list[Finding], reports: list[Report]) -> dict[str, Any]:
    """The same object for people, the approval and the journal."""
    return {
        "verdict": decisive.verdict,
        "reason": decisive.detail,
        "commands": [r.tree() for r in reports],
        "notes": [
            f.detail for f in findings if f.name in {"characters", "shell", "size", "mode", "trust", "folder"}
        ],
        "changes": changes(decisive.verdict, findings),
    }


def _named(decisive: Finding, reports: list[Report]) -> str:
    if decisive.verdict == "allow":
        sources = dict.fromkeys(
            f"{r.source}: {' '.join(r.chain)}" for top in reports for r in top.every() if r.source
        )
        return ", ".join(list(sources)[:4]) or decisive.name
    for top in reports:
        for report in top.every():
            if decisive in report.findings:
                return f"{report.source or 'unknown program'}: {' '.join(report.chain) or decisive.name}"
    return decisive.name


def _sentence(decisive: Finding, every: list[Report]) -> str:
    if decisive.verdict == "allow":
        known = list(dict.fromkeys(" ".join(r.chain) for r in every if r.chain))
        return f"described as safe here: {', '.join(known[:4])}" if known else decisive.detail or "allowed"
    return decisive.detail or decisive.name


def _checks(findings: list[Finding]) -> tuple[Check, ...]:
    return tuple(f.check for f in list(dict.fromkeys(findings))[:200])


def _risk(decisive: Finding, every: list[Report]) -> Literal["low", "medium", "high"]:
    if decisive.verdict == "deny":
        return "high"
    effects = {r.effect for r in every}
    if decisive.verdict == "prompt" and ("network" in effects or "run" in effects or decisive.name in _GRAVE):
        return "high"
    return "medium" if decisive.verdict == "prompt" or "write" in effects else "low"


_GRAVE = frozenset({"credentials", "deletes", "protected", "disguise", "characters", "code", "script", "network"})

__all__ = ["decide", "default_situation", "findings_of"]
