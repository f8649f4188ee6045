"""What performs calls, put together: a gate, an executor and the calls over them, for a session or a sub-task."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vtcode_tui.agent.calls import Calls, Handing
from vtcode_tui.agent.changes import Changes, Previews
from vtcode_tui.agent.own_work import OwnWork
from vtcode_tui.agent.states import TurnTable
from vtcode_tui.events import Redactor
from vtcode_tui.events.within import Recorder
from vtcode_tui.gate.execution import Execution, Executor
from vtcode_tui.gate.gate import Gate
from vtcode_tui.gate.judging import Judge, ReadingJudge
from vtcode_tui.gate.recording import recordings
from vtcode_tui.gate.signing import ApprovalSigner, key_source
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.terminal.kept import spool_of
from vtcode_tui.tools.delegating import SUBTASKS
from vtcode_tui.tools.registry import READ_ONLY, Registry, builtin

if TYPE_CHECKING:
    from vtcode_tui.agent.assembling import Opened
    from vtcode_tui.agent.ground import SessionGround
    from vtcode_tui.agent.nursery import Nursery
    from vtcode_tui.agent.opening import Opening


class Bench:
    """Makes calls; `parent` performs the session's own, and no sub-task has a tool that it lacks."""

    def __init__(
        self,
        opening: Opening,
        opened: Opened,
        ground: SessionGround,
        nursery: Nursery,
        redactor: Redactor,
        table: TurnTable,
        redact: Callable[[str], str],
        number: Callable[[], str],
    ) -> None:
        self._opening, self._opened, self._ground, self._nursery = opening, opened, ground, nursery
        self._redactor, self._table, self._redact, self.number = redactor, table, redact, number
        self.runs: dict[str, Execution] = {}
        self.changes: Changes | None = None
        self.parent: Calls | None = None

    def __call__(self, bus: Recorder, *, reads: bool) -> Calls:
        """The calls of a sub-task."""
        assert self.parent is not None
        judge = ReadingJudge(self._ground.judge) if reads else self._ground.judge
        gate, executor = self.gate(bus, judge), self.executor(bus)
        work = OwnWork(gate, executor, self._ground.workspace.root, self.number)
        registry = self.parent.registry.without(SUBTASKS)
        calls = self.calls(bus, gate, executor, work, registry.only(READ_ONLY) if reads else registry, None)
        calls.size = self.parent.size
        return calls

    def registry(self) -> Registry:
        """The tools of the session."""
        context = self._opening.settings.context
        registry = builtin(head=context.output_head_bytes, tail=context.output_tail_bytes)
        return registry.only(self._opening.tools) if self._opening.tools else registry

    def gate(self, bus: Recorder, judge: Judge) -> Gate:
        """A gate that records on `bus`."""
        opening, opened = self._opening, self._opened
        approvals = opening.settings.approvals
        signer = ApprovalSigner(
            session=opened.store.meta.id,
            head=lambda: opened.journal.head,
            settings=approvals,
            source=key_source(approvals, opening.environ),
            clock=opening.clock,
        )
        return Gate(
            bus=bus,
            judge=judge,
            approver=opening.approver,
            profiles=self._ground.profiles,
            programs=self._ground.programs(),
            root=self._ground.workspace.root,
            redact=self._redact,
            sign=signer,
            auth=lambda: signer.auth,
            clock=opening.clock,
            expire_seconds=approvals.expire_seconds,
            contained=not opening.capability.uncontained,
        )

    def executor(self, bus: Recorder) -> Executor:
        """An executor that records on `bus`."""
        opening = self._opening
        return Executor(
            bus=bus,
            spawner=opening.spawner,
            capability=opening.capability,
            tasks=self._nursery.start,
            recording=recordings(self._opened.store.folder, self._redactor, opening.clock),
            redact=self._redact,
            clock=opening.clock,
        )

    def calls(
        self,
        bus: Recorder,
        gate: Gate,
        executor: Executor,
        work: OwnWork,
        registry: Registry,
        handing: Handing | None,
    ) -> Calls:
        """Calls over a gate and an executor."""
        folder, ground, changes = self._opened.store.folder, self._ground, self.changes
        assert changes is not None

        async def observe(call: str, turn: int, outcome: Outcome, executed: bool) -> None:
            await ground.look_again()
            for changed in await changes.after(outcome, turn, executed=executed):
                await bus.record(changed, turn=turn, call=call)

        return Calls(
            bus=bus,
            gate=gate,
            executor=executor,
            registry=registry,
            place=ground.workspace,
            outputs=lambda call: spool_of(folder, call),
            prepare=changes.before,
            observe=observe,
            preview=None if changes.staged else Previews(work, ground.surroundings),
            table=self._table,
            redact=self._redact,
            clock=self._opening.clock,
            runs=self.runs,
            handing=handing,
        )
