"""The providers that work without any file: their address, their language, the names of their variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vtcode_tui.config.settings import DataClass, Provider, Wire
from vtcode_tui.llm.endpoint import NO_KEY, Endpoint, Key, is_loopback


@dataclass(frozen=True, slots=True)
class Vendor:
    """What is known about a provider by its name."""

    name: str
    wire: Wire
    base_url: str
    keys: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    model: str = ""
    data_class: DataClass = "cloud"
    gateway_wire: Wire | None = None
    """The wire for a base address that is not the vendor's own: gateways mostly know the older one."""


VENDORS: tuple[Vendor, ...] = (
    Vendor(
        "anthropic",
        "anthropic",
        "https://api.anthropic.com",
        ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
        ("ANTHROPIC_BASE_URL",),
        "claude-sonnet-5-5",
    ),
    Vendor(
        "openai",
        "openai-responses",
        "https://api.openai.com/v1",
        ("OPENAI_API_KEY",),
        ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        "gpt-6.1-sol",
        gateway_wire="openai-chat",
    ),
    Vendor(
        "gemini",
        "gemini",
        "https://generativelanguage.googleapis.com",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        ("GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"),
        "gemini-pro-latest",
    ),
    Vendor(
        "openrouter",
        "openai-chat",
        "https://openrouter.ai/api/v1",
        ("OPENROUTER_API_KEY",),
        ("OPENROUTER_BASE_URL",),
        "anthropic/claude-sonnet-4.5",
    ),
    Vendor("deepseek", "openai-chat", "https://api.deepseek.com/v1", ("DEEPSEEK_API_KEY",), (), "deepseek-v4-pro"),
    Vendor("mistral", "openai-chat", "https://api.mistral.ai/v1", ("MISTRAL_API_KEY",), (), "devstral-latest"),
    Vendor("xai", "openai-chat", "https://api.x.ai/v1", ("XAI_API_KEY",), (), "grok-4.7"),
    Vendor("groq", "openai-chat", "https://api.groq.com/openai/v1", ("GROQ_API_KEY",), (), "openai/gpt-oss-120b"),
    Vendor("cerebras", "openai-chat", "https://api.cerebras.ai/v1", ("CEREBRAS_API_KEY",), (), "gpt-oss-120b"),
    Vendor(
        "moonshot",
        "openai-chat",
        "https://api.moonshot.ai/v1",
        ("MOONSHOT_API_KEY",),
        ("MOONSHOT_BASE_URL",),
        "kimi-k3",
    ),
    Vendor("zai", "openai-chat", "https://api.z.ai/api/paas/v4", ("ZAI_API_KEY",), ("ZAI_BASE_URL",), "glm-5.3"),
    Vendor("together", "openai-chat", "https://api.together.xyz/v1", ("TOGETHER_API_KEY",)),
    Vendor("fireworks", "openai-chat", "https://api.fireworks.ai/inference/v1", ("FIREWORKS_API_KEY",)),
    Vendor(
        "lmstudio",
        "lmstudio",
        "http://127.0.0.1:1234",
        ("LM_API_TOKEN", "LMSTUDIO_API_KEY"),
        ("LMSTUDIO_BASE_URL",),
        data_class="local",
    ),
    Vendor("ollama", "ollama", "http://127.0.0.1:11434", ("OLLAMA_API_KEY",), ("OLLAMA_HOST",), data_class="local"),
    Vendor(
        "llamacpp",
        "openai-chat",
        "http://127.0.0.1:8080",
        ("LLAMA_API_KEY",),
        ("LLAMACPP_BASE_URL",),
        data_class="local",
    ),
)
"""In the order in which an environment with several keys is answered."""

BY_NAME: Mapping[str, Vendor] = {vendor.name: vendor for vendor in VENDORS}
LOCAL = ("lmstudio", "ollama", "llamacpp")


def vendor_endpoint(vendor: Vendor, environ: Mapping[str, str]) -> Endpoint:
    """The endpoint of a vendor as the environment has it."""
    base = _first(environ, vendor.bases)[1]
    url = _address(base) if base else vendor.base_url
    variable, value = _first(environ, vendor.keys)
    wire = vendor.gateway_wire if base and vendor.gateway_wire else vendor.wire
    key, headers = Key(value), dict[str, Key]()
    if variable == "ANTHROPIC_AUTH_TOKEN":
        key, headers = NO_KEY, {"authorization": Key(f"Bearer {value}")}
    return Endpoint(
        vendor.name,
        wire,
        url,
        key,
        variable or next(iter(vendor.keys), ""),
        headers,
        "local" if is_loopback(url) else "cloud" if vendor.data_class == "local" else vendor.data_class,
    )


def table_endpoint(name: str, table: Provider, environ: Mapping[str, str]) -> Endpoint:
    """The endpoint of a `[providers.NAME]` table; what it leaves out is the vendor's of that name, if any."""
    vendor = BY_NAME.get(name)
    known = vendor_endpoint(vendor, environ) if vendor else None
    url = table.base_url or (known.base_url if known else "")
    wire = table.wire if known is None or "wire" in table.model_fields_set else known.wire
    if "data_class" in table.model_fields_set:
        data_class: DataClass = table.data_class
    else:
        data_class = "local" if is_loopback(url) else "cloud"
    own_key = "key_env" in table.model_fields_set
    # A vendor's own key is for the vendor's own address: another one in the table must name its variable.
    inherits = known is not None and not own_key and (not table.base_url or table.base_url == known.base_url)
    return Endpoint(
        name,
        wire,
        url,
        Key(environ.get(table.key_env, "")) if own_key else known.key if known and inherits else NO_KEY,
        table.key_env if own_key else known.key_env if known and inherits else "",
        {header: Key(_expanded(value, environ)) for header, value in table.headers.items()},
        data_class,
        table.context_window,
    )


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, str]:
    return next(((name, environ[name].strip()) for name in names if environ.get(name, "").strip()), ("", ""))


def _address(written: str) -> str:
    """A base address as people write it: OLLAMA_HOST is often only `host:port`, or the address to listen at."""
    url = written if "://" in written else f"http://{written}"
    return url.replace("//0.0.0.0", "//127.0.0.1").rstrip("/")


def _expanded(value: str, environ: Mapping[str, str]) -> str:
    """A header's value, with `${NAME}` replaced by that variable: secrets do not belong into files."""
    for name in {part.partition("}")[0] for part in value.split("${")[1:] if "}" in part}:
        value = value.replace(f"${{{name}}}", environ.get(name, ""))
    return value
