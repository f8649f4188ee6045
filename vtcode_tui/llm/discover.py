"""Local servers at their usual places: what was looked for, what was found, and the command that helps."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from vtcode_tui.llm.endpoint import Endpoint, Hosts
from vtcode_tui.llm.failure import ProviderError
from vtcode_tui.llm.vendors import BY_NAME, LOCAL, table_endpoint, vendor_endpoint

if TYPE_CHECKING:
    from vtcode_tui.config.settings import Provider
    from vtcode_tui.llm.chain import Link
    from vtcode_tui.llm.servers import Offered
    from vtcode_tui.llm.transport import Transport

_PROBE_SECONDS = 2.0

TITLES = {"lmstudio": "LM Studio", "ollama": "Ollama", "llamacpp": "llama.cpp"}
_START = {
    "lmstudio": "lms server start",
    "ollama": "ollama serve",
    "llamacpp": "llama-server --jinja -c 32768 -m MODEL.gguf",
}
_GET = {
    "lmstudio": "lms get qwen/qwen3-coder-30b",
    "ollama": "ollama pull qwen3-coder:30b",
    "llamacpp": "llama-server --jinja -c 32768 -hf ggml-org/gpt-oss-20b-GGUF",
}
_LOAD = {
    "lmstudio": "lms load {model} --context-length 32768",
    "ollama": "ollama run {model} ''",
    "llamacpp": "llama-server --jinja -c 32768 -m MODEL.gguf",
}


State: TypeAlias = Literal[
    "running", "no models", "not running", "not allowed", "needs a key", "key not accepted",
    "something else",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Looked:
    """One place that was looked at."""

    provider: str
    title: str
    url: str
    state: State
    remedy: str = ""
    detail: str = ""
    models: tuple[Offered, ...] = ()

    def __str__(self) -> str:
        text = f"{self.title} at {self.url}: {self.state}"
        return f"{text} (`{self.remedy}`)" if self.remedy else text


async def discover_local(environ: Mapping[str, str], hosts: Hosts | None = None) -> tuple[Looked, ...]:
    """Ask the usual loopback places, all at once; a failure is a result, never raised."""
    from vtcode_tui.llm.transport import Transport

    transport = Transport(hosts or Hosts(), environ)
    try:
        async with asyncio.TaskGroup() as group:
            endpoints = [vendor_endpoint(BY_NAME[name], environ) for name in LOCAL]
            looks = [group.create_task(_look(transport, endpoint)) for endpoint in endpoints]
    finally:
        await transport.aclose()
    return tuple(look.result() for look in looks)


async def try_provider(
    name: str, table: Provider, environ: Mapping[str, str], hosts: Hosts | None = None
) -> Looked:
    """What a provider that is not configured yet would offer; a failure is a result, never raised."""
    from vtcode_tui.llm.transport import Transport

    transport = Transport(hosts or Hosts(), environ)
    try:
        return await look_at(transport, table_endpoint(name, table, environ))
    finally:
        await transport.aclose()


async def _look(transport: Transport, endpoint: Endpoint) -> Looked:
    place = await look_at(transport, endpoint, seconds=_PROBE_SECONDS)
    if endpoint.provider != "llamacpp" or place.state not in {"running", "no models"}:
        return place
    # Port 8080 is everybody's: only what calls itself llama.cpp counts as one.
    models = tuple(model for model in place.models if model.detail == "llamacpp" or model.loaded is not None)
    if models:
        return replace(place, models=models)
    return replace(place, state="something else", remedy="", detail="no list of models of llama.cpp", models=())


async def look_at(transport: Transport, endpoint: Endpoint, *, seconds: float = 5.0) -> Looked:
    """What one endpoint offers now; a failure is a state with the command that helps, never raised."""
    from vtcode_tui.llm.servers import offered

    server = _server_of(endpoint)
    title = TITLES.get(endpoint.provider, endpoint.provider)

    def found(state: State, remedy: str = "", detail: str = "", models: tuple[Offered, ...] = ()) -> Looked:
        return Looked(endpoint.provider, title, endpoint.base_url, state, remedy, detail, models)

    try:
        models = await offered(transport, endpoint, seconds=seconds)
    except ProviderError as error:
        match error.kind:
            case "not_running" | "transient":
                return found("not running", _START.get(server, ""), error.cause)
            case "forbidden" if error.status is None:
                return found("not allowed", detail=error.cause)
            case "auth":
                given = endpoint.key or endpoint.headers
                return found("key not accepted" if given else "needs a key", _set_key(endpoint), error.cause)
            case _:
                return found("something else", detail=error.cause)
    return found("running", models=models) if models else found("no models", _GET.get(server, ""))


def remedy_for(error: ProviderError, endpoint: Endpoint, model: str) -> str:
    """The command that fixes a local server's failure or a wrong key; empty where there is none."""
    if error.kind == "auth":
        return _set_key(endpoint)
    kind_of_server = _server_of(endpoint)
    if endpoint.data_class != "local" or not kind_of_server:
        return ""
    match error.kind:
        case "not_running":
            return _START[kind_of_server]
        case "not_loaded" if kind_of_server == "ollama" and "pull" in error.cause:
            return f"ollama pull {model}"
        case "not_loaded":
            return _LOAD[kind_of_server].format(model=model)
        case "no_tools":
            return _NO_TOOLS[kind_of_server]
        case _:
            return ""


def _set_key(endpoint: Endpoint) -> str:
    return f"export {endpoint.key_env}=..." if endpoint.key_env else ""


def toolless(link: Link) -> str:
    """What to say of a local model whose server says that it cannot use tools; empty for every other one."""
    command = _NO_TOOLS.get(_server_of(link.endpoint), "")
    if link.facts.tools is not False or link.endpoint.data_class != "local" or not command:
        return ""
    return f"{link.endpoint.provider}: {link.model} has no support for tools, and can change nothing (`{command}`)"


_NO_TOOLS = {
    "lmstudio": "lms get qwen/qwen3-coder-30b",
    "ollama": "ollama pull qwen3-coder:30b",
    "llamacpp": "llama-server --jinja -c 32768 -m MODEL.gguf",
}


def _server_of(endpoint: Endpoint) -> str:
    if endpoint.wire in {"lmstudio", "ollama"}:
        return endpoint.wire
    return "llamacpp" if endpoint.provider == "llamacpp" else ""
