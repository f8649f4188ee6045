"""The session as lines, for screen readers and simple terminals: the same core, the same queue rules, no screen.

What happens is printed as sentences in order; what the person types is a prompt, a !command or a /command. An
approval is shown whole and answered with a word; what was typed before it was shown is thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from vtcode_tui.common.clock import SystemClock, local, rfc3339
from vtcode_tui.common.errors import VtcodeError
from vtcode_tui.common.home import Home
from vtcode_tui.events import Event
from vtcode_tui.events.live import Live, Notice
from vtcode_tui.events.types import ModelFailed
from vtcode_tui.gate.types import ApprovalRequest, Verdict
from vtcode_tui.render import lines_of, plain, plain_line
from vtcode_tui.render.explanation import lines_of_explanation
from vtcode_tui.render.telling import plural
from vtcode_tui.sandbox.run import TerminalSize
from vtcode_tui.sessions import interrupted

if TYPE_CHECKING:
    from vtcode_tui.agent.port import Core
    from vtcode_tui.config.settings import Settings
    from vtcode_tui.tui import OpenCore

WIDTH = 100
HELP = "type a prompt, !command, /changes, /accept, /discard, /stop or /quit"

SILENT = frozenset({"approval.requested", "exec.finished"})
"""What is heard anyway: the question itself is asked whole, and the result of a call says how its run ended."""

T = TypeVar("T")


class Lines:
    """Lines that the person types, one at a time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rest = b""
        self._over = False
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue()
        try:
            asyncio.get_running_loop().add_reader(stream.fileno(), self._read)
        except PermissionError:  # a file, or /dev/null: it is never waited for, and read to its end at once
            while not self._over:
                self._read()

    def _read(self) -> None:
        data = os.read(self._stream.fileno(), 65536)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._waiting.put_nowait(line.decode(errors="replace"))
        if not data:
            if self._rest:  # the last line of a file may lack its end
                self._waiting.put_nowait(self._rest.decode(errors="replace"))
            self._over = True
            asyncio.get_running_loop().remove_reader(self._stream.fileno())
            self._waiting.put_nowait(None)

    def forget(self) -> None:
        """Throw away what was typed ahead."""
        with contextlib.suppress(termios.error):
            termios.tcflush(self._stream.fileno(), termios.TCIFLUSH)
        if None in _taken(self._waiting):
            self._waiting.put_nowait(None)

    def give_back(self, lines: asyncio.Queue[str]) -> None:
        """Have lines come once more, before those that nobody has taken yet."""
        for line in [*_taken(lines), *_taken(self._waiting)]:
            self._waiting.put_nowait(line)

    async def next(self) -> str | None:
        """The next line; None at the end of the input."""
        return await self._waiting.get()

    def close(self) -> None:
        """Read no more."""
        asyncio.get_running_loop().remove_reader(self._stream.fileno())


def _taken(queue: asyncio.Queue[T]) -> list[T]:
    """All that is in a queue, which is empty then."""
    return [queue.get_nowait() for _ in range(queue.qsize())]


class Linear:
    """Reader, approver and prompt in one stream of lines."""

    def __init__(self, lines: Lines, out: TextIO) -> None:
        self._lines, self._out = lines, out
        self._failure = ""
        self._asking = asyncio.Lock()
        self._answers: asyncio.Queue[str] | None = None

    def say(self, text: str) -> None:
        """Print safe text."""
        self._out.write(text + "\n")
        self._out.flush()

    def happened(self, what: Event | Live) -> None:
        """Tell what happened, if it belongs to the story."""
        match what:
            case Event() if what.type not in SILENT:
                self._failure = what.data.message if isinstance(what.data, ModelFailed) else ""
                for row in lines_of(what, WIDTH, aloud=True):
                    self.say(row.text.rstrip())
            case Notice(text) if text == self._failure:
                pass  # the event has said it
            case Notice(text):
                self.say(plain(text))
            case _:
                pass

    def answered(self, line: str) -> bool:
        """Take a line as the answer to the open question; False when there is none."""
        if self._answers is None:
            return False
        self._answers.put_nowait(line)
        return True

    async def ask(self, request: ApprovalRequest) -> Verdict:
        """Show a request whole and wait for a word."""
        async with self._asking:
            decision = request.decision
            self.say(f"\napproval: {plain_line(request.call.tool)}, {decision.risk} risk")
            rows = request.shown.split("\n")
            # Each row is marked: nothing that would run can pass for the end of it, or for what we say about it.
            self.say(f"what would run, {len(rows)} line{'s' * (len(rows) != 1)}, each after a bar")
            self.say("\n".join(f"| {row}" for row in rows))
            self.say("end of what would run")
            self.say(f"it asks because of rule {plain_line(decision.rule)}: {plain_line(decision.reason)}")
            for text in request.sandbox:
                self.say(f"sandbox: {plain_line(text)}")
            self.say("type approve, or deny, or deny and a reason, or explain to hear each command and its words")
            self._lines.forget()
            self._answers = answers = asyncio.Queue[str]()
            try:
                return await self._verdict(request, answers)
            finally:
                # What came in the same instant, behind the answer, is no answer: it is taken as what it is.
                self._answers = None
                self._lines.give_back(answers)

    async def _verdict(self, request: ApprovalRequest, answers: asyncio.Queue[str]) -> Verdict:
        while True:
            word, _, reason = (await answers.get()).strip().partition(" ")
            match word:
                case "approve":
                    return Verdict("granted", request.shown_sha256)
                case "deny":
                    return Verdict("denied", request.shown_sha256, reason=reason.strip())
                case "explain":
                    for line in lines_of_explanation(request.decision.explanation):
                        self.say(line.text)
                case _:
                    self.say("that is neither approve nor deny nor explain: type one of these words in full")


