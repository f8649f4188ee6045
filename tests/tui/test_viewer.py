"""The viewer: the same panes over a journal; time, landmarks, verification, and no way to run anything."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from tests.tui.rig import Rig, ScriptedCore, until
from tests.tui.scenes import call, finish, respond, work
from vtcode_tui.config.settings import Settings
from vtcode_tui.events import Bus, Journal
from vtcode_tui.events.lines import line_of
from vtcode_tui.events.types import (
    Event,
    ExecFinished,
    ExecOutput,
    ExecStarted,
    SessionEnded,
)
from vtcode_tui.tui import player as player_module
from vtcode_tui.tui.panes.timeline import ROOMY
from vtcode_tui.tui.picture import svg_of, text_of
from vtcode_tui.tui.player import SPEEDS
from vtcode_tui.tui.screens.replay import FRAME, IDLE_LIMIT, ReplayScreen, clock, place_of
from vtcode_tui.tui.viewer import ViewerApp

A = "a" * 64
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def journal(tmp_path: Path) -> Callable[..., Path]:
    """Writes what a scene says as a journal; its chain is right, it is sealed by nobody."""

    def write(scene: Callable[[ScriptedCore], None] = work, *, tamper: bool = False) -> Path:
        heard: list[Event] = []
        scene(ScriptedCore(None, lambda what: heard.append(what) if isinstance(what, Event) else None))  # type: ignore[arg-type]
        folder = tmp_path / "01920000-0000-7000-8000-000000000001"
        folder.mkdir(parents=True)
        import hashlib

        head, lines = "0" * 64, []
        for event in heard:
            raw = line_of(event.model_copy(update={"prev": head})).rstrip(b"\n")
            lines.append(raw)
            head = hashlib.sha256(raw).hexdigest()
        if tamper:
            lines[3] = lines[3].replace(b"model", b"modem", 1)
        (folder / "journal.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        return folder

    return write


class Ticking:
    """A clock that goes on by a second with each event."""

    def __init__(self) -> None:
        self.seconds = 0

    def now(self) -> datetime:
        self.seconds += 1
        return datetime(2026, 11, 22, 20, 0, 0, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic_ns(self) -> int:
        return self.seconds * 1_000_000_000


async def sealed(folder: Path, scene: Callable[[ScriptedCore], None] = work) -> Path:
    """What a scene says as a journal that the program's own writer has signed and closed."""
    heard: list[Event] = []
    scene(ScriptedCore(None, lambda what: heard.append(what) if isinstance(what, Event) else None))  # type: ignore[arg-type]
    place = folder / heard[0].session
    bus = Bus(Journal.create(place, heard[0].session, clock=Ticking()))
    for event in heard:
        await bus.record(event.data, turn=event.turn, call=event.call, actor=event.actor)
    await bus.record(SessionEnded(reason="left by the person", turns=1, tools=3, denied=1))
    await bus.close()
    return place


def screen_of(app: ViewerApp) -> ReplayScreen:
    screen = app.screen_stack[0]
    assert isinstance(screen, ReplayScreen)
    return screen


async def loaded(app: ViewerApp, pilot: Pilot[Any]) -> ReplayScreen:
    screen = screen_of(app)
    await until(lambda: screen.player is not None and screen.report is not None, pilot)
    return screen


def chat_of(screen: ReplayScreen) -> list[str]:
    return [screen.chat.row(y).text for y in range(screen.chat.row_count())]


async def test_stepping_to_the_end_shows_what_was_seen_live(
    journal: Callable[..., Path], rig: Callable[..., Rig]
) -> None:
    live = rig()
    async with live.app.run_test(size=(160, 48)) as pilot:
        work(await live.ready(pilot))
        await until(lambda: "evil.example" in "".join(chat_of(live.app.work)), pilot)  # type: ignore[arg-type]
        seen = chat_of(live.app.work)  # type: ignore[arg-type]
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        assert screen.player is not None
        while screen.player.next_at() is not None:
            await pilot.press("right")
        await until(lambda: chat_of(screen) == seen, pilot)
        assert screen.events.shown_count() == len(screen.player.recording)


async def test_it_begins_with_the_first_that_there_is_to_see(journal: Callable[..., Path]) -> None:
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await loaded(app, pilot)
        assert "The test in tests/test_calc.py fails" in "".join(chat_of(screen))
        assert screen.player is not None and screen.player.index == 2


