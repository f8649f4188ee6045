"""LM Studio over its own API: listed, loaded with a window, unloaded, and its three ways to fail told apart.

The server is `tests/llm/lm_studio.py`, ours and built from the vendor's documents, because aimock does not offer
LM Studio's API; the OpenAI-compatible traffic is tested against aimock too (`test_aimock.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agent.stage import staged
from tests.llm.lm_studio import Known, LmStudio, lm_studio
from tests.llm.talk import hear, request
from tests.llm.test_servers import GONE
from vtcode_tui.common.errors import ModelError
from vtcode_tui.config.settings import Settings
from vtcode_tui.demo import Step
from vtcode_tui.events.live import Notice
from vtcode_tui.llm import Models, resolve_models
from vtcode_tui.llm.messages import Message, Text

CODER, SMALL = Known("qwen/coder-30b"), Known("tiny", largest=8_192, tools=False, vision=True)
NOMIC = Known("text-embedding-nomic", kind="embedding", largest=2_048)


def models_at(studio: LmStudio, **more: str) -> Models:
    environ = {"LMSTUDIO_BASE_URL": studio.root, "OLLAMA_HOST": GONE, "LLAMACPP_BASE_URL": f"http://{GONE}", **more}
    return resolve_models(Settings(), environ)


async def test_a_model_is_loaded_with_the_window_that_was_asked_for_answers_and_is_unloaded() -> None:
    async with lm_studio(CODER, SMALL, NOMIC) as studio:
        models = models_at(studio)
        assert [
            (one.name, one.loaded, one.largest_window, one.tools, one.images)
            for one in await models.offered("lmstudio")
        ] == [
            ("qwen/coder-30b", False, 131_072, True, False),
            ("tiny", False, 8_192, False, True),
        ]
        await models.load("lmstudio", "qwen/coder-30b", 65_536)
        (loaded,) = [one for one in await models.offered("lmstudio") if one.loaded]
        assert (loaded.name, loaded.context_window) == ("qwen/coder-30b", 65_536)
        chain = await models.chain()
        assert (chain.current.name, chain.current.facts.context_window) == ("lmstudio/qwen/coder-30b", 65_536)
        heard = await hear(chain)
        assert (heard.text, heard.whole.cost_usd) == ("Hello.", 0)
        await models.unload("lmstudio", "qwen/coder-30b")
        assert studio.loaded == []
        await chain.aclose()


async def test_every_instance_of_a_model_is_unloaded_and_one_by_its_own_id() -> None:
    async with lm_studio(CODER) as studio:
        for _ in range(3):
            studio.load(CODER.key)
        await models_at(studio).unload("lmstudio", "qwen/coder-30b:2")
        assert [one.id for one in studio.loaded] == ["qwen/coder-30b", "qwen/coder-30b:3"]
        await models_at(studio).unload("lmstudio", "qwen/coder-30b")
        assert studio.loaded == []


async def test_the_older_api_lists_abilities_and_the_window_that_is_loaded() -> None:
    async with lm_studio(CODER, SMALL, NOMIC, version=0) as studio:
        studio.load(CODER.key, 32_768)
        one, two = await models_at(studio).offered("lmstudio")
        assert (one.name, one.loaded, one.context_window, one.largest_window) == (CODER.key, True, 32_768, 131_072)
        assert (two.name, two.loaded, two.context_window, two.images) == ("tiny", False, None, True)
        assert one.tools is True


async def test_a_token_is_asked_for_by_its_variable_and_sent() -> None:
    async with lm_studio(CODER, token="secret-token") as studio:
        places = {place.provider: place for place in await models_at(studio).survey()}
        assert places["lmstudio"].remedy == "export LM_API_TOKEN=..."
        with_token = models_at(studio, LM_API_TOKEN="secret-token")
        assert [one.name for one in await with_token.offered("lmstudio")] == [CODER.key]


async def test_not_running_not_loaded_and_too_long_are_told_apart_with_the_command_that_fixes_each() -> None:
    async with lm_studio(CODER) as studio:
        models = models_at(studio)
        chain = await models.chain("lmstudio/qwen/coder-30b")
        said = await failure(chain)
        assert said.kind == "not_loaded"
        assert "(`lms load qwen/coder-30b --context-length 32768`)" in str(said)
        await models.load("lmstudio", CODER.key, 4_096)
        assert (await hear(chain)).text == "Hello."
        long = request(Message("user", (Text("word " * 4_096),)))
        assert (await failure(chain, long)).kind == "context_exceeded"
    said = await failure(chain)
    assert said.kind == "not_running"
    assert "(`lms server start`)" in str(said)
    await chain.aclose()


async def failure(chain: Any, asked: Any = None) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await hear(chain, asked or request())
    return caught.value


@pytest.mark.parametrize(
    ("model", "context", "said"),
    [
        ("missing", None, r"lmstudio: .*was not found on this machine"),
        ("tiny", 100_000, r"lmstudio: .*context_length must be at most 8192"),
    ],
)
async def test_what_cannot_be_loaded_is_one_sentence(model: str, context: int | None, said: str) -> None:
    async with lm_studio(CODER, SMALL) as studio:
        with pytest.raises(ModelError, match=said):
            await models_at(studio).load("lmstudio", model, context)
        assert studio.loaded == []


@pytest.mark.parametrize(
    "words",
    [
        "Trying to keep the first 111490 tokens when context the overflows. However, the model is loaded with "
        "context length of only 32768 tokens, which is not enough.",
        "The number of tokens to keep from the initial prompt is greater than the context length.",
        "Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)",
    ],
)
def test_a_conversation_that_is_too_long_is_known_in_every_wording_that_was_seen(words: str) -> None:
    from vtcode_tui.llm.failure import kind_of

    assert {kind_of(status, words) for status in (200, 400)} == {"context_exceeded"}


@pytest.mark.kernel
async def test_who_chooses_a_model_without_tools_is_told_and_with_which_command_one_comes_that_has(
    tmp_path: Path,
) -> None:
    async with lm_studio(CODER, SMALL) as studio:
        studio.load(SMALL.key, 8_192)
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LMSTUDIO_BASE_URL": studio.root}
        async with staged(tmp_path, [Step("ok")], environ=environ) as stage:
            await stage.session.set_model("lmstudio", "tiny")
            said = [one.text for one in stage.heard if isinstance(one, Notice)]
            assert any(
                "tiny has no support for tools" in text and "`lms get qwen/qwen3-coder-30b`" in text
                for text in said
            )
            before = len(said)
            await stage.session.set_model("lmstudio", CODER.key)
            later = [one.text for one in stage.heard if isinstance(one, Notice)][before:]
            assert not any("tools" in text for text in later)
