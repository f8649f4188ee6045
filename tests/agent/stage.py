"""A real session for tests: real journal, real policy, real sandbox; only the model is scripted, over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lent import lent_spawner, proven
from vtcode_tui.agent import Opening, Session, capability_of, open_core, start_spawner
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import DataClass, Model, Provider, Providers, Settings
from vtcode_tui.demo import Served, Step, in_order, served
from vtcode_tui.events import Event, read_events
from vtcode_tui.events.live import Live
from vtcode_tui.gate.types import ApprovalRequest, Verdict
from vtcode_tui.workspace import grant_trust

Answering = Callable[[ApprovalRequest], Awaitable[Verdict]]


async def yes(request: ApprovalRequest) -> Verdict:
    return Verdict("granted", request.shown_sha256)


async def no(request: ApprovalRequest) -> Verdict:
    return Verdict("denied", request.shown_sha256, reason="not today")


@dataclass
class Human:
    """Answers by a function that a test may change; remembers what it was asked."""

    answer: Answering = yes
    asked: list[ApprovalRequest] = field(default_factory=list)
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, request: ApprovalRequest) -> Verdict:
        self.asked.append(request)
        self.bell.set()
        return await self.answer(request)


@dataclass
class Stage:
    """A session and what a test needs to look at it from outside."""

    session: Session
    root: Path
    home: Home
    human: Human
    model: Served
    heard: list[Event | Live]

    def events(self, kind: str = "") -> list[Event]:
        return [e for e in read_events(self.session.folder) if e.type.startswith(kind)]

    def told(self, call: str) -> str:
        """What the model was told about a call, in the last request it got."""
        for message in self.model.requests[-1]["messages"]:
            if message.get("tool_call_id") == call:
                return str(message["content"])
        raise AssertionError(f"no result for {call} in the last request")

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds, looked at whenever something is heard or asked."""
        while not condition():
            self.human.bell.clear()
            await self.human.bell.wait()


def home_in(tmp_path: Path) -> Home:
    return Home(tmp_path / "vt" / "config", tmp_path / "vt" / "state", tmp_path / "vt" / "cache")


def settings_for(
    model: Served, *, name: str = "scripted", data_class: DataClass = "local", **more: Any
) -> Settings:
    provider = Provider(wire="openai-chat", base_url=model.base_url, models=(name,), data_class=data_class)
    return Settings(
        providers=Providers.of({"test": provider}),
        model=Model(provider="test", name=name, discover=False),
        **more,
    )


@contextlib.asynccontextmanager
async def staged(
    tmp_path: Path,
    steps: Sequence[Step] | Callable[[Any], Step],
    *,
    human: Human | None = None,
    trusted: bool = True,
    files: dict[str, str] | None = None,
    resume: Path | None = None,
    environ: dict[str, str] | None = None,
    alone: bool = False,
    **more: Any,
) -> AsyncIterator[Stage]:
    """A session; `alone`: with a fork server that is started and tried out for it, and no other's (see `lent`)."""
    root, home = tmp_path / "ws", home_in(tmp_path)
    root.mkdir(exist_ok=True)
    for name, text in (files or {}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    if trusted and resume is None:
        grant_trust(root, home, now=rfc3339(SystemClock().now()))
    human = human or Human()
    heard: list[Event | Live] = []

    def hear(what: Event | Live) -> None:
        heard.append(what)
        human.bell.set()

    spawner = start_spawner(home) if alone else lent_spawner(home)
    script = steps if callable(steps) else in_order(steps)
    try:
        async with served(script) as model:
            settings = settings_for(model, **more)
            session = await open_core(
                Opening(
                    root=root,
                    home=home,
                    settings=settings,
                    spawner=spawner,
                    capability=await (capability_of if alone else proven)(spawner, settings),
                    approver=human,
                    reader=hear,
                    origin="exec",
                    resume=resume,
                    environ=environ or {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)},
                )
            )
            try:
                yield Stage(session, root, home, human, model, heard)
            finally:
                await session.close("test")
    finally:
        await spawner.close()
