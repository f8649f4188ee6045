"""Accepting, killed before one of its steps: `python -m tests.workspace.accepting_killed STEPS < ARGUMENTS`."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from typing import Any

from vtcode_tui.workspace import plan, staging


def accept_and_die(arguments: dict[str, Any], after: int) -> None:
    """Accept, and die as `kill -9` would have it when `after` steps are done; ends with 0 where there are fewer."""
    count = 0

    def each(step: plan.Step) -> None:
        nonlocal count
        count += 1
        if count > after:
            os.kill(os.getpid(), signal.SIGKILL)

    carry_out = plan.carry_out
    staging.carry_out = lambda *given: carry_out(*given, each=each)  # type: ignore[attr-defined]  # a crash, injected
    staging.accept(arguments, io.BytesIO())
    os._exit(0)


if __name__ == "__main__":
    accept_and_die(json.load(sys.stdin), int(sys.argv[1]))
