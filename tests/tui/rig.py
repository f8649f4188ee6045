"""The app over a scripted core: what it is told is recorded, what happens is said by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from vtcode_tui.agent.forking import ForkPreview
from vtcode_tui.agent.rewinding import RewindPreview
from vtcode_tui.common.errors import StaleFileError, WorkspaceError
from vtcode_tui.common.files import sha256_of
from vtcode_tui.config.settings import Settings
from vtcode_tui.events.live import Live
from vtcode_tui.events.types import SYSTEM, Event, Payload
from vtcode_tui.gate.types import ApprovalRequest, Approver, Verdict
from vtcode_tui.llm.discover import Looked
from vtcode_tui.policy import Policy, decide, default_situation
from vtcode_tui.policy.types import Access, Call, Command, Decision, Scope
from vtcode_tui.render import visible
from vtcode_tui.sandbox.capability import Capability, Finding
from vtcode_tui.sandbox.run import TerminalSize
from vtcode_tui.tui.app import VtcodeApp
from vtcode_tui.workspace.changes import ChangeSet, FileChange, Hunk, Selection
from vtcode_tui.workspace.trust import Influence

Reader = Callable[[Event | Live], None]
PATIENCE = 100.0
"""Seconds until what ought to come is missed: where forty processes wait for a core, 40 are too few."""


class ScriptedCore:
    """A core whose every step the test takes itself."""

    def __init__(self, approver: Approver, reader: Reader) -> None:
        self.approver, self.reader = approver, reader
        self.session = "01920000-0000-7000-8000-000000000001"
        self.folder = Path("/nonexistent")
        self.model = "scripted/model"
        self.looked_for: tuple[str, ...] = ()
        self.capability = Capability("full", (Finding("landlock", True, "ABI 5"),), 5, True)
        self.trusted = True
        self.influencing: tuple[Influence, ...] | None = None
        self.mode: Literal["build", "plan", "read-only"] = "build"
        self.told: list[tuple[Any, ...]] = []
        self.stale = ""
        """Why nothing can be accepted."""
        self.playing: asyncio.Task[None] | None = None
        """A play that goes on by itself, held while it does."""
        self.staged = True
        self.waiting = ChangeSet()
        self.places: tuple[Looked, ...] = ()
        self.files: tuple[str, ...] = ("src/app.py", "src/apple.py", "README.md")
        self.turn_over = asyncio.Event()
        self.turn_over.set()
        self.command_over = asyncio.Event()
        self.command_over.set()
        self.asked: list[asyncio.Task[Verdict]] = []
        self._seq = 0

    # What the test says.

    def event(self, data: Payload, *, call: str | None = None, turn: int = 1, **more: Any) -> Event:
        event = Event(
            seq=self._seq,
            id=f"e{self._seq}",
            time=f"2026-11-22T20:{self._seq // 60 % 60:02d}:{self._seq % 60:02d}.000Z",
            mono_ns=self._seq * 1_000_000_000,
            type=data.TYPE,
            severity=more.pop("severity", data.SEVERITY),
            session=self.session,
            turn=turn,
            call=call,
            actor=more.pop("actor", SYSTEM),
            parent=more.pop("parent", None),
            data=data,
            prev="0" * 64,
        )
        self._seq += 1
        return event

    def say(self, data: Payload, **more: Any) -> Event:
        event = self.event(data, **more)
        self.reader(event)
        return event

    def live(self, happening: Live) -> None:
        self.reader(happening)

    # The protocol.

    def subscribe(self, reader: Reader) -> Callable[[], None]:
        return lambda: None

    async def submit(self, text: str, *, images: tuple[bytes, ...] = ()) -> None:
        self.told.append(("submit", text, images))
        await self.turn_over.wait()

    def steer(self, text: str) -> None:
        self.told.append(("steer", text))

    async def interrupt(self) -> None:
        self.told.append(("interrupt",))
        self.turn_over.set()

    async def shell(self, text: str, size: TerminalSize) -> None:
        self.told.append(("shell", text))
        await self.command_over.wait()

    def type_into(self, call: str, data: bytes) -> None:
        self.told.append(("type_into", call, data))

    def resize(self, call: str, size: TerminalSize) -> None:
        self.told.append(("resize", call, size))

    def kill(self, call: str) -> None:
        self.told.append(("kill", call))

    async def changes(self) -> ChangeSet:
        return self.waiting

    async def accept(self, selection: Selection, digest: str) -> None:
        self.told.append(("accept", dict(selection), digest))
        if self.stale:
            raise StaleFileError(self.stale)

    async def discard(self, selection: Selection, digest: str) -> None:
        self.told.append(("discard", dict(selection), digest))

    async def preview_rewind(self, turn: int) -> RewindPreview:
        return RewindPreview(turn, "the prompt", 2, files=self.waiting)

    async def rewind(self, turn: int, digest: str, *, files: bool = True, undo: Collection[str] = ()) -> None:
        assert digest == (await self.preview_rewind(turn)).digest
        self.told.append(("rewind", turn, files, tuple(undo)))

    async def preview_fork(self, turn: int | None) -> ForkPreview:
        return ForkPreview(turn, self.waiting)

    async def compact(self) -> None:
        self.told.append(("compact",))

    async def set_mode(self, mode: Literal["build", "plan", "read-only"]) -> None:
        self.told.append(("set_mode", mode))

    async def set_model(self, provider: str, model: str) -> None:
        self.told.append(("set_model", provider, model))

    async def note_setting(self, key: str, before: str, after: str, file: str) -> None:
        self.told.append(("note_setting", key, before, after, file))

    async def models(self) -> tuple[Looked, ...]:
        return self.places

    async def load_model(self, provider: str, model: str, context: int | None = None) -> None:
        self.told.append(("load_model", provider, model, context))

    async def unload_model(self, provider: str, model: str) -> None:
        self.told.append(("unload_model", provider, model))

    async def find_files(self, query: str, limit: int) -> tuple[str, ...]:
        return tuple(path for path in self.files if query in path)

    async def grant_trust(self, shown: tuple[Influence, ...]) -> None:
        if self.influencing is not None and shown != self.influencing:
            raise WorkspaceError("the files that influence it changed while you were reading: look again")
        self.told.append(("grant_trust",))
        self.trusted = True

    async def close(self, reason: str) -> None:
        self.told.append(("close", reason))

    # Approvals.

    def ask(self, command: str, **more: Any) -> asyncio.Task[Verdict]:
        return asyncio.get_running_loop().create_task(self.approver.ask(request(command, **more)))


def request(
    command: str,
    *,
    call: str = "call-1",
    risk: Any = "medium",
    scopes: tuple[Scope, ...] = (),
    judged: bool = False,
    **more: Any,
) -> ApprovalRequest:
    """A request as the gate would make it; `judged` has the policy's own decision in it."""
    made = Call(
        call, "run_command", {"command": command}, Access(command=Command(text=command)), Path("/work/project")
    )
    shown = visible(command)
    decision = Decision("prompt", "default", "no rule allows this program", risk=risk, scopes=scopes)
    if judged:
        decision = replace(decide(made, Policy(), default_situation(made.cwd, Path("/home/dev"))), scopes=scopes)
    return ApprovalRequest(
        made,
        decision,
        shown,
        sha256_of(shown),
        made.digest,
        ("writes: this folder and a private temp folder", "network: off"),
        0,
        scopes=scopes,
        **more,
    )


