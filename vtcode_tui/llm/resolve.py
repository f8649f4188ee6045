"""From settings and environment to a chain of models that can be asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vtcode_tui.common.clock import Clock
from vtcode_tui.common.errors import ModelError
from vtcode_tui.config.settings import Settings
from vtcode_tui.llm.catalogue import FREE, UNKNOWN_WINDOW, ModelFacts, model_facts
from vtcode_tui.llm.chain import Chain, Link
from vtcode_tui.llm.discover import Looked, discover_local, look_at, remedy_for
from vtcode_tui.llm.endpoint import Endpoint, Hosts, TimeLimits
from vtcode_tui.llm.failure import ProviderError
from vtcode_tui.llm.vendors import BY_NAME, LOCAL, VENDORS, table_endpoint, vendor_endpoint

if TYPE_CHECKING:
    from vtcode_tui.llm.servers import Offered
    from vtcode_tui.llm.transport import Transport

_BY_PREFIX = (
    (re.compile(r"claude"), "anthropic"),
    (re.compile(r"gpt-|o\d|codex|chatgpt"), "openai"),
    (re.compile(r"gemini"), "gemini"),
    (re.compile(r"deepseek-(chat|reasoner)"), "deepseek"),
    (re.compile(r"grok"), "xai"),
)


class Models:
    """Every provider that is configured; nothing is contacted before `chain`, `offered` or `look`."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], *, clock: Clock | None = None) -> None:
        self._model = settings.model
        # The transport needs proxies and certificates, the search for local servers their addresses; not the keys.
        self._environ = {name: value for name, value in environ.items() if name.lower() in _NEEDED}
        self._clock = clock
        self._tables = settings.providers.tables
        self.hosts = Hosts(settings.providers.allow)
        self.endpoints: dict[str, Endpoint] = {
            **{name: table_endpoint(name, table, environ) for name, table in self._tables.items()},
            **{v.name: vendor_endpoint(v, environ) for v in VENDORS if v.name not in self._tables},
        }
        self.looked: tuple[Looked, ...] = ()
        """What the last `chain` or `look` found on this machine, for the app to say."""

    def secrets(self) -> tuple[str, ...]:
        """Every key and every header's value of length 8 or more, for the Redactor."""
        values = [endpoint.key.reveal() for endpoint in self.endpoints.values()]
        values += [value.reveal() for endpoint in self.endpoints.values() for value in endpoint.headers.values()]
        bare = [value.removeprefix("Bearer ") for value in values]
        return tuple(sorted({value for value in [*values, *bare] if len(value) >= 8}))

    def usable(self) -> tuple[str, ...]:
        """Providers that could be asked without looking: those in the settings, then those whose key is there."""
        return tuple(
            name
            for name, endpoint in self.endpoints.items()
            if self._permitted(endpoint)
            and (name in self._tables or (endpoint.key or endpoint.headers))
            and (endpoint.key or not endpoint.key_env or endpoint.headers or name in LOCAL)
        )

    async def chain(self, choice: str = "") -> Chain:
        """The chain that answers: `choice` (`provider/model`, either may be left out) first, then the settings'.

        Contacts a server only when it must say which models it has or how large its window is. Raises ModelError
        with everything that was looked for when there is no model.
        """
        provider, name = self.split(choice) if choice else (self._model.provider, self._model.name)
        if name and not provider:
            provider, name = self.split(name)
        chosen = [(provider, name)] if provider or name or not self._model.chain else []
        chosen += [(link.provider, link.model) for link in self._model.chain]
        links: list[Link] = []
        for place, (provider, name) in enumerate(dict.fromkeys(chosen)):
            try:
                links.append(await self._link(provider, name))
            except ProviderError as error:
                # The first is what the human chose; a fallback that is away today must not stop the work.
                if place == 0 and (len(chosen) == 1 or error.kind not in {"not_running", "transient"}):
                    raise
        if not links:
            raise ModelError("no model of model.chain can be reached", kind="not_running")
        return Chain(
            links,
            limits=TimeLimits(self._model.first_byte_seconds, self._model.idle_seconds),
            hosts=self.hosts,
            environ=self._environ,
            clock=self._clock,
            cross_data_class=self._model.cross_data_class,
            begins=first.data_class if (first := self.endpoints.get(chosen[0][0])) else None,
            effort=self._model.effort,
        )

    def split(self, choice: str) -> tuple[str, str]:
        """A person's choice as provider and model; an empty provider where any may be meant.

        A model's own name may have a slash: it counts as a provider only where one has that name.
        """
        head, slash, rest = choice.partition("/")
        if slash and head in self.endpoints:
            return head, rest
        if choice in self.endpoints:
            return choice, ""
        for name, table in self._tables.items():
            if choice in table.models:
                return name, choice
        for pattern, vendor in _BY_PREFIX:
            if pattern.match(choice) and self.endpoints[vendor].key:
                return vendor, choice
        if slash and self.endpoints["openrouter"].key:
            return "openrouter", choice
        return "", choice

    async def look(self) -> tuple[Looked, ...]:
        """Look for local servers, if `model.discover` lets us."""
        self.looked = await discover_local(self._environ, self.hosts) if self._model.discover else ()
        return self.looked

    async def survey(self) -> tuple[Looked, ...]:
        """What every usable provider and every local server offers now, all asked at once; nothing raises."""
        known = [name for name in self.usable() if name not in LOCAL or name in self._tables]
        async with asyncio.TaskGroup() as group:
            local = group.create_task(self.look())
            tables = [group.create_task(self._surveyed(self.endpoints[name])) for name in known]
        found = [place for place in local.result() if place.provider not in known]
        return (*(task.result() for task in tables), *found)

    async def _surveyed(self, endpoint: Endpoint) -> Looked:
        async with self._talking(endpoint) as transport:
            return await look_at(transport, endpoint)

    async def offered(self, provider: str) -> tuple[Offered, ...]:
        """The models that a provider says it has. Raises ModelError."""
        from vtcode_tui.llm.servers import offered

        endpoint = self._endpoint(provider)
        async with self._talking(endpoint) as transport:
            return await offered(transport, endpoint)

    async def load(self, provider: str, model: str, context: int | None = None) -> None:
        """Have a local server load a model. Raises ModelError."""
        from vtcode_tui.llm.servers import load

        endpoint = self._endpoint(provider)
        async with self._talking(endpoint, model) as transport:
            await load(transport, endpoint, model, context)

    async def unload(self, provider: str, model: str) -> None:
        """Have a local server drop a model from memory. Raises ModelError."""
        from vtcode_tui.llm.servers import unload

        endpoint = self._endpoint(provider)
        async with self._talking(endpoint, model) as transport:
            await unload(transport, endpoint, model)

    def _talking(self, endpoint: Endpoint, model: str = "") -> _Talking:
        return _Talking(self.hosts, self._environ, endpoint, model)

    def _permitted(self, endpoint: Endpoint) -> bool:
        return bool(endpoint.base_url) and self.hosts.permits(endpoint.base_url)

    def _endpoint(self, provider: str) -> Endpoint:
        """A provider that may be asked. Raises ProviderError."""
        endpoint = self.endpoints.get(provider)
        if endpoint is None:
            known = ", ".join(self.endpoints)
            raise ProviderError(provider, f"there is no provider of this name; there are {known}", "invalid")
        if not endpoint.base_url:
            raise ProviderError(provider, f"[providers.{provider}] has no base_url", "invalid")
        if not self._permitted(endpoint):
            cause = f"{endpoint.host} is not one of the hosts in providers.allow ({self.hosts})"
            raise ProviderError(provider, cause, "forbidden")
        if endpoint.key_env and not endpoint.key and not endpoint.headers and endpoint.data_class != "local":
            raise ProviderError(provider, f"there is no key: set {endpoint.key_env}", "auth")
        return endpoint

    async def _link(self, provider: str, name: str) -> Link:
        if not provider:
            return await self._unnamed(name)
        endpoint = self._endpoint(provider)
        table = self._tables.get(provider)
        vendor = BY_NAME.get(provider)
        name = name or (table.models[0] if table and table.models else vendor.model if vendor else "")
        found: Offered | None = None
        if not name:
            found = _best(await self.offered(provider))
            if found is None:
                raise ProviderError(provider, "it offers no model", "not_loaded")
            name = found.name
        elif endpoint.data_class == "local":
            found = await self._offer(provider, name)
        return await self._described(endpoint, name, found)

    async def _offer(self, provider: str, name: str) -> Offered | None:
        """What a local server says of one model; None where it says nothing or is not running yet.

        A server that is started later answers then: until that, each request says that it is not running.
        """
        try:
            return next((it for it in await self.offered(provider) if _same(it.name, name)), None)
        except ProviderError as error:
            if error.kind in {"auth", "forbidden"}:
                raise
            return None

    async def _unnamed(self, name: str) -> Link:
        """No provider is named: the first that is usable, else what is found on this machine."""
        usable = self.usable()
        # A gateway in the settings is meant to be the only one that is contacted: nothing is looked for beside it.
        if usable and (not name or usable[0] in self._tables):
            return await self._link(usable[0], name)
        for place in await self.look():
            for offer in place.models:
                if not name or _same(offer.name, name):
                    best = offer if name else _best(place.models)
                    assert best is not None
                    return await self._described(self.endpoints[place.provider], best.name, best)
        if usable and len(usable) == 1:
            return await self._link(usable[0], name)
        raise self._nothing(name)

    async def _described(self, endpoint: Endpoint, name: str, offer: Offered | None) -> Link:
        """The link with the best numbers that are known: the settings', the server's, the catalogue's."""
        facts = model_facts(endpoint.provider, name)
        if endpoint.data_class == "local":
            # A local server rarely gives a model all the room that it was made for.
            guess = min(facts.context_window, UNKNOWN_WINDOW)
            facts = replace(facts, price=FREE, context_window=guess, known=False)
            if endpoint.wire == "ollama":
                endpoint, facts = await self._ollama_window(endpoint, name, facts)
        if offer is not None and endpoint.wire != "ollama":
            facts = _with_offer(facts, offer)
        table = self._tables.get(endpoint.provider)
        window = self._model.context_window or (table.context_window if table else None)
        if window is not None:
            facts = replace(facts, context_window=window, known=True)
        if table and table.max_output_tokens is not None:
            facts = replace(facts, max_output=table.max_output_tokens)
        return Link(endpoint, name, facts)

    async def _ollama_window(self, endpoint: Endpoint, name: str, facts: ModelFacts) -> tuple[Endpoint, ModelFacts]:
        """Ollama's own default window is far too small for work: ask for one, and count on what was asked."""
        from vtcode_tui.llm.servers import ollama_facts

        try:
            async with self._talking(endpoint, name) as transport:
                known = await ollama_facts(transport, endpoint, name)
        except ProviderError:
            return endpoint, facts
        wanted = self._model.context_window or endpoint.context_window or _OLLAMA_WINDOW
        window = min(wanted, known.largest_window or wanted)
        facts = replace(_with_offer(facts, known), context_window=window, known=True)
        return replace(endpoint, context_window=window), facts

    def _nothing(self, name: str) -> ModelError:
        looked = "; ".join(map(str, self.looked)) if self.looked else "local servers were not looked for"
        if self.usable():
            known = ", ".join(self.usable())
            cause = f"no provider is known for the model {name!r}: write it as provider/model, with one of {known}"
        else:
            keys = [vendor.keys[0] for vendor in VENDORS if vendor.data_class == "cloud"]
            named = ", ".join(keys[:4])
            cause = f"no model is configured: set {named} or another key of docs/models.md, or start a local server"
        return ModelError(f"{cause}; {looked}", kind="invalid")


