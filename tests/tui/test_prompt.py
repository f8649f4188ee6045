"""The prompt: pictures, long pastes, the queue behind a turn, the person's own editor, the history."""

from __future__ import annotations

import asyncio
import base64
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.events import Paste

from tests.tui.device import Terminal
from tests.tui.rig import Rig, until
from vtcode_tui.common.errors import UsageError
from vtcode_tui.sandbox.editor import edit, editor_of
from vtcode_tui.tui.attachments import LARGEST, Picture, pictures_in
from vtcode_tui.tui.history import History
from vtcode_tui.tui.screens.pick import Pick

Make = Callable[..., Rig]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(3000)


def chat_text(rig: Rig) -> str:
    chat = rig.app.work.chat
    return "\n".join(chat.row(y).text for y in range(chat.row_count()))


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    file = tmp_path / "a shot.png"
    file.write_bytes(PNG)
    return file


@pytest.mark.parametrize("form", ["{}", "'{}'", '"{}"', " {} ", "escaped", "url"])
def test_a_dropped_file_is_a_picture_however_the_terminal_quotes_it(shot: Path, form: str) -> None:
    text = {"escaped": str(shot).replace(" ", "\\ "), "url": shot.as_uri()}.get(form, form.format(shot))
    assert pictures_in(text) == (Picture("a shot.png", PNG),)


def test_several_dropped_files_and_data_are_pictures(shot: Path, tmp_path: Path) -> None:
    other = tmp_path / "b.gif"
    other.write_bytes(b"GIF89a" + bytes(10))
    assert [picture.name for picture in pictures_in(f"'{shot}' {other}")] == ["a shot.png", "b.gif"]
    (pasted,) = pictures_in("data:image/png;base64," + base64.b64encode(PNG).decode())
    assert pasted.data == PNG


def test_what_only_looks_like_a_picture_stays_text(tmp_path: Path, shot: Path) -> None:
    lie = tmp_path / "key.png"
    lie.write_text("-----BEGIN OPENSSH PRIVATE KEY-----")
    os.mkfifo(tmp_path / "pipe.png")
    paths = [str(tmp_path / name) for name in ("key.png", "pipe.png", "none.png", "")]
    words = ["a shot.png", f"look at {shot}", f"{shot}\n{shot}", "data:image/png;base64,aGVsbG8=", "/dev/zero"]
    for text in [*paths, *words, "'", ""]:
        assert pictures_in(text) == ()


def test_a_picture_that_is_too_large_is_refused_with_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "big.png"
    with file.open("wb") as out:
        out.write(PNG)
        out.truncate(LARGEST + 1)
    with pytest.raises(ValueError, match=r"big\.png is larger than 10 MB"):
        pictures_in(str(file))


@given(st.text())
def test_no_paste_breaks_it(text: str) -> None:
    assert pictures_in(text) == ()


async def test_a_pasted_picture_is_a_chip_that_goes_with_the_prompt_and_goes_as_one(rig: Make, shot: Path) -> None:
    app = rig()
    async with app.app.run_test() as pilot:
        core = await app.ready(pilot)
        prompt = app.app.work.prompt
        await pilot.press(*"see ")
        prompt.post_message(Paste(str(shot)))
        await until(lambda: prompt.text == "see [image #1 a shot.png 3 kB] ", pilot)
        await pilot.press("backspace")
        assert prompt.text == "see "
        prompt.post_message(Paste(str(shot)))
        await until(lambda: "#2" in prompt.text, pilot)
        await pilot.press(*"and fix", "enter")
        await until(lambda: bool(core.told), pilot)
        assert core.told[0] == ("submit", "see [image #2 a shot.png 3 kB] and fix", (PNG,))


async def test_a_chip_whose_picture_is_gone_is_not_sent_without_it(rig: Make) -> None:
    app = rig(history=History())
    async with app.app.run_test() as pilot:
        core = await app.ready(pilot)
        app.app.work.prompt.earlier.add("[image #7 x.png 3 kB] what is this?")
        await pilot.press("up", "enter")
        await until(lambda: any("paste it again" in note.message for note in app.app._notifications), pilot)
        assert core.told == [] and app.app.work.prompt.text.startswith("[image #7")


async def test_what_waits_is_seen_taken_back_changed_and_sent_in_order(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(100, 30)) as pilot:
        core = await app.ready(pilot)
        work = app.app.work
        core.turn_over.clear()
        await pilot.press(*"go", "enter", *"second", "enter", *"third", "enter")
        await until(lambda: len(work.queued.waiting) == 2, pilot)
        assert work.queued.display
        assert [work.queued.row(y).text.split()[:2] for y in range(2)] == [["next", "second"], ["then", "third"]]
        await pilot.press("up")
        assert work.prompt.text == "third" and len(work.queued.waiting) == 1
        await pilot.press(*" one", "enter")
        core.turn_over.set()
        await until(lambda: len(core.told) == 3, pilot)
        assert [told[1] for told in core.told] == ["go", "second", "third one"]
        assert not work.queued.display


