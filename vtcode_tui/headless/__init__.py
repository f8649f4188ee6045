"""`vtcode exec` and `ask`: the same core without a screen. `run(Job(...), spawner, out, err)` does one prompt."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.headless.approver import Never
    from vtcode_tui.headless.job import Job, perform, run

_WHERE = {"Never": "approver", "Job": "job", "perform": "job", "run": "job"}

__all__ = ["Job", "Never", "perform", "run"]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"vtcode_tui.headless.{_WHERE[name]}"), name)
