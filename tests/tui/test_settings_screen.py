"""Settings, doctor and themes on the screen."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from tests.tui.rig import Rig, until
from vtcode_tui.common.home import Home
from vtcode_tui.config import load
from vtcode_tui.config.settings import Settings
from vtcode_tui.tui.own_themes import own_themes
from vtcode_tui.tui.picture import text_of
from vtcode_tui.tui.screens.ask import AnswerLine
from vtcode_tui.tui.screens.doctor import Doctor, Report
from vtcode_tui.tui.screens.pick import Pick
from vtcode_tui.tui.screens.settings import SettingsScreen
from vtcode_tui.tui.visits import Sandboxing


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))
    made = Home.from_environment()
    made.config.mkdir(parents=True)
    return made


async def test_a_setting_is_found_changed_written_and_taken_at_once(home: Home, rig: Callable[..., Rig]) -> None:
    home.settings_file.write_text('# mine\n[interface]\ntheme = "vtcode-dark"\n')
    made = rig()
    async with made.app.run_test(size=(120, 40)) as pilot:
        await made.ready(pilot)
        await pilot.press(*"/settings", "enter")
        await until(lambda: isinstance(made.app.screen, SettingsScreen), pilot)
        screen = made.app.screen
        assert isinstance(screen, SettingsScreen)
        await pilot.press(*"interface.theme")
        await until(lambda: screen._shown == ["interface.theme"], pilot)
        await pilot.press("enter")
        await until(lambda: isinstance(made.app.screen, Pick), pilot)
        await pilot.press(*"light", "enter")
        await until(lambda: made.app.theme == "vtcode-light", pilot)
        assert home.settings_file.read_text() == '# mine\n[interface]\ntheme = "vtcode-light"\n'
        noted = ("note_setting", "interface.theme", "vtcode-dark", "vtcode-light", str(home.settings_file))
        await until(lambda: noted in made.core.told, pilot)
        assert "user" in screen._choices.all[0].text
        await pilot.press("ctrl+r")
        await until(lambda: made.app.theme == "vtcode-dark", pilot)
        assert "theme" not in home.settings_file.read_text()


async def test_the_key_under_the_cursor_is_on_the_screen_from_the_first_moment(
    home: Home, rig: Callable[..., Rig]
) -> None:
    made = rig()
    async with made.app.run_test(size=(80, 24)) as pilot:
        await made.ready(pilot)
        made.app.action_settings()
        await until(lambda: isinstance(made.app.screen, SettingsScreen), pilot)
        screen = made.app.screen
        assert isinstance(screen, SettingsScreen)
        await until(lambda: screen._choices.size.height > 0, pilot)
        assert screen._choices.scroll_offset.y == 0


async def test_an_impossible_value_changes_nothing(home: Home, rig: Callable[..., Rig]) -> None:
    made = rig()
    async with made.app.run_test(size=(80, 24)) as pilot:
        await made.ready(pilot)
        made.app.action_settings()
        await until(lambda: isinstance(made.app.screen, SettingsScreen), pilot)
        screen = made.app.screen
        await pilot.press(*"wall_seconds", "enter")
        await until(lambda: made.app.screen is not screen, pilot)
        await pilot.press(*["backspace"] * 8, *"soon", "enter")
        await until(lambda: "sandbox.wall_seconds" in text_of(made.app) and "number" in text_of(made.app), pilot)
        assert made.app.screen.query_one(AnswerLine).text == "soon"
        assert not home.settings_file.exists()
        await pilot.press(*["backspace"] * 8, *"45.5", "enter")
        await until(lambda: home.settings_file.exists(), pilot)
    assert tomllib.loads(home.settings_file.read_text()) == {"sandbox": {"wall_seconds": 45.5}}


async def changing(made: Rig, pilot: Pilot[Any], key: str, shown: str) -> Screen[Any]:
    """The settings, where a key whose row shows these words is being changed."""
    made.app.action_settings()
    await until(lambda: isinstance(made.app.screen, SettingsScreen), pilot)
    screen = made.app.screen
    await pilot.press(*key)
    await until(lambda: shown in text_of(made.app), pilot)
    await pilot.press("enter")
    await until(lambda: made.app.screen is not screen, pilot)
    return screen


async def test_keys_are_changed_in_the_file_with_its_comments_and_not_to_what_cannot_be(
    home: Home, rig: Callable[..., Rig]
) -> None:
    home.settings_file.parent.mkdir(parents=True, exist_ok=True)
    home.settings_file.write_text('[interface.keys]\n# the left hand\nzoom = "f7"\nhide = "f9"\n\n[approvals]\n')
    made = rig()
    async with made.app.run_test(size=(180, 40)) as pilot:
        await made.ready(pilot)
        screen = await changing(made, pilot, "interface.keys", "vtcode.toml:4")
        await pilot.press("ctrl+u", *'{zom = "f7"}', "enter")
        await until(lambda: "did you mean `zoom`?" in text_of(made.app), pilot)
        await pilot.press("ctrl+u", *'{zoom = "f7", palette = "f10"}', "enter")
        await until(lambda: made.app.screen is screen, pilot)
        kept = home.settings_file.read_text()
        assert kept == '[interface.keys]\n# the left hand\nzoom = "f7"\npalette = "f10"\n\n[approvals]\n'
        await pilot.press("escape")
        await until(lambda: made.app.screen is made.app.work, pilot)
        home.settings_file.write_text("[interface\n")
        made.app.action_settings()
        await until(lambda: "vtcode.toml:1" in text_of(made.app), pilot)
        assert "no such key" not in text_of(made.app)


async def test_own_keys_that_the_managed_file_locks_are_marked_and_stay_and_the_others_can_be_changed(
    home: Home, rig: Callable[..., Rig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed = tmp_path / "etc"
    managed.mkdir()
    (managed / "vtcode.toml").write_text('[interface.keys]\nzoom = "f7"\n')
    monkeypatch.setattr("vtcode_tui.tui.screens.settings.load", partial(load, managed=managed))
    made = rig()
    async with made.app.run_test(size=(180, 40)) as pilot:
        await made.ready(pilot)
        screen = await changing(made, pilot, "interface.keys", "locked: zoom")
        await pilot.press("ctrl+u", *'{zoom = "f8"}', "enter")
        await until(lambda: "interface.keys.zoom is locked by managed" in text_of(made.app), pilot)
        assert not home.settings_file.exists()
        await pilot.press("ctrl+u", *'{zoom = "f7", palette = "f10"}', "enter")
        await until(lambda: made.app.screen is screen, pilot)
        assert tomllib.loads(home.settings_file.read_text()) == {"interface": {"keys": {"palette": "f10"}}}


async def test_the_doctor_says_what_is_missing_and_what_to_do(home: Home, rig: Callable[..., Rig]) -> None:
    made = rig(doctor=lambda: [Sandboxing("model", "missing", "none was found", "start a local server")])
    async with made.app.run_test(size=(80, 24)) as pilot:
        await made.ready(pilot)
        await pilot.press(*"/doctor", "enter")
        await until(lambda: isinstance(made.app.screen, Doctor), pilot)
        report = made.app.screen.query_one(Report)
        await until(lambda: any("start a local server" in row.text for row in report._rows), pilot)
        text = "\n".join(row.text for row in report._rows)
        assert "sandbox tier" in text and "✗ model" in text
        await pilot.press("escape")
        await until(lambda: made.app.screen is made.app.work, pilot)


async def test_a_picture_of_the_screen_is_kept(home: Home, rig: Callable[..., Rig]) -> None:
    made = rig()
    async with made.app.run_test(size=(80, 24)) as pilot:
        await made.ready(pilot)
        await pilot.press(*"/screenshot", "enter")
        await until(lambda: any((home.state / "exports").glob("*.svg")), pilot)
    ElementTree.fromstring(next((home.state / "exports").glob("*.svg")).read_text(encoding="utf-8"))


async def test_a_theme_of_the_persons_own_is_used_and_a_wrong_one_is_a_sentence(
    home: Home, rig: Callable[..., Rig]
) -> None:
    themes = home.config / "themes"
    themes.mkdir()
    (themes / "mine.toml").write_text(
        'dark = false\nbackground = "#fff8e0"\nprimary = "#804000"\n[text]\nmuted = "italic #777777"\n'
    )
    (themes / "bad.toml").write_text('primary = "not a colour"\n')
    (themes / "odd.toml").write_text('primry = "#fff"\n')
    made, wrong = own_themes(themes)
    assert [theme.name for theme in made] == ["mine"]
    assert len(wrong) == 2 and "bad.toml" in wrong[0] and "primry" in wrong[1]
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        await app.ready(pilot)
        await pilot.press(*"/theme mine", "enter")
        await until(lambda: app.app.theme == "mine", pilot)
        assert app.app.work.chat.brush.palette.names["muted"] == "italic #777777"
        (themes / "later.toml").write_text('dark = true\nbackground = "#101010"\nprimary = "#7cc4c8"\n')
        await pilot.press(*"/theme later", "enter")
        await until(lambda: app.app.theme == "later", pilot)
        # One that the settings name and nobody has is said, and not passed over.
        app.app.look_as(Settings.model_validate({"interface": {"theme": "nord"}}))
        assert app.app.theme == "later"
        await until(lambda: any("there is no `nord`" in note.message for note in app.app._notifications), pilot)
