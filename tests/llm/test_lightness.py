"""Importing this room costs little, and keys are not shown by accident."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.llm.server import Reply, serving
from tests.llm.talk import chain_to, endpoint, hear, request
from vtcode_tui.cli import main
from vtcode_tui.common.errors import ModelError
from vtcode_tui.llm import Key, resolve_models
from vtcode_tui.llm.failure import kind_of, retry_after, retry_delay
from vtcode_tui.llm.wires import wire_of


def test_neither_httpx_nor_a_wire_is_loaded_before_a_request() -> None:
    code = (
        "import sys; from vtcode_tui.llm import resolve_models, Chain, estimate_tokens;"
        "from vtcode_tui.config.settings import Settings; resolve_models(Settings(), {'OPENAI_API_KEY': 'k'});"
        "print([m for m in ('httpx', 'vtcode_tui.llm.transport') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_a_key_is_in_no_repr_and_in_no_error() -> None:
    key = "sk-test-1234567890"
    there = endpoint("http://127.0.0.1:9/v1")
    outgoing = wire_of("openai-chat").compose(request(), there)
    shown = f"{Key(key)!r} {Key(key)} {there!r} {outgoing!r} {chain_to('http://127.0.0.1:9').links!r}"
    async with serving(Reply((b"bad key",), status=401)) as server:
        with pytest.raises(ModelError) as caught:
            await hear(chain_to(server.url))
    assert key not in shown + str(caught.value)


def test_the_secrets_for_the_redactor_are_keys_and_header_values() -> None:
    from vtcode_tui.config.settings import Provider, Providers, Settings

    table = Provider(base_url="http://gw.test", key_env="GW", headers={"X-Token": "${OTHER}", "X-Team": "a"})
    models = resolve_models(
        Settings(providers=Providers.of({"gw": table})),
        {
            "GW": "gateway-key",
            "OTHER": "header-secret",
            "ANTHROPIC_AUTH_TOKEN": "bearer-token",
            "HOME": "/root/unused",
        },
    )
    assert {"gateway-key", "header-secret", "bearer-token"} < set(models.secrets())
    assert "/root/unused" not in models.secrets()


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (429, "Rate limit reached. Add a payment method at https://x.test/account/billing", "rate_limited"),
        (
            429,
            "RESOURCE_EXHAUSTED: You exceeded your current quota, please check your plan and billing",
            "rate_limited",
        ),
        (429, "insufficient_quota: You exceeded your current quota", "billing"),
        (400, "invalid_request_error: Your credit balance is too low to access the API", "billing"),
        (400, "prompt is too long: 208310 tokens > 200000 maximum", "context_exceeded"),
        (400, "context_length_exceeded: Your input exceeds the context window of this model", "context_exceeded"),
        (400, "The input token count (1200000) exceeds the maximum number of tokens allowed", "context_exceeded"),
        (400, "exceed_context_size_error: the request exceeds the available context size", "context_exceeded"),
        (400, "INVALID_ARGUMENT: API key not valid. Please pass a valid API key.", "auth"),
        (400, "messages.1: tool_use ids were found without tool_result blocks", "invalid"),
        (500, "Internal server error", "transient"),
        (503, "The model is overloaded. Please try again later.", "overloaded"),
        (529, "overloaded_error: Overloaded", "overloaded"),
        (200, "overloaded_error: Overloaded", "overloaded"),
        (200, "rate_limit_error: too fast", "rate_limited"),
        (404, "model 'x' not found, try pulling it first", "not_loaded"),
        (400, "does not support tools", "no_tools"),
        (418, "teapot", "invalid"),
    ],
)
def test_a_failure_is_told_by_status_and_words(status: int, said: str, kind: str) -> None:
    assert kind_of(status, said) == kind


def test_how_long_to_wait_is_read_in_every_spelling() -> None:
    assert retry_after({"retry-after": "3"}) == 3
    assert retry_after({"retry-after-ms": "250", "retry-after": "3"}) == 0.25
    assert retry_after({"retry-after": "Sun, 22 Nov 1998 00:00:00 GMT"}) == 0
    assert retry_after({"retry-after": "99999999"}) == 3600
    for nonsense in ("", "soon", "-5", "nan", "inf"):
        assert retry_after({"retry-after": nonsense}) is None
    assert retry_delay(b'{"error": {"details": [{"retryDelay": "34.5s"}]}}') == 34.5
    assert retry_delay(b"{}") is None


def test_the_command_says_what_was_looked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path))
    for name in ("LMSTUDIO_BASE_URL", "LLAMACPP_BASE_URL", "OLLAMA_HOST"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["models"]) == 1
    assert "lms server start" in capsys.readouterr().out
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-shown-anywhere")
    assert main(["models", "--json"]) == 0
    shown = capsys.readouterr().out
    assert '"model": "openai/' in shown
    assert "not-shown" not in shown
    assert main(["models", "load", "ollama"]) == 2
    assert "say which" in capsys.readouterr().err
    assert main(["models", "list", "ollama"]) == 1
    assert "`ollama serve`" in capsys.readouterr().err