async def test_going_back_and_on_again_is_the_same_place(journal: Callable[..., Path]) -> None:
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        player = screen.player
        assert player is not None
        await pilot.press("dollar_sign")
        await pilot.pause()
        end = chat_of(screen)
        await pilot.press("left", "left", "left")
        assert player.index == len(player.recording) - 3
        await pilot.press("0", "dollar_sign")
        await until(lambda: chat_of(screen) == end, pilot)


async def test_landmarks_are_jumped_to(journal: Callable[..., Path]) -> None:
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        player = screen.player
        assert player is not None
        for key, wanted in (("p", "prompt.submitted"), ("c", "file.changed"), ("v", "network.blocked")):
            await pilot.press(key)
            assert player.recording.events[player.index - 1].type == wanted
        await pilot.press("colon", *"#2", "enter")
        await until(lambda: player.index == 3, pilot)
        await pilot.press("slash", *"evil.example", "enter")
        await until(lambda: player.index > 3, pilot)


async def test_landmarks_are_jumped_to_backwards_too(journal: Callable[..., Path]) -> None:
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        screen = await loaded(app, pilot)
        player = screen.player
        assert player is not None
        await pilot.press("dollar_sign")
        for key, wanted in (("V", "network.blocked"), ("C", "file.changed"), ("P", "prompt.submitted")):
            await pilot.press(key)
            assert player.recording.events[player.index - 1].type == wanted
        await pilot.press("P")
        await until(lambda: "no earlier prompt" in text_of(app), pilot)


