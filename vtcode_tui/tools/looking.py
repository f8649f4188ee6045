"""The tools that only look: read_file, list_files, search_text, find_files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from vtcode_tui.policy.types import Access
from vtcode_tui.sandbox.grant import Work
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.tools.answer import decoded, failed, invoke, problem, with_refusals
from vtcode_tui.tools.tool import Input, Place, Result

_READING = "vtcode_tui.tools.workers.reading"
_SEARCHING = "vtcode_tui.tools.workers.searching"


def shown(path: Path, place: Place) -> str:
    """A path as the model wrote or would write it: relative to the workspace."""
    return path.relative_to(place.root).as_posix() if path.is_relative_to(place.root) else str(path)


def _base(path: Path, place: Place) -> str:
    relative = shown(path, place)
    return "" if relative == "." else relative


class ReadFileInput(Input):
    """Read a text file."""

    path: str = Field(description="Path relative to the workspace")
    offset: int = Field(default=1, ge=1, description="First line to read, counted from 1")
    limit: int = Field(default=2000, ge=1, le=5000, description="How many lines at most")


class ReadFile:
    """Gives the model a stretch of a text file with line numbers."""

    name: ClassVar[str] = "read_file"
    description: ClassVar[str] = (
        "Read a text file of the workspace. Lines come numbered; the number and the tab are not in the file."
    )
    input = ReadFileInput
    mutates: ClassVar[bool] = False

    def access(self, given: ReadFileInput, place: Place) -> Access:
        """Reads the one file."""
        return Access(reads=(place.resolve(given.path),))

    def work(self, given: ReadFileInput, place: Place) -> Work:
        """Reads in the sandbox, bounded."""
        path = place.resolve(given.path)
        return invoke(
            _READING, "read_file", path=str(path), shown=shown(path, place), offset=given.offset, limit=given.limit
        )

    def result(self, given: ReadFileInput, outcome: Outcome, output: bytes) -> Result:
        """The numbered lines, and how to go on where there are more."""
        if why := problem(outcome):
            return with_refusals(failed(why), outcome)
        facts: dict[str, Any] = dict(outcome.result or {})
        text = decoded(output)
        if not text:
            text = "[The file is empty.]"
        if facts.get("cut"):
            text += "[Lines longer than 2,000 bytes are cut here.]\n"
        if facts.get("more"):
            text += f"[The file goes on: read it with offset {facts['last'] + 1}.]\n"
        return Result(text, f"{facts['last'] - facts['first'] + 1} lines", truncated=bool(facts.get("more")))

    def summary(self, given: ReadFileInput) -> str:
        """The path, and the line where it is not the first."""
        return f"read {given.path}" + (f" from line {given.offset}" if given.offset > 1 else "")


class ListFilesInput(Input):
    """List a folder."""

    path: str = Field(default=".", description="Folder relative to the workspace")
    depth: int = Field(default=2, ge=1, le=20, description="How many levels down")
    hidden: bool = Field(default=False, description="Show names that begin with a dot")
    limit: int = Field(default=500, ge=1, le=5000)


class ListFiles:
    """Gives the model the names below a folder, ignored files left out."""

    name: ClassVar[str] = "list_files"
    description: ClassVar[str] = "List files and folders. Files ignored by .gitignore are left out."
    input = ListFilesInput
    mutates: ClassVar[bool] = False

    def access(self, given: ListFilesInput, place: Place) -> Access:
        """Reads the folder."""
        return Access(reads=(place.resolve(given.path),))

    def work(self, given: ListFilesInput, place: Place) -> Work:
        """Walks in the sandbox."""
        path = place.resolve(given.path)
        return invoke(
            _READING,
            "list_files",
            path=str(path),
            shown=shown(path, place),
            depth=given.depth,
            hidden=given.hidden,
            limit=given.limit,
        )

    def result(self, given: ListFilesInput, outcome: Outcome, output: bytes) -> Result:
        """The names, one a line."""
        return _listing(outcome, output, "entries", "The folder is empty.")

    def summary(self, given: ListFilesInput) -> str:
        """The folder."""
        return f"list {given.path}"


class SearchTextInput(Input):
    """Search the contents of files."""

    pattern: str = Field(min_length=1, description="Regular expression (Python syntax), matched line by line")
    path: str = Field(default=".", description="File or folder to search, relative to the workspace")
    glob: str = Field(default="", description="Only files whose path matches, such as *.py or src/**/*.ts")
    ignore_case: bool = False
    literal: bool = Field(default=False, description="The pattern is plain text")
    context: int = Field(default=0, ge=0, le=20, description="Lines to show around each match")
    limit: int = Field(default=200, ge=1, le=2000, description="How many matches at most")


class SearchText:
    """Gives the model the lines that match a pattern."""

    name: ClassVar[str] = "search_text"
    description: ClassVar[str] = "Search the contents of files for a regular expression. Gives path:line: text."
    input = SearchTextInput
    mutates: ClassVar[bool] = False

    def access(self, given: SearchTextInput, place: Place) -> Access:
        """Reads the folder."""
        return Access(reads=(place.resolve(given.path),))

    def work(self, given: SearchTextInput, place: Place) -> Work:
        """Searches in the sandbox."""
        path = place.resolve(given.path)
        base = _base(path, place)
        return invoke(
            _SEARCHING,
            "search_text",
            path=str(path),
            # A single file is named by the walk itself, so its base is the folder it lies in.
            base=base.rsplit("/", 1)[0] if path.is_file() and "/" in base else "" if path.is_file() else base,
            **given.model_dump(exclude={"path"}),
        )

    def result(self, given: SearchTextInput, outcome: Outcome, output: bytes) -> Result:
        """The matching lines."""
        if why := problem(outcome):
            return with_refusals(failed(why), outcome)
        facts: dict[str, Any] = dict(outcome.result or {})
        count = facts.get("matches", 0)
        text = decoded(output) if count else "[No match.]"
        if facts.get("more"):
            text += "[There are more matches: narrow the pattern, the path or the glob.]\n"
        return Result(text, f"{count} matches in {facts.get('files', 0)} files", truncated=bool(facts.get("more")))

    def summary(self, given: SearchTextInput) -> str:
        """The pattern and where."""
        where = "" if given.path == "." else f" in {given.path}"
        return f"search {given.pattern!r}{where}"


class FindFilesInput(Input):
    """Find files by name."""

    query: str = Field(min_length=1, description="A glob such as **/*.rs, or letters of the path in order")
    path: str = Field(default=".", description="Folder relative to the workspace")
    limit: int = Field(default=100, ge=1, le=2000)


class FindFiles:
    """Gives the model the paths that match a name."""

    name: ClassVar[str] = "find_files"
    description: ClassVar[str] = "Find files by name: a glob, or some letters of the path in order."
    input = FindFilesInput
    mutates: ClassVar[bool] = False

    def access(self, given: FindFilesInput, place: Place) -> Access:
        """Reads the folder."""
        return Access(reads=(place.resolve(given.path),))

    def work(self, given: FindFilesInput, place: Place) -> Work:
        """Walks in the sandbox."""
        path = place.resolve(given.path)
        return invoke(
            _SEARCHING, "find_files", path=str(path), base=_base(path, place), query=given.query, limit=given.limit
        )

    def result(self, given: FindFilesInput, outcome: Outcome, output: bytes) -> Result:
        """The paths, one a line, best first."""
        return _listing(outcome, output, "files", "No file matches.")

    def summary(self, given: FindFilesInput) -> str:
        """The query."""
        return f"find {given.query}"


def _listing(outcome: Outcome, output: bytes, noun: str, nothing: str) -> Result:
    if why := problem(outcome):
        return with_refusals(failed(why), outcome)
    facts: dict[str, Any] = dict(outcome.result or {})
    text = decoded(output) if output else f"[{nothing}]"
    if facts.get("more"):
        text += f"[There are more {noun} than the limit.]\n"
    return Result(text, f"{facts.get('count', 0)} {noun}", truncated=bool(facts.get("more")))