async def test_a_click_takes_back_the_one_under_it(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(100, 30)) as pilot:
        core = await app.ready(pilot)
        core.turn_over.clear()
        await pilot.press(*"go", "enter", *"one", "enter", *"two", "enter")
        await until(lambda: len(app.app.work.queued.waiting) == 2, pilot)
        await pilot.pause()
        await pilot.click("#queued", offset=(10, 0))
        await until(lambda: app.app.work.prompt.text == "one", pilot)
        core.turn_over.set()


async def test_stopping_a_turn_brings_what_waits_back_instead_of_sending_it(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(100, 30)) as pilot:
        core = await app.ready(pilot)
        core.turn_over.clear()
        await pilot.press(*"go", "enter", *"one", "enter", *"two", "enter", *"draft", "escape")
        await until(lambda: ("interrupt",) in core.told, pilot)
        await until(lambda: app.app.work.intents.running == 0, pilot)
        assert app.app.work.prompt.text == "one\n\ntwo\n\ndraft"
        assert [told for told in core.told if told[0] == "submit"] == [("submit", "go", ())]


async def test_the_history_is_searched_by_any_word(rig: Make) -> None:
    app = rig(history=History())
    async with app.app.run_test() as pilot:
        await app.ready(pilot)
        for text in ("fix the parser", "run the tests", "fix the lexer"):
            app.app.work.prompt.earlier.add(text)
        await pilot.press("ctrl+r")
        await until(lambda: isinstance(app.app.screen, Pick), pilot)
        await pilot.press(*"parser", "enter")
        await until(lambda: app.app.work.prompt.text == "fix the parser", pilot)


# The editor.


def script(folder: Path, text: str) -> str:
    file = folder / "an editor"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return f"'{file}' --wait"


