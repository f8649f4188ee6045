"""vtcode's own work in the sandbox: previews, listings, what the human accepted. Recorded like any other run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vtcode_tui.common.errors import SandboxError, StaleFileError, WorkspaceError
from vtcode_tui.gate.execution import Executor
from vtcode_tui.gate.gate import Gate
from vtcode_tui.gate.plan import Plan
from vtcode_tui.gate.types import Refusal
from vtcode_tui.policy.types import Access, Call
from vtcode_tui.sandbox.grant import Grant
from vtcode_tui.sandbox.profile import Profile
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.tools.answer import decoded, invoke


class OwnWork:
    """Runs a worker function of vtcode itself and gives back what it returned."""

    def __init__(self, gate: Gate, executor: Executor, root: Path, number: Callable[[], str]) -> None:
        self._gate, self._executor, self._root, self.number = gate, executor, root, number

    async def run(
        self,
        name: str,
        module: str,
        function: str,
        arguments: Mapping[str, Any],
        profile: Profile,
        why: str,
        turn: int = 0,
    ) -> tuple[Mapping[str, Any], bytes]:
        """The worker's answer and its output. Raises WorkspaceError with its sentence, or SandboxError."""
        call = Call(self.number(), name, {}, Access(), self._root, "system")
        plan = Plan(call, invoke(module, function, **arguments), writes=False)
        return await self._execute(name, await self._gate.own(plan, profile, why, turn=turn), turn)

    async def admitted(self, plan: Plan, turn: int = 0) -> Mapping[str, Any] | Refusal:
        """The answer of a plan that goes through the whole gate, or its refusal. Raises as `run` does."""
        grant = await self._gate.admit(plan, turn=turn)
        if isinstance(grant, Refusal):
            return grant
        answer, _ = await self._execute(plan.call.tool, grant, turn)
        return answer

    async def _execute(self, name: str, grant: Grant, turn: int) -> tuple[Mapping[str, Any], bytes]:
        async def nothing(outcome: Outcome) -> None:
            return None

        execution = await self._executor.execute(grant, turn=turn, after=nothing)
        outcome = await execution.wait()
        output = execution.kept.whole()
        if outcome is None or outcome.result is None:
            raise SandboxError(f"{name} failed: {_why(outcome, output)}", step=name)
        if error := outcome.result.get("error"):
            kind = StaleFileError if outcome.result.get("stale") else WorkspaceError
            raise kind(str(error))
        return outcome.result, output


def _why(outcome: Outcome | None, output: bytes) -> str:
    if outcome is None:
        return "it did not end"
    said = decoded(output).strip().splitlines()
    return outcome.setup_error or outcome.limit or (said[-1] if said else f"exit {outcome.exit_code}")
