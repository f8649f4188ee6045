"""Earlier sessions on the screen: found, looked at, copied, deleted; one that was cut off is offered at start."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.rig import Rig, until
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Settings
from vtcode_tui.events import Bus, Journal, session_folder
from vtcode_tui.events.types import (
    ExecStarted,
    PolicyDecided,
    PromptSubmitted,
    SandboxApplied,
    SessionEnded,
    SessionStarted,
    ToolRequested,
)
from vtcode_tui.llm.messages import Message, Text
from vtcode_tui.sessions import Listed, Meta, Store, fork, interrupted, read_meta, sessions
from vtcode_tui.tui.linear import cut_off
from vtcode_tui.tui.picture import text_of
from vtcode_tui.tui.screens import session_preview
from vtcode_tui.tui.screens.copying import Copying
from vtcode_tui.tui.screens.recover import Recover
from vtcode_tui.tui.screens.replay import ReplayScreen
from vtcode_tui.tui.screens.session_preview import Ending, ending_of, preview_of
from vtcode_tui.tui.screens.sessions import Act, Chosen, PickerApp, Sessions

A = "a" * 64


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))
    return Home.from_environment()


async def record(
    home: Home, number: int, title: str, answer: str, *, workspace: str = "/work/project", cut_off: bool = False
) -> Path:
    """A session with one prompt and one answer; one that is cut off has a call under way."""
    session = f"0192000{number}-0000-7000-8000-000000000001"
    began = datetime(2026, 11, 20, 10, tzinfo=UTC) + timedelta(hours=number)
    folder = session_folder(home, session, began)
    journal = Journal.create(folder, session)
    await journal.prepare()
    bus = Bus(journal)
    await bus.record(
        SessionStarted(
            vtcode="1", python="3", kernel="6", user="u", uid=1, host="h", pid=1, workspace=workspace, trusted=True,
            config_sha256="", policy_sha256="", tier="full", log_key=journal.log_key, root_head=journal.root_head,
        )
    )  # fmt: skip
    await bus.record(PromptSubmitted(text=title, sha256=A), turn=1)
    stamp = began.isoformat()
    meta = Meta(
        id=session, workspace=workspace, started=stamp, updated=stamp, title=title, turns=1, ended=not cut_off
    )
    store = Store.create(folder, meta)
    store.add(Message("user", (Text(title),)))
    store.add(Message("assistant", (Text(answer),)))
    if cut_off:
        asked = ToolRequested(tool="run_command", arguments={}, arguments_sha256=A, subject_sha256=A, cwd="/w")
        await bus.record(asked, turn=1, call="c1")
        allowed = PolicyDecided(decision="allow", rule="r", reason="", subject_sha256=A, policy_sha256=A)
        await bus.record(allowed, turn=1, call="c1")
        await bus.record(SandboxApplied(tier="full", profile="p", profile_sha256=A), turn=1, call="c1")
        ran = ExecStarted(argv=("make",), executable="/usr/bin/make", cwd="/w", subject_sha256=A, sandbox_sha256=A)
        await bus.record(ran, turn=1, call="c1")
        journal.abandon()
    else:
        await bus.record(SessionEnded(reason="over", turns=1, tools=0, denied=0))
        await bus.close()
    return folder


async def three(home: Home) -> list[Path]:
    return [
        await record(home, 1, "Fix the parser", "The fence was closed too early."),
        await record(home, 2, "Add a cache", "Entries expire after one hour.", workspace="/work/other"),
        await record(home, 3, "Rename a module", "It is called widgets now."),
    ]


def shown(screen: Sessions) -> list[str]:
    return [one.meta.title for one in screen._shown]


async def listed(app: PickerApp, pilot: Pilot[Any]) -> Sessions:
    await until(lambda: isinstance(app.screen, Sessions) and bool(app.screen._shown), pilot)
    assert isinstance(app.screen, Sessions)
    return app.screen


async def test_a_session_is_found_by_its_row_and_by_the_words_of_its_conversation(home: Home) -> None:
    folders = await three(home)
    app = PickerApp(home, "which?", "resume", Settings())
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await listed(app, pilot)
        assert shown(screen) == ["Rename a module", "Add a cache", "Fix the parser"]
        await pilot.press(*"other")
        await until(lambda: shown(screen) == ["Add a cache"], pilot)
        await pilot.press(*["backspace"] * 5, *"fence was")
        await until(lambda: shown(screen) == ["Fix the parser"], pilot)
        assert "closed too early" in "".join(row.text for row in screen._choices.all)
        await until(lambda: "closed too early" in "".join(row.text for row in screen._preview._rows), pilot)
        await pilot.press("enter")
        await until(lambda: app.chosen is not None, pilot)
    assert app.chosen == Chosen("resume", folders[0])


async def test_a_conversation_is_read_beside_the_loop_and_once_while_letters_leave_it_under_the_cursor(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    await three(home)
    reading: list[tuple[str, bool]] = []

    def noted(listed: Listed) -> Ending | None:
        reading.append((listed.meta.title, threading.current_thread() is threading.main_thread()))
        return ending_of(listed)

    monkeypatch.setattr(session_preview, "ending_of", noted)
    app = PickerApp(home, "which?", "resume", Settings())
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await listed(app, pilot)

        def previewed() -> str:
            return "".join(row.text for row in screen._preview._rows)

        await until(lambda: "called widgets now" in previewed(), pilot)
        await pilot.press(*"re")
        await until(lambda: shown(screen) == ["Rename a module"], pilot)
        await pilot.press("backspace", "down")
        await until(lambda: "after one hour" in previewed(), pilot)
    assert reading == [("Rename a module", False), ("Add a cache", False)]


async def test_what_was_found_and_how_a_session_stands_is_on_the_screen_beside_a_long_title(home: Home) -> None:
    folder = await record(
        home, 1, "Build it " * 8, "It took a while. " * 6 + "Then the needle broke.", cut_off=True
    )
    app = PickerApp(home, "which?", "resume", Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        await listed(app, pilot)
        assert "not closed" in text_of(app) and "local time (UTC)" in text_of(app)
        await pilot.press(*"needle")
        await until(lambda: "…hen the needle" in text_of(app), pilot)
        await pilot.press("enter")
        await until(lambda: app.chosen is not None, pilot)
    assert app.chosen == Chosen("resume", folder)


async def test_the_list_has_the_persons_own_theme_and_keys_and_says_which_cannot_be(home: Home) -> None:
    folders = await three(home)
    chosen = {"theme": "vtcode-light", "keys": {"sessions.other": "f7", "sessions.othre": "f8"}}
    app = PickerApp(home, "which?", "resume", Settings.model_validate({"interface": chosen}))
    async with app.run_test(size=(120, 30)) as pilot:
        await listed(app, pilot)
        assert app.theme == "vtcode-light" and "f7 replay" in text_of(app).lower()
        assert any("did you mean `sessions.other`?" in note.message for note in app._notifications)
        await pilot.press("f7")
        await until(lambda: app.chosen is not None, pilot)
    assert app.chosen == Chosen("replay", folders[2])


async def test_the_other_key_replays_where_enter_resumes(home: Home) -> None:
    folders = await three(home)
    app = PickerApp(home, "which?", "resume", Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        await listed(app, pilot)
        await pilot.press("down", "ctrl+r")
        await until(lambda: app.chosen is not None, pilot)
    assert app.chosen == Chosen("replay", folders[1])


async def test_a_copy_is_made_and_gone_on_with(home: Home) -> None:
    await three(home)
    app = PickerApp(home, "which?", "resume", Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        await listed(app, pilot)
        before = len(sessions(home))
        for key in ("escape", "ctrl+r"):
            await pilot.press("ctrl+f")
            await until(lambda: isinstance(app.screen, Copying), pilot)
            assert "Nothing is staged there." in text_of(app) and len(sessions(home)) == before
            await pilot.press(key)
        await until(lambda: app.chosen is not None, pilot)
    assert app.chosen is not None
    copy = next(one for one in sessions(home) if one.folder == app.chosen.folder)
    assert copy.meta.parent.startswith("01920003") and copy.has_conversation


async def test_what_is_shown_of_a_session_is_what_going_on_with_it_would_show(home: Home) -> None:
    folder = await record(home, 1, "Fix the parser", "The fence was closed too early.")
    store, _ = Store.reopen(folder)
    store.add(Message("user", (Text("Rename all of it"), Text("[a note of vtcode]", "vtcode"))))
    store.add(Message("assistant", (Text("Renamed."),)))
    (listed,) = sessions(home)
    shown = [row.text.strip() for row in preview_of(listed, 60, ending_of(listed))]
    assert "▌ Rename all of it" in shown and not any("a note of vtcode" in row for row in shown)
    store.rewind(2, 2)
    shown = [row.text.strip() for row in preview_of(listed, 60, ending_of(listed))]
    assert "▌ Fix the parser" in shown and not any("Rename" in row for row in shown), "it was taken back"


async def test_a_copy_that_was_made_earlier_is_listed_with_the_turns_that_its_conversation_has(home: Home) -> None:
    folder = await record(home, 1, "Fix the parser", "The fence was closed too early.")
    Store.reopen(folder)[0].add(Message("user", (Text("And the lexer"),)), turn=2)
    copy = await fork(home, folder)
    as_it_was = read_meta(copy).model_copy(update={"turns": 0})
    (copy / "meta.json").write_text(as_it_was.model_dump_json(), encoding="utf-8")
    assert {listed.folder: listed.meta.turns for listed in sessions(home)} == {folder: 1, copy: 2}


async def test_a_conversation_is_deleted_after_a_question_and_never_while_it_is_open(home: Home) -> None:
    folders = await three(home)
    held = os.open(folders[2] / "journal.jsonl", os.O_RDONLY)
    app = PickerApp(home, "which?", "resume", Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await listed(app, pilot)
        fcntl.flock(held, fcntl.LOCK_EX)
        await pilot.press("ctrl+d", *"no", "enter")
        await until(lambda: "only yes deletes it" in text_of(app), pilot)
        await pilot.press("ctrl+u", *"yes", "enter")
        await until(lambda: "is open in a vtcode process" in text_of(app), pilot)
        os.close(held)
        await pilot.press("escape")
        await until(lambda: app.screen is screen, pilot)
        assert (folders[2] / "session.md").exists()
        staged = home.layers / folders[2].name / "upper"
        staged.mkdir(parents=True)
        (staged / "never-accepted.py").write_text("x")
        await pilot.press("ctrl+d")
        await until(lambda: "its staged changes that were not accepted go too" in text_of(app), pilot)
        await pilot.press(*"yes", "enter")
        await until(lambda: not (folders[2] / "session.md").exists(), pilot)
        assert (folders[2] / "journal.jsonl").exists()
        await until(lambda: not staged.parent.exists(), pilot)
        await until(lambda: app.screen is screen, pilot)
        await pilot.press("home", "enter")
        await pilot.pause()
        assert app.chosen is None  # without a conversation it can only be replayed
        await pilot.press("ctrl+r")
        await until(lambda: app.chosen is not None, pilot)


async def test_only_this_folder(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    await record(home, 1, "Elsewhere", "x")
    await record(home, 2, "Here", "x", workspace=str(tmp_path))
    app = PickerApp(home, "which?", "replay", Settings())
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await listed(app, pilot)
        await pilot.press("tab")
        await until(lambda: shown(screen) == ["Here"], pilot)
        await pilot.press("tab")
        await until(lambda: len(shown(screen)) == 2, pilot)


async def test_a_session_that_was_cut_off_is_offered_at_start(home: Home, rig: Callable[..., Rig]) -> None:
    folder = await record(home, 1, "Build it", "I run make.", cut_off=True)
    made = rig()
    async with made.app.run_test(size=(80, 24)) as pilot:
        await made.ready(pilot)
        await until(lambda: isinstance(made.app.screen, Recover), pilot)
        assert "1 call was under way" in "".join(
            row.text
            for row in made.app.screen.query_one("#question-text")._rows  # type: ignore[attr-defined]
        )
        await pilot.press("r", "enter")
        assert made.app.wanted is None  # a letter or enter typed ahead answers nothing
        await pilot.press("ctrl+r")
        await until(lambda: made.app.wanted == folder, pilot)
    assert ("close", "left by the person") in made.core.told


async def test_recovery_is_not_offered_over_a_draft_for_a_resumed_or_for_an_open_session(
    home: Home, rig: Callable[..., Rig]
) -> None:
    folder = await record(home, 1, "Build it", "I run make.", cut_off=True)
    written = rig(draft="half a sentence")
    async with written.app.run_test(size=(80, 24)) as pilot:
        await written.ready(pilot)
        chat = written.app.work.chat
        await until(lambda: any("cut off" in block.copy_text() for block in chat.blocks), pilot)
        assert not isinstance(written.app.screen, Recover)
    resumed = rig(resumed=folder)
    async with resumed.app.run_test(size=(80, 24)) as pilot:
        await resumed.ready(pilot)
        assert not isinstance(resumed.app.screen, Recover)
    assert interrupted(home, Path("/work/project")) is not None
    # Without a screen nothing is asked: the one command that goes on is said.
    words = f"`vtcode resume --plain {folder.name}` goes on with it"
    assert words in cut_off(home, Path("/work/project"), "another")
    assert cut_off(home, Path("/work/project"), folder.name) == ""
    with (folder / "journal.jsonl").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert interrupted(home, Path("/work/project")) is None


async def test_the_list_begins_with_what_was_used_last_and_leaves_out_where_nothing_happened(home: Home) -> None:
    gone_on_with = await record(home, 1, "Build it", "I run make.")
    await record(home, 2, "Look at it", "I look.")
    left = await record(home, 3, "x", "x")
    Store(left, read_meta(left)).update(title="", turns=0)
    Store(gone_on_with, read_meta(gone_on_with)).update(updated="2026-11-21T10:00:00+00:00", ended=False)
    lists: dict[Act, list[str]] = {"replay": ["Build it", "", "Look at it"], "resume": ["Build it", "Look at it"]}
    for act, titles in lists.items():
        app = PickerApp(home, "which?", act, Settings())
        with (gone_on_with / "journal.jsonl").open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            async with app.run_test(size=(120, 30)) as pilot:
                screen = await listed(app, pilot)
                assert shown(screen) == titles
                assert "open now" in screen._choices.all[0].text
                if act == "resume":
                    await pilot.press("enter")
                    assert any("has it open" in note.message for note in app._notifications)


async def test_a_session_that_is_open_elsewhere_hides_none_that_was_cut_off_beside_it(home: Home) -> None:
    cut_off = await record(home, 1, "Build it", "I run make.", cut_off=True)
    other = await record(home, 2, "Look at it", "I look.", cut_off=True)
    with (other / "journal.jsonl").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        found = interrupted(home, Path("/work/project"))
    assert found is not None and found.listed.folder == cut_off


async def test_one_that_was_left_before_anything_was_asked_hides_none_that_was_cut_off(home: Home) -> None:
    cut_off = await record(home, 1, "Build it", "I run make.", cut_off=True)
    left = await record(home, 2, "x", "x")
    Store(left, read_meta(left)).update(title="", turns=0)
    found = interrupted(home, Path("/work/project"))
    assert found is not None and found.listed.folder == cut_off and not found.unsound


async def test_a_journal_that_was_tampered_with_is_not_offered_to_be_gone_on_with(
    home: Home, rig: Callable[..., Rig]
) -> None:
    folder = await record(home, 1, "Build it", "I run make.", cut_off=True)
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"Build it", b"Break it"))
    made = rig()
    async with made.app.run_test(size=(80, 24)) as pilot:
        await made.ready(pilot)
        chat = made.app.work.chat
        await until(lambda: any("is not gone on with" in block.copy_text() for block in chat.blocks), pilot)
        assert not isinstance(made.app.screen, Recover)


async def test_the_list_in_the_app_replays_over_the_work(home: Home, rig: Callable[..., Rig]) -> None:
    await three(home)
    made = rig()
    async with made.app.run_test(size=(120, 40)) as pilot:
        await made.ready(pilot)
        await pilot.press(*"/sessions", "enter")
        await until(lambda: isinstance(made.app.screen, Sessions), pilot)
        await pilot.press("ctrl+r")
        await until(lambda: isinstance(made.app.screen, ReplayScreen), pilot)
