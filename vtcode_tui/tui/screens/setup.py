"""The set-up screen: which provider and model answers, chosen from what was found, or an address of one's own.

The choice is written into the person's own vtcode.toml. A key never is: only the name of the variable that
holds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, get_args
from urllib.parse import urlsplit

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from vtcode_tui.config.settings import Provider, Wire
from vtcode_tui.llm import Hosts, try_provider
from vtcode_tui.llm.vendors import BY_NAME, VENDORS
from vtcode_tui.render import MUTED, Line, Span, Style, plain_line, spans_of
from vtcode_tui.tui.keys import SETUP, bindings, key_on
from vtcode_tui.tui.panes.heading import LEAVES, Heading, Keys, Row
from vtcode_tui.tui.screens.ask import Ask
from vtcode_tui.tui.screens.choosing import Choosing
from vtcode_tui.tui.screens.modelling import model_row
from vtcode_tui.tui.screens.pick import Pick

if TYPE_CHECKING:
    from vtcode_tui.llm.discover import Looked

WIRES: dict[Wire, str] = {
    "openai-chat": "chat completions: most servers and gateways",
    "openai-responses": "OpenAI's responses",
    "anthropic": "Anthropic's messages",
    "gemini": "Google's Gemini",
    "ollama": "Ollama's own",
    "lmstudio": "LM Studio's own",
}
assert tuple(WIRES) == get_args(Wire)
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
OTHER = "another model …"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to answer from now on; `table` where the provider is one of the person's own."""

    provider: str
    model: str
    table: Provider | None = None

    def values(self) -> dict[str, Any]:
        """The keys of vtcode.toml that say so."""
        values: dict[str, Any] = {}
        if self.table is not None:
            kept = self.table.model_dump(
                mode="json", include={"wire", "base_url", "key_env"}, exclude_defaults=True
            )
            kept["wire"] = self.table.wire
            values = {f"providers.{self.provider}.{key}": value for key, value in kept.items()}
        return {**values, "model.provider": self.provider, "model.name": self.model}


@dataclass(frozen=True, slots=True)
class Option:
    """A row of the list: what it would choose (None: nothing), and what it says about itself."""

    row: Line
    about: str
    chosen: Chosen | None = None
    own: bool = False


def options(places: Sequence[Looked], environ: Mapping[str, str]) -> list[Option]:
    """Models that answer now, keys of the environment, an address of one's own, and what could be had."""
    ready, away = [], []
    for place in places:
        for model in place.models:
            about = f"{place.title} at {place.url}"
            ready.append(Option(model_row(place, model), about, Chosen(place.provider, model.name)))
        vendor = BY_NAME.get(place.provider)
        if not place.models and vendor is not None and vendor.model and _key_of(vendor.keys, environ):
            row = _row(f"{place.provider}/{vendor.model}", f"{_key_of(vendor.keys, environ)} is set", known=True)
            about = f"its list cannot be read now: {place.state} {place.detail}"
            ready.append(Option(row, about, Chosen(place.provider, vendor.model)))
        elif not place.models:
            helps = f" (`{place.remedy}`)" if place.remedy else ""
            away.append(Option(_row(place.title, f"{place.state}{helps}"), f"{place.url}: {place.state}{helps}"))
    own = Option(
        _row("an address of your own …", "any server or gateway: its address, its language, its key's variable"),
        "three or four questions; the server is asked for its models",
        own=True,
    )
    unset = [v.keys[0] for v in VENDORS if v.data_class == "cloud" and not _key_of(v.keys, environ)]
    keys = Option(
        _row("with a key", f"set {', '.join(unset[:3])} or another"),
        "set one of " + ", ".join(unset) + ", and start vtcode again",
    )
    return [*ready, own, *away, *([keys] if unset else [])]


def _key_of(names: Sequence[str], environ: Mapping[str, str]) -> str:
    return next((name for name in names if environ.get(name, "").strip()), "")


def _row(name: str, about: str, *, known: bool = False) -> Line:
    look = Style("accent") if known else Style("text")
    return Line((Span(" "), *spans_of(plain_line(name), look), *spans_of(plain_line(f"   {about}"), MUTED)))


def complaint_about(address: str) -> str:
    """What is wrong with an address; empty when nothing is."""
    try:
        parts = urlsplit(address)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        good = good and address.count("://") == 1
    except ValueError:
        good = False
    if not good:
        return f"{address!r} is no address: it begins with https:// (or http:// on this machine)"
    if parts.username or parts.password or parts.query:
        return "a key does not belong into the address: name the variable that holds it"
    return ""


