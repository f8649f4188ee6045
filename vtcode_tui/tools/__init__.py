"""The tools a model may call: typed input, declared access, work for the sandbox.

Nothing is imported before it is asked for: the sandbox's children import `tools.workers` with the standard
library only.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.tools.answer import decoded, refusals
    from vtcode_tui.tools.registry import READ_ONLY, Registry, builtin
    from vtcode_tui.tools.running import how_it_ended, plain_output, shell, shell_words
    from vtcode_tui.tools.tool import Input, Place, Result, Tool

_WHERE = {
    "READ_ONLY": "registry",
    "Registry": "registry",
    "builtin": "registry",
    "how_it_ended": "running",
    "plain_output": "running",
    "shell": "running",
    "shell_words": "running",
    "Input": "tool",
    "Place": "tool",
    "Result": "tool",
    "Tool": "tool",
    "decoded": "answer",
    "refusals": "answer",
}

__all__ = [
    "READ_ONLY",
    "Input",
    "Place",
    "Registry",
    "Result",
    "Tool",
    "builtin",
    "decoded",
    "how_it_ended",
    "plain_output",
    "refusals",
    "shell",
    "shell_words",
]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"vtcode_tui.tools.{_WHERE[name]}"), name)
