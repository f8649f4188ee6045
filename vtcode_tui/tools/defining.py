"""The tools that know definitions: symbols and outline. Grammars are C, so parsing happens in the sandbox."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from vtcode_tui.policy.types import Access
from vtcode_tui.sandbox.grant import Work
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.tools.answer import failed, invoke, problem, with_refusals
from vtcode_tui.tools.looking import shown
from vtcode_tui.tools.tool import Input, Place, Result

_WORKERS = "vtcode_tui.code.workers"


class SymbolsInput(Input):
    """Find definitions by name."""

    query: str = Field(min_length=1, max_length=200, description="A name, a part of one, or its letters in order")
    limit: int = Field(default=40, ge=1, le=200)


class Symbols:
    """Gives the model the places where names are defined."""

    name: ClassVar[str] = "symbols"
    description: ClassVar[str] = (
        "Find where functions, classes and the like are defined, by name, in the workspace."
    )
    input = SymbolsInput
    mutates: ClassVar[bool] = False

    def access(self, given: SymbolsInput, place: Place) -> Access:
        """Reads the workspace."""
        return Access(reads=(place.root,))

    def work(self, given: SymbolsInput, place: Place) -> Work:
        """Parses in the sandbox."""
        return invoke(_WORKERS, "symbols", root=str(place.root), query=given.query, limit=given.limit)

    def result(self, given: SymbolsInput, outcome: Outcome, output: bytes) -> Result:
        """One definition a line: path:line, kind, name."""
        if why := problem(outcome):
            return with_refusals(failed(why), outcome)
        facts: dict[str, Any] = dict(outcome.result or {})
        rows = [f"{row.get('path')}:{row['line']}: {_line(row)}" for row in facts.get("symbols", ())]
        text = "\n".join(rows) or "[No definition by that name.]"
        if not facts.get("complete", True):
            text += "\n[The workspace is large: not every file was looked at.]"
        return Result(text, f"{len(rows)} definitions")

    def summary(self, given: SymbolsInput) -> str:
        """The name."""
        return f"symbols {given.query}"


class OutlineInput(Input):
    """List the definitions of a file."""

    path: str = Field(description="Path relative to the workspace")


class Outline:
    """Gives the model the definitions of one file, without its text."""

    name: ClassVar[str] = "outline"
    description: ClassVar[str] = "List the definitions of a source file with their lines. Cheaper than reading it."
    input = OutlineInput
    mutates: ClassVar[bool] = False

    def access(self, given: OutlineInput, place: Place) -> Access:
        """Reads the one file."""
        return Access(reads=(place.resolve(given.path),))

    def work(self, given: OutlineInput, place: Place) -> Work:
        """Parses in the sandbox."""
        path = shown(place.resolve(given.path), place)
        return invoke(_WORKERS, "outline_of", root=str(place.root), path=path)

    def result(self, given: OutlineInput, outcome: Outcome, output: bytes) -> Result:
        """One definition a line, in the order of the file."""
        if why := problem(outcome):
            return with_refusals(failed(why), outcome)
        facts: dict[str, Any] = dict(outcome.result or {})
        rows = [f"{row['line']:6}  {_line(row)}" for row in facts.get("symbols", ())]
        return Result("\n".join(rows) or "[No definitions.]", f"{len(rows)} definitions")

    def summary(self, given: OutlineInput) -> str:
        """The path."""
        return f"outline {given.path}"


def _line(row: dict[str, Any]) -> str:
    within = f"{row['within']}." if row.get("within") else ""
    return f"{row.get('kind', '')} {within}{row.get('name', '')}"
