"""What a person sees: every pane and screen, at two sizes, dark and light. `make snapshots` writes them anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.contrast import AIMS, faint
from tests.tui.pane_scenes import MORE, PICTURES, Frozen
from tests.tui.rig import Rig, ScriptedCore, until
from tests.tui.scenes import begin, call, finish, respond, run, waits, work
from tests.tui.test_models import PLACES
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Settings
from vtcode_tui.events.live import TurnState
from vtcode_tui.llm.discover import Looked
from vtcode_tui.sessions import Interrupted, Listed, Meta
from vtcode_tui.tui.picture import svg_of, text_of
from vtcode_tui.tui.screens.ask import Ask
from vtcode_tui.tui.screens.doctor import Report
from vtcode_tui.tui.screens.help import Help
from vtcode_tui.tui.screens.no_model import NoModel
from vtcode_tui.tui.screens.recover import Recover
from vtcode_tui.tui.screens.settings import SettingsScreen
from vtcode_tui.tui.screens.setup import Setup
from vtcode_tui.tui.screens.trust import Trust
from vtcode_tui.tui.visits import Sandboxing

FOLDER = Path(__file__).resolve().parents[2] / "snapshots"
SIZES = {"80x24": (80, 24), "160x48": (160, 48)}

Scene = Callable[[Rig, ScriptedCore, Pilot[Any]], Awaitable[None]]


async def _work(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    work(core)
    core.live(TurnState(1, "idle"))
    await until(lambda: bool(rig.app.work.diff.changes.files), pilot)


async def _empty(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    pass


async def _diff(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    await _work(rig, core, pilot)
    await pilot.press("f3", "n")


async def _terminal(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    await _work(rig, core, pilot)
    await pilot.press("f5")


async def _events(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    await _work(rig, core, pilot)
    await pilot.press("f6", "up", "up", "enter")


async def _approval(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    await _work(rig, core, pilot)
    clock = Frozen()
    rig.app.queue.clock = clock
    waits(core)
    await until(lambda: rig.app.queue.current is not None and rig.app.queue.current.complete, pilot)
    clock.now += 7.0
    rig.app.work.approvals.show()


async def _rule(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    await _approval(rig, core, pilot)
    rig.app.queue.widen(2)
    rig.app.queue.current.changed -= 5  # type: ignore[union-attr]
    rig.app.work.approvals.show()
    await pilot.press("f4")


async def _opened(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    begin(core)
    call(core, "c", "read_file", path="src/calc.py")
    finish(core, "c", "read_file", "ok", "3 lines", "def add(a, b):\n    return a - b\n", 12)
    core.say(respond("Read it."))
    await until(lambda: len(rig.app.work.chat.blocks) > 4, pilot)
    await pilot.press("f2", "z")


async def _help(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    await pilot.press("f1")
    await until(lambda: isinstance(rig.app.screen, Help), pilot)


async def _ask(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    await _work(rig, core, pilot)
    rig.app.push_screen(Ask("deny, because", "use make instead", hint="the model reads this"))
    await until(lambda: isinstance(rig.app.screen, Ask), pilot)


async def _slash(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    await pilot.press(*"/s")
    await until(lambda: rig.app.work.suggestions.display, pilot)


async def _trust(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    rig.app.ask_trust()
    await until(lambda: isinstance(rig.app.screen, Trust), pilot)


async def _no_model(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    rig.app.explain_no_model()
    await until(lambda: isinstance(rig.app.screen, NoModel), pilot)


async def _tabs(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    await _work(rig, core, pilot)
    run(core, "call-8", "ruff check src", b"All checks passed!\r\n")
    run(core, "call-9", "python3 -q", b">>> 6*7\r\n42\r\n>>> ", ends=False)
    await pilot.press("f8")
    await until(lambda: rig.app.work.terminal.taken, pilot)


async def _settings(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    themes = rig.app.theme_names()
    rig.app.push_screen(SettingsScreen(HOME, Path("/work/project"), themes, lambda *changed: None))
    await until(lambda: isinstance(rig.app.screen, SettingsScreen) and bool(rig.app.screen._shown), pilot)
    await pilot.press(*"interface")


async def _doctor(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    rig.app.doctor = lambda: [
        Sandboxing("python", "ok", "Python 3.12 on Linux"),
        Sandboxing("terminal", "note", "COLORTERM is not set: colours may be few", "set COLORTERM=truecolor"),
        Sandboxing("model", "missing", "no model was found", "start a local server, or set OPENAI_API_KEY"),
    ]
    rig.app.action_doctor()
    await until(lambda: any(report.findings for report in rig.app.screen.query(Report)), pilot)


async def _setup(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    keyed = Looked("anthropic", "anthropic", "https://api.anthropic.com", "not running", detail="no route")
    environ = {"ANTHROPIC_API_KEY": "x"}
    made = Setup(lambda found: found((*PLACES, keyed)), environ, file="/home/dev/.config/vtcode/vtcode.toml")
    rig.app.push_screen(made)
    await until(lambda: rig.app.screen is made and made.looked, pilot)


async def _recover(rig: Rig, core: ScriptedCore, pilot: Pilot[Any]) -> None:
    meta = Meta(id="01920000", workspace="/work/project", started="2026-11-22T20:00:00Z", title="Fix it", turns=3)
    rig.app.push_screen(Recover(Interrupted(Listed(Path("/nowhere"), meta), frozenset({"c4"}))))
    await until(lambda: isinstance(rig.app.screen, Recover), pilot)


HOME = Home(Path("/nowhere/config"), Path("/nowhere/state"), Path("/nowhere/cache"))
SCENES: dict[str, Scene] = {
    "empty": _empty,
    "work": _work,
    "diff": _diff,
    "terminal": _terminal,
    "events": _events,
    "approval": _approval,
    "approval-rule": _rule,
    "calls-opened": _opened,
    "help": _help,
    "ask": _ask,
    "commands": _slash,
    "trust": _trust,
    "no-model": _no_model,
    "tabs": _tabs,
    "settings": _settings,
    "doctor": _doctor,
    "recover": _recover,
    "setup": _setup,
    **MORE,
}
PICTURED = {"work", "approval", "diff", "settings", "setup", "tabs", *PICTURES}
"""Scenes that are kept as pictures, for the documentation."""

MORE_THEMES = {
    ("work", "160x48"): ("contrast",),
    ("approval", "80x24"): ("ansi",),
    ("diff", "80x24"): ("contrast", "ansi"),
    ("settings", "80x24"): ("contrast", "ansi"),
    ("tabs", "80x24"): ("ansi",),
}


OWN_START = {"events", "approval", "approval-several", "diff-tree"}
"""Scenes that look otherwise at a size that came later than at one from the start: an approval is to be read again,
a cursor stays where it is, a list that was opened stays open."""
FRAMES = 6
"""For so many the screen stays the same before it is compared."""


async def settled(rig: Rig, pilot: Pilot[Any], frames: int = FRAMES) -> str:
    """The screen once it stays the same for so many frames."""
    seen: list[str] = []

    def same() -> bool:
        seen.append(text_of(rig.app))
        return len(seen) > frames and len(set(seen[-frames:])) == 1

    await until(same, pilot)
    return seen[-1]


def compared(text: str, scene: str) -> str:
    """What of a screen is compared: how long the chat's scrollbar is above a queue that grew depends on layouts."""
    if not scene.startswith("approval-"):
        return text
    rows = text.partition("\nstyles\n")[0]
    return rows.partition("\n approvals")[2]


