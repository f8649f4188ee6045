"""A real session on a machine whose kernel offers no Landlock: `python -m ... FOLDER ALLOW ANSWER WORDS`.

The feature is taken away by a seccomp filter over this whole process, before anything else. Prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pyseccomp

from tests.agent.stage import Human, no, staged, yes
from vtcode_tui.common.errors import SandboxError
from vtcode_tui.config.settings import Sandbox
from vtcode_tui.demo import Step
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import ExecStarted, SandboxApplied

FILES = {"README.md": "hello", "build.sh": "echo EVIL > vtcode.toml\n(setsid setsid sleep $1 >/dev/null 2>&1 &)\n"}


def take_landlock_away() -> None:
    """Every use of Landlock fails from here on, as on a kernel without it."""
    outer = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    outer.add_rule(pyseccomp.ERRNO(38), "landlock_create_ruleset")
    outer.load()


async def main(folder: Path, *, allow: bool, answer: str, command: str) -> dict[str, Any]:
    """One turn in which the model reads a file and runs a command; what happened."""
    calls = (("read_file", {"path": "README.md"}), ("run_command", {"command": command}))
    human = Human(yes if answer == "yes" else no)
    sandbox = Sandbox(allow_unsandboxed=allow)
    try:
        async with staged(
            folder, [Step(calls=calls), Step("done")], human=human, files=FILES, sandbox=sandbox
        ) as stage:
            await stage.session.submit("go")
            capability = stage.session.capability
            return {
                "tier": capability.tier,
                "uncontained": capability.uncontained,
                "asked": [
                    {"tool": r.call.tool, "rule": r.decision.rule, "sandbox": r.sandbox, "scopes": len(r.scopes)}
                    for r in human.asked
                ],
                "applied": [
                    {"tier": e.data.tier, "degraded": e.data.degraded}
                    for e in stage.events()
                    if isinstance(e.data, SandboxApplied)
                ],
                "started": [e.data.argv for e in stage.events() if isinstance(e.data, ExecStarted)],
                "notices": [what.text for what in stage.heard if isinstance(what, Notice)],
            }
    except SandboxError as error:
        return {"refused": str(error)}


if __name__ == "__main__":
    take_landlock_away()
    _, place, allowed, said, typed = sys.argv
    print(json.dumps(asyncio.run(main(Path(place), allow=allowed == "allow", answer=said, command=typed))))
