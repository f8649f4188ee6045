"""The collector of garbage does not hold the screen up while somebody types, and garbage goes all the same."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest
from textual._styles_cache import StylesCache
from textual.color import Color
from textual.strip import Strip

from tests.tui.rig import Rig, until
from tests.tui.scenes import respond
from vtcode_tui.config.settings import Settings
from vtcode_tui.tui.screens.help import Help
from vtcode_tui.tui.sweep import AWAY, GROWN, LONGEST, PAUSE, Sweep


class Hands:
    """A clock, the last key, and what is to be done later."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pressed = 0.0
        self.later: list[tuple[float, Callable[[], object]]] = []
        self.sweep = Sweep(
            lambda seconds, act: self.later.append((seconds, act)), lambda: self.pressed, lambda: self.now
        )

    def let_time_pass(self) -> float:
        """What was put off is due."""
        seconds, act = self.later.pop(0)
        self.now += seconds
        act()
        return seconds


@pytest.fixture
def hands() -> Iterator[Hands]:
    before = gc.get_threshold()
    gc.set_threshold(200, *before[1:])  # a collection is counted whatever it walks, and hundreds are made here
    one = Hands()
    one.sweep.begin()
    yield one
    one.sweep.end()
    gc.set_threshold(*before)


class Knot:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


def old_knot() -> weakref.ref[Knot]:
    """Garbage that has outlived the young generations."""
    knot = Knot()
    gc.collect(0)
    gc.collect(1)
    return weakref.ref(knot)


def work(collections: int) -> None:
    """Make garbage until the middle generation was collected so many times."""
    before = gc.get_stats()[1]["collections"]
    while gc.get_stats()[1]["collections"] < before + collections:
        _ = [Knot() for _ in range(1000)]


def whole() -> int:
    return int(gc.get_stats()[2]["collections"])


def test_no_full_collection_is_taken_while_the_program_works_and_one_in_the_next_pause(hands: Hands) -> None:
    knot, before = old_knot(), whole()
    work(30)
    assert whole() == before and knot() is not None
    assert len(hands.later) == 1, "asked for once"
    assert hands.let_time_pass() == 0, "nobody types: what there is to walk shall not grow"
    assert whole() == before + 1 and knot() is None
    work(30)
    assert len(hands.later) == 1, "and again for what comes after"


def test_a_full_collection_waits_until_nobody_types(hands: Hands) -> None:
    hands.pressed = hands.now - 0.25
    work(30)
    before = whole()
    hands.pressed = hands.now + PAUSE - 0.5
    assert hands.let_time_pass() == pytest.approx(PAUSE - 0.25)
    assert whole() == before
    assert hands.let_time_pass() == pytest.approx(PAUSE - 0.25)
    assert whole() == before + 1


def test_who_never_stops_typing_does_not_fill_the_memory(hands: Hands) -> None:
    work(LONGEST)
    before = whole()
    hands.pressed = hands.now + PAUSE
    hands.let_time_pass()
    assert whole() == before + 1


def test_what_died_after_it_had_outlived_a_full_collection_is_found_in_the_end(hands: Hands) -> None:
    knot = Knot()
    work(30)
    hands.let_time_pass()
    ref = weakref.ref(knot)
    del knot
    kept: list[list[object]] = [[] for _ in range(GROWN + 1)]
    work(30)
    hands.let_time_pass()
    work(30)
    hands.pressed = hands.now
    hands.let_time_pass()
    assert ref() is not None, "somebody has just typed: such a long look is not for now"
    hands.now += AWAY
    work(30)
    hands.let_time_pass()
    assert ref() is None and kept


def test_python_decides_again_when_the_screen_is_left() -> None:
    before, callbacks = gc.get_threshold(), list(gc.callbacks)
    hands = Hands()
    hands.sweep.begin()
    hands.sweep.begin()
    assert gc.get_threshold() != before
    hands.sweep.end()
    hands.sweep.end()
    assert gc.get_threshold() == before and gc.callbacks == callbacks


async def test_the_app_holds_full_collections_back_while_it_runs() -> None:
    before, callbacks = gc.get_threshold(), list(gc.callbacks)
    rig = Rig(Settings())
    async with rig.app.run_test() as pilot:
        await rig.ready(pilot)
        await until(lambda: gc.get_threshold()[2] > before[2], pilot)
    assert gc.get_threshold() == before and gc.callbacks == callbacks


async def test_what_was_painted_is_freed_at_once_and_not_left_to_the_collector() -> None:
    """Textual's strips keep themselves alive when they are cut to what they are: 40 of them with each painting."""
    rig = Rig(Settings())
    async with rig.app.run_test(size=(120, 40)) as pilot:
        core = await rig.ready(pilot)
        core.say(respond("some words\n\n" * 60))
        await pilot.press("f9")
        await pilot.pause()
        rig.app.sweep.end()
        gc.collect()
        for delta in (-1, 1) * 10:
            rig.app.work.chat.scroll_relative(y=delta, animate=False, immediate=True)
            rig.app.work.chat.redraw()
            await pilot.pause()
        before = gc.get_debug()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            gc.collect()
            left = sum(isinstance(one, Strip) for one in gc.garbage)
        finally:
            gc.set_debug(before)
            gc.garbage.clear()
        assert left < 40


def test_what_a_widget_painted_goes_when_the_widget_is_gone(hands: Hands) -> None:
    """Textual remembers 1,024 of them, long after their dialogs were left."""
    painted = StylesCache()
    painted.get_inner_outer(Color(0, 0, 0), Color(1, 1, 1))
    ref = weakref.ref(painted)
    del painted
    work(30)
    assert ref() is not None
    hands.let_time_pass()
    assert ref() is None


async def test_a_screen_that_was_closed_with_the_last_key_leaves_the_memory(rig: Callable[..., Rig]) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        await app.ready(pilot)
        await pilot.press("f1")
        await until(lambda: isinstance(app.app.screen, Help), pilot)
        closed = weakref.ref(app.app.screen)
        await pilot.press("escape")
        await until(lambda: app.app.screen is app.app.work, pilot)

        def gone() -> bool:
            gc.collect()
            return closed() is None

        await until(gone, pilot)
