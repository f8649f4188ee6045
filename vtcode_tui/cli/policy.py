"""`vtcode policy`: what may run and why, without running it; and the rules that say so."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtcode_tui.common.errors import UsageError
from vtcode_tui.common.home import Home

if TYPE_CHECKING:
    from vtcode_tui.policy import Decision, Policy, Situation

EXAMPLE = """\
  vtcode policy check -- git push --force
  vtcode policy check --shell 'cat notes.txt | sh'
  echo '{"command": "ls -la"}' | vtcode policy check --batch
  vtcode policy explain "find . -name '*.py' -exec grep -l TODO {} +"
  vtcode policy allow -- npm run build
  vtcode policy show"""

EXIT = {"allow": 0, "prompt": 3, "deny": 3}
"""What needs a person is not allowed by itself: `vtcode policy check -- X && X` fails closed."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="the verdict on a command; runs nothing; exits 0 if allowed, else 3")
    check.add_argument("--batch", action="store_true", help="JSON lines on stdin and stdout; always 0")
    _command(check)
    explain = actions.add_parser("explain", help="every command in it, every argument's role, what would change")
    explain.add_argument("text", nargs="?", help="shell text")
    _command(explain)
    show = actions.add_parser("show", help="the rules in force, each with where it comes from")
    show.add_argument("--json", action="store_true")
    show.add_argument("--cwd", type=Path, default=Path())
    for mode in ("allow", "prompt", "deny"):
        change = actions.add_parser(mode, help=f"write a rule into your own tool-policy.json: {mode} this")
        change.add_argument("--tool", help="a tool by name, instead of a command")
        change.add_argument("--everywhere", action="store_true", help="in every workspace, not only in this one")
        change.add_argument(
            "--prefix", action="store_true", help="also with any further words (prompt and deny only)"
        )
        _command(change)


