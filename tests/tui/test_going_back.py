"""What can be done with a message: copy its code, send it again, go back to before it, fork there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.rig import Rig, ScriptedCore, staged, until
from tests.tui.scenes import begin, respond
from vtcode_tui.agent.forking import ForkPreview
from vtcode_tui.agent.rewinding import RewindPreview
from vtcode_tui.events.types import PromptSubmitted, SessionRewound
from vtcode_tui.llm.messages import Message, Text
from vtcode_tui.sessions import Meta, Store, read_meta
from vtcode_tui.sessions.conversation import conversation_of
from vtcode_tui.tui.panes.chat import ChatPane
from vtcode_tui.tui.screens.fork import ForkScreen
from vtcode_tui.tui.screens.outlook import OutlookScreen
from vtcode_tui.tui.screens.pick import Pick
from vtcode_tui.tui.screens.rewind import Rewind
from vtcode_tui.workspace.changes import ChangeSet, FileChange

Make = Callable[..., Rig]
TWO = "First:\n\n```python\none = 1\n```\n\nthen:\n\n```sh\nmake two\n```\n"


def chat_text(rig: Rig) -> str:
    chat = rig.app.work.chat
    return "\n".join(chat.row(y).text for y in range(chat.row_count()))


def put_cursor(chat: ChatPane, text: str) -> None:
    chat.put_cursor(next(y for y in range(chat.row_count()) if text in chat.row(y).text))


async def talked(rig: Rig, pilot: Pilot[Any]) -> ScriptedCore:
    core = await rig.ready(pilot)
    begin(core)
    core.say(PromptSubmitted(text="now the second thing", sha256="a" * 64), turn=2)
    core.say(respond(TWO), turn=2)
    core.say(PromptSubmitted(text="by the way", sha256="a" * 64, origin="steer"), turn=2)
    core.say(PromptSubmitted(text="and a third", sha256="a" * 64), turn=3)
    core.say(respond("Third answer."), turn=3)
    await until(lambda: "Third answer." in chat_text(rig), pilot)
    await pilot.press("f2")
    return core


async def test_a_code_block_is_chosen_from_several_and_copied(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(140, 40)) as pilot:
        await talked(app, pilot)
        put_cursor(app.app.work.chat, "make two")
        await pilot.press("c")
        await until(lambda: isinstance(app.app.screen, Pick), pilot)
        await pilot.press("down", "enter")
        await until(lambda: app.app.clipboard.strip() == "make two", pilot)


async def test_the_last_answer_is_the_last_one_that_stands_in_the_chat(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(140, 40)) as pilot:
        core = await talked(app, pilot)
        await pilot.press("escape", *"/copy", "enter")
        await until(lambda: app.app.clipboard == "Third answer.", pilot)
        core.say(SessionRewound(to_seq=0, turn=3, messages=2), turn=3)
        await until(lambda: "Third answer." not in chat_text(app), pilot)
        await pilot.press(*"/copy", "enter")
        await until(lambda: app.app.clipboard == TWO, pilot)
        await pilot.press(*"/clear", "enter", *"/copy", "enter")
        await until(lambda: any("no answer stands" in note.message for note in app.app._notifications), pilot)
        assert app.app.clipboard == TWO


async def outlook(app: Rig, kind: type[OutlookScreen], pilot: Any, *, least: int = 8) -> str:
    """What a screen of this kind says, once it is there and has more rows than that."""
    await until(lambda: isinstance(app.app.screen, kind), pilot)
    screen = app.app.screen
    assert isinstance(screen, kind)
    await until(lambda: screen.preview.row_count() > least, pilot)
    return "\n".join(screen.preview.row(y).text for y in range(screen.preview.row_count()))


@pytest.mark.parametrize(("at", "turn"), [("now the second", 2), ("make two", 2), ("by the way", 2), ("Third", 3)])
async def test_going_back_is_previewed_for_the_prompt_at_the_cursor(rig: Make, at: str, turn: int) -> None:
    app = rig()
    app.prepare = lambda core: setattr(core, "waiting", staged())
    async with app.app.run_test(size=(140, 40)) as pilot:
        core = await talked(app, pilot)
        put_cursor(app.app.work.chat, at)
        await pilot.press("R")
        shown = await outlook(app, Rewind, pilot)
        assert "the prompt" in shown and "2 messages will not be given" in shown and "M src/calc.py +4 -2" in shown
        assert "+     return a + b" in shown
        await pilot.press("enter")
        await until(lambda: ("rewind", turn, True, ()) in core.told, pilot)
        assert app.app.work.prompt.text == "the prompt"


async def test_staying_changes_nothing(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(140, 40)) as pilot:
        core = await talked(app, pilot)
        await pilot.press("R")
        await until(lambda: isinstance(app.app.screen, Rewind), pilot)
        await pilot.press("escape")
        await until(lambda: app.app.screen is app.app.work, pilot)
        assert not [told for told in core.told if told[0] == "rewind"]


async def test_files_are_left_or_real_ones_taken_back_as_ticked_and_never_one_that_cannot_be(rig: Make) -> None:
    real = ChangeSet(
        (
            FileChange("a.py", "update", added=1),
            FileChange("b.py", "update", added=1, conflict="changed by somebody else since"),
        )
    )
    app = rig()
    async with app.app.run_test(size=(140, 40)) as pilot:
        core = await talked(app, pilot)

        async def preview(turn: int) -> RewindPreview:
            return RewindPreview(turn, "the prompt", 4, real=real)

        core.preview_rewind = preview  # type: ignore[method-assign]
        for keys, told in (
            (("f",), ("rewind", 3, False, ())),
            (("tab", "tab", "space"), ("rewind", 3, True, ("a.py",))),
            (("tab", "tab", "tab", "tab", "space"), ("rewind", 3, True, ("a.py",))),
        ):
            core.told.clear()
            put_cursor(app.app.work.chat, "Third")
            app.app.work.chat.focus()
            await pilot.press("R")
            await until(lambda: isinstance(app.app.screen, Rewind), pilot)
            await until(lambda: app.app.screen.preview.row_count() > 8, pilot)  # type: ignore[attr-defined]
            await pilot.press(*keys, "enter")
            await until(lambda told=told: told in core.told, pilot)  # type: ignore[misc]


async def test_what_was_taken_back_is_one_quiet_row_that_opens(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(140, 40)) as pilot:
        core = await talked(app, pilot)
        chat = app.app.work.chat
        seq = next(block.seq for block in chat.blocks if block.copy_text() == "now the second thing")
        core.say(SessionRewound(to_seq=seq, turn=2, messages=5, snapshot="x", undone=("a.py",)), turn=3)
        await until(lambda: "taken back  now the second thing  and 4 more" in chat_text(app), pilot)
        assert "make two" not in chat_text(app) and "I will run the tests" in chat_text(app)
        assert "files too, and 1 of your own files" in " ".join(chat_text(app).split())
        put_cursor(chat, "taken back")
        await pilot.press("enter")
        assert "make two" in chat_text(app) and "Third answer." in chat_text(app)
        core.say(PromptSubmitted(text="another way", sha256="a" * 64), turn=4)
        await until(lambda: "another way" in chat_text(app), pilot)


def kept(folder: Path) -> list[str]:
    """What a session on disk gives to the model."""
    _, parsed = Store.reopen(folder)
    messages = conversation_of(parsed.items).messages
    return ["".join(part.text for part in message.parts if isinstance(part, Text)) for message in messages]


def on_disk(home: Path) -> Path:
    """The session that `talked` shows, as the core would have written it."""
    folder = home / "state" / "sessions" / "one"
    store = Store.create(folder, Meta(id="one", workspace="/work/project", started="2026-11-22T20:00:00Z"))
    for turn, (prompt, answer) in enumerate([("first", "1"), ("now the second thing", "2"), ("third", "3")], 1):
        store.add(Message("user", (Text(prompt),)), turn)
        store.add(Message("assistant", (Text(answer),)))
    return folder


@pytest.mark.parametrize(
    ("at", "left"), [("now the second", ["first", "1"]), ("make two", ["first", "1", "now the second thing", "2"])]
)
async def test_a_fork_ends_before_a_prompt_or_after_the_turn_of_anything_else(
    rig: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str, left: list[str]
) -> None:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path))
    app = rig()
    async with app.app.run_test(size=(140, 40)) as pilot:
        core = await talked(app, pilot)
        core.folder = on_disk(tmp_path)
        whole = kept(core.folder)
        put_cursor(app.app.work.chat, at)
        await pilot.press("F")
        await until(lambda: app.app.wanted is not None, pilot)
        assert app.app.wanted is not None and app.app.wanted != core.folder
        assert kept(app.app.wanted) == left
        assert kept(core.folder) == whole and len(whole) == 6


@pytest.mark.parametrize(("keys", "wanted"), [(("enter",), True), (("space", "enter"), False)])
async def test_a_fork_shows_which_staged_files_come_along_and_takes_them_only_if_wanted(
    rig: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...], wanted: bool
) -> None:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path))
    app = rig()
    app.prepare = lambda core: setattr(core, "waiting", staged())
    (tmp_path / "state/layers/one/upper/src").mkdir(parents=True)
    async with app.app.run_test(size=(140, 40)) as pilot:
        core = await talked(app, pilot)
        core.folder = on_disk(tmp_path)
        put_cursor(app.app.work.chat, "now the second")
        for last in (("escape",), keys):
            app.app.work.chat.focus()
            await pilot.press("F")
            shown = await outlook(app, ForkScreen, pilot)
            assert "now the second thing" in shown and "The copy ends before this prompt" in shown
            assert "M src/calc.py +4 -2" in shown and "+     return a + b" in shown
            await pilot.press(*last)
            await until(lambda: app.app.screen is app.app.work, pilot)
            assert last != ("escape",) or app.app.wanted is None
        await until(lambda: app.app.wanted is not None, pilot)
        assert app.app.wanted is not None
        inherited = read_meta(app.app.wanted).staged
        assert inherited is not None and (inherited.turn, inherited.wanted) == (2, wanted)


async def test_a_fork_says_why_no_staged_file_can_come_along(rig: Make, tmp_path: Path) -> None:
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        core = await talked(app, pilot)

        async def preview(turn: int | None) -> ForkPreview:
            return ForkPreview(turn, unknown="what was staged then was not noted")

        core.preview_fork = preview  # type: ignore[method-assign]
        await pilot.press("F")
        shown = await outlook(app, ForkScreen, pilot, least=2)
        assert "No staged file comes along: what was staged then was not noted." in " ".join(shown.split())


async def test_a_fork_that_cannot_be_made_is_told_in_one_sentence_and_the_session_goes_on(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(140, 40)) as pilot:
        await talked(app, pilot)
        await pilot.press("F")
        await until(lambda: any("not forked" in note.message for note in app.app._notifications), pilot)
        assert app.app.wanted is None
