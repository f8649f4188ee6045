"""Rules that can never decide, because another one is as strict and speaks about everything that they do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from vtcode_tui.policy.rules import CommandRule, HostRule, McpRule, Notice, PathRule, Rule, ToolRule
from vtcode_tui.policy.types import STRICTNESS, Mode


def never_deciding(rules: Sequence[Rule]) -> Iterator[Notice]:
    """One notice for each rule that a person wrote in vain; the shipped rules give way to every other one."""
    written = [r for r in rules if r.origin.layer != "shipped"]
    for number, rule in enumerate(written):
        others = written[:number] + written[number + 1 :]
        wider = next((o for o in others if _covers(o, rule)), None)
        if wider is not None:
            yield Notice(
                f"this rule never decides: the one at {wider.origin.place} is as strict and covers it", rule.origin
            )


def _covers(wide: Rule, narrow: Rule) -> bool:
    match wide, narrow:
        case ToolRule(), ToolRule():
            return _stricter(wide.verdict, narrow.verdict, wide.tool != narrow.tool) and _names(
                wide.tool, narrow.tool
            )
        case CommandRule(), CommandRule():
            return _covers_command(wide, narrow)
        case HostRule(), HostRule():
            return _stricter(wide.verdict, narrow.verdict, wide.host != narrow.host) and _names(
                wide.host.casefold(), narrow.host.casefold()
            )
        case PathRule(), PathRule():
            return _covers_path(wide, narrow)
        case McpRule(), McpRule():
            # In one file a server's default is for the tools that it does not name.
            same = wide.origin.layer == narrow.origin.layer
            return (
                not same
                and _stricter(wide.verdict, narrow.verdict, False)
                and _names(wide.server, narrow.server)
                and _names(wide.tool, narrow.tool)
            )
        case _:
            return False


def _stricter(wide: Mode, narrow: Mode, differs: bool) -> bool:
    """As strict suffices for a rule about more; of two about the same only the stricter one decides."""
    return STRICTNESS[wide] > STRICTNESS[narrow] or (differs and wide == narrow)


def _names(wide: str, narrow: str) -> bool:
    return wide == narrow or (fnmatchcase(narrow, wide) and not fnmatchcase(wide, narrow))


def _covers_command(wide: CommandRule, narrow: CommandRule) -> bool:
    if wide.workspace not in {"", narrow.workspace}:
        return False
    same = (wide.command, wide.text) == (narrow.command, narrow.text)
    if same and wide.extent == narrow.extent:
        return _stricter(wide.verdict, narrow.verdict, wide.workspace != narrow.workspace)
    begins = bool(wide.command) and narrow.command[: len(wide.command)] == wide.command
    return wide.extent == "prefix" and begins and _stricter(wide.verdict, narrow.verdict, True)


def _covers_path(wide: PathRule, narrow: PathRule) -> bool:
    if wide.pattern == narrow.pattern or set("*?[!\\") & set(wide.pattern + narrow.pattern):
        # The same pattern twice is reported where it stands; what wildcards cover is not computed.
        return False
    anchored = [p.startswith("/") or "/" in p.strip("/") for p in (wide.pattern, narrow.pattern)]
    below = narrow.pattern.strip("/").split("/")
    above = wide.pattern.strip("/").split("/")
    if (anchored[0] and not anchored[1]) or below[: len(above)] != above:
        return False
    uses = [(wide.read, narrow.read), (wide.write, narrow.write)]
    spoken = [(w, n) for w, n in uses if n is not None]
    return bool(spoken) and all(w is not None and _stricter(w, n, True) for w, n in spoken)