def _command(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cwd", type=Path, default=Path(), help="the folder it would run in (default: this one)")
    parser.add_argument(
        "--root", type=Path, help="the workspace (default: the closest folder above with .git or trust)"
    )
    parser.add_argument("--no-staging", action="store_true", help="as if writes were not staged for review")
    parser.add_argument("--shell", metavar="TEXT", help="shell text")
    parser.add_argument("argv", nargs="*", metavar="ARGV", help="the words of one program, after --")


def run(given: argparse.Namespace) -> int:
    """Do what was asked."""
    match given.action:
        case "check":
            return _batch(given) if given.batch else _check(given)
        case "explain":
            return _explain(given)
        case "show":
            return _show(given)
        case _:
            return _write(given)


def workspace_of(cwd: Path) -> Path:
    """The closest folder above that is a repository or trusted; the folder itself where there is none."""
    for folder in (cwd, *cwd.parents):
        if (folder / ".vt-workspace-trust").exists() or (folder / ".git").exists():
            return folder
    return cwd


def _folder(path: Path, option: str) -> Path:
    """A folder that there is, resolved; raises UsageError where it is none: nothing could run there."""
    try:
        found = path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise UsageError(f"{option}: there is no folder {_visible(str(path))}") from None
    if not found.is_dir():
        raise UsageError(f"{option}: {_visible(str(path))} is a file, not a folder")
    return found


def _root(given: argparse.Namespace) -> Path:
    if getattr(given, "root", None):
        return _folder(given.root, "--root")
    return workspace_of(_folder(given.cwd, "--cwd"))


def _ground(given: argparse.Namespace) -> tuple[Policy, Situation, Path]:
    from dataclasses import replace

    from vtcode_tui.policy import default_situation, load_policy

    cwd = _folder(given.cwd, "--cwd")
    root = _root(given)
    home = Home.from_environment()
    situation = replace(
        default_situation(root),
        own=tuple(p.resolve() for p in (home.config, home.state, home.cache)),
        staged=not getattr(given, "no_staging", False),
    )
    return load_policy(home, root), situation, cwd


def decision_on(command: Any, cwd: Path, policy: Policy, situation: Situation, *, scopes: bool = True) -> Decision:
    """The policy's decision on a command as `run_command` would ask for it: shell text or a list of words."""
    from vtcode_tui.policy import Access, Call, Command, decide

    if isinstance(command, str):
        wanted = Command(text=command)
    elif isinstance(command, list) and command and all(isinstance(w, str) for w in command):
        wanted = Command(argv=tuple(command))
    else:
        raise UsageError('a command is shell text or a list of words: {"command": "ls"} or {"command": ["ls"]}')
    call = Call("check", "run_command", {"command": command}, Access(command=wanted), cwd)
    return decide(call, policy, situation, scopes=scopes)


def _wanted(given: argparse.Namespace) -> str | list[str]:
    text = given.shell if given.shell is not None else getattr(given, "text", None)
    if text is not None and not given.argv:
        return str(text)
    if given.argv and text is None:
        return list(given.argv)
    raise UsageError("give a command: --shell TEXT, or -- and its words")


def _check(given: argparse.Namespace) -> int:
    policy, situation, cwd = _ground(given)
    decision = decision_on(_wanted(given), cwd, policy, situation)
    if given.json:
        print(json.dumps(_plain(decision), ensure_ascii=False))
    else:
        print(f"{decision.mode}: {_visible(decision.reason)}")
        print(f"  rule: {_visible(decision.rule)}")
    return EXIT[decision.mode]


def _plain(decision: Decision) -> dict[str, Any]:
    return {
        "decision": decision.mode,
        "rule": decision.rule,
        "reason": decision.reason,
        "risk": decision.risk,
        "checks": [{"name": c.name, "result": c.result, "detail": c.detail} for c in decision.checks],
        "hosts": list(decision.hosts),
        "code_files": [str(p) for p in decision.code_files],
        "scopes": [
            {"name": s.name, "rule": dict(s.rule), "text": s.text, "also_allows": list(s.also_allows),
             "still_prompts": list(s.still_prompts)}
            for s in decision.scopes
        ],
        "explanation": decision.explanation,
    }  # fmt: skip


def _batch(given: argparse.Namespace) -> int:
    policy, situation, cwd = _ground(given)
    out = sys.stdout
    for line in sys.stdin.buffer:
        if line.strip():
            out.write(_line(line, cwd, policy, situation) + "\n")
    out.flush()
    return 0


def _line(line: bytes, cwd: Path, policy: Policy, situation: Situation) -> str:
    try:
        asked = json.loads(line)
        given = asked if isinstance(asked, dict) else {}
        folder = given.get("cwd", "")
        if not isinstance(folder, str) or "\0" in folder:
            raise UsageError("`cwd` is not the path of a folder")
        place = _folder(Path(folder), "cwd") if folder else cwd
        decision = decision_on(given.get("command"), place, policy, situation, scopes=False)
    except (ValueError, UsageError, RecursionError) as error:
        what = str(error) if isinstance(error, UsageError) else "the line is not JSON in UTF-8"
        return json.dumps({"decision": "prompt", "rule": "input", "reason": f"not a command: {what}"})
    return json.dumps({"decision": decision.mode, "rule": decision.rule, "reason": decision.reason})


def _explain(given: argparse.Namespace) -> int:
    from vtcode_tui.render.explanation import lines_of_explanation

    policy, situation, cwd = _ground(given)
    decision = decision_on(_wanted(given), cwd, policy, situation)
    if given.json:
        print(json.dumps(_plain(decision), ensure_ascii=False))
    else:
        print(f"{decision.mode}: {_visible(decision.reason)}")
        for line in lines_of_explanation(decision.explanation):
            print(f"  {line.text}")
        for scope in decision.scopes:
            print(f"may be remembered as: {_visible(scope.text)}")
    return 0


def _show(given: argparse.Namespace) -> int:
    from dataclasses import asdict

    policy, _, _ = _ground(given)
    if given.json:
        rules = [{"kind": type(r).__name__.removesuffix("Rule").lower(), **asdict(r)} for r in policy.rules]
        print(json.dumps({"sha256": policy.sha256, "rules": rules, "notices": [str(n) for n in policy.notices]}))
        return 0
    for line in _rule_lines(policy):
        print(_visible(line))
    for notice in policy.notices:
        print(f"note: {_visible(str(notice))}")
    return 0


def _rule_lines(policy: Policy) -> Iterable[str]:
    for tool in policy.tools:
        yield f"{tool.verdict:<7} tool     {tool.tool}   [{tool.origin.layer}, {tool.origin.place}]"
    for command in policy.commands:
        words = command.text or " ".join(command.command)
        where = f" in {command.workspace}" if command.workspace else ""
        origin = f"[{command.origin.layer}, {command.origin.place}]"
        yield f"{command.verdict:<7} command  {words} ({command.extent}){where}   {origin}"
    for path in policy.paths:
        uses = ", ".join(f"{use} {mode}" for use, mode in (("read", path.read), ("write", path.write)) if mode)
        yield f"{uses:<15} path     {path.pattern}   [{path.origin.layer}, {path.origin.place}]"
    for host in policy.hosts:
        yield f"{host.verdict:<7} host     {host.host}   [{host.origin.layer}, {host.origin.place}]"
    for mcp in policy.mcp:
        yield f"{mcp.verdict:<7} mcp      {mcp.server}: {mcp.tool}   [{mcp.origin.layer}, {mcp.origin.place}]"
    yield f"every other command is judged by the {_described()} programs that are described (docs/policy.md)"


def _described() -> int:
    from vtcode_tui.policy.catalogue import index

    return len(index())


def _write(given: argparse.Namespace) -> int:
    from vtcode_tui.policy.edit import write_rule, write_tool_rule
    from vtcode_tui.policy.tools import unknown_tool

    home = Home.from_environment()
    if given.tool:
        if said := unknown_tool(given.tool):
            raise UsageError(said)
        path = write_tool_rule(home, given.tool, given.action)
        print(f"{given.action} {given.tool}: written to {path}")
        return 0
    wanted = _wanted(given)
    rule: dict[str, Any] = {"verdict": given.action}
    rule |= {"text": wanted} if isinstance(wanted, str) else {"command": wanted}
    if given.prefix:
        rule["extent"] = "prefix"
    if not given.everywhere:
        rule["workspace"] = str(_root(given))
    policy, situation, cwd = _ground(given)
    if given.action == "allow" and not given.prefix:
        then = decision_on(wanted, cwd, policy.with_rules([rule]), situation, scopes=False)
        if then.mode != "allow":
            raise UsageError(f"no rule can allow this, so none was written: {_visible(then.reason)}")
    path = write_rule(home, rule)
    policy, situation, cwd = _ground(given)
    now = decision_on(wanted, cwd, policy, situation)
    print(f"{given.action}: written to {path}; the verdict is now {now.mode}: {_visible(now.reason)}")
    return 0


def _visible(text: str) -> str:
    """Text that a terminal cannot obey."""
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text)
