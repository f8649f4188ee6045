"""One tool call from the model's words to the answer it gets: read, planned, recorded, admitted, run, summed up."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from vtcode_tui.agent.answers import Answer, redacted, refused
from vtcode_tui.agent.context import arguments_of
from vtcode_tui.agent.previews import Preview
from vtcode_tui.agent.prompts import untrusted
from vtcode_tui.agent.ranks import Rank, Ranks
from vtcode_tui.agent.states import TurnTable
from vtcode_tui.common.clock import Clock
from vtcode_tui.common.errors import JournalError, SandboxError, VtcodeError
from vtcode_tui.common.files import sha256_of
from vtcode_tui.events.types import Actor, Event, ToolFinished, ToolRequested
from vtcode_tui.events.within import Recorder
from vtcode_tui.gate.execution import Execution, Executor
from vtcode_tui.gate.gate import Gate
from vtcode_tui.gate.plan import Plan
from vtcode_tui.gate.types import Refusal
from vtcode_tui.llm.messages import ToolResult, ToolUse
from vtcode_tui.policy.types import Access, Call, Command
from vtcode_tui.sandbox.grant import Execute, Grant
from vtcode_tui.sandbox.run import Outcome, TerminalSize
from vtcode_tui.tools.delegating import DelegateInput, ExploreInput
from vtcode_tui.tools.registry import Registry
from vtcode_tui.tools.running import (
    ReadOutputInput,
    RunCommandInput,
    WriteStdinInput,
    how_it_ended,
    plain_output,
    shell,
    shell_words,
)
from vtcode_tui.tools.tool import Input, Place, Result, Tool

_QUIET = 0.2
AT_ONCE = 8
"""Calls of one message that run side by side; a model may ask for hundreds."""
_MODEL = Actor(kind="model", id="model")
_NO_RUN = (WriteStdinInput, ReadOutputInput, ExploreInput, DelegateInput)


class Handing(Protocol):
    """Has a sub-task done; `agent.subtasks.Subtasks` does."""

    async def __call__(self, given: ExploreInput | DelegateInput, asked: Event) -> Answer:
        """The sub-task's answer; `asked` is the event of the call that began it."""
        ...


