"""The tool that runs commands, and the two that belong to a run: write_stdin and read_output."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from vtcode_tui.common.errors import UsageError
from vtcode_tui.policy.types import Access, Command
from vtcode_tui.sandbox.grant import Execute, Work
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.tools.answer import decoded, refusals, shorten
from vtcode_tui.tools.tool import Input, Place, Result

_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_].*?(?:\x1b\\|\x07|\x9c|$)"  # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]",
    re.S,
)
_SHELLS = (Path("/bin/bash"), Path("/usr/bin/bash"), Path("/usr/local/bin/bash"), Path("/bin/sh"))


class RunCommandInput(Input):
    """Run a command."""

    command: str | None = Field(default=None, description="Shell text, run by bash without login files")
    argv: tuple[Annotated[str, Field(max_length=1 << 17)], ...] = Field(
        default=(), description="Instead of command: the words of one program, run without a shell"
    )
    cwd: str = Field(default=".", description="Folder to run in, relative to the workspace")
    wait_seconds: float = Field(
        default=120,
        ge=0,
        le=600,
        description="How long to wait for the end; after that it goes on in the background",
    )
    terminal: bool = Field(default=True, description="Run in a terminal (false: plain pipe)")

    @model_validator(mode="after")
    def _one_of_both(self) -> RunCommandInput:
        if (self.command is None) == (not self.argv):
            raise ValueError("give either command (shell text) or argv (a list of words)")
        if self.command is not None and not self.command.strip():
            raise ValueError("command is empty")
        if "\0" in (self.command or "") or any("\0" in word for word in self.argv):
            raise ValueError("a command cannot contain the NUL character")
        return self


class RunCommand:
    """Runs a command of the model in the sandbox, in a terminal of its own."""

    name: ClassVar[str] = "run_command"
    description: ClassVar[str] = (
        "Run a shell command (or argv without a shell) in the workspace, inside the sandbox: no network, only the "
        "workspace and a private temp folder are writable. A command that asks for approval waits for the human. "
        "Each command has a loopback of its own: start a server and what talks to it in one command. "
        "A command still running after wait_seconds goes on; use write_stdin with its call id."
    )
    input = RunCommandInput
    mutates: ClassVar[bool] = True

    def __init__(self, *, head: int = 5120, tail: int = 5120) -> None:
        self._head, self._tail = head, tail

    def access(self, given: RunCommandInput, place: Place) -> Access:
        """The command, as the policy will parse it."""
        self.folder(given, place)
        return Access(command=Command(text=given.command, argv=given.argv))

    def folder(self, given: RunCommandInput, place: Place) -> Path:
        """Where the command runs; raises UsageError when there is no such folder."""
        folder = place.resolve(given.cwd)
        if not folder.is_dir():
            raise UsageError(f"cwd {given.cwd!r} is not a folder of the workspace.")
        return folder

    def work(self, given: RunCommandInput, place: Place) -> Work:
        """The shell with the text, or the program itself; the gate resolves the program to a file."""
        if given.command is None:
            return Execute(given.argv, Path(given.argv[0]))
        return Execute(shell_words(given.command), shell())

    def result(self, given: RunCommandInput, outcome: Outcome, output: bytes) -> Result:
        """Output without terminal control, its head and tail, and how the command ended."""
        text, cut = shorten(plain_output(output).encode(), self._head, self._tail, "read_output gives all of it.")
        ending = how_it_ended(outcome)
        parts = [decoded(text).rstrip("\n"), f"[{ending}]", refusals(outcome.denials)]
        ok = outcome.exit_code == 0
        return Result(
            "\n".join(part for part in parts if part), ending, status="ok" if ok else "error", truncated=cut
        )

    def summary(self, given: RunCommandInput) -> str:
        """The command."""
        return given.command if given.command is not None else " ".join(given.argv)


class WriteStdinInput(Input):
    """Type into a running command, or wait for more of its output."""

    call: str = Field(description="The call id that run_command named")
    text: str = Field(default="", description="What to type; end a line with \\n. Empty: only wait")
    wait_seconds: float = Field(default=5, ge=0, le=600, description="How long to wait for output or the end")


class WriteStdin:
    """Types into a run that is still going on; the core does the typing, under the policy."""

    name: ClassVar[str] = "write_stdin"
    description: ClassVar[str] = (
        "Type text into a command that is still running, or wait for it; gives what it wrote since."
    )
    input = WriteStdinInput
    mutates: ClassVar[bool] = True

    def access(self, given: WriteStdinInput, place: Place) -> Access:
        """The text that is typed."""
        return Access(typed=given.text)

    def work(self, given: WriteStdinInput, place: Place) -> Work:
        """No work of its own: the run exists already."""
        raise UsageError("write_stdin belongs to a run that has a grant already")

    def result(self, given: WriteStdinInput, outcome: Outcome, output: bytes) -> Result:
        """What the run wrote since, without terminal control."""
        return Result(plain_output(output), how_it_ended(outcome))

    def summary(self, given: WriteStdinInput) -> str:
        """The text, and into which call."""
        return f"type {given.text!r} into {given.call}" if given.text else f"wait for {given.call}"


class ReadOutputInput(Input):
    """Read more of a long output."""

    call: str = Field(description="The call whose output was shortened")
    offset: int = Field(default=0, ge=0, description="First byte")
    limit: int = Field(default=20_000, ge=1, le=60_000, description="How many bytes")
    pattern: str = Field(default="", description="Instead of a stretch: only the lines that contain this text")


class ReadOutput:
    """Gives the model a stretch of an output that was kept whole on disk."""

    name: ClassVar[str] = "read_output"
    description: ClassVar[str] = (
        "Read a stretch of the kept output of an earlier call, or its lines that contain a text."
    )
    input = ReadOutputInput
    mutates: ClassVar[bool] = False

    def access(self, given: ReadOutputInput, place: Place) -> Access:
        """Touches nothing of the workspace."""
        return Access()

    def work(self, given: ReadOutputInput, place: Place) -> Work:
        """No work in the sandbox: the output is the session's own."""
        raise UsageError("read_output reads the session's own record")

    def result(self, given: ReadOutputInput, outcome: Outcome, output: bytes) -> Result:
        """The stretch, without terminal control."""
        return Result(plain_output(output), f"{len(output):,} bytes")

    def summary(self, given: ReadOutputInput) -> str:
        """Which output, and where."""
        return f"output of {given.call} " + (
            f"with {given.pattern!r}" if given.pattern else f"from byte {given.offset:,}"
        )


def shell() -> Path:
    """The shell that runs the model's text."""
    return next((path for path in _SHELLS if path.exists()), _SHELLS[-1])


def shell_words(text: str) -> tuple[str, ...]:
    """The shell's argv for a text: no login files, no rc files, no interactive mode."""
    path = shell()
    options = ("--noprofile", "--norc") if path.name == "bash" else ()
    return (str(path), *options, "-c", text)


def how_it_ended(outcome: Outcome) -> str:
    """The end of a run in a few words."""
    if outcome.setup_error:
        return f"did not start: {outcome.setup_error}"
    if outcome.limit:
        return f"stopped by a limit: {outcome.limit}"
    if outcome.killed:
        return f"killed: {outcome.killed}"
    if outcome.signal is not None:
        return f"ended by signal {outcome.signal}"
    return f"exit status {outcome.exit_code}"


def plain_output(output: bytes) -> str:
    """What a program wrote, without terminal control; a line rewritten in place keeps its last state only."""
    text = _CONTROL.sub("", decoded(output)).replace("\r\n", "\n").replace("\x1b", "")
    lines = [line.rstrip("\r").rsplit("\r", 1)[-1] if "\r" in line else line for line in text.split("\n")]
    return "\n".join(lines)