def keep(rig: Rig, scene: str, variant: str, shown: str) -> None:
    """Write what is on the screen, and its picture where one is kept."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{scene}-{variant}.txt").write_text(shown, encoding="utf-8")
    if scene in PICTURED:
        (FOLDER / f"{scene}-{variant}.svg").write_text(svg_of(rig.app), encoding="utf-8")


async def becomes(rig: Rig, pilot: Pilot[Any], scene: str, variant: str) -> bool:
    """Whether the screen comes to look as it was kept, and stays so."""
    kept = compared((FOLDER / f"{scene}-{variant}.txt").read_text(encoding="utf-8"), scene)
    try:
        await until(lambda: compared(text_of(rig.app), scene) == kept, pilot)
    except TimeoutError:
        return False
    for _ in range(FRAMES):
        await pilot.pause()
    return compared(await settled(rig, pilot, frames=1), scene) == kept


def let_it_settle(rig: Rig) -> None:
    """What waits and has been read is drawn as what can be answered: the clock of a picture stands still."""
    item, queue = rig.app.queue.current, rig.app.queue
    if item is not None and item.readiness(queue.clock(), queue.grace) == "settling":
        item.changed -= 2 * queue.grace
        rig.app.work.approvals.show()


async def photographed(
    made: Rig, pilot: Pilot[Any], scene: str, size: str, *, anew: bool
) -> tuple[list[str], list[str]]:
    """What is on the screen, in every theme: the variants that look different, and the words that are faint."""
    different: list[str] = []
    weak: list[str] = []
    kept = [f"vtcode-{theme}" for theme in ("dark", "light", *MORE_THEMES.get((scene, size), ()))]
    for theme in (*kept, *(name for name in AIMS if name not in kept)):
        made.app.theme = theme
        variant = f"{size}-{theme.removeprefix('vtcode-')}"
        if theme not in kept:
            await pilot.pause()
        elif anew:
            await settled(made, pilot, frames=60)
            let_it_settle(made)
            keep(made, scene, variant, await settled(made, pilot, frames=60))
        elif not await becomes(made, pilot, scene, variant):
            different.append(f"{scene}-{variant}")
        if theme in AIMS:
            weak += faint(made.app)
    return different, weak


@pytest.mark.parametrize(
    ("scene", "sizes"),
    [
        (scene, sizes)
        for scene in SCENES
        for sizes in ([[one] for one in SIZES] if scene in OWN_START else [[*SIZES]])
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
async def test_snapshot(
    rig: Callable[..., Rig], request: pytest.FixtureRequest, scene: str, sizes: list[str]
) -> None:
    """One start serves all themes and mostly both sizes: one that comes later is drawn as one from the start."""
    anew = request.config.getoption("--update-snapshots")
    made = rig(settings=Settings.model_validate({"interface": {"theme": "vtcode-dark", "bell": False}}))
    async with made.app.run_test(size=SIZES[sizes[0]]) as pilot:
        core = await made.ready(pilot)
        await SCENES[scene](made, core, pilot)
        different: list[str] = []
        weak: list[str] = []
        for number, size in enumerate(sizes):
            if number:
                await pilot.resize_terminal(*SIZES[size])
            found = await photographed(made, pilot, scene, size, anew=anew)
            different += found[0]
            weak += found[1]
        made.app.queue.unattended()
        assert different == [], "these look different: `make snapshots` if that is meant"
        assert weak == [], "these cannot be read well"
