"""What is kept of a run's output: an asciicast of its terminal and the output itself, both without secrets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vtcode_tui.common.clock import Clock
from vtcode_tui.events import RedactingStream, Redactor
from vtcode_tui.gate.gate import described
from vtcode_tui.sandbox.grant import Execute, Grant
from vtcode_tui.sandbox.run import TerminalSize
from vtcode_tui.terminal import Recorder, Spool
from vtcode_tui.terminal.kept import recording_of, spool_of


class Unrecorded:
    """Keeps nothing: the answer of a tool's own worker is in the journal already."""

    name = ""

    def write(self, data: bytes) -> None:
        """Let it go."""

    def resize(self, size: TerminalSize) -> None:
        """Nothing to note."""

    def close(self, exit_code: int | None) -> None:
        """Nothing to finish."""


class Recorded:
    """Writes the recording and the spool of one run below the session's folder."""

    def __init__(
        self, folder: Path, grant: Grant, size: TerminalSize | None, redactor: Redactor, clock: Clock
    ) -> None:
        limit = min(grant.profile.limits.output, 64 << 20)
        self._stream = RedactingStream(redactor)
        path = spool_of(folder, grant.call)
        self._spool = Spool(path, limit)
        self._recorder: Recorder | None = None
        if size is not None:
            command = redactor.redact(described(grant)[-1]).text
            path = recording_of(folder, grant.call)
            self._recorder = Recorder(path, size.columns, size.rows, clock, command=command, limit=limit)
        self.name = str(path.relative_to(folder))

    def write(self, data: bytes) -> None:
        """Append what the run wrote; the last lines are held back, because a secret may go on in them."""
        self._keep(self._stream.feed(data))

    def resize(self, size: TerminalSize) -> None:
        """The terminal has another size from here on."""
        if self._recorder is not None:
            self._recorder.resize(size.columns, size.rows)

    def close(self, exit_code: int | None) -> None:
        """Write the rest, and how it ended."""
        self._keep(self._stream.finish())
        self._spool.close()
        if self._recorder is not None:
            self._recorder.exit(-1 if exit_code is None else exit_code)
            self._recorder.close()

    def _keep(self, data: bytes) -> None:
        if data:
            self._spool.write(data)
            if self._recorder is not None:
                self._recorder.output(data)
                self._recorder.flush()


def recordings(
    folder: Path, redactor: Redactor, clock: Clock
) -> Callable[[Grant, TerminalSize | None], Recorded | Unrecorded]:
    """Makes the recording of each run of a session."""

    def make(grant: Grant, size: TerminalSize | None) -> Recorded | Unrecorded:
        if isinstance(grant.work, Execute):
            return Recorded(folder, grant, size, redactor, clock)
        return Unrecorded()

    return make
