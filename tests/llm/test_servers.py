"""Local servers: found, listed, loaded and unloaded over their own APIs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.llm.server import FaultyServer, Reply, serving
from tests.llm.streams import reply
from tests.llm.talk import hear
from vtcode_tui.common.errors import ModelError
from vtcode_tui.config.settings import Model, Provider, Providers, Settings
from vtcode_tui.llm import Models, discover_local, resolve_models
from vtcode_tui.llm.discover import try_provider

GONE = "127.0.0.1:9"


def document(value: Any, status: int = 200) -> Reply:
    return Reply((json.dumps(value).encode(),), status=status, headers={"content-type": "application/json"})


LMSTUDIO = document(
    {
        "models": [
            {
                "type": "llm",
                "key": "small",
                "loaded_instances": [],
                "max_context_length": 131072,
                "capabilities": {"vision": False, "trained_for_tool_use": False},
            },
            {
                "type": "llm",
                "key": "qwen/qwen3-coder-30b",
                "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
                "size_bytes": 18_600_000_000,
                "loaded_instances": [{"id": "qwen/qwen3-coder-30b:2", "config": {"context_length": 65536}}],
                "max_context_length": 262144,
                "capabilities": {"vision": False, "trained_for_tool_use": True},
            },
            {"type": "embedding", "key": "nomic", "loaded_instances": []},
        ]
    }
)


@asynccontextmanager
async def lmstudio(*replies: Reply) -> AsyncIterator[tuple[FaultyServer, Models]]:
    async with serving(*replies) as server:
        environ = {"LMSTUDIO_BASE_URL": server.root, "OLLAMA_HOST": GONE, "LLAMACPP_BASE_URL": f"http://{GONE}"}
        yield server, resolve_models(Settings(), environ)


async def test_lm_studio_is_found_and_its_loaded_model_answers_with_its_own_window() -> None:
    async with lmstudio(LMSTUDIO, reply("lmstudio")) as (server, models):
        chain = await models.chain()
        assert chain.current.name == "lmstudio/qwen/qwen3-coder-30b"
        assert chain.current.facts.context_window == 65536
        assert chain.current.facts.price is not None
        assert (await hear(chain)).whole.cost_usd == 0
    assert [seen.path for seen in server.seen] == ["/api/v1/models", "/v1/chat/completions"]


async def test_lm_studios_older_api_is_understood() -> None:
    old = {
        "data": [{"id": "old", "type": "llm", "state": "loaded", "max_context_length": 8192, "quantization": "Q4"}]
    }
    async with lmstudio(document({"error": "Unexpected endpoint"}, 404), document(old)) as (_, models):
        (found,) = await models.offered("lmstudio")
    assert (found.name, found.loaded, found.largest_window, found.detail) == ("old", True, 8192, "Q4")


async def test_lm_studio_loads_and_unloads() -> None:
    async with lmstudio(document({"status": "loaded"}), LMSTUDIO, document({"instance_id": "x"})) as (
        server,
        models,
    ):
        await models.load("lmstudio", "small", 32768)
        await models.unload("lmstudio", "qwen/qwen3-coder-30b")
    assert (server.seen[0].path, server.seen[0].body) == (
        "/api/v1/models/load",
        {"model": "small", "context_length": 32768},
    )
    assert (server.seen[2].path, server.seen[2].body) == (
        "/api/v1/models/unload",
        {"instance_id": "qwen/qwen3-coder-30b:2"},
    )


async def test_what_is_not_loaded_cannot_be_unloaded() -> None:
    async with lmstudio(LMSTUDIO) as (_, models):
        with pytest.raises(ModelError, match="small is not loaded"):
            await models.unload("lmstudio", "small")


async def test_ollama_is_asked_for_a_window_that_work_fits_in() -> None:
    tags = document(
        {"models": [{"name": "qwen3:8b", "details": {"parameter_size": "8B", "quantization_level": "Q4"}}]}
    )
    running = document({"models": [{"name": "qwen3:8b", "context_length": 4096}]})
    info = {"general.architecture": "qwen3", "qwen3.context_length": 40960}
    show = document({"model_info": info, "capabilities": ["completion", "tools", "thinking"]})
    async with serving(tags, running, show, reply("ollama")) as server:
        environ = {
            "OLLAMA_HOST": f"127.0.0.1:{server.port}",
            "LMSTUDIO_BASE_URL": f"http://{GONE}",
            "LLAMACPP_BASE_URL": f"http://{GONE}",
        }
        chain = await resolve_models(Settings(), environ).chain()
        assert chain.current.name == "ollama/qwen3:8b"
        await hear(chain)
    assert server.seen[-1].body["options"]["num_ctx"] == 32768
    assert chain.current.facts.tools is True
    assert chain.current.facts.context_window == 32768


async def test_llama_cpp_tells_the_window_that_it_runs_with() -> None:
    listed = document({"data": [{"id": "gpt-oss-20b", "owned_by": "llamacpp", "meta": {"n_ctx_train": 131072}}]})
    props = document({"default_generation_settings": {"n_ctx": 16384}, "modalities": {"vision": False}})
    async with serving(listed, props) as server:
        environ = {"LLAMACPP_BASE_URL": server.root, "OLLAMA_HOST": GONE, "LMSTUDIO_BASE_URL": f"http://{GONE}"}
        chain = await resolve_models(Settings(), environ).chain()
    assert chain.current.name == "llamacpp/gpt-oss-20b"
    assert chain.current.facts.context_window == 16384


@pytest.mark.parametrize(
    "answer",
    [
        Reply((b"<html>It works</html>",), headers={"content-type": "text/html"}),
        document({"data": [{"id": "x", "owned_by": "somebody"}]}),
        document({}, 404),
        Reply(status=302, headers={"location": "http://elsewhere.test/"}),
    ],
)
async def test_another_program_on_port_8080_is_not_taken_for_llama_cpp(answer: Reply) -> None:
    async with serving(answer) as server:
        environ = {"LLAMACPP_BASE_URL": server.root, "OLLAMA_HOST": GONE, "LMSTUDIO_BASE_URL": f"http://{GONE}"}
        looked = {place.provider: place for place in await discover_local(environ)}
    assert looked["llamacpp"].state == "something else"
    assert looked["ollama"].state == "not running"
    assert looked["ollama"].remedy == "ollama serve"


async def test_a_key_that_is_wrong_or_missing_is_said_with_the_variable_that_holds_it() -> None:
    refused = document({"error": {"message": "who are you?"}}, 401)
    async with serving(*[refused] * 3) as server:
        table = Provider(base_url=server.url, key_env="GATE_KEY", models=("m",), data_class="local")
        settings = Settings(providers=Providers.of({"gate": table}), model=Model(discover=False))
        for environ, state in (({"GATE_KEY": "wrong-key-of-gate"}, "key not accepted"), ({}, "needs a key")):
            looked = await try_provider("gate", table, environ)
            assert str(looked) == f"gate at {server.url}: {state} (`export GATE_KEY=...`)"
        with pytest.raises(ModelError, match=r"the API key was not accepted.*`export GATE_KEY=\.\.\.`"):
            await resolve_models(settings, {"GATE_KEY": "wrong-key-of-gate"}).offered("gate")


async def test_a_server_without_models_says_how_to_get_one() -> None:
    async with lmstudio(document({"models": []})) as (_, models):
        with pytest.raises(ModelError, match=r"no models \(`lms get"):
            await models.chain()


async def test_nothing_is_looked_for_when_the_settings_say_so() -> None:
    async with lmstudio(LMSTUDIO) as (server, _):
        environ = {"LMSTUDIO_BASE_URL": server.root}
        with pytest.raises(ModelError, match="were not looked for"):
            await resolve_models(Settings(model=Model(discover=False)), environ).chain()
        with pytest.raises(ModelError, match="not allowed"):
            await resolve_models(Settings(providers=Providers.of({}, ("gateway.test",))), environ).chain()
        assert server.seen == []


async def test_a_survey_has_a_place_for_every_provider_and_the_command_for_those_that_are_away() -> None:
    listed = document({"data": [{"id": "coder", "context_length": 65536}]})
    async with serving(listed) as gateway, serving(LMSTUDIO) as studio:
        tables = {
            "gateway": Provider(base_url=gateway.url, models=("coder",)),
            "office": Provider(wire="ollama", base_url=f"http://{GONE}", data_class="local"),
        }
        environ = {"LMSTUDIO_BASE_URL": studio.root, "OLLAMA_HOST": GONE, "LLAMACPP_BASE_URL": f"http://{GONE}"}
        places = await resolve_models(Settings(providers=Providers.of(tables)), environ).survey()
    told = {place.provider: (place.state, place.remedy, [model.name for model in place.models]) for place in places}
    assert told == {
        "gateway": ("running", "", ["coder"]),
        "office": ("not running", "ollama serve", []),
        "lmstudio": ("running", "", ["small", "qwen/qwen3-coder-30b"]),
        "ollama": ("not running", "ollama serve", []),
        "llamacpp": ("not running", "llama-server --jinja -c 32768 -m MODEL.gguf", []),
    }
