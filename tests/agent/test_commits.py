"""A session's commits get a git note that vouches for the root log; a hostile repository has no say in it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Literal

import pytest

from tests.agent.stage import staged
from vtcode_tui.config.settings import Audit, Sandbox
from vtcode_tui.demo import Step
from vtcode_tui.events import verify
from vtcode_tui.events.evidence import Evidence
from vtcode_tui.events.live import Notice

pytestmark = pytest.mark.kernel
AUDIT = Audit(anchors=("git-note",))


def git(root: Path, *words: str) -> str:
    who = {f"GIT_{kind}_{what}": "t@t" for kind in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(root), "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout.strip()


def commit(root: Path, name: str) -> str:
    (root / name).write_text(name)
    git(root, "add", name)
    git(root, "commit", "-qm", name)
    return git(root, "rev-parse", "HEAD")


@pytest.mark.parametrize("staging", ["auto", "off"])
async def test_commits_that_came_while_a_session_ran_get_an_anchor_that_verifies(
    tmp_path: Path, staging: Literal["auto", "off"]
) -> None:
    root = tmp_path / "ws"
    git(tmp_path, "init", "-q", str(root))
    before = commit(root, "before")
    proof = tmp_path / "ran"
    hook = root / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {proof}\n")
    hook.chmod(0o755)
    git(root, "config", "core.fsmonitor", str(hook))
    async with staged(tmp_path, [Step("ok")], audit=AUDIT, sandbox=Sandbox(staging=staging)) as stage:
        await stage.session.submit("go")
        fresh = await asyncio.to_thread(commit, root, "fresh")
    noted = await asyncio.to_thread(git, root, "notes", "--ref=vtcode", "show", fresh)
    assert noted.startswith("vtcode-anchor v1 ")
    assert (await asyncio.to_thread(git, root, "notes", "--ref=vtcode", "list")).split()[1:] == [fresh]
    assert before != fresh
    assert not proof.exists()
    report = verify(stage.session.folder, evidence=Evidence(noted, given=True))
    assert report.problems == ()
    lines = [json.loads(line) for line in (stage.home.audit / "root.jsonl").read_bytes().splitlines()]
    assert [f"git-note:{fresh}"] in [line["data"].get("where") for line in lines]
    assert stage.events("exec.started"), "it was done in the sandbox, and recorded like any run"


async def test_a_note_that_cannot_be_left_is_said_and_does_not_stop_the_end(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    git(tmp_path, "init", "-q", str(root))
    commit(root, "before")
    async with staged(tmp_path, [Step("ok")], audit=AUDIT) as stage:
        await stage.session.submit("go")
        await asyncio.to_thread(commit, root, "fresh")
        (root / ".git" / "refs" / "notes").mkdir(parents=True)
        (root / ".git" / "refs" / "notes" / "vtcode.lock").touch()
    assert any(isinstance(what, Notice) and "no git note was left" in what.text for what in stage.heard)
    assert verify(stage.session.folder).state == "sealed"
