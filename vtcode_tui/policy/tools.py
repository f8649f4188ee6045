"""The judgement of a tool call by its name and the files and hosts that it declares."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase

from vtcode_tui.policy.finding import Effect, Finding
from vtcode_tui.policy.paths import Ground, judge_path
from vtcode_tui.policy.rules import McpRule, Policy
from vtcode_tui.policy.situation import Situation
from vtcode_tui.policy.types import STRICTNESS, Call, Mode

READS: frozenset[str] = frozenset(
    {
        "read_file",
        "list_files",
        "search_text",
        "find_files",
        "symbols",
        "outline",
        "read_output",
        "search_sessions",
        "explore",
    }
)
EDITS: frozenset[str] = frozenset({"edit_file", "write_file", "apply_patch", "delete_file", "move_file"})
HUMAN: frozenset[str] = frozenset({"accept_changes", "discard_changes"})
COMMANDS: frozenset[str] = frozenset({"run_command"})
TYPING: frozenset[str] = frozenset({"write_stdin"})
HANDING: frozenset[str] = frozenset({"delegate"})
PLAIN: frozenset[str] = frozenset({"update_plan", "todo", "ask_user", "finish"})
_WRITERS, _READERS, _HARMLESS = EDITS | HUMAN, READS | COMMANDS | TYPING | PLAIN, READS | PLAIN
_TOOLS = _WRITERS | _READERS | HANDING

ALIASES: Mapping[str, str] = {
    "exec_command": "run_command",
    "run_pty_cmd": "run_command",
    "run_terminal_cmd": "run_command",
    "bash": "run_command",
    "grep_file": "search_text",
    "grep_search": "search_text",
    "code_search": "search_text",
    "list_dir": "list_files",
    "create_file": "write_file",
}
"""What the original program calls our tools."""


def unknown_tool(name: str) -> str:
    """What is wrong with the name of a tool in a rule: one sentence, empty for a tool, a pattern or an MCP tool."""
    if name in _TOOLS or name in ALIASES or name.startswith("mcp__") or not name.isidentifier():
        return ""
    close = get_close_matches(name, _TOOLS, 1)
    return f"no tool of vtcode is called {name!r}" + (f": did you mean {close[0]!r}?" if close else "")


def tool_effect(call: Call) -> Effect:
    """The most that a tool does by itself; a command's effect is judged from its words."""
    if call.tool in _WRITERS:
        return "write"
    return "read" if call.tool in _READERS else "run"


def judge_tool(call: Call, policy: Policy, situation: Situation, ground: Ground) -> list[Finding]:
    """The rule on the tool, and every file and host that the call declares."""
    findings = [_tool(call, policy, situation)]
    for path in call.access.reads:
        findings.append(
            judge_path(str(path), "read" if call.tool != "list_files" else "stat", str(call.cwd), ground)
        )
    for state in call.access.writes:
        findings.append(judge_path(str(state.path), "write", str(call.cwd), ground))
    for host in call.access.hosts:
        findings.append(_host(host, policy))
    if call.tool in HUMAN and call.origin == "human":
        # The human is looking at the change set: only protected paths are asked about once more, by name.
        findings = [f for f in findings if f.name in {"tool", "protected", "own files", "trust", "path rule"}]
    return findings


def _tool(call: Call, policy: Policy, situation: Situation) -> Finding:
    default, why = _default(call, situation)
    if call.tool.startswith("mcp__"):
        return _mcp(call.tool, policy)
    rule = policy.tool(call.tool)
    if rule is None or rule.origin.layer == "shipped":
        stated = rule.verdict if rule is not None else default
        mode: Mode = max(default, stated, key=STRICTNESS.__getitem__)
        return Finding("tool", mode, why or f"{call.tool}: {mode}")
    if rule.verdict == "allow" and default == "deny":
        return Finding("tool", "deny", why)
    return Finding("tool", rule.verdict, f"{call.tool}: {rule.verdict} by {rule.origin.place}")


def _default(call: Call, situation: Situation) -> tuple[Mode, str]:
    tool = call.tool
    if tool in _HARMLESS:
        return "allow", f"{tool} only reads the workspace"
    if tool in HUMAN:
        if call.origin == "human":
            return "allow", "the human decided on the change set"
        return "deny", f"{tool} is the human's to call"
    if tool in EDITS:
        if situation.staged:
            return "allow", "edits land in the session's layer and are reviewed as effects"
        return "prompt", "without a staging layer every edit is asked about"
    if tool in COMMANDS:
        if call.access.command is None:
            return "prompt", "a command that says nothing about what it runs"
        return "allow", "its commands are judged one by one"
    if tool in HANDING:
        return "allow", "a sub-task has no rights of its own: each of its calls is judged like any other"
    if tool in TYPING:
        return "allow", "what is typed is judged like a command when a shell may read it"
    return "prompt", f"no tool is known by the name {tool}"


def _mcp(name: str, policy: Policy) -> Finding:
    """A tool of an MCP server, `mcp__SERVER__TOOL`: in each file the closest rules, of the files the strictest."""
    server, _, tool = name.removeprefix("mcp__").partition("__")
    rules = [r for r in policy.mcp if fnmatchcase(server, r.server) and fnmatchcase(tool, r.tool)]
    closest: list[McpRule] = []
    for layer in dict.fromkeys(r.origin.layer for r in rules):
        mine = [r for r in rules if r.origin.layer == layer]
        named = [r for r in mine if r.server != "*"] or mine
        closest.extend([r for r in named if r.tool != "*"] or named)
    rule = max(closest, key=lambda r: STRICTNESS[r.verdict], default=None)
    if rule is None:
        return Finding("mcp", "prompt", f"{server} is an MCP server that no rule speaks about")
    return Finding("mcp", rule.verdict, f"{server}: {tool}: {rule.verdict} by {rule.origin.place}")


def _host(host: str, policy: Policy) -> Finding:
    rules = [r for r in policy.hosts if r.matches(host)]
    if rules:
        rule = max(rules, key=lambda r: STRICTNESS[r.verdict])
        return Finding("host", rule.verdict, f"{host}: {rule.verdict} by {rule.origin.place}")
    return Finding("host", "prompt", f"contacts {host}")
