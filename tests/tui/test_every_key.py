"""Every key of the table is pressed on the screen that it belongs to and does something that a person would notice.

A key that is not walked here names the test that shows it; a new key has neither and fails.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from textual.binding import Binding
from textual.dom import DOMNode
from textual.pilot import Pilot

import vtcode_tui.tui
from tests.tui.rig import Rig, ScriptedCore, until
from tests.tui.scenes import CARGO, call, finish, respond, run, work
from tests.tui.test_models import PLACES
from tests.tui.test_sessions_screen import record
from tests.tui.test_viewer import loaded, sealed
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Settings
from vtcode_tui.render import Line, Span
from vtcode_tui.sessions import Interrupted, Listed, Meta
from vtcode_tui.tui.base import BaseApp
from vtcode_tui.tui.keys import GROUPS, KEYS, Key
from vtcode_tui.tui.picture import text_of
from vtcode_tui.tui.screens.doctor import Doctor
from vtcode_tui.tui.screens.no_model import NoModel
from vtcode_tui.tui.screens.pick import Pick
from vtcode_tui.tui.screens.question import Question
from vtcode_tui.tui.screens.recover import Recover
from vtcode_tui.tui.screens.sessions import PickerApp, Sessions
from vtcode_tui.tui.screens.settings import SettingsScreen
from vtcode_tui.tui.screens.setup import Setup
from vtcode_tui.tui.screens.trust import Trust
from vtcode_tui.tui.viewer import ViewerApp
from vtcode_tui.workspace.changes import ChangeSet, FileChange, Hunk

TESTS = Path(__file__).parent

OWN_TEST: dict[str, str] = {
    "suspend": "test_terminal_device.py::test_suspending_gives_the_shell_its_terminal_and_coming_back_draws_again",
    "quit": "test_terminal_device.py::test_leaving_restores_the_terminal_and_gives_the_answer_to_stdout",
    "editor": "test_prompt.py::test_the_editor_has_the_terminal_and_gives_it_back",
    "approve": "test_app.py::test_the_approval_shows_every_byte_and_counts_only_when_ready",
    "alike": "test_approvals.py::test_several_of_a_kind_are_approved_with_one_key_after_each_was_seen",
    "rule": "test_approvals.py::test_a_rule_is_edited_before_it_is_kept",
    "diff.mine": "test_review.py::test_a_conflict_is_decided_clash_by_clash_and_nothing_is_written_before",
    "diff.theirs": "test_review.py::"
    "test_the_agents_side_of_every_open_conflict_is_taken_with_one_key_from_the_files_row",
}
"""Keys that are not walked, and the test that presses them."""

DIALOGS: dict[str, str] = {
    "AnswerLine": "test_review.py::test_a_comment_on_a_line_goes_to_the_model_with_the_line",
    "Ask": "test_review.py::test_an_edit_that_is_left_accepts_nothing_and_asks_once_when_something_was_written",
    "Copying": "test_sessions_screen.py::test_a_copy_is_made_and_gone_on_with",
    "Doctor": "test_every_key.py::test_lists_and_dialogs_are_moved_in_and_left_by_key",
    "Help": "test_app.py::test_help_lists_every_key_and_closes",
    "NoModel": "test_every_key.py::test_each_answer_of_a_question_is_given_by_its_key",
    "OutlookScreen": "test_going_back.py::"
    "test_files_are_left_or_real_ones_taken_back_as_ticked_and_never_one_that_cannot_be",
    "Pick": "test_every_key.py::test_lists_and_dialogs_are_moved_in_and_left_by_key",
    "Question": "test_every_key.py::test_each_answer_of_a_question_is_given_by_its_key",
    "Recover": "test_every_key.py::test_each_answer_of_a_question_is_given_by_its_key",
    "Rewrite": "test_review.py::test_a_hunk_is_accepted_as_the_person_wrote_it",
    "Trust": "test_every_key.py::test_each_answer_of_a_question_is_given_by_its_key",
}
"""Classes with keys of their own, which cannot be changed and are not in the table."""

Reset: TypeAlias = Callable[[Key], Awaitable[None]]


@dataclass
class Walk:
    """A screen on which the keys of a group are pressed, one after the other."""

    app: BaseApp
    pilot: Pilot[Any]
    reset: Reset
    core: ScriptedCore | None = None

    def seen(self) -> tuple[object, ...]:
        """Everything that a person, or the core, would notice of a key."""
        told = len(self.core.told) if self.core is not None else 0
        return (
            text_of(self.app),
            len(self.app.screen_stack),
            self.app.focused.id if self.app.focused is not None else "",
            [note.message for note in self.app._notifications],
            told,
            self.app.clipboard,
            getattr(self.app, "wanted", None),
            getattr(self.app, "chosen", None),
        )


LONG = b"    return " + b"very_long_name + " * 20 + b"1\n"
CHANGES = ChangeSet(
    tuple(
        FileChange(
            name, "update", before_sha256="a" * 64, after_sha256="b" * 64, added=1, removed=1,
            hunks=tuple(Hunk(i, 3 + 10 * i, (b"    return 0\n",), 3 + 10 * i, (LONG,)) for i in range(3)),
            old_text=b"line\n" * 40, new_text=b"line\n" * 40,
        )
        for name in ("src/a.py", "src/b.py", "src/c.py")
    )
)  # fmt: skip


async def back_to_work(app: Rig, pilot: Pilot[Any]) -> None:
    """Nothing lies over the work, nothing waits, nothing is said."""
    while len(app.app.screen_stack) > 1:
        app.app.pop_screen()
    app.app.queue.unattended()
    app.app.clear_notifications()
    app.app.copy_to_clipboard("")
    app.app.work.choose(selected="chat", zoomed=False, hidden=frozenset())
    app.app.work.terminal.give_back()
    app.app.wanted = None
    await pilot.pause()


def waits(core: ScriptedCore, rows: int = 40) -> None:
    for number in (1, 2):
        command = "\n".join(f"./step-{number}-{row}" for row in range(rows))
        core.asked.append(core.ask(command, call=f"w{number}", scopes=(CARGO,)))


async def everywhere(app: Rig, pilot: Pilot[Any], key: Key) -> None:
    await pilot.press("f2" if key.id == "pane.diff" else "f3")
    if key.id == "pane.approvals":
        waits(app.core)
        await until(lambda: bool(app.app.queue.current and app.app.queue.current.seen), pilot)


async def approving(app: Rig, pilot: Pilot[Any], key: Key) -> None:
    waits(app.core, 3 if key.id in {"scope", "edit"} else 40)
    await until(lambda: bool(app.app.queue.current and app.app.queue.current.seen), pilot)
    if key.id == "read.up":
        await pilot.press("ctrl+down")


async def prompting(app: Rig, pilot: Pilot[Any], key: Key) -> None:
    app.app.work.home()
    text = {"complete": "/he", "newline": "one", "send": "a word", "steer": "a word"}.get(key.id, "")
    app.app.work.prompt.put(text)
    if key.id == "history.on":
        await pilot.press("up", "up")


async def chatting(app: Rig, pilot: Pilot[Any], key: Key) -> None:
    await pilot.press("f2")
    await pilot.pause()
    wanted, chat = "run_command  pytest" if key.id == "chat.fold" else "the fence", app.app.work.chat
    [chat.row(y) for y in range(chat.row_count() * 4)]
    chat.redraw()
    chat.put_cursor(next(y for y in range(chat.row_count()) if wanted in chat.row(y).text))


async def reviewing(app: Rig, pilot: Pilot[Any], key: Key) -> None:
    diff = app.app.work.diff
    diff.wrapped, diff.mode = key.id not in {"diff.left", "diff.right"}, "unified"
    diff._again()
    await pilot.press("f3", "home", "N", "n", "n")
    if key.id == "diff.left":
        await pilot.press("l")


async def running(app: Rig, pilot: Pilot[Any], key: Key) -> None:
    terminal = app.app.work.terminal
    await until(lambda: terminal.show_call("call-8"), pilot)
    if key.id in {"terminal.kill", "terminal.take"}:
        run(app.core, f"live-{len(terminal.runs)}", "sleep 9", b"going\r\n", ends=False)
    await pilot.press("f5")
    if "match" in key.id:
        await until(lambda: bool(terminal.find("line 1")), pilot)


async def looking_on(app: Rig, pilot: Pilot[Any], key: Key) -> None:
    await pilot.press("f6", "up", "up")


PREPARE = {
    "Everywhere": everywhere,
    "While something waits for you": approving,
    "In the prompt": prompting,
    "In every pane": chatting,
    "In the chat": chatting,
    "In the diff preview": reviewing,
    "In the terminal": running,
    "In the event log": looking_on,
}
"""What the keys of a group need in order to have something to do."""


@asynccontextmanager
async def at_work(tmp_path: Path, size: tuple[int, int] = (104, 34)) -> AsyncIterator[Walk]:
    settings = Settings.model_validate({"interface": {"bell": False}, "approvals": {"grace_ms": 0}})
    app = Rig(settings)
    async with app.app.run_test(size=size) as pilot:
        core = await app.ready(pilot)
        for earlier in ("an earlier prompt", "another one"):
            app.app.work.prompt.earlier.add(earlier)
        work(core)
        core.waiting = CHANGES
        app.app.work.files_changed()
        lines = b"".join(b"line %d of the run\r\n" % n for n in range(200))
        run(core, "call-8", "seq", lines)
        call(core, "call-9", "read_file", path="a")
        finish(core, "call-9", "read_file", "ok", "", "read")
        core.say(respond("the fence of https://example.org/\n\n```python\nprint(1)\n```\n"))
        for number in range(60):
            core.say(respond(f"answer {number}"))
        await until(lambda: app.app.work.diff.changes == CHANGES, pilot)

        async def reset(key: Key) -> None:
            await back_to_work(app, pilot)
            await PREPARE[key.group](app, pilot, key)
            await pilot.pause()

        yield Walk(app.app, pilot, reset, core)
        await back_to_work(app, pilot)


@asynccontextmanager
async def in_the_viewer(tmp_path: Path) -> AsyncIterator[Walk]:
    app = ViewerApp(await sealed(tmp_path), Settings())
    async with app.run_test(size=(104, 34)) as pilot:
        screen = await loaded(app, pilot)

        async def reset(key: Key) -> None:
            while len(app.screen_stack) > 1:
                app.pop_screen()
            app.clear_notifications()
            screen.playing, screen.speed = False, 3
            back = key.id == "replay.ago" or key.id.endswith(".back")
            screen.action_seek_to(1 if key.id == "replay.end" else -1 if back else 4)
            await pilot.pause()

        yield Walk(app, pilot, reset)


@asynccontextmanager
async def in_the_list(tmp_path: Path) -> AsyncIterator[Walk]:
    home, here = Home.from_environment(), str(Path.cwd())
    for number in range(1, 10):
        await record(home, number, f"prompt {number}", "x", workspace=here if number % 2 else "/work/project")
    app = PickerApp(home, "which?", "resume", Settings())
    async with app.run_test(size=(104, 34)) as pilot:

        async def reset(key: Key) -> None:
            while len(app.screen_stack) > 1:
                app.pop_screen()
            app.chosen = None
            screen = Sessions(home, here=Path.cwd())
            app.push_screen(screen, lambda chosen: setattr(app, "chosen", chosen))
            await until(lambda: app.screen is screen and bool(screen._shown), pilot)
            if key.id in {"sessions.previous", "sessions.back"}:
                await pilot.press("down", "down")

        yield Walk(app, pilot, reset)


@asynccontextmanager
async def over_the_work(tmp_path: Path) -> AsyncIterator[Walk]:
    home = Home.from_environment()
    app = Rig(Settings())
    async with app.app.run_test(size=(104, 34)) as pilot:
        core = await app.ready(pilot)

        async def reset(key: Key) -> None:
            await back_to_work(app, pilot)
            home.config.mkdir(parents=True, exist_ok=True)
            home.settings_file.write_text('mode = "plan"\n')
            screen: SettingsScreen | Setup
            if key.group == "In the settings":
                screen = SettingsScreen(home, tmp_path, ("a",), lambda *changed: app.app.tell("changed"))
            else:
                screen = Setup(lambda found: found((*PLACES, *PLACES)[: 3 + len(app.app._notifications)]), {})
            app.app.push_screen(screen)
            await until(lambda: app.app.screen is screen and bool(screen._choices.shown), pilot)
            if key.id.endswith((".previous", ".back")):
                await pilot.press(*["down"] * 3)
            if key.id == "setup.again":
                app.app.notify("one more place")
                await pilot.pause()

        yield Walk(app.app, pilot, reset, core)


STAGES: dict[str, Callable[[Path], Any]] = {
    **dict.fromkeys(GROUPS, at_work),
    "Everywhere": partial(at_work, size=(160, 48)),
    "In the viewer": in_the_viewer,
    "In the list of sessions": in_the_list,
    "In the settings": over_the_work,
    "Choosing provider and model": over_the_work,
}


@pytest.mark.parametrize("group", GROUPS)
async def test_every_key_of_the_table_does_something(
    group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))
    idle: list[str] = []
    async with STAGES[group](tmp_path) as walk:
        for key in KEYS:
            if key.group != group or key.id in OWN_TEST:
                continue
            for pressed in key.keys.split(","):
                await walk.reset(key)
                before = walk.seen()
                await walk.pilot.press(pressed)
                try:
                    await until(lambda before=before: walk.seen() != before, walk.pilot, seconds=30)  # type: ignore[misc]
                except TimeoutError:
                    idle.append(f"{key.id} ({pressed})")
                    continue
                if key.id != "palette":
                    titles = [str(getattr(screen, "_title", "")) for screen in walk.app.screen_stack]
                    assert "commands" not in titles, f"{key.id} ({pressed}) opens the palette"
    assert not idle, f"these keys of {group!r} did nothing that shows: {idle}"


def exists(name: str) -> bool:
    file, _, test = name.partition("::")
    return re.search(rf"^(async )?def {test}\(", (TESTS / file).read_text(encoding="utf-8"), re.M) is not None


def classes() -> Iterator[type[DOMNode]]:
    for module in pkgutil.walk_packages(vtcode_tui.tui.__path__, "vtcode_tui.tui."):
        importlib.import_module(module.name)
    waiting: list[type[DOMNode]] = [DOMNode]
    while waiting:
        found = waiting.pop().__subclasses__()
        waiting += found
        yield from (one for one in found if one.__module__.startswith("vtcode_tui."))


def test_a_key_that_is_not_walked_names_a_test_that_there_is() -> None:
    known = {key.id for key in KEYS}
    assert set(OWN_TEST) <= known
    others = {
        one.__name__
        for one in classes()
        for binding in one.__dict__.get("BINDINGS", ())
        if isinstance(binding, Binding) and binding.id not in known
    }
    assert others == set(DIALOGS), "a class with keys outside of the table needs a test of its own"
    missing = [name for name in (*OWN_TEST.values(), *DIALOGS.values()) if not exists(name)]
    assert not missing, missing


async def test_each_answer_of_a_question_is_given_by_its_key(tmp_path: Path) -> None:
    listed = Listed(tmp_path, Meta(id="1", workspace="/w", started="2026-11-22T20:00:00Z", title="t"))
    app = Rig(Settings())
    async with app.app.run_test(size=(80, 24)) as pilot:
        await app.ready(pilot)
        for make in (
            lambda: Trust(tmp_path),
            lambda: NoModel(()),
            lambda: Recover(Interrupted(listed, frozenset())),
        ):
            for answer in make().ANSWERS:
                given: list[str | None] = []
                question: Question = make()
                app.app.push_screen(question, given.append)
                await until(lambda question=question: app.app.screen is question, pilot)  # type: ignore[misc]
                await pilot.press(*"y", "enter", answer.key)
                await until(lambda given=given: bool(given), pilot)  # type: ignore[misc]
                assert given == [answer.name]
        app.app.push_screen(Trust(tmp_path))
        await pilot.press("ctrl+q")
        await until(lambda: ("close", "left by the person") in app.core.told, pilot)


async def test_lists_and_dialogs_are_moved_in_and_left_by_key() -> None:
    app = Rig(Settings())
    async with app.app.run_test(size=(80, 24)) as pilot:
        await app.ready(pilot)
        rows = [Line((Span(f" row {number}"),)) for number in range(40)]
        for keys, index in (
            (("down", "down", "up"), 1),
            (("ctrl+n", "ctrl+n", "ctrl+p"), 1),
            (("pagedown", "pagedown", "pageup", "down"), 11),
        ):
            given: list[int | None] = []
            app.app.push_screen(Pick("one of them", rows), given.append)
            await until(lambda: isinstance(app.app.screen, Pick), pilot)
            await pilot.press(*keys, "enter")
            await until(lambda given=given: bool(given), pilot)  # type: ignore[misc]
            assert given == [index]
        left: list[int | None] = []
        app.app.push_screen(Pick("one of them", rows), left.append)
        await until(lambda: isinstance(app.app.screen, Pick), pilot)
        await pilot.press("escape")
        await until(lambda: left == [None], pilot)
        for key in ("escape", "q"):
            app.app.push_screen(Doctor(lambda: []))
            await until(lambda: isinstance(app.app.screen, Doctor), pilot)
            await pilot.press(key)
            await until(lambda: app.app.screen is app.app.work, pilot)
