"""`vtcode demo --auto`: the tour by itself. What it claims is checked in the world, not in what it prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vtcode_tui.common.home import Home
from vtcode_tui.demo.project import BROKEN, NEW, OLD
from vtcode_tui.demo.script import CONFIRM, GO_ON, PROMPT, TEST
from vtcode_tui.demo.stage import Stage, make_root, staged
from vtcode_tui.events import Event, read_events
from vtcode_tui.events.live import Live
from vtcode_tui.events.types import (
    ApprovalGranted,
    ApprovalRequested,
    ExecFinished,
    ExecStarted,
    PolicyDecided,
    ToolFinished,
    ToolRequested,
)
from vtcode_tui.gate.types import ApprovalRequest, Verdict
from vtcode_tui.sandbox import Spawner


class Scripted:
    """Approves everything that it is asked, as a human in a hurry would."""

    def __init__(self) -> None:
        self.asked: list[ApprovalRequest] = []

    async def ask(self, request: ApprovalRequest) -> Verdict:
        """Yes."""
        self.asked.append(request)
        return Verdict("granted", request.shown_sha256, via="demo")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the tour promises, and whether it came true."""

    text: str
    held: bool
    detail: str = ""


async def tour(home: Home, spawner: Spawner, say: Callable[[str], None]) -> tuple[list[Check], Path]:
    """Do the tour; what was checked, and the session's folder."""
    base = make_root()
    approver = Scripted()
    checks: list[Check] = []

    def reader(what: Event | Live) -> None:
        if isinstance(what, Event) and (line := _line(what)):
            say(line)

    try:
        async with staged(base, home, spawner, approver, reader, pace=0.0) as stage:
            say(f"  workspace {stage.project.root}, sandbox tier {stage.session.capability.tier}")
            say(f"> {PROMPT}")
            await stage.session.submit(PROMPT)
            checks += await _accept(stage, approver, say)
            say(f"> {GO_ON}")
            await stage.session.submit(GO_ON)
            fixed = stage.project.module.read_text(encoding="utf-8")
            visits = len(stage.listener.visits)
            folder, secret = stage.session.folder, stage.project.secret
        events = list(read_events(folder))
        checks += list(_promises(events, visits, secret, folder))
        checks.append(
            Check("the accepted change, and nothing else, is in the file", fixed == BROKEN.replace(OLD, NEW))
        )
        return checks, folder
    finally:
        await spawner.close()


async def _accept(stage: Stage, approver: Scripted, say: Callable[[str], None]) -> list[Check]:
    """The human accepts the edit; the real file must not have changed a moment before."""
    now = stage.project.module.read_text(encoding="utf-8")
    changes = await stage.session.changes()
    if not changes.files:
        asked = any(request.call.tool == "edit_file" and request.changes for request in approver.asked)
        return [Check("no layer on this machine: the edit was shown and approved before it was made", asked)]
    checks = [
        Check("the edit waits in the session's layer, the real file is untouched", now == BROKEN),
        Check("the change set holds that one file", [change.path for change in changes.files] == ["slugs.py"]),
    ]
    say("  accepting slugs.py in the diff pane")
    await stage.session.accept({"slugs.py": None}, changes.digest)
    return checks


def _promises(events: list[Event], visits: int, secret: str, folder: Path) -> Iterator[Check]:
    by_call = {event.call: event.data for event in events if isinstance(event.data, ToolRequested)}

    def calls(text: str) -> list[str]:
        return [c for c, d in by_call.items() if c and text in str(d.arguments.get("command", ""))]

    def of(kind: type, call: str) -> list[object]:
        return [event.data for event in events if event.call == call and isinstance(event.data, kind)]

    ends = [of(ExecFinished, call) for call in calls(TEST)]
    codes = [end[0].exit_code for end in ends if end and isinstance(end[0], ExecFinished)]
    yield Check("the test failed before the change and passes after it", codes == [1, 0], f"exit statuses {codes}")
    curl, script = calls("curl"), calls(CONFIRM)
    denied = [d for call in curl for d in of(PolicyDecided, call) if isinstance(d, PolicyDecided)]
    stopped = [d.decision for d in denied] == ["deny"] and not any(of(ExecStarted, call) for call in curl)
    yield Check("the planted command was denied by the policy and never started", stopped)
    let = all(of(ApprovalRequested, c) and of(ApprovalGranted, c) and of(ExecStarted, c) for c in script)
    yield Check("the planted script was let through by the human", bool(script) and let)
    results = [d.result for c in script for d in of(ToolFinished, c) if isinstance(d, ToolFinished)]
    unread = all("cannot read the deploy key" in r and "cannot reach the build server" in r for r in results)
    yield Check("the kernel refused it the key and the network", bool(results) and unread)
    yield Check("nobody ever came to the address in the README", visits == 0, f"{visits} connections")
    leaks = [path.name for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    yield Check("the key is nowhere in the session's records", not leaks, ", ".join(leaks))


def _line(event: Event) -> str:
    match event.data:
        case ToolRequested() as asked:
            what = asked.arguments.get("command") or asked.arguments.get("path") or ""
            return f"  {event.call:>4} {asked.tool} {what}"
        case PolicyDecided(decision="deny") as decided:
            return f"  {event.call:>4} DENIED by the policy: {decided.reason}"
        case ApprovalRequested() as waiting:
            return f"  {event.call:>4} waits for a human: {waiting.reason}"
        case ApprovalGranted(via="demo"):
            return f"  {event.call:>4} the (scripted) human lets it through"
        case ExecFinished() as ended if event.call and event.call.startswith("c"):
            return f"  {event.call:>4} ended with {ended.exit_code}"
        case _:
            return ""
