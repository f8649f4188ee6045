"""Choosing provider and model: what was found, a key, a server of one's own; kept in vtcode.toml."""

from __future__ import annotations

import asyncio
import json
import threading
import tomllib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from tests.tui.rig import Rig, until
from tests.tui.test_models import PLACES
from vtcode_tui.common.home import Home
from vtcode_tui.config import layers, load
from vtcode_tui.llm.discover import Looked
from vtcode_tui.tui.picture import text_of
from vtcode_tui.tui.screens.no_model import NoModel
from vtcode_tui.tui.screens.setup import Setup, complaint_about, options

Make = Callable[..., Rig]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    made = Home.from_environment()
    made.config.mkdir(parents=True)
    return made


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A server on loopback that lists two models; its address, and the keys that it was shown."""
    keys: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.append(self.headers.get("authorization", ""))
            body = json.dumps({"data": [{"id": "corp-large"}, {"id": "corp-small"}]}).encode()
            self.send_response(200 if self.path == "/v1/models" else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}/v1", keys
    listening.shutdown()
    listening.server_close()
    thread.join()


async def setting_up(app: Rig, pilot: Pilot[Any]) -> Setup:
    await until(lambda: isinstance(app.app.screen, Setup) and app.app.screen.looked, pilot)
    assert isinstance(app.app.screen, Setup)
    return app.app.screen


async def asked(app: Rig, pilot: Pilot[Any], words: str) -> None:
    await until(lambda: words in text_of(app.app), pilot)


async def said(app: Rig, pilot: Pilot[Any], words: str) -> None:
    await until(lambda: any(words in note.message for note in app.app._notifications), pilot)


async def test_a_model_that_was_found_is_chosen_answers_and_is_kept(home: Home, rig: Make) -> None:
    home.settings_file.write_text("# mine\n[interface]\nvim = false\n")
    app = rig()
    async with app.app.run_test(size=(120, 30)) as pilot:
        core = await app.ready(pilot)
        core.places = PLACES
        await pilot.press(*"/setup", "enter")
        await setting_up(app, pilot)
        await pilot.press(*"small", "enter")
        await until(lambda: ("set_model", "lmstudio", "small") in core.told, pilot)
        noted = [told for told in core.told if told[0] == "note_setting"]
        assert noted == [
            ("note_setting", "model.provider", "", "lmstudio", str(home.settings_file)),
            ("note_setting", "model.name", "", "small", str(home.settings_file)),
        ]
    kept = home.settings_file.read_text()
    assert kept.startswith("# mine\n[interface]\nvim = false\n")
    assert tomllib.loads(kept)["model"] == {"provider": "lmstudio", "name": "small"}


async def test_an_answer_that_comes_when_the_screen_was_left_is_for_nobody(home: Home, rig: Make) -> None:
    app = rig()
    app.prepare = lambda core: setattr(core, "model", "")
    async with app.app.run_test(size=(120, 30)) as pilot:
        await app.ready(pilot)
        await until(lambda: isinstance(app.app.screen, NoModel), pilot)
        await pilot.press("ctrl+s")
        setup = await setting_up(app, pilot)
        setup.dismiss(None)
        while setup.is_attached:
            setup._found(PLACES)
            await asyncio.sleep(0)
        await pilot.pause()
        assert app.app.is_running and not app.app.report


async def test_a_server_of_ones_own_is_asked_kept_and_the_session_opened_anew(
    home: Home, rig: Make, server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, keys = server
    monkeypatch.setenv("CORP_API_KEY", "not-for-files-0123456789")
    app = rig()
    app.prepare = lambda core: setattr(core, "model", "")
    async with app.app.run_test(size=(120, 30)) as pilot:
        await app.ready(pilot)
        await until(lambda: isinstance(app.app.screen, NoModel), pilot)
        await pilot.press("ctrl+s")
        await setting_up(app, pilot)
        await pilot.press(*"address", "enter")
        await asked(app, pilot, "the address of its API")
        await pilot.press(*"nonsense", "enter")  # what is suggested gives way to what is typed
        await asked(app, pilot, "is no address")
        await pilot.press("ctrl+u", *address, "enter")
        await asked(app, pilot, "its language")
        await pilot.press(*"completions", "enter")
        await asked(app, pilot, "the variable that holds its key")
        await pilot.press(*"sk-0123456789", "enter")
        await asked(app, pilot, "the key itself is never written")
        await pilot.press("ctrl+u", *"NOT_THERE_0123456789", "enter")
        await asked(app, pilot, "started without a variable")
        await pilot.press("ctrl+u", *"CORP_API_KEY", "enter")
        await asked(app, pilot, "a name for it")
        await pilot.press("ctrl+u", *"openai", "enter")
        await asked(app, pilot, "a provider openai already")
        await pilot.press("ctrl+u", *"corp", "enter")
        await asked(app, pilot, "corp/corp-small")
        await pilot.press(*"small", "enter")
        await until(lambda: app.app.wanted is not None, pilot)
        assert app.app.wanted == app.core.folder
    assert keys == ["Bearer not-for-files-0123456789"]
    text = home.settings_file.read_text()
    assert "not-for-files" not in text
    assert home.settings_file.stat().st_mode & 0o077 == 0
    settings = load(home, home.state).settings
    assert (settings.model.provider, settings.model.name) == ("corp", "corp-small")
    table = settings.providers.tables["corp"]
    assert (table.base_url, table.wire, table.key_env) == (address, "openai-chat", "CORP_API_KEY")


async def test_a_server_that_is_silent_about_its_models_is_asked_for_by_name(home: Home, rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        await app.ready(pilot)
        app.app.action_setup()
        await setting_up(app, pilot)
        await pilot.press(*"address", "enter")
        await asked(app, pilot, "the address of its API")
        await pilot.press(*"http://127.0.0.1:9/v1", "enter")
        await asked(app, pilot, "its language")
        await pilot.press("enter")
        await asked(app, pilot, "the variable that holds its key")
        await pilot.press("enter")
        await asked(app, pilot, "a name for it")
        await pilot.press("enter")
        await asked(app, pilot, "the name of its model")
        await asked(app, pilot, "gives no list: not running")
        await pilot.press(*"qwen", "enter")
        await until(lambda: app.app.wanted is not None, pilot)
    assert tomllib.loads(home.settings_file.read_text())["providers"] == {
        "127-0-0-1": {"wire": "openai-chat", "base_url": "http://127.0.0.1:9/v1"}
    }


async def test_what_an_administrator_locked_is_not_written(
    home: Home, rig: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    managed = tmp_path / "managed"
    managed.mkdir()
    (managed / "vtcode.toml").write_text('[model]\nprovider = "corp"\nname = "only"\n')
    assert layers.load.__kwdefaults__ is not None
    monkeypatch.setitem(layers.load.__kwdefaults__, "managed", managed)
    app = rig()
    async with app.app.run_test(size=(120, 30)) as pilot:
        core = await app.ready(pilot)
        core.places = PLACES
        app.app.action_setup()
        await setting_up(app, pilot)
        await pilot.press(*"small", "enter")
        await said(app, pilot, "locked by")
    assert not home.settings_file.exists()
    assert not any(told[0] == "set_model" for told in core.told)


def test_a_key_of_the_environment_offers_its_vendor_even_when_the_list_cannot_be_had() -> None:
    away = Looked("anthropic", "anthropic", "https://api.anthropic.com", "not running", detail="no route")
    shown = options((away,), {"ANTHROPIC_API_KEY": "x" * 20})
    first = shown[0]
    assert first.chosen is not None and first.chosen.provider == "anthropic" and first.chosen.model
    assert "ANTHROPIC_API_KEY is set" in first.row.text and "x" * 20 not in first.row.text
    assert all(option.chosen is None for option in options((away,), {}))


@given(st.text())
def test_no_text_breaks_the_question_for_an_address(text: str) -> None:
    if not complaint_about(text):
        assert text.startswith(("http://", "https://", "HTTP", "Http", "hTTP")) or "://" in text


def test_two_addresses_in_one_are_refused() -> None:
    assert "is no address" in complaint_about("http://127.0.0.1:8000/v1http://127.0.0.1:9/v1")


def test_a_key_in_an_address_is_refused() -> None:
    assert "does not belong" in complaint_about("https://user:secret@llm.corp.test/v1")
    assert "does not belong" in complaint_about("https://llm.corp.test/v1?key=secret")
