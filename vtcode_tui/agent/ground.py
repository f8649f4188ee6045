"""What a session stands on: the workspace, its trust and layer, the policy's view of it, the models."""

from __future__ import annotations

import asyncio
import importlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from vtcode_tui.agent.asking import Asking
from vtcode_tui.agent.calls import Calls
from vtcode_tui.agent.commits import Commits
from vtcode_tui.agent.direct import Direct
from vtcode_tui.agent.finishing import finish_acceptances
from vtcode_tui.agent.instructions import Instructions, read_instructions
from vtcode_tui.agent.layered import Layered
from vtcode_tui.agent.means import Means
from vtcode_tui.agent.own_work import OwnWork
from vtcode_tui.agent.parts import Mode, human
from vtcode_tui.agent.prompts import system_prompt
from vtcode_tui.common.clock import rfc3339
from vtcode_tui.common.home import MANAGED_FOLDER, home_of_user
from vtcode_tui.events import Bus
from vtcode_tui.events.live import Notice
from vtcode_tui.gate.judging import PolicyJudge
from vtcode_tui.gate.plan import Plan
from vtcode_tui.gate.profile import Surroundings, configured
from vtcode_tui.gate.subject import Programs
from vtcode_tui.llm import Models
from vtcode_tui.policy import load_policy, write_rule
from vtcode_tui.policy.situation import Situation
from vtcode_tui.policy.types import Decision
from vtcode_tui.sandbox import toolchains
from vtcode_tui.sandbox.env import search_path
from vtcode_tui.sandbox.profile import Profile, Staging
from vtcode_tui.tools.registry import READ_ONLY, Registry
from vtcode_tui.workspace import Influence, Workspace, grant_trust
from vtcode_tui.workspace.layer import Layer, belongs_to_others, left_staged, make_folder
from vtcode_tui.workspace.protected import TRUST_MARKER

if TYPE_CHECKING:
    from vtcode_tui.agent.opening import Opening
    from vtcode_tui.code import Finder

_FRESH_SECONDS = 10.0


