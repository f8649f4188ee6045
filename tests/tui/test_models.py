"""Models from the palette: what there is, told apart by place, loaded, unloaded, chosen."""

from __future__ import annotations

from collections.abc import Callable

from tests.tui.rig import Rig, until
from vtcode_tui.llm.discover import Looked
from vtcode_tui.llm.servers import Offered
from vtcode_tui.tui.picture import text_of

Make = Callable[..., Rig]

PLACES = (
    Looked("gateway", "gateway", "https://llm.corp.test/v1", "running", models=(Offered("coder-large"),)),
    Looked(
        "lmstudio",
        "LM Studio",
        "http://127.0.0.1:1234",
        "running",
        models=(Offered("qwen\x1b[31m", True, 65_536), Offered("small", False, largest_window=8_192, tools=False)),
    ),
    Looked("ollama", "Ollama", "http://127.0.0.1:11434", "not running", "ollama serve"),
)


async def test_models_are_listed_loaded_unloaded_and_chosen_from_one_list(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 30)) as pilot:
        core = await app.ready(pilot)
        core.places = PLACES
        for typed, told in (
            ("small", ("load_model", "lmstudio", "small", None)),
            ("qwen", ("unload_model", "lmstudio", "qwen\x1b[31m")),
            ("coder", ("set_model", "gateway", "coder-large")),
        ):
            await app.app.run_action("models", app.app.work)
            await until(lambda: "gateway/coder-large" in text_of(app.app), pilot)
            shown = text_of(app.app)
            assert "try: ollama serve" in shown
            assert "65,536 tokens" in shown
            assert "no tools" in shown
            assert "\x1b" not in shown
            await pilot.press(*typed, "enter")
            if typed != "coder":
                await until(lambda: "let it answer" in text_of(app.app), pilot)
                await pilot.press("down", "enter")
            await until(lambda told=told: told in core.told, pilot)  # type: ignore[misc]


async def test_a_server_that_is_away_is_told_with_the_command_that_helps(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 30)) as pilot:
        core = await app.ready(pilot)
        core.places = PLACES
        await app.app.run_action("models", app.app.work)
        await until(lambda: "gateway/coder-large" in text_of(app.app), pilot)
        await pilot.press(*"serve", "enter")
        helps = "not running: try ollama serve"
        await until(lambda: any(helps in note.message for note in app.app._notifications), pilot)
        assert not core.told
