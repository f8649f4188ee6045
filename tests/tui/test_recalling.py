"""A session that is gone on with shows what was said in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.tui.rig import Rig, until
from vtcode_tui.events.types import SessionRewound
from vtcode_tui.llm.messages import Message, Text, Thinking, ToolResult, ToolUse
from vtcode_tui.sessions import Meta, Store
from vtcode_tui.tui.panes.blocks import Answer, Said, Thought, ToolCall
from vtcode_tui.tui.panes.gone import Gone
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


async def test_the_chat_shows_it_before_anything_new_and_its_messages_can_be_acted_on(
    rig: Callable[..., Rig], tmp_path: Path
) -> None:
    talked(tmp_path)
    app = rig(resumed=tmp_path)
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
        # Going back in it: the journal of a copy has no event of that prompt.
        core.say(SessionRewound(to_seq=0, turn=2, messages=3), turn=2)
        await until(lambda: "taken back  second prompt" in text(), pilot)
        assert "first prompt" in text() and "make" not in text()
