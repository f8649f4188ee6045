"""What the human is shown of a call: every byte of what will run, made visible, and what the sandbox will allow."""

from __future__ import annotations

import json
from pathlib import Path

from vtcode_tui.gate.plan import Plan
from vtcode_tui.gate.subject import Subject
from vtcode_tui.render import visible
from vtcode_tui.sandbox.grant import Execute, Invoke
from vtcode_tui.sandbox.profile import Profile
from vtcode_tui.workspace.changes import ChangeSet


def shown(plan: Plan, subject: Subject, root: Path) -> str:
    """The exact text that is shown and signed for. Nothing is cut."""
    lines = [f"{plan.call.tool} in {visible(_place(plan.call.cwd, root))}", ""]
    command = plan.call.access.command
    if command is not None and command.text is not None:
        lines += ["$ " + visible(command.text).replace("\n", "\n  ")]
    elif isinstance(subject.work, Execute):
        lines += [f"{'$' if i == 0 else ' '} {visible(word)}" for i, word in enumerate(subject.work.argv)]
    elif plan.call.access.typed is not None:
        lines += [
            f"types into {visible(str(plan.call.arguments.get('call', '')))}:",
            visible(plan.call.access.typed),
        ]
    elif plan.changes is not None:
        lines += _diff(plan.changes)
    elif isinstance(subject.work, Invoke):
        lines += [
            f"{key}: {visible(value if isinstance(value, str) else json.dumps(value))}"
            for key, value in plan.call.arguments.items()
        ]
    elif plan.call.origin == "system":
        lines.append(visible(plan.summary))
    if subject.executable is not None:
        lines += [
            "",
            f"program  {visible(str(subject.executable))}  sha256 {subject.executable_sha256[:16] or '?'}",
        ]
    for pin in subject.pins:
        if pin.path != subject.executable:
            kind = "file   " if pin.path.is_relative_to(root) else "program"
            state = f"sha256 {pin.sha256[:16]}" if pin.sha256 else "does not exist yet"
            lines.append(f"{kind}  {visible(_place(pin.path, root))}  {state}")
    return "\n".join(lines)


def _place(path: Path, root: Path) -> str:
    if path == root:
        return f"{root} (the workspace)"
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _diff(changes: ChangeSet) -> list[str]:
    lines: list[str] = []
    for change in changes.files:
        name = visible(change.path)
        lines.append(f"{change.op} {name}  +{change.added} -{change.removed}" + ("  (binary)" * change.binary))
        for hunk in change.hunks:
            old = f"-{hunk.old_start},{len(hunk.old_lines)}"
            lines.append(f"@@ {old} +{hunk.new_start},{len(hunk.new_lines)} @@")
            lines += [f"-{_line(raw)}" for raw in hunk.old_lines]
            lines += [f"+{_line(raw)}" for raw in hunk.new_lines]
    return lines


def _line(raw: bytes) -> str:
    return visible(raw.decode("utf-8", "surrogateescape").removesuffix("\n"))


def allowances(profile: Profile, plan: Plan, root: Path) -> tuple[str, ...]:
    """What the sandbox will let the run do, a line for each kind of thing."""
    lines = []
    if profile.staging is not None and plan.writes:
        lines.append("files: writes land in this session's layer; the real files do not change until you accept")
    elif root in profile.writable:
        lines.append(f"files: the real workspace is writable ({visible(str(root))})")
    else:
        lines.append("files: nothing of the workspace is writable")
    others = [path for path in profile.writable if path != root]
    if others:
        lines.append("also writable: " + ", ".join(visible(str(path)) for path in others))
    lines.append(
        "readable: the workspace, the system's programs" + "".join(f", {visible(str(p))}" for p in profile.readable)
    )
    if profile.network.mode == "hosts":
        lines.append("network: only " + ", ".join(map(visible, profile.network.hosts)))
    else:
        lines.append("network: off; a private loopback where this machine has it")
    lines.append(f"time: {profile.limits.wall_seconds:.0f} s; ends with everything it started")
    return tuple(lines)
