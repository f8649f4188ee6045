"""From settings and environment to a chain."""

from __future__ import annotations

import json

import pytest

from tests.llm.server import Reply, serving, sse
from tests.llm.talk import hear
from vtcode_tui.common.errors import ModelError
from vtcode_tui.config.settings import Link, Model, Provider, Providers, Settings
from vtcode_tui.llm import resolve_models

NOWHERE = {
    "LMSTUDIO_BASE_URL": "http://127.0.0.1:9",
    "OLLAMA_HOST": "127.0.0.1:9",
    "LLAMACPP_BASE_URL": "http://127.0.0.1:9",
}
HELLO = sse({"choices": [{"delta": {"content": "Hello"}, "finish_reason": "stop"}]})
JSON = {"content-type": "application/json"}


def listing(*names: str) -> Reply:
    return Reply((json.dumps({"data": [{"id": name} for name in names]}).encode(),), headers=JSON)


@pytest.mark.parametrize(
    ("environ", "provider", "wire", "url"),
    [
        ({"OPENAI_API_KEY": "k" * 9}, "openai", "openai-responses", "https://api.openai.com/v1"),
        ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://gw/v1"}, "openai", "openai-chat", "http://gw/v1"),
        ({"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}, "anthropic", "anthropic", "https://api.anthropic.com"),
        ({"ANTHROPIC_AUTH_TOKEN": "k"}, "anthropic", "anthropic", "https://api.anthropic.com"),
        ({"GEMINI_API_KEY": "k"}, "gemini", "gemini", "https://generativelanguage.googleapis.com"),
        ({"OPENROUTER_API_KEY": "k"}, "openrouter", "openai-chat", "https://openrouter.ai/api/v1"),
    ],
)
async def test_a_vendors_own_variables_are_enough(
    environ: dict[str, str], provider: str, wire: str, url: str
) -> None:
    link = (await resolve_models(Settings(), environ).chain()).current
    assert (link.endpoint.provider, link.endpoint.wire, link.endpoint.base_url) == (provider, wire, url)
    assert link.model
    assert link.facts.known


async def test_nothing_configured_says_what_was_looked_for() -> None:
    with pytest.raises(ModelError) as caught:
        await resolve_models(Settings(), NOWHERE).chain()
    for words in (
        "ANTHROPIC_API_KEY",
        "LM Studio at http://127.0.0.1:9: not running (`lms server start`)",
        "Ollama",
    ):
        assert words in str(caught.value)


async def test_a_gateway_in_the_settings_comes_before_keys_and_is_asked_for_its_models() -> None:
    async with serving(listing("text-embed", "coder"), Reply(HELLO)) as server:
        settings = Settings(providers=Providers.of({"gw": Provider(base_url=server.url, key_env="GW_KEY")}))
        models = resolve_models(settings, {"GW_KEY": "secret-of-gw", "OPENAI_API_KEY": "openai-secret"})
        chain = await models.chain()
        assert chain.current.name == "gw/coder"
        assert (await hear(chain)).text == "Hello"
    assert [seen.path for seen in server.seen] == ["/v1/models", "/v1/chat/completions"]
    assert {seen.headers["authorization"] for seen in server.seen} == {"Bearer secret-of-gw"}
    assert models.secrets() == ("openai-secret", "secret-of-gw")


async def test_a_key_that_is_missing_is_named() -> None:
    settings = Settings(
        model=Model(provider="gw", name="m"),
        providers=Providers.of({"gw": Provider(base_url="https://gw.test/v1", key_env="GW_KEY")}),
    )
    with pytest.raises(ModelError, match="set GW_KEY") as caught:
        await resolve_models(settings, {}).chain()
    assert caught.value.kind == "auth"


async def test_a_vendors_key_never_goes_to_an_address_that_is_not_the_vendors() -> None:
    settings = Settings(providers=Providers.of({"openai": Provider(base_url="https://other.test/v1")}))
    models = resolve_models(settings, {"OPENAI_API_KEY": "openai-secret"})
    assert not models.endpoints["openai"].key


async def test_a_host_outside_the_allowed_ones_is_refused_before_any_contact() -> None:
    async with serving(Reply(HELLO)) as server:
        settings = Settings(
            model=Model(provider="gw", name="m"),
            providers=Providers.of({"gw": Provider(base_url=server.url)}, ("gateway.corp:443",)),
        )
        with pytest.raises(ModelError, match=r"providers\.allow") as caught:
            await resolve_models(settings, {}).chain()
        assert caught.value.kind == "forbidden"
    assert server.seen == []


async def test_a_choice_is_a_provider_a_model_or_both() -> None:
    models = resolve_models(
        Settings(providers=Providers.of({"gw": Provider(base_url="https://gw.test/v1", models=("big/one",))})),
        {"OPENROUTER_API_KEY": "k", "OPENAI_API_KEY": "k"},
    )
    assert models.split("gw/big/one") == ("gw", "big/one")
    assert models.split("big/one") == ("gw", "big/one")
    assert models.split("gpt-5") == ("openai", "gpt-5")
    assert models.split("qwen/qwen3-coder") == ("openrouter", "qwen/qwen3-coder")
    assert models.split("openai") == ("openai", "")


async def test_a_local_server_that_is_started_later_answers_then() -> None:
    async with serving() as gone:
        url = gone.root
    settings = Settings(model=Model(provider="lmstudio", name="qwen3-coder"))
    chain = await resolve_models(settings, {"LMSTUDIO_BASE_URL": url}).chain()
    assert chain.current.name == "lmstudio/qwen3-coder"
    assert chain.current.facts.context_window == 32_768
    with pytest.raises(ModelError, match="lms server start"):
        await hear(chain)


async def test_a_fallback_that_is_away_does_not_stop_the_first() -> None:
    settings = Settings(
        model=Model(
            provider="gw", name="m", chain=(Link(provider="away", model=""), Link(provider="gw", model="second"))
        ),
        providers=Providers.of(
            {
                "gw": Provider(base_url="https://gw.test/v1"),
                "away": Provider(base_url="http://127.0.0.1:9/v1"),
            }
        ),
    )
    chain = await resolve_models(settings, {}).chain()
    assert [link.name for link in chain.links] == ["gw/m", "gw/second"]