_OLLAMA_WINDOW = 32_768
_NEEDED = frozenset(
    ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"]
    + [name.lower() for local in LOCAL for name in (*BY_NAME[local].bases, *BY_NAME[local].keys)]
)


class _Talking:
    """A transport for the length of one question; a failure leaves it with the command that helps."""

    def __init__(self, hosts: Hosts, environ: Mapping[str, str], endpoint: Endpoint, model: str) -> None:
        self._hosts, self._environ = hosts, environ
        self._endpoint, self._model = endpoint, model
        self._transport: Transport | None = None

    async def __aenter__(self) -> Transport:
        from vtcode_tui.llm.transport import Transport

        self._transport = Transport(self._hosts, self._environ)
        return self._transport

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._transport is not None:
            await self._transport.aclose()
        if isinstance(error, ProviderError) and (remedy := remedy_for(error, self._endpoint, self._model)):
            raise error.with_remedy(remedy) from None


def resolve_models(settings: Settings, environ: Mapping[str, str], *, clock: Clock | None = None) -> Models:
    """Everything that settings and environment configure; the environment is read here and never again."""
    return Models(settings, dict(environ), clock=clock)


def _same(offered: str, wanted: str) -> bool:
    return wanted in {offered, offered.removesuffix(":latest")}


def _best(models: Sequence[Offered] | Iterable[Offered]) -> Offered | None:
    """A loaded model before one that is not, one with tools before one without."""
    ranked = sorted(models, key=lambda it: (it.loaded is not True, it.tools is False))
    return ranked[0] if ranked else None


def _with_offer(facts: ModelFacts, offer: Offered) -> ModelFacts:
    # What a model could have is not what it runs with: the largest window only bounds the guess.
    window = offer.context_window or min(facts.context_window, offer.largest_window or facts.context_window)
    return replace(
        facts,
        context_window=window or facts.context_window,
        known=facts.known or offer.context_window is not None,
        tools=facts.tools if offer.tools is None else offer.tools,
        images=facts.images if offer.images is None else offer.images,
    )