async def test_the_editor_gets_the_text_in_a_private_folder_and_gives_it_back(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    look = f'pwd > "{seen}"; stat -c %a . >> "{seen}"; echo "$1" >> "{seen}"'
    editor = script(tmp_path, f'{look}; printf " more\\n" >> "$2"')
    environment = {"EDITOR": editor, "PATH": os.environ["PATH"]}
    text = await edit("a draft", tmp_path / "state", 0, environment)
    assert text == "a draft more"
    place, mode, flag = seen.read_text().split("\n")[:3]
    assert Path(place).parent == tmp_path / "state" / "drafts" and mode == "700" and flag == "--wait"
    assert list((tmp_path / "state" / "drafts").iterdir()) == []
    assert stat.S_IMODE((tmp_path / "state" / "drafts").stat().st_mode) == 0o700


async def test_an_editor_that_fails_or_is_missing_leaves_the_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ended with 3: the prompt stays as it was"):
        await edit("x", tmp_path, 0, {"VISUAL": script(tmp_path, "exit 3"), "PATH": os.environ["PATH"]})
    with pytest.raises(UsageError, match=r"\$EDITOR names nosucheditor"):
        editor_of({"EDITOR": "nosucheditor -w", "PATH": os.environ["PATH"]})
    with pytest.raises(UsageError, match="not a command"):
        editor_of({"EDITOR": "'", "PATH": ""})
    with pytest.raises(UsageError, match=r"set \$EDITOR"):
        editor_of({"PATH": "/nonexistent"})


def test_the_editor_has_the_terminal_and_gives_it_back(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    editor = script(
        tmp_path, 'printf "THE EDITOR IS HERE\\n"; read -r line < /dev/tty; printf "%s" "$line" >> "$2"'
    )
    term = terminal("talk", EDITOR=editor, VISUAL="")
    term.until(term.shows("/ command"))
    term.send(b"draft:")
    term.until(term.shows("draft:"))
    term.send(b"\x07")
    term.until(lambda: b"THE EDITOR IS HERE" in term.raw)
    # The session goes on behind the editor and draws nothing over it.
    term.until(lambda: "SAID 3" in term.errors.read_text())
    shown = term.raw[term.raw.index(b"THE EDITOR IS HERE") :]
    assert b"behind the editor" not in shown
    term.send(b"written elsewhere\r")
    term.until(term.shows("draft:written elsewhere"))
    term.until(term.shows("behind the editor"))
    term.send(b"!")
    term.until(term.shows("elsewhere!"))
    assert not term.ended()


@pytest.mark.parametrize("does", ["exit 1", 'rm "$2"', "kill -9 $$"])
def test_the_screen_comes_back_with_a_sentence_after_an_editor_that_failed(
    terminal: Callable[..., Terminal], tmp_path: Path, does: str
) -> None:
    term = terminal("quiet", EDITOR=script(tmp_path, f'printf "HERE\\n"; {does}'), VISUAL="")
    term.until(term.shows("/ command"))
    term.send(b"draft")
    term.until(term.shows("draft"))
    term.send(b"\x07")
    term.until(lambda: b"HERE" in term.raw)
    term.until(term.shows("prompt"))
    term.send(b" goes on")
    term.until(term.shows("draft goes on"))
    assert not term.ended()


def test_a_hostile_paste_reaches_the_prompt_as_visible_text_only(terminal: Callable[..., Terminal]) -> None:
    term = terminal("quiet")
    term.until(term.shows("/ command"))
    term.send(b"\x1b[200~rm \xe2\x80\xae-rf\x07 \x1b]52;c;aGk=\x07\r\x19\x1b[201~")
    term.until(term.shows("U+202E"))
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        term.read(0.05)
    assert "SUBMIT" not in term.errors.read_text()
    assert b"\x1b]52" not in term.raw and "\u202e".encode() not in term.raw


async def test_tab_pressed_before_the_paths_came_takes_the_first_of_them_and_the_keys_stay_in_the_prompt(
    rig: Make,
) -> None:
    app = rig()
    found = asyncio.Event()

    async def find_files(query: str, limit: int) -> tuple[str, ...]:
        await found.wait()
        return ("src/app.py", "src/apple.py")

    app.prepare = lambda core: setattr(core, "find_files", find_files)
    async with app.app.run_test(size=(80, 24)) as pilot:
        await app.ready(pilot)
        await pilot.press(*"see @app", "tab")
        assert app.app.focused is app.app.work.prompt and app.app.work.prompt.text == "see @app"
        found.set()
        await until(lambda: app.app.work.prompt.text == "see @src/app.py ", pilot)
        await pilot.press("tab", *"now")
        assert app.app.work.prompt.text == "see @src/app.py now"


async def test_what_is_written_on_after_a_tab_is_not_replaced_by_a_path_that_came_late(rig: Make) -> None:
    app = rig()
    found, asked = asyncio.Event(), []

    async def find_files(query: str, limit: int) -> tuple[str, ...]:
        asked.append(query)
        await found.wait()
        return ("src/app.py",)

    app.prepare = lambda core: setattr(core, "find_files", find_files)
    async with app.app.run_test(size=(80, 24)) as pilot:
        await app.ready(pilot)
        await pilot.press(*"see @ap", "tab", "p")
        await until(lambda: "app" in asked, pilot)
        found.set()
        await until(lambda: bool(app.app.work.suggestions.choices), pilot)
        assert app.app.work.prompt.text == "see @app"


async def test_a_file_that_is_dropped_on_a_window_that_is_not_active_reaches_the_prompt(
    rig: Make, shot: Path
) -> None:
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        await app.ready(pilot)
        app.app.post_message(events.AppBlur())
        app.app.post_message(Paste(str(shot)))
        await until(lambda: "[image #1 a shot.png" in app.app.work.prompt.text, pilot)
        app.app.post_message(Paste("a line\n" * 40))
        await until(lambda: "[pasted 40 lines #2]" in app.app.work.prompt.text, pilot)


async def test_a_chord_that_means_nothing_now_writes_no_letter(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        await app.ready(pilot)
        for character in "en":
            # As the keyboard tells of it: with the letter.
            app.app.post_message(events.Key(f"alt+{character}", character))
        await pilot.press(*"ok")
        await until(lambda: app.app.work.prompt.text.endswith("ok"), pilot)
        assert app.app.work.prompt.text == "ok"


async def test_a_command_that_there_is_not_is_said_and_left_to_be_mended_unless_a_blank_sends_it(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 30)) as pilot:
        core = await app.ready(pilot)
        prompt = app.app.work.prompt
        await pilot.press(*"/comapct", "enter")
        await until(lambda: any("/compact is one" in note.message for note in app.app._notifications), pilot)
        assert prompt.text == "/comapct" and core.told == []
        prompt.put(" /comapct")
        await pilot.press("enter")
        await until(lambda: [act[:2] for act in core.told] == [("submit", "/comapct")], pilot)
        prompt.put("/etc/hosts is wrong")
        await pilot.press("enter")
        await until(lambda: [act[1] for act in core.told] == ["/comapct", "/etc/hosts is wrong"], pilot)
