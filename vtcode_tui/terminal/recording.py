"""Recordings of terminals in asciicast v3: a JSON line for each thing that happened, with the time since the last.

https://docs.asciinema.org/manual/asciicast/v3/ - codes: `o` output, `i` input, `r` resize, `m` marker, `x` exit.
A recording that was cut short by a crash reads up to its last whole line.
"""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO, TypeAlias, get_args

from vtcode_tui.common.clock import Clock
from vtcode_tui.common.errors import UsageError

Code: TypeAlias = Literal["o", "i", "r", "m", "x"]
_CODES = frozenset(get_args(Code))
_MOST_LINE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a recording; `seconds` since its beginning."""

    seconds: float
    code: Code
    text: str

    @property
    def size(self) -> tuple[int, int] | None:
        """Columns and rows of a resize."""
        columns, _, rows = self.text.partition("x")
        if self.code != "r" or not (columns.isdecimal() and rows.isdecimal()) or len(self.text) > 11:
            return None
        return int(columns), int(rows)


@dataclass(frozen=True, slots=True)
class Header:
    """What a recording says about itself."""

    columns: int
    rows: int
    timestamp: int = 0
    command: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


class Recorder:
    """Writes a recording while a run goes on. Output past `limit` bytes is not recorded; a marker says so."""

    def __init__(
        self, path: Path, columns: int, rows: int, clock: Clock, *, command: str = "", limit: int = 64 * 1024 * 1024
    ) -> None:
        self.path = path
        self._clock = clock
        self._last = clock.monotonic_ns()
        self._owed_ns = 0
        self._left = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._file: TextIO = os.fdopen(descriptor, "w", encoding="utf-8", newline="\n")
        header: dict[str, Any] = {"version": 3, "term": {"cols": columns, "rows": rows, "type": "xterm-256color"}}
        header["timestamp"] = int(clock.now().timestamp())
        if command:
            header["command"] = command
        self._line(header)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def output(self, data: bytes) -> None:
        """The run wrote something."""
        if self._left <= 0:
            return
        self._left -= len(data)
        text = self._decoder.decode(data)
        if text:
            self._moment("o", text)
        if self._left <= 0:
            self._moment("m", "the recording's limit is reached: further output is not recorded")

    def input(self, data: bytes) -> None:
        """A person typed something into the run."""
        self._moment("i", data.decode("utf-8", errors="replace"))

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        self._moment("r", f"{columns}x{rows}")

    def marker(self, text: str) -> None:
        """Name this moment."""
        self._moment("m", text)

    def exit(self, status: int) -> None:
        """The run has ended."""
        rest = self._decoder.decode(b"", True)
        if rest:
            self._moment("o", rest)
        self._moment("x", str(status))
        self._file.flush()

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Close the file; what was recorded stays readable."""
        self._file.close()

    def _moment(self, code: Code, text: str) -> None:
        now = self._clock.monotonic_ns()
        # Times are in milliseconds: what rounding leaves is owed to the next line, or long recordings drift.
        owed = now - self._last + self._owed_ns
        milliseconds = max(0, owed) // 1_000_000
        self._owed_ns = owed - milliseconds * 1_000_000
        self._last = now
        self._line([milliseconds / 1000, code, text])

    def _line(self, value: Any) -> None:
        self._file.write(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")) + "\n")


class Recording:
    """A recording on disk, read line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self.header = _header(file.readline(_MOST_LINE), path)

    def moments(self, *, last: int | None = None) -> Iterator[Moment]:
        """Everything that happened, in order. Comment lines are skipped; a torn last line ends it.

        `last`: only what stands in so many bytes at the end; times count from there.
        """
        seconds = 0.0
        with self.path.open("rb") as file:
            file.readline(_MOST_LINE)
            if last is not None and (begin := os.fstat(file.fileno()).st_size - last) > file.tell():
                file.seek(begin)
                file.readline(_MOST_LINE)
            for number, raw in enumerate(iter(lambda: file.readline(_MOST_LINE), b""), 2):
                if raw.startswith(b"#") or not raw.strip():
                    continue
                if not raw.endswith(b"\n"):
                    return
                seconds, moment = _moment(raw, seconds, f"{self.path}:{number}")
                if moment is not None:
                    yield moment

    @property
    def duration(self) -> float:
        """Seconds from the beginning to the last line."""
        last = 0.0
        for moment in self.moments():
            last = moment.seconds
        return last


def _header(raw: bytes, path: Path) -> Header:
    try:
        data = json.loads(raw)
        version = data["version"]
        term = data.get("term") or {"cols": data["width"], "rows": data["height"]}
        columns, rows = int(term["cols"]), int(term["rows"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} is no asciicast recording: its first line is not a header") from error
    if version != 3:
        raise UsageError(f"{path} is an asciicast of version {version}; version 3 is understood")
    if not (0 < columns <= 1000 and 0 < rows <= 1000):
        raise UsageError(f"{path} was recorded at {columns}x{rows}, which is no size of a terminal")
    timestamp = data.get("timestamp")
    return Header(columns, rows, timestamp if isinstance(timestamp, int) else 0, str(data.get("command", "")), data)


def _moment(raw: bytes, seconds: float, place: str) -> tuple[float, Moment | None]:
    """The time after a line and what happened; nothing for codes of later versions, which readers skip."""
    try:
        interval, code, text = json.loads(raw)
        seconds += min(max(0.0, float(interval)), 1e9)
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"{place}: not a line of an asciicast") from error
    known = isinstance(code, str) and code in _CODES and isinstance(text, str)
    return seconds, Moment(seconds, code, text) if known else None
