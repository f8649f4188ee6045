"""Models of every provider and local server: chosen, loaded and unloaded from one list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vtcode_tui.render import MUTED, Line, Span, Style, plain_line, spans_of
from vtcode_tui.tui.screens.pick import Pick

if TYPE_CHECKING:
    from vtcode_tui.llm.discover import Looked
    from vtcode_tui.llm.servers import Offered
    from vtcode_tui.tui.app import VtcodeApp
    from vtcode_tui.tui.intents import Intents

ANSWER, LOAD, UNLOAD = "let it answer", "load it into memory", "drop it from memory"


def show_models(app: VtcodeApp, intents: Intents, places: Sequence[Looked]) -> None:
    """Show what there is; a chosen model is asked what to do with, a chosen place says what helps."""
    found: list[tuple[Looked, Offered | None]] = []
    for place in places:
        found += [(place, model) for model in place.models] or [(place, None)]

    def chosen(index: int | None) -> None:
        if index is None:
            return
        place, model = found[index]
        if model is None:
            helps = f": try {place.remedy}" if place.remedy else ""
            app.tell(plain_line(f"{place.title} at {place.url}: {place.state}{helps}"), "warning")
        else:
            _choose(app, intents, place, model)

    app.push_screen(Pick("models", [_row(place, model) for place, model in found]), chosen)


def _row(place: Looked, model: Offered | None) -> Line:
    if model is not None:
        return model_row(place, model)
    helps = f"   try: {place.remedy}" if place.remedy else ""
    return Line((Span(" "), *spans_of(plain_line(f"{place.title}: {place.state}{helps}"), MUTED)))


def model_row(place: Looked, model: Offered) -> Line:
    """A model that a place offers, with what is known about it."""
    about = [model.detail]
    if model.loaded:
        about.append("loaded")
    if window := model.context_window or model.largest_window:
        about.append(f"{window:,} tokens")
    if model.tools is False:
        about.append("no tools")
    told = spans_of(plain_line("   " + ", ".join(filter(None, about))), MUTED)
    return Line((Span(" "), *spans_of(plain_line(f"{place.provider}/{model.name}"), Style("accent")), *told))


def _choose(app: VtcodeApp, intents: Intents, place: Looked, model: Offered) -> None:
    acts = [ANSWER]
    if model.loaded is not None:
        acts.append(UNLOAD if model.loaded else LOAD)
    if len(acts) == 1:
        intents.set_model(place.provider, model.name)
        return

    def act(index: int | None) -> None:
        match acts[index] if index is not None else "":
            case "let it answer":
                intents.set_model(place.provider, model.name)
            case "load it into memory":
                intents.load_model(place.provider, model.name)
            case "drop it from memory":
                intents.unload_model(place.provider, model.name)
            case _:
                pass

    rows = [Line((Span(f" {words}"),)) for words in acts]
    app.push_screen(Pick(plain_line(f"{place.provider}/{model.name}"), rows), act)
