"""The tools of a session: found by name, validated, described for the model."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from vtcode_tui.common.errors import UsageError
from vtcode_tui.llm.messages import ToolSpec
from vtcode_tui.tools.defining import Outline, Symbols
from vtcode_tui.tools.delegating import Delegate, Explore
from vtcode_tui.tools.editing import ApplyPatch, EditFile, WriteFile
from vtcode_tui.tools.looking import FindFiles, ListFiles, ReadFile, SearchText
from vtcode_tui.tools.running import ReadOutput, RunCommand, WriteStdin
from vtcode_tui.tools.tool import Input, Tool, schema_of

READ_ONLY = ("read_file", "list_files", "search_text", "find_files", "symbols", "outline", "read_output", "explore")
"""What `ask` and the read-only mode offer."""


@dataclass(frozen=True, slots=True)
class Registry:
    """An immutable set of tools; sorted by name so that what the model sees of it never moves."""

    tools: Mapping[str, Tool[Any]]

    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools as a model is told about them."""
        return tuple(ToolSpec(t.name, t.description, schema_of(t)) for _, t in sorted(self.tools.items()))

    def only(self, names: tuple[str, ...]) -> Registry:
        """The same registry with these tools alone."""
        return Registry({name: tool for name, tool in self.tools.items() if name in names})

    def without(self, names: tuple[str, ...]) -> Registry:
        """The same registry without these tools."""
        return Registry({name: tool for name, tool in self.tools.items() if name not in names})

    def get(self, name: str) -> Tool[Any]:
        """The tool of this name; raises UsageError that names the nearest ones."""
        if name in self.tools:
            return self.tools[name]
        near = difflib.get_close_matches(name, self.tools, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(self.tools))}."
        raise UsageError(f"There is no tool {name[:80]!r}. {hint}")

    def read(self, name: str, arguments: str) -> tuple[Tool[Any], Input]:
        """A tool and its validated input from the model's own JSON; raises UsageError with one clear sentence."""
        tool = self.get(name)
        try:
            value = json.loads(arguments or "{}")
        except (ValueError, RecursionError) as error:
            raise UsageError(f"The arguments of {name} are not valid JSON: {error}.") from error
        if not isinstance(value, dict):
            raise UsageError(f"The arguments of {name} must be a JSON object, not {type(value).__name__}.")
        try:
            # JSON mode: a list is right for a tuple, yet "1" is not turned into a number's neighbour silently.
            return tool, tool.input.model_validate_json(json.dumps(value))
        except ValidationError as error:
            raise UsageError(f"The arguments of {name} are wrong: {_sentence(error)}.") from error


def _sentence(error: ValidationError) -> str:
    parts = []
    for one in error.errors(include_url=False, include_context=False, include_input=False)[:4]:
        # The names are the model's own: whatever they hold, the sentence stays one line.
        where = ".".join(str(name)[:60] for name in one["loc"]).encode("unicode_escape").decode()
        text = one["msg"].removeprefix("Value error, ")
        match one["type"]:
            case "missing":
                parts.append(f"{where} is missing")
            case "extra_forbidden":
                parts.append(f"{where} is not an argument of it")
            case _:
                parts.append(f"{where}: {text[0].lower()}{text[1:]}" if where else text)
    return "; ".join(parts)


def builtin(*, head: int = 5120, tail: int = 5120) -> Registry:
    """All tools that vtcode brings; long command output is given to the model as `head` and `tail` bytes."""
    tools: tuple[Tool[Any], ...] = (
        ReadFile(),
        ListFiles(),
        SearchText(),
        FindFiles(),
        Symbols(),
        Outline(),
        EditFile(),
        WriteFile(),
        ApplyPatch(),
        RunCommand(head=head, tail=tail),
        WriteStdin(),
        ReadOutput(),
        Explore(),
        Delegate(),
    )
    return Registry({tool.name: tool for tool in tools})