class SessionGround:
    """See `agent.session.Ground`."""

    def __init__(self, opening: Opening, models: Models, bus: Bus, session: str, *, trusted: bool) -> None:
        self._opening, self.models, self._bus = opening, models, bus
        settings = opening.settings.sandbox
        self._folder = opening.home.layers.resolve() / session
        self.layer = self._layer()
        self.staging = Staging(self.layer.lower, self.layer.upper, self.layer.work) if self.layer else None
        self.workspace = Workspace(
            opening.root,
            protect=settings.protect,
            mask=settings.mask,
            runs_by_itself=settings.runs_by_itself,
            upper=self.staging.upper if self.staging else None,
        )
        home = opening.home
        self._own = tuple(
            path.resolve() for path in dict.fromkeys((home.config, home.state, home.cache, MANAGED_FOLDER))
        )
        situation = Situation(
            root=self.workspace.root,
            user_home=home_of_user().resolve(),
            own=self._own,
            protected=self.workspace.protected_patterns,
            masked=self.workspace.masked_patterns,
            staged=self.staging is not None,
            mode=opening.settings.mode,
            trusted=trusted,
            search_path=tuple(map(Path, search_path(opening.environ, self.workspace.root).split(":"))),
        )
        policy = load_policy(home, self.workspace.root if trusted else None)
        self.judge = PolicyJudge(policy, situation, lambda rule: write_rule(home, rule))
        self._surroundings: Surroundings | None = None
        self._looking = asyncio.Lock()
        self._work: OwnWork | None = None
        self._commits: Commits | None = None
        self._means: Means | None = None
        self._finder: tuple[float, Finder] | None = None
        self._asking: Asking | None = None
        self._calls: Calls | None = None
        self._registry: Registry | None = None
        self._instructions = Instructions()

    def _layer(self) -> Layer | None:
        """The session's layer where this machine can have one and the configuration wants it."""
        opening = self._opening
        if not opening.capability.staging or opening.settings.sandbox.staging == "off":
            make_folder(self._folder)
            return None
        layer = Layer(opening.root.resolve(), self._folder)
        others = belongs_to_others(layer.lower, os.getuid(), os.getgid()) if os.getuid() != 0 else ""
        if others and not left_staged(self._folder.parent, self._folder.name):
            self._bus.publish(Notice(f"No staging here: {others}.", "warning"))
            make_folder(self._folder)
            return None
        layer.prepare()
        return layer

    def programs(self) -> Programs:
        """Finds programs where a run will find them: folders of PATH that no run can read are not looked at."""
        settings = self._opening.settings.sandbox
        roots = [
            *map(Path, (*toolchains.SYSTEM, *toolchains.MERGED)),
            *toolchains.in_home(home_of_user().resolve()),
            *toolchains.interpreter(),
            *configured((*settings.read, *settings.write), self._own),
        ]
        seen = tuple(
            folder
            for folder in self.judge.situation.search_path
            if any(folder.is_relative_to(root) or folder.resolve().is_relative_to(root) for root in roots)
        )
        return Programs(seen, self.workspace.root, self.workspace.state)

    @property
    def policy_sha256(self) -> str:
        """The digest of the rules in force."""
        return self.judge.sha256

    def surroundings(self) -> Surroundings:
        """What profiles are made from now."""
        if self._surroundings is None:
            self._surroundings = self._seen()
        return self._surroundings

    def _seen(self) -> Surroundings:
        return Surroundings(
            root=self.workspace.root,
            settings=self._opening.settings.sandbox,
            environ=self._opening.environ,
            own=self._own,
            protected=self.workspace.protected_paths(),
            hidden=self.workspace.masked_paths(),
            staging=self.staging,
            folder=self._folder,
        )

    def profiles(self, plan: Plan, decision: Decision) -> Profile:
        """The profile of a planned run."""
        return self.surroundings()(plan, decision)

    def changes(self, work: OwnWork, live: Callable[[], bool]) -> Direct | Layered:
        """Where the agent's changes are kept."""
        self._work = work
        self._commits = Commits(
            work,
            self.surroundings,
            self._bus,
            self._opening.clock,
            wanted="git-note" in self._opening.settings.audit.anchors,
        )
        means = Means(self.workspace, work, self.surroundings, self._bus, human(), live)
        self._means = means
        if self.layer is None:
            return Direct(self._folder, means, lambda: self.judge.situation.trusted)
        return Layered(self.layer, means)

    def attach(self, asking: Asking, calls: Calls, registry: Registry, instructions: Instructions) -> None:
        """What changes with the mode."""
        self._asking, self._calls, self._registry, self._instructions = asking, calls, registry, instructions

    async def look_again(self) -> None:
        """Files may have come or gone: see anew what is protected, masked and there.

        In a huge folder that takes seconds: it is done beside the loop, and until then what was seen last holds.
        """
        self._finder = None
        async with self._looking:
            self._surroundings = await asyncio.to_thread(self._seen)

    def set_mode(self, mode: Mode) -> None:
        """Let the policy and the model know another mode."""
        self.judge.situation = replace(self.judge.situation, mode=mode)
        if self._asking is None or self._calls is None or self._registry is None:
            return
        registry = self._registry.only(READ_ONLY) if mode == "read-only" else self._registry
        self._calls.registry = registry
        prompt = system_prompt(
            self.workspace.root, mode, staged=self.staging is not None, instructions=self._instructions.text
        )
        self._asking.set_prefix(prompt, registry.specs())

    async def trust(self, shown: tuple[Influence, ...]) -> Instructions:
        """Record that the human trusts the workspace, and let tools run from now on; what its AGENTS.md ask."""
        opening = self._opening
        grant_trust(self.workspace.root, opening.home, now=rfc3339(opening.clock.now()), shown=shown)
        self.judge.policy = load_policy(opening.home, self.workspace.root)
        self.judge.situation = replace(self.judge.situation, trusted=True)
        self._instructions = read_instructions(self.workspace.root)
        self.set_mode(self.judge.situation.mode)
        await self.look_again()
        return self._instructions

    async def find(self, query: str, limit: int) -> tuple[str, ...]:
        """Fuzzy search over the paths of the workspace, as a sandboxed walk found them a moment ago."""
        now = time.monotonic()
        if self._finder is None or now - self._finder[0] > _FRESH_SECONDS:
            # Loaded with the first @, beside the loop: it takes 3 MB, and many sessions never ask for a file.
            code = await asyncio.to_thread(importlib.import_module, "vtcode_tui.code.finder")
            self._finder = (now, code.Finder(self.workspace.root, await self._paths()))
        found = self._finder[1].find(query, limit + 1)
        # The trust marker is the human's: no model is to be pointed at it.
        return tuple(one.path for one in found if PurePosixPath(one.path).name != TRUST_MARKER)[:limit]

    async def _paths(self) -> list[str]:
        if self._work is None:
            return []
        profile = self.surroundings().profile(
            "read-only", writable=(), staging=self.staging, executes=False, wall_seconds=30.0
        )
        arguments = {"root": str(self.workspace.root)}
        answer, _ = await self._work.run(
            "list_paths", "vtcode_tui.code.workers", "listing", arguments, profile, "lists files for @"
        )
        return [str(path) for path in answer.get("paths", ())]

    async def finish(self) -> None:
        """Finish what had been accepted in this workspace when a crash cut it off, in whatever session."""
        if self._means is not None:
            await finish_acceptances(self._means, self._opening.home, self._folder.name)

    async def begin(self) -> None:
        """What is done before the first turn."""
        if self.judge.situation.trusted:
            await self.look_again()
        if self._commits is not None:
            await self._commits.begin()

    async def anchor(self) -> None:
        """Leave an anchor on the commits that came while the session ran."""
        if self._commits is not None:
            await self._commits.anchor()

    async def seal(self) -> None:
        """Close the journal for good."""
        await self._bus.close()