class Calls:
    """Performs the calls of a turn. `runs` are those under way, by call id."""

    def __init__(
        self,
        *,
        bus: Recorder,
        gate: Gate,
        executor: Executor,
        registry: Registry,
        place: Place,
        outputs: Callable[[str], Path],
        prepare: Callable[[int, Collection[str] | None], Awaitable[None]],
        observe: Callable[[str, int, Outcome, bool], Any],
        preview: Preview | None,
        table: TurnTable,
        redact: Callable[[str], str],
        clock: Clock,
        runs: dict[str, Execution] | None = None,
        handing: Handing | None = None,
    ) -> None:
        """`runs` are all of the session, which the human may type into and end; the model only its own."""
        self._bus, self._gate, self._executor, self.registry, self._place = bus, gate, executor, registry, place
        self._outputs, self._preview, self._table = outputs, preview, table
        self._prepare, self._observe = prepare, observe
        self._redact, self._clock = redact, clock
        self.runs: dict[str, Execution] = {} if runs is None else runs
        self._mine: set[str] = set()
        self._handing = handing
        self._places = asyncio.Semaphore(AT_ONCE)
        self._given: dict[str, int] = {}
        self.size = TerminalSize(100, 30)
        self.made = self.denied = 0

    async def perform_all(self, uses: Sequence[ToolUse], turn: int) -> list[ToolResult]:
        """All calls of a message, as if they ran in its order: those that only look run side by side, those that
        write run one at a time, after all before them; their approvals may wait together."""
        results: dict[int, ToolResult] = {}
        ranks = Ranks()
        async with asyncio.TaskGroup() as group:
            for index, use in enumerate(uses):
                tool = self.registry.tools.get(use.name)
                command = tool is not None and tool.input is RunCommandInput
                rank = ranks.next(writes=tool is None or tool.mutates, command=command)

                async def one(index: int = index, use: ToolUse = use, rank: Rank = rank) -> None:
                    try:
                        results[index] = await self.perform(use, turn, rank)
                    finally:
                        rank.leave()

                group.create_task(one())
        return [results[index] for index in range(len(uses))]

    async def perform(self, use: ToolUse, turn: int, rank: Rank) -> ToolResult:
        """One call of the model, when its turn comes. Raises JournalError when it could not be recorded."""
        began = self._clock.monotonic_ns()
        self.made += 1
        try:
            tool, given = self.registry.read(use.name, use.arguments)
            if not isinstance(given, RunCommandInput):
                # What a call touches is seen as the calls before it leave it; a command's words touch nothing yet.
                await _all(rank.before)
            # One that changes files reads them for it, beside the loop; all others look at names only.
            reads = tool.mutates and not isinstance(given, RunCommandInput)
            planning = functools.partial(self._plan, tool, given, use.id)
            plan = await asyncio.to_thread(planning) if reads else planning()
        except (JournalError, SandboxError):
            raise
        except VtcodeError as error:
            await self._in_its_turn(rank)
            await self._requested(
                use.name, arguments_of(use), sha256_of(use.arguments), self._place.root, use.id, turn
            )
            answer = Answer("invalid", str(error), str(error))
        else:
            await self._in_its_turn(rank)
            asked = await self._requested(
                tool.name, plan.call.arguments, plan.call.digest, plan.call.cwd, use.id, turn
            )
            answer = await self._answer(tool, given, replace(plan, order=rank.order), asked, rank.before)
        return await self._finish(use, turn, answer, began)

    @staticmethod
    async def _in_its_turn(rank: Rank) -> None:
        await _all(rank.heralds)
        # Not after it is on disk: what is recorded next would have to wait for a write of its own.
        rank.told.set()

    async def _requested(
        self, tool: str, arguments: Any, digest: str, cwd: Path, call: str, turn: int, actor: Actor = _MODEL
    ) -> Event:
        clean = redacted(arguments, self._redact)
        return await self._bus.record(
            ToolRequested(
                tool=tool[:200],
                arguments=clean,
                arguments_sha256=sha256_of(repr(arguments)),
                subject_sha256=digest,
                cwd=str(cwd),
            ),
            turn=turn,
            call=call,
            actor=actor,
            follows=True,
        )

    async def _finish(self, use: ToolUse, turn: int, answer: Answer, began: int) -> ToolResult:
        text = self._redact(answer.text)
        self.denied += answer.status == "denied"
        await self._bus.record(
            ToolFinished.model_validate(
                {
                    "tool": use.name[:200],
                    "status": answer.status,
                    "summary": self._redact(answer.summary),
                    "result": text,
                    "result_sha256": sha256_of(answer.text.encode("utf-8", "backslashreplace")),
                    "truncated": answer.truncated,
                    "spool": answer.spool,
                    "duration_ms": (self._clock.monotonic_ns() - began) // 1_000_000,
                }
            ),
            turn=turn,
            call=use.id,
            outcome="success" if answer.status == "ok" else "failure",
        )
        return ToolResult(use.id, untrusted(use.name, use.id, text) if answer.data else text, answer.status != "ok")

    def _plan(self, tool: Tool[Any], given: Input, call: str) -> Plan:
        access = tool.access(given, self._place)
        special = isinstance(given, _NO_RUN)
        cwd = self._place.resolve(given.cwd) if isinstance(given, RunCommandInput) else self._place.root
        arguments = given.model_dump(mode="json", exclude_defaults=True)
        if isinstance(given, WriteStdinInput) and (running := self._own_run(given.call)) is not None:
            # The policy judges typed text by who reads it: by what was started, never by what the model says.
            work = running.grant.work
            access = replace(access, reader=work.argv if isinstance(work, Execute) else ())
            cwd = running.grant.cwd
        return Plan(
            call=Call(call, tool.name, arguments, access, cwd),
            work=None if special else tool.work(given, self._place),
            writes=tool.mutates,
            revise=lambda text: (
                self.command(call, text, cwd) if isinstance(given, RunCommandInput) else _unchanged()
            ),
            wall_seconds=None if isinstance(given, RunCommandInput) else 120.0,
            summary=tool.summary(given),
        )

    def command(self, call: str, text: str, cwd: Path) -> Plan:
        """A command that the human wrote."""
        return Plan(
            call=Call(call, "run_command", {"command": text}, Access(command=Command(text=text)), cwd, "human"),
            work=Execute(shell_words(text), shell()),
            writes=True,
            summary=text,
        )

    async def _answer(
        self, tool: Tool[Any], given: Any, plan: Plan, asked: Event, before: Sequence[asyncio.Event]
    ) -> Answer:
        turn = asked.turn
        if isinstance(given, _NO_RUN):
            refusal = await self._gate.permit(plan, turn=turn)
            return refused(refusal) if refusal is not None else await self._without_run(given, asked)
        if self._preview is not None and plan.call.access.writes:
            seen = await self._preview(plan, turn)
            if isinstance(seen, str):
                return Answer("error", seen, seen)
            plan = seen
        self._table.asking(1)
        try:
            grant = await self._gate.admit(plan, turn=turn)
        finally:
            self._table.asking(-1)
            plan.order.asked.set()
        if isinstance(grant, Refusal):
            return refused(grant)
        await _all(before)
        try:
            return await self._run(tool, given, plan, grant, turn)
        except SandboxError as error:
            return Answer("error", f"It did not run: {error}", str(error))

    async def _without_run(self, given: Any, asked: Event) -> Answer:
        match given:
            case WriteStdinInput():
                return await self._typed(given)
            case ReadOutputInput():
                return await self._reread(given)
            case _ if self._handing is not None:
                return await self._handing(given, asked)
            case _:
                return Answer("invalid", "A sub-task cannot begin another one.", "no sub-task in a sub-task")

    async def _run(self, tool: Tool[Any], given: Any, plan: Plan, grant: Grant, turn: int) -> Answer:
        command = given if isinstance(given, RunCommandInput) else None
        terminal = self.size if command is not None and command.terminal else None
        async with self._places:
            execution = await self.start(grant, turn, terminal, plan.call.access)
            self._table.running(1)
            try:
                outcome = await execution.wait(command.wait_seconds if command is not None else None)
            except asyncio.CancelledError:
                execution.run.kill("interrupted by the human")
                raise
            finally:
                self._table.running(-1)
        output = execution.kept.whole()
        if outcome is None:
            self._given[grant.call] = execution.kept.total
            text = f"{plain_output(output)}\n[Still running. write_stdin with call {grant.call!r} waits or types.]"
            return Answer("ok", text.lstrip("\n"), "still running", data=True)
        result: Result = tool.result(given, outcome, output)
        text = result.text
        if isinstance(grant.work, Execute) and isinstance(plan.work, Execute) and grant.work.argv != plan.work.argv:
            text = f"[The human changed the command; this ran: {grant.work.argv[-1]}]\n{text}"
        if result.truncated and command is not None:
            text += f"\n[All of it: read_output with call {grant.call!r}.]"
        return Answer(
            result.status, text, result.summary, True, result.truncated, str(self._outputs(grant.call).name)
        )

    async def start(self, grant: Grant, turn: int, terminal: TerminalSize | None, access: Access) -> Execution:
        """Start a grant and keep it among the runs until it has ended."""
        if grant.profile.writable:
            root = self._place.root
            written = [str(s.path.relative_to(root)) for s in access.writes if s.path.is_relative_to(root)]
            await self._prepare(turn, None if isinstance(grant.work, Execute) else written)

        async def after(outcome: Outcome) -> None:
            self.runs.pop(grant.call, None)
            self._mine.discard(grant.call)
            if grant.profile.writable:
                await self._observe(grant.call, turn, outcome, isinstance(grant.work, Execute))

        execution = await self._executor.execute(grant, turn=turn, terminal=terminal, after=after)
        if not execution.finished.done():
            self.runs[grant.call] = execution
            self._mine.add(grant.call)
        return execution

    def _own_run(self, call: str) -> Execution | None:
        return self.runs.get(call) if call in self._mine else None

    async def _typed(self, given: WriteStdinInput) -> Answer:
        execution = self._own_run(given.call)
        if execution is None:
            return Answer("invalid", f"There is no running command {given.call!r}.", "no such run")
        offset = self._given.get(given.call, execution.kept.total)
        if given.text:
            execution.run.write(given.text.encode())
        await execution.grown(offset, given.wait_seconds)
        total = -1
        while execution.kept.total != total and not execution.finished.done():
            total = execution.kept.total
            await execution.grown(total, _QUIET)
        outcome = await execution.wait(0) if execution.finished.done() else None
        self._given[given.call] = execution.kept.total
        ending = how_it_ended(outcome) if outcome is not None else "still running"
        text = plain_output(execution.kept.since(offset))
        return Answer("ok", f"{text}\n[{ending}]".lstrip("\n"), ending, data=True)

    async def _reread(self, given: ReadOutputInput) -> Answer:
        path = self._outputs(given.call)
        try:
            data = await asyncio.to_thread(_stretch, path, given)
        except FileNotFoundError:
            return Answer("invalid", f"There is no kept output of call {given.call!r}.", "no such output")
        except OSError as error:
            return Answer("error", f"The output of {given.call} cannot be read: {error.strerror}.", "not readable")
        return Answer("ok", plain_output(data) or "[Nothing there.]", f"{len(data):,} bytes", data=True)

    async def human_command(self, call: str, text: str, turn: int, size: TerminalSize, human: Actor) -> str:
        """Run the human's own command; what the model may be told of it afterwards."""
        began = self._clock.monotonic_ns()
        plan = self.command(call, text, self._place.root)
        await self._requested(
            "run_command", plan.call.arguments, plan.call.digest, plan.call.cwd, call, turn, human
        )
        grant = await self._gate.admit(plan, turn=turn)
        if isinstance(grant, Refusal):
            answer = refused(grant)
        else:
            execution = await self.start(grant, turn, size, plan.call.access)
            outcome = await execution.wait()
            assert outcome is not None
            ending = how_it_ended(outcome)
            status = "ok" if outcome.exit_code == 0 else "error"
            answer = Answer(status, f"{plain_output(execution.kept.whole())}\n[{ending}]", ending, data=True)
        result = await self._finish(ToolUse(call, "run_command", ""), turn, answer, began)
        return result.text

    def kill_all(self, reason: str) -> None:
        """End every run of the session."""
        for execution in tuple(self.runs.values()):
            execution.run.kill(reason)

    async def end_own(self, reason: str) -> None:
        """End the runs that were started here, and wait until they have ended."""
        mine = [self.runs[call] for call in self._mine if call in self.runs]
        for execution in mine:
            execution.run.kill(reason)
        if mine:
            await asyncio.wait([execution.finished for execution in mine])


async def _all(events: Sequence[asyncio.Event]) -> None:
    for event in events:
        await event.wait()


def _unchanged() -> Plan:
    raise JournalError("an approval was edited that cannot be edited")


def _stretch(path: Path, given: ReadOutputInput) -> bytes:
    with path.open("rb") as file:
        if not given.pattern:
            file.seek(given.offset)
            return file.read(given.limit)
        wanted, found, size = given.pattern.encode(), [], 0
        while size < given.limit and (line := file.readline(1 << 16)):
            if wanted in line:
                found.append(line[:2000])
                size += len(found[-1])
        return b"".join(found)
