"""Sets the tour up: the project, the listener, the scripted model, and a session over them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

from vtcode_tui.agent import Opening, Session, capability_of, open_core
from vtcode_tui.agent.port import Reader
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Model, Provider, Providers, Settings
from vtcode_tui.demo.listener import Listener, listening
from vtcode_tui.demo.model import served
from vtcode_tui.demo.project import Project, make_project
from vtcode_tui.demo.script import script
from vtcode_tui.gate.types import Approver
from vtcode_tui.sandbox import Spawner
from vtcode_tui.workspace import grant_trust, revoke_trust

PACE = 0.02


def settings_for(base_url: str) -> Settings:
    """The settings of the tour: the scripted model like any other server that speaks Chat Completions."""
    provider = Provider(wire="openai-chat", base_url=base_url, models=("scripted",), data_class="local")
    return Settings(
        providers=Providers.of({"demo": provider}), model=Model(provider="demo", name="scripted", discover=False)
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """A tour under way."""

    project: Project
    listener: Listener
    session: Session


def demo_home(home: Home, project: Project) -> Home:
    """Sessions and keys are kept where they always are; the person's own configuration has no part in the tour."""
    return replace(home, config=project.base / "config")


def make_root() -> Path:
    """The folder that the project will be in, before the program that draws has an event loop."""
    import tempfile

    return Path(tempfile.mkdtemp(prefix="vtcode-demo-")).resolve()


@contextlib.asynccontextmanager
async def staged(
    base: Path, home: Home, spawner: Spawner, approver: Approver, reader: Reader | None, *, pace: float = PACE
) -> AsyncIterator[Stage]:
    """Everything that the tour needs, for as long as it lasts. Trust for the throw-away folder ends with it."""
    async with contextlib.AsyncExitStack() as stack:
        listener = await stack.enter_async_context(listening())
        project = make_project(listener.port, base)
        stack.callback(project.remove)
        own = demo_home(home, project)
        grant_trust(project.root, own, now=rfc3339(SystemClock().now()))
        stack.callback(revoke_trust, project.root, own)
        model = await stack.enter_async_context(served(script(project, listener.port), pace=pace))
        settings = settings_for(model.base_url)
        capability = await capability_of(spawner, settings)
        session = await open_core(
            Opening(
                root=project.root,
                home=own,
                settings=settings,
                spawner=spawner,
                capability=capability,
                approver=approver,
                reader=reader,
                origin="demo",
            )
        )
        try:
            yield Stage(project, listener, session)
        finally:
            await session.close("the tour ended")


class Tour:
    """The tour for a screen: opened behind its first frame, taken down when the session closes."""

    def __init__(self, home: Home, spawner: Spawner) -> None:
        self._home, self._spawner = home, spawner
        self.base = make_root()
        self.root = self.base / "slugs"
        self.root.mkdir(mode=0o700)
        self.folder: Path | None = None

    def settings(self) -> Settings:
        """What the screen looks like; the model is known only when it is served."""
        return Settings()

    async def open_core(self, approver: Approver, reader: Reader) -> Session:
        """Set the stage; closing the session takes it down."""
        stack = contextlib.AsyncExitStack()
        stage = await stack.enter_async_context(staged(self.base, self._home, self._spawner, approver, reader))
        self.folder = stage.session.folder

        async def down() -> None:
            await stack.aclose()
            await self._spawner.close()

        stage.session.when_closed(down)
        return stage.session