async def test_seconds_are_gone_on_and_back_while_it_plays_and_while_it_does_not(
    journal: Callable[..., Path],
) -> None:
    app = ViewerApp(journal(paused), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        player = screen.player
        assert player is not None
        metronome = Metronome(screen)
        await pilot.press("0", "greater_than_sign", "shift+right")
        assert (player.at, player.index) == (20.0, 21)
        await pilot.press("space")
        metronome.goes_on(5.5)
        await pilot.press("less_than_sign")
        assert player.at == 15.5 and screen.playing
        metronome.goes_on(3)
        assert 18 <= player.at <= 18.5
        await pilot.press("0", "shift+left")
        assert player.at == 0.0


async def test_playing_and_pausing_again_and_again_leaves_one_frame_to_come(journal: Callable[..., Path]) -> None:
    app = ViewerApp(journal(paused), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        metronome = Metronome(screen)
        await pilot.press("0", *["minus"] * 8, *["space"] * 7)
        assert screen.playing
        metronome.goes_on(0.5)
        assert len(metronome.due) == 1


async def test_a_search_is_gone_on_with_and_the_log_is_filtered_by_the_same_key(
    journal: Callable[..., Path],
) -> None:
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        player = screen.player
        assert player is not None
        began = player.index
        await pilot.press("slash", *"run_command", "enter")
        await until(lambda: player.index > began, pilot)
        first = player.index
        await pilot.press("slash", "enter")
        await until(lambda: player.index > first, pilot)
        await pilot.press("dollar_sign", "f6", "slash", *"type:prompt", "enter")
        await until(lambda: 0 < screen.events.shown_count() < 3, pilot)


async def test_keys_are_answered_while_a_search_goes_on_and_who_goes_elsewhere_stays_there(
    journal: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player_module, "PIECE", 1)  # as in a session of a hundred thousand events
    monkeypatch.setattr(player_module, "TURN", 0.0)
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        player = screen.player
        assert player is not None
        began, last = player.index, len(player.recording)

        def searching() -> bool:
            return any(worker.group == "search" for worker in app.workers)

        words = player.recording.events[last - 1].type
        screen.find(words)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert searching()
        screen.action_step(1)
        await until(lambda: not searching(), pilot)
        assert player.index == began + 1
        screen.find(words)
        await until(lambda: player.index > began + 1 and not searching(), pilot)
        screen.find("no such words anywhere")
        await until(lambda: any("not found" in note.message for note in app._notifications), pilot)


async def test_panes_that_a_jump_fills_have_their_bars_in_the_layout_that_shows_them(
    journal: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        await pilot.press("0")
        await pilot.pause()
        layouts: list[bool] = []
        lay_out = Screen._refresh_layout

        def counted(self: Screen[object], *args: Any, **more: Any) -> None:
            layouts.append(screen.events.vertical_scrollbar.display)
            lay_out(self, *args, **more)

        monkeypatch.setattr(Screen, "_refresh_layout", counted)
        assert not screen.events.show_vertical_scrollbar
        screen.action_seek_to(-1)
        await until(lambda: screen.events.vertical_scrollbar.size.height > 0, pilot)
        await pilot.pause()
        assert layouts == [True]


async def test_playing_ends_at_the_end(journal: Callable[..., Path]) -> None:
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        await pilot.press("plus", "plus", "plus", "plus", "plus", "plus", "space")
        await until(lambda: screen.player is not None and screen.player.next_at() is None, pilot)
        await until(lambda: not screen.playing, pilot)


class Metronome:
    """Time that the test makes pass: the clock of the viewer, and what it wants to be woken for."""

    def __init__(self, screen: ReplayScreen) -> None:
        self.now = 1000.0
        self.due: list[tuple[float, Callable[[], None]]] = []
        screen.clock, screen.after = lambda: self.now, self.after

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self.due.append((self.now + seconds, act))

    def goes_on(self, seconds: float) -> None:
        end = self.now + seconds
        while self.due and min(at for at, _ in self.due) <= end:
            first = min(self.due, key=lambda one: one[0])
            self.due.remove(first)
            self.now = first[0]
            first[1]()
        self.now = end


def paused(core: ScriptedCore) -> None:
    """Work for an hour with a long pause in it: 1000 times asked, the middle one after 50 minutes."""
    for number in range(200):
        core._seq = number + (3000 if number >= 100 else 0)
        core.say(respond(f"answer {number}"))


@pytest.mark.parametrize("place", range(len(SPEEDS)))
async def test_at_each_speed_time_goes_on_as_much_faster_and_a_long_pause_is_cut(
    journal: Callable[..., Path], place: int
) -> None:
    app = ViewerApp(journal(paused), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        player = screen.player
        assert player is not None
        assert player.recording.duration == 99 + IDLE_LIMIT + 99
        metronome = Metronome(screen)
        await pilot.press("0", *["minus"] * len(SPEEDS), *["plus"] * place)
        speed = SPEEDS[place]
        assert f"{speed:g}×" in "".join(span.text for span in screen.timeline.left)
        await pilot.press("space")
        metronome.goes_on(0.0001)
        for step in (1, 2, 3):
            metronome.goes_on(16 / speed)
            # An event each second: none of them too soon, and none later than a frame.
            assert 16 * step - FRAME * speed < player.index <= 1 + 16 * step
            assert 16 * step - FRAME * speed <= player.at <= 16 * step + 0.0001 * speed
        metronome.goes_on((player.recording.duration - player.at) / speed + 1)
        assert player.index == 200 and not screen.playing
        assert clock(player.at) == "3:20"


async def test_another_speed_and_a_jump_while_it_plays_go_on_from_there(journal: Callable[..., Path]) -> None:
    app = ViewerApp(journal(paused), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        player = screen.player
        assert player is not None
        metronome = Metronome(screen)
        await pilot.press("0", "space")
        metronome.goes_on(10)
        assert player.index == 11
        await pilot.press("plus", "plus")
        metronome.goes_on(10)
        assert player.index == 51
        await pilot.press("colon", *"2:00", "enter")
        await until(lambda: player.at == 120.0, pilot)
        metronome.goes_on(5)
        assert player.at == 140.0
        await pilot.press("space")
        metronome.goes_on(100)
        assert player.at == 140.0


async def test_a_journal_that_was_changed_says_so_on_the_screen(journal: Callable[..., Path]) -> None:
    app = ViewerApp(journal(tamper=True), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        await until(lambda: "TAMPERED" in "".join(span.text for span in screen.timeline.right), pilot)
        await pilot.press("dollar_sign")
        await until(lambda: screen.player is not None and screen.player.next_at() is None, pilot)
        # Nor does what it says of itself stand beside that.
        await until(lambda: screen.status.status.journal == "", pilot)


async def test_at_80_columns_a_changed_journal_still_has_a_time_line_that_is_red_from_there_on(
    journal: Callable[..., Path],
) -> None:
    app = ViewerApp(journal(tamper=True), Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await loaded(app, pilot)
        await pilot.press("dollar_sign")
        await until(lambda: "TAMPERED from event 3" in text_of(app), pilot)
        bar = [span for span in screen.timeline.left if span.text in "━─●┿╋"]
        assert len(bar) >= ROOMY
        assert {span.style.name for span in bar if span.text == "━"} == {"accent", "bad"}
        begin = "".join(span.text for span in screen.timeline.left).index(bar[0].text)
        await pilot.click(screen.timeline, offset=(begin, 0))
        await until(lambda: screen.player is not None and screen.player.at == 0, pilot)
        assert next(span for span in screen.timeline.left if span.text == "●").style.name == "accent"


async def test_what_stands_beside_the_time_line_never_moves_it_nor_is_hidden_by_a_toast(
    journal: Callable[..., Path],
) -> None:
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await loaded(app, pilot)
        begins = set()
        for keys in (["0"], ["minus", "minus"], ["plus"] * 8, ["space"], ["space"], ["dollar_sign"]):
            await pilot.press(*keys)
            words = "".join(span.text for span in screen.timeline.left)
            begins.add(min(words.index(char) for char in "━─●" if char in words))
        assert len(begins) == 1
        await pilot.press("a", "v")
        await until(lambda: "no further violation" in text_of(app), pilot)
        assert text_of(app).split("\n")[22].rstrip().endswith("intact, not closed")


async def test_a_journal_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    app = ViewerApp(tmp_path, Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = screen_of(app)
        await until(lambda: "cannot be read" in "".join(span.text for span in screen.timeline.left), pilot)


def test_places_and_times() -> None:
    assert clock(75) == "1:15"
    assert clock(3700) == "1:01:40"
    assert place_of("#120") == ("event", 120)
    assert place_of("1:30") == ("time", 90)
    assert place_of("90") == ("time", 90)
    assert place_of("soon") is None


def test_the_viewer_loads_nothing_that_could_run_a_tool() -> None:
    program = (
        "import sys, vtcode_tui.tui.viewer\n"
        "rooms = ('agent', 'gate.gate', 'gate.execution', 'sandbox', 'tools', 'llm', 'tui.intents', 'tui.queue')\n"
        "print(sorted(m for m in sys.modules if m.startswith(tuple(f'vtcode_tui.{r}' for r in rooms))))\n"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == "[]"


async def test_the_time_line_shows_violations_and_a_click_goes_there(journal: Callable[..., Path]) -> None:
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        player = screen.player
        assert player is not None
        await until(lambda: any(span.text == "╋" for span in screen.timeline.left), pilot)
        text = "".join(span.text for span in screen.timeline.left)
        await pilot.click(screen.timeline, offset=(text.index("╋"), 0))
        await until(lambda: player.at > player.recording.duration * 0.8, pilot)
        begin = "".join(span.text for span in screen.timeline.left).index("━")
        await pilot.click(screen.timeline, offset=(begin, 0))
        await until(lambda: player.at < player.recording.duration * 0.1, pilot)


async def test_from_an_event_of_the_log_to_its_moment(journal: Callable[..., Path]) -> None:
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        player = screen.player
        assert player is not None
        await pilot.press("dollar_sign")
        await until(lambda: screen.terminal.current is not None, pilot)
        started = player.recording.events.types.index("exec.started")
        await pilot.press("f6")
        screen.events.put_at_seq(started)
        await pilot.press("o")
        await until(lambda: player.index == started + 1 and screen.focused is screen.terminal, pilot)


async def test_an_event_that_was_opened_is_closed_to_who_goes_back_before_it(journal: Callable[..., Path]) -> None:
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        assert screen.player is not None
        await pilot.press("dollar_sign", "f6", "enter")
        opened = screen.events.row_count()
        assert opened > len(screen.player.recording)
        await pilot.press("left", "left", "left")
        assert screen.events.row_count() == screen.events.shown_count() == screen.player.index
        assert "mono_ns" not in text_of(app)
        await pilot.press("dollar_sign")
        assert screen.events.row_count() == opened


async def test_a_run_that_is_brought_to_the_front_shows_what_it_had_written_by_then(tmp_path: Path) -> None:
    def runs(core: ScriptedCore) -> None:
        work(core)
        for name in ("run1", "run2"):
            call(core, name, "run_command", command=f"make {name}")
            began = ExecStarted(
                argv=("make", name), executable="/bin/make", cwd="/w", subject_sha256=A, sandbox_sha256=A
            )
            core.say(began, call=name)
            core.say(ExecOutput(offset=0, size=9, sha256=A, recording=""), call=name)
            core.say(ExecFinished(exit_code=0, duration_ms=5), call=name)
            finish(core, name, "run_command", "ok", "exit 0", "", 5)

    folder = await sealed(tmp_path, runs)
    (folder / "spool").mkdir(exist_ok=True)
    for number in (1, 2):
        (folder / "spool" / f"run{number}.out").write_text(f"written by run {number}\n")

    def seen(screen: ReplayScreen) -> str:
        return "\n".join(screen.terminal.row(y).text for y in range(screen.terminal.row_count()))

    app = ViewerApp(folder, Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        assert screen.player is not None
        await pilot.press("dollar_sign")
        await until(lambda: "written by run 2" in seen(screen), pilot)
        screen.terminal.action_run(-1)
        await until(lambda: "written by run 1" in seen(screen), pilot)
        started = [p for p, kind in enumerate(screen.player.recording.events.types) if kind == "exec.started"]
        screen.action_seek_to(started[-1])
        await until(lambda: "run2" not in screen.terminal.runs and "written by run 1" in seen(screen), pilot)
        screen.action_seek_to(-1)
        await until(lambda: "written by run 2" in seen(screen), pilot)


async def test_much_that_a_run_wrote_is_drawn_when_it_has_been_read_and_waits_for_no_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def runs(core: ScriptedCore) -> None:
        work(core)
        call(core, "run1", "run_command", command="make")
        began = ExecStarted(argv=("make",), executable="/bin/make", cwd="/w", subject_sha256=A, sandbox_sha256=A)
        core.say(began, call="run1")
        core.say(ExecOutput(offset=0, size=9, sha256=A, recording=""), call="run1")
        core.say(ExecFinished(exit_code=0, duration_ms=5), call="run1")

    folder = await sealed(tmp_path, runs)
    (folder / "spool").mkdir(exist_ok=True)
    (folder / "spool" / "run1.out").write_text("a line of it\n" * 40_000 + "the end of it\n")
    app = ViewerApp(folder, Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        await pilot.pause()
        monkeypatch.setattr(screen.terminal, "set_timer", lambda *_: None)  # as if none ever came
        screen.action_seek_to(-1)
        await until(lambda: "the end of it" in text_of(app), pilot)


async def test_what_a_jump_shows_stands_there_with_its_first_painting(journal: Callable[..., Path]) -> None:
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        await pilot.pause()
        screen.action_seek_to(-1)
        painted = asyncio.Event()
        screen.call_after_refresh(painted.set)
        await painted.wait()
        assert screen.player is not None
        shown = text_of(app)
        assert "evil.example" in shown
        assert f"events  {len(screen.player.recording):,}" in shown, "and so is what stands above the panes"


async def test_a_line_that_is_no_event_is_shown_and_said_and_the_rest_can_be_watched(
    journal: Callable[..., Path],
) -> None:
    folder = journal()
    file = folder / "journal.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    lines[4] = b'{"hello": \xff\xfe}\n'
    file.write_bytes(b"".join(lines) + b'{"v":1,"seq"')
    app = ViewerApp(folder, Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        await pilot.press("dollar_sign")
        await until(lambda: any("no event" in text for text in chat_of(screen)), pilot)
        assert screen.player is not None and len(screen.player.recording) == len(lines)
        assert "TAMPERED" in "".join(span.text for span in screen.timeline.right)
        assert any("evil.example" in text for text in chat_of(screen))


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", ["80x24", "160x48"])
async def test_the_viewer_looks_as_it_did(
    tmp_path: Path, request: pytest.FixtureRequest, size: str, theme: str
) -> None:
    settings = Settings.model_validate({"interface": {"theme": f"vtcode-{theme}"}})
    app = ViewerApp(await sealed(tmp_path), settings)
    columns, rows = map(int, size.split("x"))
    async with app.run_test(size=(columns, rows)) as pilot:
        screen = await loaded(app, pilot)
        assert screen.report is not None and screen.report.state == "sealed", screen.report
        await pilot.press("dollar_sign")
        seen: list[str] = []

        def same() -> bool:
            seen.append(text_of(app))
            return len(seen) > 6 and len(set(seen[-6:])) == 1

        await until(same, pilot)
        file = ROOT / "snapshots" / f"replay-{size}-{theme}.txt"
        if request.config.getoption("--update-snapshots"):
            file.write_text(seen[-1], encoding="utf-8")
            file.with_suffix(".svg").write_text(svg_of(app), encoding="utf-8")
        assert seen[-1] == file.read_text(encoding="utf-8"), "the viewer looks different: `make snapshots` if meant"
