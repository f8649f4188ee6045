"""A session that is gone on with shows what was said in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.tui.rig import Rig, until
from vtcode_tui.common.clock import SystemClock
from vtcode_tui.events.types import ExecStarted, SessionRewound
from vtcode_tui.llm.messages import Message, Text, Thinking, ToolResult, ToolUse
from vtcode_tui.render import Line, text_of
from vtcode_tui.sessions import Meta, Store
from vtcode_tui.terminal import Recorder, Spool
from vtcode_tui.tui.earlier_runs import earlier_run, last_runs
from vtcode_tui.tui.panes.blocks import Answer, Said, Thought, ToolCall
from vtcode_tui.tui.panes.gone import Gone
from vtcode_tui.tui.panes.runs import KEPT_RUNS
from vtcode_tui.tui.recalling import MOST, recalled

HOSTILE = "\x1b]52;c;aGk=\x07\u202eevil"


def talked(folder: Path) -> Store:
    store = Store.create(folder, Meta(id="one", workspace="/work/project", started="2026-11-22T20:00:00Z"))
    ran = Text("[The person ran a command of their own: ls]\na", "vtcode")
    store.add(Message("user", (ran, Text("first prompt"))), 1)
    store.add(
        Message(
            "assistant", (Thinking("I think."), Text("I **look**."), ToolUse("c1", "read_file", '{"path":"a"}'))
        )
    )
    steered = (Text("[The person said this while you were working:]", "vtcode"), Text("[by the way]", "steer"))
    store.add(Message("user", (ToolResult("c1", "the content"), *steered)))
    store.add(Message("user", (Text("[vtcode stopped the turn.]", "vtcode"),)))
    store.add(Message("assistant", (Text("Done."),)))
    store.add(Message("user", (Text(f"second prompt {HOSTILE}"),)), 2)
    store.add(Message("assistant", (ToolUse("c2", "run_command", '{"command":"make"}'),)))
    store.add(Message("user", (ToolResult("c2", "no", is_error=True),)))
    return store


def test_prompts_answers_reasoning_and_calls_come_back_with_their_turns(tmp_path: Path) -> None:
    talked(tmp_path)
    blocks = recalled(tmp_path)
    assert [type(block) for block in blocks] == [Said, Thought, Answer, ToolCall, Said, Answer, Said, ToolCall]
    said = [block for block in blocks if isinstance(block, Said)]
    assert [(block.text, block.origin, block.turn) for block in said[:2]] == [
        ("first prompt", "tui", 1), ("[by the way]", "steer", 1),
    ]  # fmt: skip
    read, make = (block for block in blocks if isinstance(block, ToolCall))
    assert (read.subject, read.state, read.result) == ("a", "ok", "the content")
    assert (make.subject, make.state, make.turn) == ("make", "error", 2)


def test_what_was_taken_back_is_folded_and_a_very_long_session_is_cut_and_says_so(tmp_path: Path) -> None:
    store = talked(tmp_path)
    store.rewind(5, 2)
    gone = recalled(tmp_path)[-1]
    assert isinstance(gone, Gone) and gone.copy_text().startswith("second prompt") and len(gone.blocks) == 2
    for number in range(MOST):
        store.add(Message("assistant", (Text(f"words {number}"),)))
    blocks = recalled(tmp_path)
    assert len(blocks) == MOST + 1
    assert "7 earlier parts are not shown" in str(getattr(blocks[0], "text", ""))
    assert recalled(tmp_path / "nowhere") == []


def ran(folder: Path, call: str, data: bytes, *, command: str = "", ended: int, code: int = 0) -> None:
    """A run as the gate leaves it on disk; without a command, one that had no terminal."""
    with Spool(folder / "spool" / f"{call}.out") as spool:
        spool.write(data)
    os.utime(folder / "spool" / f"{call}.out", (ended, ended))
    if command:
        with Recorder(folder / "pty" / f"{call}.cast", 60, 20, SystemClock(), command=command) as recorder:
            recorder.output(data)
            recorder.exit(code)


def test_the_last_runs_have_tabs_with_what_they_were_and_what_they_wrote(tmp_path: Path) -> None:
    talked(tmp_path)
    ran(tmp_path, "c2", b"from make\r\n", command="make", ended=100, code=2)
    ran(tmp_path, "h3", b"mine\r\n", command="ls -l", ended=50)
    ran(tmp_path, "c4", b"one\ntwo\n", ended=200)
    views = last_runs(tmp_path, recalled(tmp_path))
    assert [(view.call, view.title, view.good, view.terminal) for view in views] == [
        ("h3", "ls -l", True, True), ("c2", "make", False, True), ("c4", "", True, False),
    ]  # fmt: skip
    mine, make, piped = (view.source() for view in views if view.source is not None)
    assert (mine.data, mine.ending) == (b"mine\r\n", "exit 0")
    assert (make.data, make.ending, make.good, make.columns) == (b"from make\r\n", "exit 2", False, 60)
    assert (piped.data, piped.ending) == (b"one\r\ntwo\r\n", "")
    for call in range(10, 10 + KEPT_RUNS):
        ran(tmp_path, f"c{call}", b"", ended=300 + call)
    assert [view.call for view in last_runs(tmp_path, [])] == [f"c{call}" for call in range(10, 10 + KEPT_RUNS)]
    assert last_runs(tmp_path / "nowhere", []) == []


def test_of_a_very_long_output_the_end_is_read_and_a_damaged_recording_says_so(tmp_path: Path) -> None:
    long = b"".join(b"line %d\r\n" % number for number in range(100_000))
    ran(tmp_path, "c1", long, command="seq", ended=1)
    with Recorder(tmp_path / "pty" / "c2.cast", 60, 20, SystemClock(), command="seq") as recorder:
        for at in range(0, len(long), 4096):
            recorder.output(long[at : at + 4096])
    (tmp_path / "spool" / "c2.out").write_bytes(long)
    ran(tmp_path, "c3", long.replace(b"\r", b""), ended=3)
    ran(tmp_path, "c4", b"begins\r\n", command="break", ended=4)
    with (tmp_path / "pty" / "c4.cast").open("a") as file:
        file.write("no moment\n")
    (tmp_path / "pty" / "c5.cast").write_text("no header\n")
    read = {}
    for call in ("c2", "c3", "c4", "c5"):
        view = earlier_run(tmp_path, call, {})
        assert view is not None and view.source is not None
        read[call] = view.source()
    for call in ("c2", "c3"):
        assert read[call].data.endswith(b"line 99999\r\n") and len(read[call].data) < 1_000_000
        assert read[call].skipped > 400_000
    assert read["c4"].data == b"begins\r\n" and "damaged" in read["c4"].ending
    assert read["c5"].data == b"" and "cannot be read" in read["c5"].ending
    assert earlier_run(tmp_path, "../c9", {}) is None


async def test_the_chat_shows_it_before_anything_new_and_its_messages_can_be_acted_on(
    rig: Callable[..., Rig], tmp_path: Path
) -> None:
    talked(tmp_path)
    ran(tmp_path, "c2", f"made {HOSTILE}\r\n".encode(), command="make", ended=100, code=2)
    for call in range(3, 3 + KEPT_RUNS):
        ran(tmp_path, f"h{call}", b"output of %d\r\n" % call, command=f"task{call}", ended=100 + call)
    app = rig(resumed=tmp_path)
    app.prepare = lambda core: setattr(core, "folder", tmp_path)
    async with app.app.run_test(size=(100, 40)) as pilot:
        core = await app.ready(pilot)
        chat = app.app.work.chat

        def text() -> str:
            return "\n".join(chat.row(y).text for y in range(chat.row_count()))

        await until(lambda: "first prompt" in text() and "I look." in text() and "make" in text(), pilot)
        assert "\x1b" not in text() and "\u202e" not in text()
        await pilot.press("f2")
        chat.put_cursor(next(y for y in range(chat.row_count()) if "second prompt" in chat.row(y).text))
        await pilot.press("e")
        await until(lambda: app.app.work.prompt.text.startswith("second prompt"), pilot)
        app.app.work.prompt.put("/copy")
        await pilot.press("enter")
        await until(lambda: app.app.clipboard == "Done.", pilot)
        # The tabs of the last runs are there, and each is read when it is opened.
        terminal = app.app.work.terminal

        def screen() -> str:
            return "\n".join(terminal.row(y).text for y in range(terminal.row_count()))

        def front() -> tuple[str, str]:
            return (terminal.current.call, terminal.current.ending) if terminal.current is not None else ("", "")

        last = f"task{2 + KEPT_RUNS}"
        assert len(terminal.runs) == KEPT_RUNS and front() == ("", "") and terminal.alive == 0
        assert last in text_of([Line(terminal.summary()[0])]) and "✓" in text_of([Line(terminal.summary()[0])])
        assert all(view.source is not None for view in terminal.runs.values())
        await pilot.press("f5")
        await until(lambda: f"output of {2 + KEPT_RUNS}" in screen(), pilot)
        assert sum(view.source is None for view in terminal.runs.values()) == 1
        # A call of earlier shows its run, though it has no tab any more, and its run goes back to the call.
        await pilot.press("f2")
        chat.put_cursor(next(y for y in range(chat.row_count()) if "make" in chat.row(y).text))
        await pilot.press("o")
        await until(lambda: "made" in screen() and app.app.work.focused is terminal, pilot)
        assert "\x1b" not in screen() and "\u202e" not in screen() and front() == ("c2", "exit 2")
        await pilot.press("o")
        await until(lambda: app.app.work.focused is chat, pilot)
        # A run of now is the newest.
        core.say(
            ExecStarted(
                argv=("now",), executable="/now", cwd="/w", subject_sha256="", sandbox_sha256="", terminal=True
            ),
            call="h99",
        )
        await until(lambda: front()[0] == "h99", pilot)
        assert list(terminal.runs)[-1] == "h99" and len(terminal.runs) == KEPT_RUNS
        # Going back in it: the journal of a copy has no event of that prompt.
        core.say(SessionRewound(to_seq=0, turn=2, messages=3), turn=2)
        await until(lambda: "taken back  second prompt" in text(), pilot)
        assert "first prompt" in text() and "make" not in text()
