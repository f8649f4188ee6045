"""The approval queue: the `Approver` of the screen, and the rules of when an answer counts.

What waits keeps its place: the oldest first, new ones at the end, the selection by identity. A yes counts only when
every row of the exact content has been on the screen and nothing about it has changed for the grace time, measured
from when the terminal said that it has drawn it to the moment the key was pressed: keys typed ahead answer nothing,
however slow the line is.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vtcode_tui.common.errors import ConfigError
from vtcode_tui.gate.types import ApprovalRequest, Verdict
from vtcode_tui.policy.types import Scope

Readiness: TypeAlias = Literal["unseen", "settling", "ready"]


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: how long the answer holds, and the rule that would be kept."""

    scope: Literal["once", "session", "always"]
    rule: Scope | None = None


def ladder(request: ApprovalRequest) -> tuple[Rung, ...]:
    """Every answer that may be offered for a request, narrowest first."""
    scopes = request.scopes or request.decision.scopes
    rungs = [Rung("once")]
    for scope in scopes:
        rungs += [Rung("session", scope), Rung("always", scope)]
    return tuple(rungs)


@dataclass(slots=True, eq=False)
class Waiting:
    """One request that waits, and what of it the person has seen."""

    request: ApprovalRequest
    answer: asyncio.Future[Verdict]
    since: float
    rungs: tuple[Rung, ...]
    rung: int = 0
    edited: str | None = None
    rows: int | None = None
    """How many rows must be read at the present width; None until it has been laid out."""
    layout: tuple[int, int, str] | None = None
    """The width, the rows of the exact content, and the rule, that `rows` was counted for."""
    seen: set[int] = field(default_factory=set)
    changed: float = 0.0
    complete: bool = False
    """Every row was on the screen at some time, at one width."""
    looks: int = 0
    """How often it has come to look different."""
    drawn: bool = False
    """The terminal has drawn it as it looks now."""

    def readiness(self, now: float, grace: float) -> Readiness:
        """Whether a yes given at `now` counts."""
        if not self.complete:
            return "unseen"
        return "ready" if self.drawn and now - self.changed >= grace else "settling"

    def unseen(self) -> int:
        """How many rows that must be read nobody has seen yet."""
        return 0 if self.complete else (self.rows or 1) - len(self.seen)

    @property
    def chosen(self) -> Rung:
        """The answer that a yes would give."""
        return self.rungs[self.rung]


