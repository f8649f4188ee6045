"""What a server offers, asked of the server itself; local ones can load and unload models too."""

from __future__ import annotations

from dataclasses import dataclass

from vtcode_tui.llm.endpoint import Endpoint
from vtcode_tui.llm.failure import ProviderError
from vtcode_tui.llm.shape import entry, items, number, text
from vtcode_tui.llm.transport import Transport
from vtcode_tui.llm.wire import bearer, joined, with_headers

LIST_SECONDS = 10.0
LOAD_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Offered:
    """A model on a server; None is what the server does not say."""

    name: str
    loaded: bool | None = None
    context_window: int | None = None
    largest_window: int | None = None
    tools: bool | None = None
    images: bool | None = None
    detail: str = ""
    instances: tuple[str, ...] = ()


async def offered(
    transport: Transport, endpoint: Endpoint, *, seconds: float = LIST_SECONDS
) -> tuple[Offered, ...]:
    """The models of an endpoint that can chat. Raises ProviderError."""
    match endpoint.wire:
        case "lmstudio":
            return await _lmstudio(transport, endpoint, seconds)
        case "ollama":
            return await _ollama(transport, endpoint, seconds)
        case "gemini":
            return await _gemini(transport, endpoint, seconds)
        case "anthropic":
            headers = with_headers(endpoint, x_api_key=endpoint.key.reveal(), anthropic_version="2023-06-01")
            url = joined(endpoint.base_url, "models?limit=1000", version="v1")
            return _listed(await transport.get_json(endpoint.provider, url, headers, seconds=seconds))
        case _:
            url = joined(
                endpoint.base_url, "models", version="v1" if root(endpoint.base_url) == endpoint.base_url else ""
            )
            listed = _listed(await transport.get_json(endpoint.provider, url, _keyed(endpoint), seconds=seconds))
            return await _llamacpp(transport, endpoint, listed, seconds)


async def load(transport: Transport, endpoint: Endpoint, model: str, context: int | None = None) -> None:
    """Have a local server load a model; returns when it is ready. Raises ProviderError."""
    base, provider = root(endpoint.base_url), endpoint.provider
    match endpoint.wire:
        case "lmstudio":
            body: dict[str, object] = {"model": model} | ({"context_length": context} if context else {})
            url = f"{base}/api/v1/models/load"
        case "ollama":
            body = {"model": model, "keep_alive": "60m"} | ({"options": {"num_ctx": context}} if context else {})
            url = f"{base}/api/generate"
            body["stream"] = False
        case _ if endpoint.data_class == "local":
            url, body = f"{base}/models/load", {"model": model}
        case _:
            raise ProviderError(provider, "only local servers load models", "invalid")
    await transport.post_json(provider, url, _keyed(endpoint), body, seconds=LOAD_SECONDS)


async def unload(transport: Transport, endpoint: Endpoint, model: str) -> None:
    """Have a local server drop a model from memory. Raises ProviderError."""
    base, provider = root(endpoint.base_url), endpoint.provider
    match endpoint.wire:
        case "lmstudio":
            found = [it for it in await offered(transport, endpoint) if it.name == model or model in it.instances]
            instances = [id for it in found for id in it.instances if model in (it.name, id)]
            if not instances:
                raise ProviderError(provider, f"{model} is not loaded, so there is nothing to unload", "invalid")
            for id in instances:
                url = f"{base}/api/v1/models/unload"
                await transport.post_json(
                    provider, url, _keyed(endpoint), {"instance_id": id}, seconds=LIST_SECONDS
                )
        case "ollama":
            body = {"model": model, "keep_alive": 0, "stream": False}
            await transport.post_json(provider, f"{base}/api/generate", {}, body, seconds=LIST_SECONDS)
        case _ if endpoint.data_class == "local":
            url = f"{base}/models/unload"
            await transport.post_json(provider, url, _keyed(endpoint), {"model": model}, seconds=LIST_SECONDS)
        case _:
            raise ProviderError(provider, "only local servers unload models", "invalid")


def root(base_url: str) -> str:
    """A base address without the version that people write behind it."""
    return base_url.rstrip("/").removesuffix("/v1").removesuffix("/api")


def _keyed(endpoint: Endpoint) -> dict[str, str]:
    return with_headers(endpoint, authorization=bearer(endpoint))


def _listed(answer: object) -> tuple[Offered, ...]:
    """The list of OpenAI's shape, with the windows that some servers add to it."""
    models: list[Offered] = []
    for item in items(answer, "data"):
        name = text(item, "id")
        if not name or "embed" in name.lower():
            continue
        meta = entry(item, "meta")
        window = next((n for key in _WINDOWS if (n := number(item, key))), 0) or number(meta, "n_ctx_train")
        state = text(entry(item, "status"), "value")
        models.append(
            Offered(
                name,
                state == "loaded" if state else None,
                window or None,
                detail=text(item, "owned_by") or text(item, "display_name"),
            )
        )
    return tuple(models)


_WINDOWS = ("max_model_len", "context_length", "context_window", "max_input_tokens", "max_context_length")


