"""Leaves an anchor of the root log as a git note on commits that come while a session runs (`audit.anchors`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vtcode_tui.agent.own_work import OwnWork
from vtcode_tui.common.clock import Clock
from vtcode_tui.common.errors import VtcodeError
from vtcode_tui.events import Bus
from vtcode_tui.events.live import Notice
from vtcode_tui.gate.profile import Surroundings
from vtcode_tui.workspace.gitnotes import MODULE, REF


class Commits:
    """The commits of one session. The work is done in the sandbox, which may write `.git` and nothing else there.

    No git is started: see `workspace.gitobjects`.
    """

    def __init__(
        self, work: OwnWork, surroundings: Callable[[], Surroundings], bus: Bus, clock: Clock, *, wanted: bool
    ) -> None:
        self._work, self._surroundings, self._bus, self._clock = work, surroundings, bus, clock
        self._wanted = wanted
        self._since: str | None = None
        self._began = 0

    async def begin(self) -> None:
        """Remember which commit was checked out when the session began."""
        if self._wanted:
            self._began = int(self._clock.now().timestamp())
            self._since = str((await self._run("head", "looks which commit is checked out")).get("head", ""))

    async def anchor(self) -> None:
        """Leave the anchor on what came since. What fails is said, and is an anchor that is missing later."""
        if self._since is None:
            return
        try:
            now = str((await self._run("head", "looks which commit is checked out")).get("head", ""))
            if now in {"", self._since}:
                return
            line = await self._bus.journal.anchor()
            said = await self._run(
                "leave",
                "leaves an anchor as a git note",
                line=line,
                ref=REF,
                since=self._since,
                after=self._began,
            )
            for commit in said.get("commits", ()):
                self._bus.journal.anchored(f"git-note:{commit}", line)
        except VtcodeError as error:
            self._bus.publish(Notice(str(error), "warning"))

    async def _run(self, function: str, why: str, **arguments: Any) -> Mapping[str, Any]:
        around = self._surroundings()
        git = around.root / ".git"
        if not git.is_dir():
            return {}
        profile = around.profile(
            "git-note",
            writable=(git,) if function == "leave" else (),
            staging=None,
            executes=False,
            wall_seconds=60.0,
        )
        given = {"root": str(around.root), **arguments}
        answer, _ = await self._work.run(f"git_note_{function}", MODULE, function, given, profile, why)
        return answer
