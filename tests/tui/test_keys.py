"""The table of keys is the bindings, the help and the docs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.rig import Rig, until
from tests.tui.scenes import work
from vtcode_tui.config.settings import Settings
from vtcode_tui.tui.app import VtcodeApp
from vtcode_tui.tui.commands import COMMANDS
from vtcode_tui.tui.keys import GROUPS, KEYS, rows, shown
from vtcode_tui.tui.own_keys import keymap
from vtcode_tui.tui.panes.chat import ChatPane
from vtcode_tui.tui.panes.diff import DiffPane
from vtcode_tui.tui.panes.events import EventPane
from vtcode_tui.tui.panes.prompt import Prompt
from vtcode_tui.tui.panes.terminal import TerminalPane
from vtcode_tui.tui.picture import text_of
from vtcode_tui.tui.screens.help import Help, help_rows
from vtcode_tui.tui.screens.replay import ReplayScreen
from vtcode_tui.tui.screens.sessions import Sessions
from vtcode_tui.tui.screens.settings import SettingsScreen
from vtcode_tui.tui.screens.setup import Setup
from vtcode_tui.tui.screens.work import WorkScreen

OWNERS: dict[str, type] = {
    "Everywhere": WorkScreen,
    "While something waits for you": WorkScreen,
    "In the prompt": Prompt,
    "In every pane": ChatPane,
    "In the chat": ChatPane,
    "In the diff preview": DiffPane,
    "In the terminal": TerminalPane,
    "In the event log": EventPane,
    "In the viewer": ReplayScreen,
    "In the list of sessions": Sessions,
    "In the settings": SettingsScreen,
    "Choosing provider and model": Setup,
}


def owner_of(action: str, default: type) -> tuple[type, str]:
    name = action.partition("(")[0]
    place, _, bare = name.rpartition(".")
    return ({"app": VtcodeApp, "screen": WorkScreen}.get(place, default), bare)


def test_every_name_is_unique_and_every_action_exists() -> None:
    assert len({key.id for key in KEYS}) == len(KEYS)
    assert set(OWNERS) == set(GROUPS)
    for key in KEYS:
        owner, action = owner_of(key.action, OWNERS[key.group])
        assert hasattr(owner, f"action_{action}"), f"{key.id}: {key.action}"


def test_every_command_of_the_prompt_exists() -> None:
    for command in COMMANDS:
        owner, action = owner_of(command.action, WorkScreen)
        assert hasattr(owner, f"action_{action}"), command.name
        assert not command.argument or hasattr(WorkScreen, f"set_{action}"), command.name


def test_no_key_of_the_approval_queue_can_be_typed_as_text() -> None:
    for key in KEYS:
        if key.group == "While something waits for you":
            assert all(one.startswith(("ctrl+", "alt+")) for one in key.keys.split(",")), key.id


def test_an_unknown_name_in_the_settings_is_answered_with_the_nearest_one() -> None:
    chosen, wrong = keymap({"aprove": "f12", "help": "ctrl+h"})
    assert chosen == {"help": "ctrl+h"}
    assert wrong == ["[interface.keys] has no `aprove`: did you mean `approve`?"]


def test_no_setting_makes_an_answer_of_a_letter() -> None:
    chosen, wrong = keymap({"approve": "y", "deny": "f12,n", "alike": "alt+shift+a", "scope": "shift+s"})
    assert chosen == {"alike": "alt+shift+a"}
    assert wrong[0] == "[interface.keys] approve: y is typed as text: an answer needs ctrl, alt or F1-F12"
    assert len(wrong) == 3


def test_a_key_that_no_terminal_has_or_that_would_mean_two_things_is_answered_with_one_sentence_each() -> None:
    chosen, wrong = keymap(
        {
            "help": "crtl+k", "zoom": "", "wider": "ctrl+", "palette": "alt+nosuchkey", "editor": "ctrl+e",
            "approve": "ctrl+n", "diff.accept": "x", "quit": "ctrl+y", "row.down": "é,down", "top": "alt+home",
        }
    )  # fmt: skip
    assert chosen == {"editor": "ctrl+e", "row.down": "é,down", "top": "alt+home"}
    assert len(wrong) == 7 and all(one.startswith("[interface.keys] ") and "\n" not in one for one in wrong)
    assert "[interface.keys] approve: ctrl+n is the key of `deny` already" in wrong
    assert "[interface.keys] diff.accept: x is the key of `diff.reject` already" in wrong
    assert "[interface.keys] quit: ctrl+y is the key of `approve` already" in wrong
    assert any(one.startswith("[interface.keys] help: `crtl+k` is no key") for one in wrong)


def test_two_keys_may_change_places() -> None:
    swapped = {"diff.accept": "x", "diff.reject": "a"}
    assert keymap(swapped) == (swapped, [])


def test_the_keys_that_there_are_can_be_written_down_as_ones_own() -> None:
    same = {key.id: key.keys for key in KEYS}
    assert keymap(same) == (same, [])


@pytest.mark.parametrize("typed", ["ctrl+m", "ctrl+j", "ctrl+i", "ctrl+h", "enter", "space"])
def test_no_answer_is_what_a_terminal_sends_for_text(typed: str) -> None:
    assert keymap({"approve": typed}) == (
        {}, [f"[interface.keys] approve: {typed} is typed as text: an answer needs ctrl, alt or F1-F12"]
    )  # fmt: skip


def test_keys_are_shown_as_people_write_them() -> None:
    assert shown("ctrl+y") == "^Y"
    assert shown("f3,alt+2") == "F3 alt+2"
    assert shown("slash") == "/"


def test_the_page_about_keys_says_what_the_table_says() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "keys.md").read_text(encoding="utf-8")
    for _, keys, text in rows():
        assert text in page and keys.split(" ")[0] in page, text


async def test_keys_of_ones_own_are_what_headings_footer_and_help_say(rig: Callable[..., Rig]) -> None:
    own = {"pane.diff": "alt+d", "help": "f12", "diff.accept": "plus", "take": "f7", "pane.approvals": "alt+q"}
    made = rig(settings=Settings.model_validate({"interface": {"keys": own}}))
    async with made.app.run_test(size=(160, 48)) as pilot:
        work(await made.ready(pilot))
        screen = made.app.work
        await pilot.press("alt+d")
        await until(lambda: made.app.focused is screen.diff, pilot)
        await until(lambda: "+ accept" in text_of(made.app).partition("\nstyles")[0].splitlines()[-1], pilot)
        shown_text = text_of(made.app).partition("\nstyles")[0]
        rows_shown = shown_text.splitlines()
        assert "F12 help" in rows_shown[-1] and "F1 help" not in rows_shown[-1]
        assert any(row.rstrip().endswith("alt+d") and " diff " in row for row in rows_shown)
        assert any(" approvals" in row and row.rstrip().endswith("alt+q") for row in rows_shown)
        await pilot.press("f12")
        await until(lambda: isinstance(made.app.screen, Help), pilot)
        listed = "\n".join(line.text for line in help_rows(own))
        assert "alt+d" in listed and "F3 alt+2" not in listed


async def test_keys_that_are_changed_while_it_runs_are_said_at_once(rig: Callable[..., Rig]) -> None:
    made = rig()
    async with made.app.run_test(size=(160, 48)) as pilot:
        work(await made.ready(pilot))
        assert "F5" in text_of(made.app)
        made.app.look_as(Settings.model_validate({"interface": {"keys": {"pane.terminal": "alt+t"}}}))
        await until(lambda: "alt+t" in text_of(made.app).partition("\nstyles")[0], pilot)
        assert " F5" not in text_of(made.app).partition("\nstyles")[0]
