"""The evidence and its keys are out of reach of whatever the model runs, also when the human says yes to all."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.agent.stage import home_in, staged
from vtcode_tui.demo import Step
from vtcode_tui.events import verify

pytestmark = pytest.mark.kernel


async def test_neither_keys_nor_journals_are_read_or_changed_from_the_sandbox(tmp_path: Path) -> None:
    state = home_in(tmp_path).state
    python = (
        f"import os; [print(open(os.path.join(f, n), 'rb').read()) for f, _, ns in os.walk('{state}') for n in ns]"
    )
    commands = [
        f"cat {state}/keys/host-ed25519 {state}/keys/redaction",
        f"cp -r {state} stolen; cat stolen/keys/* stolen/sessions/*/*/*/*/journal.jsonl",
        f"ln -s {state} way; cat way/keys/*",
        f"cat /proc/self/root{state}/keys/host-ed25519",
        f'python3 -c "{python}"',
        f"find {state} -type f -exec cat {{}} +",
        f"rm -rf {state}; mv {state} {state}2",
        f"for f in {state}/audit/root.jsonl {state}/sessions/*/*/*/*/journal.jsonl; do echo forged >> $f; done",
    ]
    # The policy denies what it can read; what it cannot read comes to the human, who says yes, and to the kernel.
    hidden = [f"echo {base64.b64encode(command.encode()).decode()} | base64 -d | sh" for command in commands]
    calls = tuple(("run_command", {"command": one, "terminal": False}) for one in (*commands, *hidden))
    async with staged(tmp_path, [Step("", calls), Step("done")]) as stage:
        await stage.session.submit("go")
        keys = [(stage.home.keys / name).read_bytes() for name in ("host-ed25519", "redaction")]
        ran = {event.call for event in stage.events("exec.started")} & {f"c{n}" for n in range(1, len(calls) + 1)}
        assert len(ran) >= len(hidden)
        told = "\n".join(stage.told(f"c{number}") for number in range(1, len(calls) + 1))
        for key in keys:
            assert key.decode("latin-1").strip() not in told
            assert repr(key)[2:-1] not in told
        assert '"prev":"' not in told
        assert "forged" not in (stage.home.audit / "root.jsonl").read_text()
        folder = stage.session.folder
    assert verify(folder).state == "sealed"
