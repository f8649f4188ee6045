"""A real session on a machine whose kernel lacks something: `python -m ... FEATURE FOLDER JSON`. Prints JSON.

FEATURE (`landlock` or `namespaces`) is taken away by a seccomp filter over this whole process, first of all.
JSON: `allow` (sandbox.allow_unsandboxed), `answer` (yes or no), `calls` of the model, `accept`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyseccomp

from tests.agent.stage import Human, Stage, no, staged, yes
from vtcode_tui.common.errors import SandboxError
from vtcode_tui.config.settings import Sandbox
from vtcode_tui.demo import Step
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import ExecStarted, FileChanged, SandboxApplied

FILES = {
    "README.md": "hello\n",
    "a.py": "x = 1\n",
    "leak.sh": "cat ../.ssh/id_rsa\n",
    "build.sh": "echo EVIL > vtcode.toml\n(setsid setsid sleep $1 >/dev/null 2>&1 &)\n",
}
_NEWUSER = 0x10000000


def take_away(feature: str) -> None:
    """Every use of the feature fails from here on, as on a kernel without it."""
    outer = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    if feature == "landlock":
        outer.add_rule(pyseccomp.ERRNO(38), "landlock_create_ruleset")
    else:
        for call in ("clone", "unshare"):
            new_user = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _NEWUSER, _NEWUSER)
            outer.add_rule(pyseccomp.ERRNO(1), call, new_user)
    outer.load()


async def main(folder: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """One turn of a model that makes these calls; what happened."""
    human = Human(yes if given.get("answer", "yes") == "yes" else no)
    sandbox = Sandbox(allow_unsandboxed=given.get("allow", False))
    steps = [Step(calls=tuple((name, words) for name, words in given["calls"])), Step("done")]
    try:
        async with staged(folder, steps, human=human, files=FILES, sandbox=sandbox) as stage:
            await stage.session.submit("go")
            told = await _told(stage)
            if given.get("accept"):
                shown = await stage.session.changes()
                told["waiting"] = {change.path: change.op for change in shown.files}
                await stage.session.accept({change.path: None for change in shown.files}, shown.digest)
                told["left"] = [change.path for change in (await stage.session.changes()).files]
                told["reviewed"] = len(stage.events("changes.reviewed"))
            return told
    except SandboxError as error:
        return {"refused": str(error)}


async def _told(stage: Stage) -> dict[str, Any]:
    capability, events = stage.session.capability, stage.events()
    applied = [e.data for e in events if isinstance(e.data, SandboxApplied)]
    return {
        "tier": capability.tier,
        "uncontained": capability.uncontained,
        "staged": stage.session.staged,
        "asked": [
            {
                "tool": r.call.tool,
                "rule": r.decision.rule,
                "why": r.decision.reason,
                "sandbox": r.sandbox,
                "scopes": len(r.scopes),
            }
            for r in stage.human.asked
        ],
        "applied": [{"tier": data.tier, "degraded": data.degraded} for data in applied],
        "started": [e.data.argv for e in events if isinstance(e.data, ExecStarted)],
        "changed": [[e.data.path, e.data.via, e.data.staged] for e in events if isinstance(e.data, FileChanged)],
        "notices": [what.text for what in stage.heard if isinstance(what, Notice)],
        "results": [str(m["content"]) for m in stage.model.requests[-1]["messages"] if m["role"] == "tool"],
    }


if __name__ == "__main__":
    take_away(sys.argv[1])
    print(json.dumps(asyncio.run(main(Path(sys.argv[2]), json.loads(sys.argv[3])))))