async def converse(core: Core, linear: Linear, lines: Lines) -> None:
    """Take lines until the person leaves."""
    async with asyncio.TaskGroup() as group:
        while (line := await lines.next()) is not None:
            if linear.answered(line):
                continue
            if line.strip() == "/quit":
                break
            if line.strip():
                group.create_task(_do(core, linear, line.strip()))
        await core.interrupt()


async def _do(core: Core, linear: Linear, line: str) -> None:
    try:
        match line:
            case "/stop":
                await core.interrupt()
            case "/changes":
                changes = await core.changes()
                for file in changes.files:
                    linear.say(f"{file.op} {plain_line(file.path)} +{file.added} -{file.removed}")
                linear.say(f"{plural(len(changes.files), 'file')} to review")
            case "/accept" | "/discard":
                changes = await core.changes()
                selection = {file.path: None for file in changes.files if not file.protected or line == "/discard"}
                await (core.accept if line == "/accept" else core.discard)(selection, changes.digest)
            case _ if line.startswith("!"):
                await core.shell(line[1:].strip(), TerminalSize(WIDTH, 24))
            case _ if line.startswith("/"):
                linear.say(HELP)
            case _:
                await core.submit(line)
    except VtcodeError as error:
        linear.say(f"error: {error}")


def cut_off(home: Home, root: Path, opened: str) -> str:
    """Which command goes on with the last session of a workspace if that was cut off; "" where there is none.

    `opened` is the id of the session that has just been opened, which is not meant.
    """
    found = interrupted(home, root, but=opened)
    if found is None:
        return ""
    name = found.listed.folder.name
    if found.unsound:
        copy = f"`vtcode sessions fork {name}` makes a copy that can be gone on with"
        return f"the last session here was cut off and is not gone on with: {plain(found.unsound)}; {copy}"
    return f"the last session here was cut off; `vtcode resume --plain {name}` goes on with it"


async def _session(open_core: OpenCore, load_settings: Callable[[], Settings], root: Path, *, offers: bool) -> int:
    load_settings()
    lines = Lines(sys.stdin)
    linear = Linear(lines, sys.stdout)
    core = await open_core(linear, linear.happened)
    try:
        zone = local(rfc3339(SystemClock().now())).zone
        place = f"vtcode in {plain_line(str(root))}, sandbox {core.capability.tier}, times are {zone}"
        linear.say(f"{place}. {HELP}")
        if core.capability.uncontained:
            linear.say(core.capability.degraded[0])
        if not core.trusted:
            linear.say("this folder is not trusted: no tool runs here. `vtcode trust grant` trusts it")
        if not core.model:
            linear.say("no model answers; !command works")
        if offers and (text := await asyncio.to_thread(cut_off, Home.from_environment(), root, core.session)):
            linear.say(text)
        await converse(core, linear, lines)
    finally:
        lines.close()
        await core.close("left by the person")
    return 0


def run_linear(
    open_core: OpenCore, load_settings: Callable[[], Settings], *, root: Path, resumed: bool = False
) -> int:
    """See `vtcode_tui.tui.run_linear`."""
    return asyncio.run(_session(open_core, load_settings, root, offers=not resumed))
