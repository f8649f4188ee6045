"""The app over a scripted core, as a fixture."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation

from tests.tui.device import Terminal
from tests.tui.rig import Rig
from vtcode_tui.config.settings import Settings


@pytest.fixture(scope="session", autouse=True)
def styles_read_once() -> Iterator[None]:
    """Hundreds of apps have the same styles: a text that was parsed with the same colours is not parsed again."""
    parse, known = Stylesheet._parse_rules, {}

    def parsed(
        self: Stylesheet,
        css: str,
        read_from: CSSLocation,
        is_default_rules: bool = False,
        tie_breaker: int = 0,
        scope: str = "",
    ) -> list[RuleSet]:
        key = (frozenset(self._variables.items()), css, read_from, is_default_rules, tie_breaker, scope)
        if key not in known:
            known[key] = parse(self, css, read_from, is_default_rules, tie_breaker, scope)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parsed)
        yield


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """A test that a time limit ended in the middle leaves the collector of garbage as the next one expects it."""
    threshold, callbacks = gc.get_threshold(), list(gc.callbacks)
    yield
    if (gc.get_threshold(), gc.callbacks) != (threshold, callbacks):
        gc.set_threshold(*threshold)
        gc.callbacks[:] = callbacks
        gc.unfreeze()


@pytest.fixture
def rig() -> Callable[..., Rig]:
    """Makes the app with its core; settings may be given."""

    def make(**more: Any) -> Rig:
        return Rig(more.pop("settings", Settings()), **more)

    return make


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    made: list[Terminal] = []

    def make(play: str, **more: int) -> Terminal:
        made.append(Terminal(play, tmp_path, **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()