def staged(*, hunks: int = 2) -> ChangeSet:
    made = tuple(
        Hunk(i, 3 + 10 * i, (b"    return a - b\n",), 3 + 10 * i, (b"    return a + b\n", b"    # checked\n"))
        for i in range(hunks)
    )
    old = "".join(f"line {n}\n" for n in range(1, 40)).encode()
    one = FileChange(
        "src/calc.py",
        "update",
        before_sha256="a" * 64,
        after_sha256="b" * 64,
        added=2 * hunks,
        removed=hunks,
        hunks=made,
        old_text=old,
        new_text=old,
    )
    two = FileChange(
        "tests/test_calc.py",
        "create",
        after_sha256="c" * 64,
        added=2,
        hunks=(Hunk(0, 0, (), 1, (b"def test():\n", b"    assert True\n")),),
        new_text=b"def test():\n    assert True\n",
    )
    return ChangeSet((one, two))


class Rig:
    """The app and its core."""

    def __init__(self, settings: Settings, **more: Any) -> None:
        self.cores: list[ScriptedCore] = []
        self.prepare: Callable[[ScriptedCore], None] = lambda core: None
        self.app = VtcodeApp(self._open, lambda: settings, root=Path("/work/project"), **more)

    async def _open(self, approver: Approver, reader: Reader) -> ScriptedCore:
        core = ScriptedCore(approver, reader)
        self.prepare(core)
        self.cores.append(core)
        return core

    @property
    def core(self) -> ScriptedCore:
        return self.cores[0]

    async def ready(self, pilot: Any) -> ScriptedCore:
        await until(lambda: bool(self.cores) and self.app.core is not None, pilot)
        await pilot.pause()
        return self.core


async def until(condition: Callable[[], bool], pilot: Any, *, seconds: float = PATIENCE) -> None:
    """Let the app go on until something is so."""
    async with asyncio.timeout(seconds):
        while not condition():
            await pilot.pause()
            await asyncio.sleep(0.005)


async def read_to_the_end(rig: Rig, pilot: Any) -> None:
    """Read what waits from its beginning until all of it was on the screen, going back to what a frame left out."""
    content, item = rig.app.work.approvals.content, rig.app.queue.current
    assert item is not None
    content.scroll_home(animate=False, immediate=True)
    async with asyncio.timeout(PATIENCE):
        while item.unseen():
            await pilot.pause()
            if content.is_vertical_scroll_end:
                content.scroll_home(animate=False, immediate=True)
            else:
                await pilot.press("ctrl+down")