async def _llamacpp(
    transport: Transport, endpoint: Endpoint, listed: tuple[Offered, ...], seconds: float
) -> tuple[Offered, ...]:
    """llama.cpp lists the window that a model was trained with; what it runs with stands in /props."""
    if len(listed) != 1 or listed[0].detail != "llamacpp":
        return listed
    try:
        props = await transport.get_json(
            endpoint.provider, f"{root(endpoint.base_url)}/props", _keyed(endpoint), seconds=seconds
        )
    except ProviderError:
        return listed
    one = listed[0]
    window = number(entry(props, "default_generation_settings"), "n_ctx") or one.context_window
    images = entry(entry(props, "modalities"), "vision")
    return (Offered(one.name, True, window, one.context_window, images=images is True, detail=one.detail),)


async def _lmstudio(transport: Transport, endpoint: Endpoint, seconds: float) -> tuple[Offered, ...]:
    base, provider, headers = root(endpoint.base_url), endpoint.provider, _keyed(endpoint)
    try:
        answer = await transport.get_json(provider, f"{base}/api/v1/models", headers, seconds=seconds)
        if items(answer, "models") or not isinstance(answer, dict) or "error" not in answer:
            return tuple(found for item in items(answer, "models") if (found := _lmstudio_model(item)))
    except ProviderError as error:
        if error.status not in {404, 405}:
            raise
    answer = await transport.get_json(provider, f"{base}/api/v0/models", headers, seconds=seconds)
    return tuple(
        Offered(
            text(item, "id"),
            text(item, "state") == "loaded",
            number(item, "loaded_context_length") or None,
            number(item, "max_context_length") or None,
            tools="tool_use" in items(item, "capabilities") if entry(item, "capabilities") is not None else None,
            images=text(item, "type") == "vlm",
            detail=text(item, "quantization"),
            instances=(text(item, "id"),) if text(item, "state") == "loaded" else (),
        )
        for item in items(answer, "data")
        if text(item, "type") in {"llm", "vlm"}
    )


def _lmstudio_model(item: object) -> Offered | None:
    if not text(item, "key") or text(item, "type") not in {"", "llm", "vlm"}:
        return None
    instances = items(item, "loaded_instances")
    abilities = entry(item, "capabilities")
    tools, images = entry(abilities, "trained_for_tool_use"), entry(abilities, "vision")
    window = number(entry(instances[0], "config"), "context_length") if instances else 0
    size = number(item, "size_bytes")
    about = [text(entry(item, "quantization"), "name"), f"{size / 1e9:.1f} GB" if size else ""]
    return Offered(
        text(item, "key"),
        bool(instances),
        window or None,
        number(item, "max_context_length") or None,
        tools if isinstance(tools, bool) else None,
        images if isinstance(images, bool) else None,
        " ".join(filter(None, about)),
        tuple(text(instance, "id") for instance in instances),
    )


async def _ollama(transport: Transport, endpoint: Endpoint, seconds: float) -> tuple[Offered, ...]:
    base, provider, headers = root(endpoint.base_url), endpoint.provider, _keyed(endpoint)
    answer = await transport.get_json(provider, f"{base}/api/tags", headers, seconds=seconds)
    running = await transport.get_json(provider, f"{base}/api/ps", headers, seconds=seconds)
    windows = {text(item, "name"): number(item, "context_length") for item in items(running, "models")}
    models: list[Offered] = []
    for item in items(answer, "models"):
        name = text(item, "name")
        if not name or "embed" in name.lower():
            continue
        details = entry(item, "details")
        about = [text(details, "parameter_size"), text(details, "quantization_level")]
        models.append(
            Offered(name, name in windows, windows.get(name) or None, detail=" ".join(filter(None, about)))
        )
    return tuple(models)


async def ollama_facts(transport: Transport, endpoint: Endpoint, model: str, *, seconds: float = 5.0) -> Offered:
    """What Ollama knows about one model: its largest window, and whether it can use tools and see."""
    url = f"{root(endpoint.base_url)}/api/show"
    answer = await transport.post_json(endpoint.provider, url, _keyed(endpoint), {"model": model}, seconds=seconds)
    info = entry(answer, "model_info")
    window = number(info, f"{text(info, 'general.architecture')}.context_length")
    abilities = items(answer, "capabilities")
    said = bool(abilities)
    return Offered(
        model,
        largest_window=window or None,
        tools="tools" in abilities if said else None,
        images="vision" in abilities if said else None,
    )


async def _gemini(transport: Transport, endpoint: Endpoint, seconds: float) -> tuple[Offered, ...]:
    base = endpoint.base_url.rstrip("/")
    version = "" if base.endswith(("/v1", "/v1beta")) else "v1beta"
    url = joined(base, "models?pageSize=1000", version=version)
    headers = with_headers(endpoint, x_goog_api_key=endpoint.key.reveal())
    answer = await transport.get_json(endpoint.provider, url, headers, seconds=seconds)
    return tuple(
        Offered(text(item, "name").removeprefix("models/"), None, number(item, "inputTokenLimit") or None)
        for item in items(answer, "models")
        if "generateContent" in items(item, "supportedGenerationMethods")
    )