class ApprovalQueue:
    """Everything that waits for the person; `changed` is called whenever there is something else to show."""

    def __init__(
        self,
        *,
        grace: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[], None] = lambda: None,
        arrived: Callable[[], None] = lambda: None,
    ) -> None:
        self.grace = grace
        self.waiting: list[Waiting] = []
        self.current: Waiting | None = None
        self.on_change = changed
        self.on_arrival = arrived
        self.clock = clock
        self.when_drawn: Callable[[Callable[[], None]], None] = lambda then: then()
        """Calls back when the terminal has drawn what the screen is about to look like."""

    # The gate's side.

    async def ask(self, request: ApprovalRequest) -> Verdict:
        """Wait for the person's answer to one request; being cancelled takes it off the queue."""
        now = self.clock()
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        item = Waiting(request, answer, since=now, rungs=ladder(request), changed=now)
        self.waiting.append(item)
        if self.current is None:
            self.current = item
        self.on_arrival()
        self.on_change()
        try:
            async with asyncio.timeout(request.expires_s):
                return await answer
        except TimeoutError:
            return Verdict("expired")
        finally:
            self._remove(item)

    def _remove(self, item: Waiting) -> None:
        if item in self.waiting:
            self.waiting.remove(item)
        if self.current is item:
            self.current = self.waiting[0] if self.waiting else None
            self._touch()
        self.on_change()

    # The screen's side.

    def laid_out(self, item: Waiting, rows: int, layout: tuple[int, int, str] | None = None) -> None:
        """There are `rows` rows to read now. At another width all of them must be seen anew; with another rule, all
        that stands below the exact content."""
        if item.rows == rows and item.layout == layout:
            return
        same_width = item.layout is not None and layout is not None and item.layout[:2] == layout[:2]
        kept = layout[1] if same_width and layout is not None else 0
        item.rows, item.layout = rows, layout
        item.seen = {row for row in item.seen if row < kept}
        item.complete = len(item.seen) == rows
        self._looks_different(item)

    def saw(self, item: Waiting, row: int) -> None:
        """Row `row` of those to be read is on the screen."""
        if item.complete or item.rows is None or not 0 <= row < item.rows:
            return
        item.seen.add(row)
        if len(item.seen) == item.rows:
            item.complete = True
            self._looks_different(item)

    def _touch(self) -> None:
        if self.current is not None:
            self._looks_different(self.current)

    def _looks_different(self, item: Waiting) -> None:
        item.changed, item.drawn = self.clock(), False
        item.looks += 1
        if item.complete:
            looks = item.looks
            self.when_drawn(lambda: self._is_drawn(item, looks))

    def _is_drawn(self, item: Waiting, looks: int) -> None:
        if looks == item.looks and not item.drawn:
            item.changed, item.drawn = self.clock(), True
            self.on_change()

    def select(self, delta: int) -> None:
        """Look at another request; the order of the queue stays."""
        if self.current is None:
            return
        index = self.waiting.index(self.current)
        self.current = self.waiting[(index + delta) % len(self.waiting)]
        self._touch()
        self.on_change()

    def widen(self, delta: int = 1) -> None:
        """Take another rung of the ladder; what it means must be looked at again."""
        if self.current is None:
            return
        self.current.rung = (self.current.rung + delta) % len(self.current.rungs)
        self._touch()
        self.on_change()

    def rewrite_rule(self, text: str) -> None:
        """The person's own wording of the rule, as JSON; raises ValueError with what is wrong."""
        item = self.current
        if item is None or item.chosen.rule is None:
            raise ValueError("there is no rule to edit for `once`")
        try:
            rule = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"the rule is not JSON: {error.msg} at character {error.pos + 1}") from error
        if not isinstance(rule, dict):
            raise ValueError("the rule must be an object of JSON, as the one that was shown")
        from vtcode_tui.policy import Policy  # only when a rule is edited

        try:
            Policy().with_rules([rule])
        except ConfigError as error:
            raise ValueError(f"it is no rule: {error}") from error
        # The examples were of the rule that was proposed.
        kept = Scope(item.chosen.rule.name, rule, f"as you wrote it: {json.dumps(rule)}")
        rungs = list(item.rungs)
        rungs[item.rung] = Rung(item.chosen.scope, kept)
        item.rungs = tuple(rungs)
        self._touch()
        self.on_change()

    # Answers.

    def approve(self, pressed: float) -> Readiness | None:
        """Say yes with the chosen rung, if a yes counts at the moment the key was pressed; else say why not."""
        item = self.current
        if item is None:
            return None
        state = item.readiness(pressed, self.grace)
        if state == "ready":
            self._answer(item, self._yes(item))
        return state

    def alike(self, pressed: float) -> list[Waiting]:
        """The current request and every other of its tool and rule, as far as each was read to its end."""
        first = self.current
        if first is None or first.readiness(pressed, self.grace) != "ready":
            return []
        kind = (first.request.call.tool, first.request.decision.rule)
        return [
            item
            for item in self.waiting
            if (item.request.call.tool, item.request.decision.rule) == kind
            and item.readiness(pressed, self.grace) == "ready"
        ]

    def approve_alike(self, pressed: float) -> int:
        """Say yes once to everything alike that was read; how many that were."""
        alike = self.alike(pressed)
        for item in alike:
            self._answer(item, Verdict("granted", item.request.shown_sha256))
        return len(alike)

    def deny(self, reason: str = "", item: Waiting | None = None) -> None:
        """Say no; the reason goes to the model."""
        item = item or self.current
        if item is not None:
            self._answer(item, Verdict("denied", item.request.shown_sha256, reason=reason))

    def edit(self, text: str, item: Waiting | None = None) -> None:
        """Let the command run as the person changed it: it goes through the whole gate again."""
        item = item or self.current
        if item is not None:
            self._answer(item, Verdict("granted", item.request.shown_sha256, edited=text))

    def unattended(self) -> None:
        """Nobody is there any more: everything that waits is answered so."""
        for item in list(self.waiting):
            self._answer(item, Verdict("unattended"))

    def _yes(self, item: Waiting) -> Verdict:
        rung = item.chosen
        return Verdict("granted", item.request.shown_sha256, scope=rung.scope, rule=rung.rule)

    def _answer(self, item: Waiting, verdict: Verdict) -> None:
        if not item.answer.done():
            item.answer.set_result(verdict)
        self._remove(item)
