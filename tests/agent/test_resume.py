from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from pathlib import Path

import pytest

from tests.agent.stage import home_in, staged
from tests.reading import by_call
from vtcode_tui.agent import opening
from vtcode_tui.agent.assembling import Opened
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.common.errors import JournalError, UsageError
from vtcode_tui.demo import Step, in_order, served
from vtcode_tui.events import locate, read_events, verify
from vtcode_tui.events.live import Notice, OutputChunk
from vtcode_tui.events.types import ToolFinished
from vtcode_tui.sessions import Recording, delete, sessions
from vtcode_tui.sessions.listing import in_use
from vtcode_tui.sessions.recovery import Standing, standing_in
from vtcode_tui.workspace import grant_trust, left_staged

pytestmark = pytest.mark.kernel


async def test_a_session_goes_on_where_it_ended(tmp_path: Path) -> None:
    edit = Step("", (("write_file", {"path": "new.txt", "content": "staged\n"}),))
    async with staged(tmp_path, [edit, Step("first answer")], files={"a": "x\n"}) as stage:
        await stage.session.submit("first question")
        folder = stage.session.folder
    again = Step("", (("read_file", {"path": "new.txt"}),))

    def script(body: dict[str, object]) -> Step:
        return again if "staged" not in str(body["messages"]).split("second question")[-1] else Step("second")

    async with staged(tmp_path, script, resume=folder) as stage:
        await stage.session.submit("second question")
        text = str(stage.model.requests[0]["messages"])
        assert "first question" in text
        assert "first answer" in text
        assert stage.session.last_answer == "second"
        assert stage.session.session == folder.name
        assert [change.path for change in (await stage.session.changes()).files] == ["new.txt"]
        calls = [e.call for e in stage.events("tool.requested")]
        assert len(calls) == len(set(calls))
    assert verify(folder).state == "sealed"


async def test_what_is_gone_on_with_is_read_beside_the_loop_and_let_go_of_when_nobody_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(tmp_path, [Step("done")]) as stage:
        await stage.session.submit("go")
        folder = stage.session.folder
    begun, go_on, given_back = threading.Event(), threading.Event(), asyncio.Event()
    let_go = opening._let_go

    def slowly(folder: Path) -> Standing:
        begun.set()
        assert go_on.wait(60), "the loop was held"
        return standing_in(folder)

    def noted(reading: asyncio.Future[Opened]) -> None:
        let_go(reading)
        given_back.set()

    async def opened() -> None:
        async with staged(tmp_path, [], resume=folder):
            raise AssertionError("it was opened")

    monkeypatch.setattr(opening, "standing_in", slowly)
    monkeypatch.setattr(opening, "_let_go", noted)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(opened())
        await asyncio.to_thread(begun.wait, 60)
        task.cancel()
    go_on.set()
    await given_back.wait()
    assert not in_use(folder)


async def test_a_deleted_session_leaves_no_layer_behind(tmp_path: Path) -> None:
    hidden = "mkdir -p deep/er && echo x > deep/er/f && rm a && chmod 0 deep/er deep"
    run = Step("", (("run_command", {"command": hidden}),))
    async with staged(tmp_path, [run, Step("done")], files={"a": "x\n"}) as stage:
        await stage.session.submit("go")
        folder = stage.session.folder
        home = home_in(tmp_path)
        with pytest.raises(UsageError, match="open in a vtcode process"):
            delete(home, folder)
        assert (home.layers / folder.name).is_dir()
    assert left_staged(home.layers, folder.name)
    delete(home, folder)
    assert not (home.layers / folder.name).exists()
    assert not left_staged(home.layers, folder.name)
    assert verify(folder).state == "sealed"


async def test_a_session_whose_conversation_was_deleted_does_not_go_on_empty(tmp_path: Path) -> None:
    async with staged(tmp_path, [Step("done")]) as stage:
        await stage.session.submit("go")
        folder = stage.session.folder
    delete(home_in(tmp_path), folder)
    with pytest.raises(UsageError, match="can only be replayed"):
        async with staged(tmp_path, [Step("done")], resume=folder):
            raise AssertionError("it was opened")
    assert verify(folder).state == "sealed"


async def test_two_processes_never_write_one_session(tmp_path: Path) -> None:
    async with staged(tmp_path, [Step("ok")]) as stage:
        await stage.session.submit("hello")
        with pytest.raises(JournalError, match="in use by another"):
            async with staged(tmp_path, [], resume=stage.session.folder):
                pass


async def test_after_a_crash_nothing_runs_twice_and_the_unknown_is_said(tmp_path: Path) -> None:
    root, home = tmp_path / "ws", home_in(tmp_path)
    root.mkdir()
    home.config.mkdir(parents=True)
    grant_trust(root, home, now=rfc3339(SystemClock().now()))
    steps = [
        Step("", (("write_file", {"path": "one", "content": "1"}), ("run_command", {"command": "sleep 600"}))),
        Step("never"),
    ]
    async with served(in_order(steps)) as model:
        home.settings_file.write_text(
            f'[model]\nprovider = "test"\nname = "scripted"\ndiscover = false\n'
            f'[providers.test]\nbase_url = "{model.base_url}"\nmodels = ["scripted"]\ndata_class = "local"\n'
        )
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VTCODE_HOME": str(tmp_path / "vt")}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "vtcode_tui", "exec", "go", cwd=root, env=env,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        while line := await process.stderr.readline():
            event = json.loads(line)
            if event["type"] == "exec.started" and event["call"] == "c2":
                break
        process.kill()
        await process.communicate()
    folder = locate(home, "last")
    assert verify(folder).state in {"open", "torn"}
    async with staged(tmp_path, [Step("")] * 2 + [Step("I will look first.")], resume=folder) as stage:
        statuses = {call: it.status for call, it in by_call(stage.events(), ToolFinished).items()}
        assert statuses == {"c1": "ok", "c2": "unknown"}
        told = [one.text for one in stage.heard if isinstance(one, Notice)]
        assert any("Unknown outcome" in text and "c2 (run_command: sleep 600)" in text for text in told)
        assert len([e for e in stage.events("exec.started") if e.call in {"c1", "c2"}]) == 2
        await stage.session.submit("what happened?")
        assert "outcome of this call is unknown" in str(stage.model.requests[-1]["messages"])
    assert verify(folder).state == "sealed"


async def test_a_finished_session_is_listed_and_replayed_from_its_journal(tmp_path: Path) -> None:
    steps = [Step("", (("run_command", {"command": "echo hello from the run"}),)), Step("said")]
    async with staged(tmp_path, steps) as stage:
        await stage.session.submit("say hello")
        live = [one for one in stage.heard if isinstance(one, OutputChunk)]
        folder, home = stage.session.folder, stage.home
    listed = sessions(home)
    assert [one.meta.title for one in listed] == ["say hello"]
    assert listed[0].meta.ended
    recording = Recording(folder)
    started = [place for place, kind in enumerate(recording.events.types) if kind == "exec.started"]
    pieces = [piece for place in started for piece in recording.output(place).pieces]
    assert b"".join(pieces) == b"".join(c.data for c in live)
    assert list(recording.events) == list(read_events(folder))
    assert recording.index_at(recording.duration) == len(recording)
    first = recording.following(0, "prompt")
    assert first is not None
    assert recording.events[first - 1].type == "prompt.submitted"
    assert Recording(folder, idle_limit=0.01).duration <= recording.duration