class Setup(Choosing[Chosen | None]):
    """Gives what the person chose; None when it is left."""

    BINDINGS: ClassVar[list[Any]] = bindings(SETUP)

    def __init__(
        self,
        look: Callable[[Callable[[tuple[Looked, ...]], None]], None],
        environ: Mapping[str, str],
        *,
        allow: tuple[str, ...] = (),
        taken: frozenset[str] = frozenset(),
        file: str = "",
    ) -> None:
        super().__init__([])
        self._look, self._environ, self._hosts = look, environ, Hosts(allow)
        self._taken, self._file = taken | set(BY_NAME) | {"allow"}, file
        self._options = options((), environ)
        self.looked = False
        """Whether the places have answered."""

    def compose(self) -> ComposeResult:
        """A heading, a line to type on, what there is, what the row under the cursor is, the keys."""
        with Vertical(id="setup"):
            yield Heading("provider and model", LEAVES)
            yield Input(placeholder="type to narrow", id="pick-text", compact=True, select_on_focus=False)
            yield self._choices
            yield Row(id="setup-about")
            yield Keys(id="setup-keys")

    def on_mount(self) -> None:
        """Look around; the line has the keys."""
        line = self.query_one(Input)
        line.cursor_blink = False
        line.focus()
        self.action_again()

    def action_again(self) -> None:
        """Ask every place what it offers."""
        self.looked = False
        self._show()
        self._look(self._found)

    def _found(self, places: tuple[Looked, ...]) -> None:
        if self in self.app.screen_stack:  # a screen that was left is attached for a while, without its parts
            self._options, self.looked = options(places, self._environ), True
            self._show()

    def _show(self) -> None:
        self._choices.all = [option.row for option in self._options]
        self._choices.narrow(self.query_one(Input).value)
        words = {
            " enter takes it ": "screen.take",
            f" {key_on(self.app, 'setup.again')} look again ": "screen.again",
        }
        spans = tuple(Span(text, Style("accent") if number == 0 else MUTED) for number, text in enumerate(words))
        kept = Span(f"written to {plain_line(self._file)} " if self._file else "", MUTED)
        self.query_one("#setup-keys", Row).show(spans, (kept,), actions=words)
        self._looked_at()

    def _current(self) -> Option | None:
        place = self._place()
        return None if place is None else self._options[place]

    def _looked_at(self) -> None:
        option = self._current()
        text = "" if option is None else option.about
        wait = "" if self.looked else "looking for servers …   "
        self.query_one("#setup-about", Row).show(
            (Span(f" {wait}", Style("caution")), *spans_of(plain_line(text), MUTED))
        )

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow."""
        event.stop()
        self._choices.narrow(event.value)
        self._looked_at()

    def action_take(self) -> None:
        """Choose what the cursor is on."""
        option = self._current()
        if option is None:
            return
        if option.chosen is not None:
            self.dismiss(option.chosen)
        elif option.own:
            self.run_worker(self._own(), name="a server of one's own", exit_on_error=True)
        else:
            self._say(option.about)

    def action_leave(self) -> None:
        """Nothing."""
        self.dismiss(None)

    def _say(self, text: str) -> None:
        self.app.notify(plain_line(text), severity="warning", markup=False)

    # A server of one's own.

    async def _own(self) -> None:
        address = await self._asked(
            "the address of its API",
            "http://127.0.0.1:8000/v1",
            "https:// for all but this machine",
            complaint_about,
        )
        if address is None:
            return
        rows = [Line((Span(f" {wire:<18}", Style("accent")), Span(about, MUTED))) for wire, about in WIRES.items()]
        wire = await self.app.push_screen_wait(Pick("its language", rows))
        if wire is None:
            return
        key = await self._asked(
            "the variable that holds its key", "", "a NAME such as CORP_API_KEY, never the key; empty: none",
            self._about_key,
        )  # fmt: skip
        if key is None:
            return
        host = re.sub(r"[^A-Za-z0-9]+", "-", urlsplit(address).hostname or "own").strip("-")
        name = await self._asked(
            "a name for it", _free(host, self._taken), "letters, digits, - and _", self._about_name
        )
        if name is None:
            return
        table = Provider(base_url=address, wire=list(WIRES)[wire], key_env=key)
        model = await self._model_of(name, table)
        if model:
            self.dismiss(Chosen(name, model, table))

    async def _asked(self, title: str, text: str, hint: str, wrong: Callable[[str], str]) -> str | None:
        """An answer with nothing wrong about it; None when the question was left."""
        ask = Ask(title, text, hint=hint, suggested=True, take=lambda given: wrong(given.strip()))
        given = await self.app.push_screen_wait(ask)
        return None if given is None else given.strip()

    def _about_key(self, name: str) -> str:
        if not name:
            return ""
        if not _VARIABLE.match(name):
            return "that is no name of a variable: the key itself is never written into a file"
        if not self._environ.get(name):
            return f"vtcode was started without a variable {name[:40]}: set it and start vtcode again, or give none"
        return ""

    def _about_name(self, name: str) -> str:
        if not _NAME.match(name):
            return "a name has letters, digits, - and _ only"
        return f"there is a provider {name} already: choose another name" if name in self._taken else ""

    async def _model_of(self, name: str, table: Provider) -> str:
        place = await try_provider(name, table, self._environ, self._hosts)
        if place.models:
            other = Line((Span(f" {OTHER}"),))
            rows = [*(model_row(place, model) for model in place.models), other]
            picked = await self.app.push_screen_wait(Pick("its model", rows))
            if picked is None:
                return ""
            if picked < len(place.models):
                return place.models[picked].name
        known = "as the server knows it"
        if not place.models:
            known += f"; {place.url} gives no list: {place.state} {place.detail}"
        answer = await self._asked("the name of its model", "", known, _nothing)
        return answer or ""


def _nothing(text: str) -> str:
    return "" if text else "a name is needed"


def _free(name: str, taken: frozenset[str] | set[str]) -> str:
    """The name, with a number behind it where it is taken."""
    numbered = (f"{name}-{number}" for number in range(2, 1000))
    return name if name not in taken else next(one for one in numbered if one not in taken)
