"""What a tool is: a typed input, a declared access, and work for the sandbox. It never does anything itself."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from vtcode_tui.policy.types import Access
from vtcode_tui.sandbox.grant import Work
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.workspace.changes import ChangeSet


class Input(BaseModel):
    """The arguments of a tool; the model's JSON is validated against it, unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


I = TypeVar("I", bound=Input)  # noqa: E741


class Place(Protocol):
    """The workspace as a tool may ask about it while it declares its access: path metadata only."""

    root: Path

    def resolve(self, path: str, *, cwd: Path | None = None) -> Path:
        """The absolute path inside the workspace; raises PathEscapeError naming the path."""
        ...

    def state(self, path: Path) -> str | None:
        """The SHA-256 of a file as runs see it now (staged or real), None when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """What the model gets, what a person sees in one line, and what changed."""

    text: str
    summary: str
    status: Literal["ok", "error"] = "ok"
    changes: ChangeSet | None = None
    truncated: bool = False
    spool: str = ""


class Tool(Protocol, Generic[I]):
    """One tool."""

    name: ClassVar[str]
    description: ClassVar[str]
    input: type[I]
    mutates: ClassVar[bool]
    """Whether a run of it may write; calls that do not may run side by side."""

    def access(self, given: I, place: Place) -> Access:
        """What this call will touch; raises WorkspaceError or UsageError for the model to read."""
        ...

    def work(self, given: I, place: Place) -> Work:
        """What the sandbox is to do. No I/O here."""
        ...

    def result(self, given: I, outcome: Outcome, output: bytes) -> Result:
        """The outcome of the work as the model reads it."""
        ...

    def summary(self, given: I) -> str:
        """The call in one line for a person."""
        ...


def schema_of(tool: Tool[Any]) -> Mapping[str, Any]:
    """The JSON Schema of a tool's input as models take it: no titles, no `$defs` left unresolved."""
    given: type[Input] = tool.input
    return _schema_of(given)


@functools.cache
def _schema_of(given: type[Input]) -> Mapping[str, Any]:
    schema = given.model_json_schema()

    def clean(value: Any) -> Any:
        match value:
            case {"$ref": str(ref)}:
                return clean(schema["$defs"][ref.rsplit("/", 1)[-1]])
            case dict():
                return {k: clean(v) for k, v in value.items() if k not in {"title", "$defs"} or isinstance(v, bool)}
            case list():
                return [clean(item) for item in value]
            case _:
                return value

    cleaned: Mapping[str, Any] = clean(schema)
    return cleaned
