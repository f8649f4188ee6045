"""Requests as the vendors' own types want them, tool pairs whole on every wire, streams read as by the SDKs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.amount import examples
from tests.llm.server import serving
from tests.llm.streams import reply
from tests.llm.talk import READ, chain_to, endpoint, hear
from tests.llm.vendors_types import check_for
from vtcode_tui.config.settings import Wire
from vtcode_tui.llm import broken_pairs, fitted
from vtcode_tui.llm.messages import Image, Message, Part, Request, Text, Thinking, ToolResult, ToolUse
from vtcode_tui.llm.wires import wire_of

WIRES: tuple[Wire, ...] = get_args(Wire)
MODELS: dict[Wire, tuple[str, ...]] = {
    "openai-chat": ("gpt-4.1", "deepseek-chat"),
    "lmstudio": ("qwen3",),
    "openai-responses": ("gpt-5.1", "gpt-4.1"),
    "anthropic": ("claude-sonnet-4-5", "claude-opus-5"),
    "gemini": ("gemini-2.5-pro", "gemini-3-pro", "gemini-2.0-flash"),
    "ollama": ("qwen3:8b", "gpt-oss:20b"),
}

ids = st.sampled_from(["call_1", "call_2", "toolu_01", "x" * 80, "a b/c", "", "ünï"])
words = st.sampled_from(["", " ", "Hello", "line\nline", "\ud800", "\x00", "日本語", "<tool_call>"])
origins = st.sampled_from([("acme", "M"), ("anthropic", "claude"), ("", "")])
arguments = st.sampled_from(["", "{}", '{"path": "a"}', "[1]", "null", '{"path": ', '{"a": {"b": [1, null]}}', "ü"])


@st.composite
def _thinking(draw: st.DrawFn) -> Thinking:
    provider, model = draw(origins)
    signature = draw(st.sampled_from(["", "c2ln", '{"id": "rs_1", "encrypted_content": "x", "summary": []}']))
    return Thinking(draw(words), signature, provider, model)


@st.composite
def _tool_use(draw: st.DrawFn) -> ToolUse:
    provider, model = draw(origins)
    return ToolUse(draw(ids), "read_file", draw(arguments), draw(st.sampled_from(["", "c2ln"])), provider, model)


assistant_parts = st.one_of(st.builds(Text, words), _thinking(), _tool_use())
user_parts = st.one_of(
    st.builds(Text, words),
    st.builds(ToolResult, ids, words, st.booleans()),
    st.just(Image(b"\x89PNG", "image/png")),
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Message, ...]:
    """Anything, in any order: what a crash, a rewind or a bad resume could leave behind."""
    made: list[Message] = []
    for role in draw(st.lists(st.sampled_from(["user", "assistant"]), max_size=8)):
        parts: list[Part] = draw(st.lists(user_parts if role == "user" else assistant_parts, max_size=4))
        made.append(Message(role, tuple(parts)))  # type: ignore[arg-type]  # sampled from the two roles
    return (*made, Message("user", (Text("go"),)))


def sent(
    wire: Wire, model: str, history: tuple[Message, ...], effort: Literal["low", "high"] | None = None
) -> dict[str, Any]:
    whole = fitted(history, "acme", model).messages
    request = Request(model, "Be brief.", whole, (READ,), temperature=0.5, effort=effort)
    body = wire_of(wire).compose(request, endpoint("http://h.test/v1", wire)).body
    raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    decoded: dict[str, Any] = json.loads(raw)
    return decoded


def uses_and_answers(wire: Wire, body: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """The tool uses and results of a request, in order, as the wire itself spells them."""
    match wire:
        case "openai-chat" | "lmstudio":
            return [_of_chat(message, "id", "tool_call_id") for message in body["messages"]]
        case "ollama":
            return [_of_chat(message, "", "") for message in body["messages"]]
        case "anthropic":
            return [_of_anthropic(message) for message in body["messages"]]
        case "gemini":
            return [_of_gemini(content) for content in body["contents"]]
        case "openai-responses":
            kinds = {"function_call": "uses", "function_call_output": "answers"}
            return [
                (kinds.get(it["type"], ""), [it["call_id"]] if it["type"] in kinds else []) for it in body["input"]
            ]


def _of_chat(message: Mapping[str, Any], id: str, answered: str) -> tuple[str, list[str]]:
    if message["role"] == "assistant":
        return "uses", [call.get(id, "?") for call in message.get("tool_calls", ())]
    return ("answers", [message.get(answered, "?")]) if message["role"] == "tool" else ("", [])


def _of_anthropic(message: Mapping[str, Any]) -> tuple[str, list[str]]:
    if message["role"] == "assistant":
        return "uses", [block["id"] for block in message["content"] if block["type"] == "tool_use"]
    return "answers", [block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"]


def _of_gemini(content: Mapping[str, Any]) -> tuple[str, list[str]]:
    if content["role"] == "model":
        return "uses", [part["functionCall"]["id"] for part in content["parts"] if "functionCall" in part]
    return "answers", [part["functionResponse"]["id"] for part in content["parts"] if "functionResponse" in part]


def assert_whole(wire: Wire, body: Mapping[str, Any]) -> None:
    """Each group of uses is followed at once by as many answers, in the same order."""
    waiting: list[str] = []
    answering = False
    for kind, found in uses_and_answers(wire, body):
        if kind == "answers":
            answering = True
            for id in found:
                assert waiting and waiting.pop(0) == id, "an answer without its use"
        elif found:
            assert not (waiting and answering), "a use was not answered"
            waiting += found
            answering = False
        else:
            assert not waiting or wire == "openai-responses", "a use was not answered in the next message"
    assert not waiting


@pytest.mark.parametrize("wire", WIRES)
@settings(max_examples=examples(30, 5_000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories())
def test_tool_pairs_are_whole_on_every_wire_whatever_the_history(wire: Wire, history: tuple[Message, ...]) -> None:
    for model in MODELS[wire]:
        assert broken_pairs(fitted(history, "acme", model).messages) == ()
        assert_whole(wire, sent(wire, model, history))


@settings(max_examples=examples(100, 5_000), deadline=None)
@given(history=histories())
def test_translation_loses_no_use_and_no_words_and_is_stable(history: tuple[Message, ...]) -> None:
    once = fitted(history, "acme", "M")
    assert fitted(once.messages, "acme", "M").messages == once.messages

    def count(messages: tuple[Message, ...], kind: type[Part]) -> int:
        return sum(
            isinstance(part, kind) for message in messages for part in message.parts if message.role == "assistant"
        )

    assert count(once.messages, ToolUse) == count(history, ToolUse)
    said = [part.text for message in history for part in message.parts if isinstance(part, Text) and part.text]
    kept = [part.text for message in once.messages for part in message.parts if isinstance(part, Text)]
    assert [text for text in kept if text in said] == said


@pytest.mark.parametrize("wire", WIRES)
@settings(
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(history=histories(), effort=st.sampled_from([None, "low", "high"]))
def test_requests_are_what_the_vendors_types_ask_for(
    wire: Wire, history: tuple[Message, ...], effort: Literal["low", "high"] | None, checks: dict[Wire, Any]
) -> None:
    if wire not in checks:
        checks[wire] = check_for(wire)
    for model in MODELS[wire]:
        checks[wire](sent(wire, model, history, effort))


@pytest.fixture(scope="module")
def checks() -> dict[Wire, Any]:
    return {}


def test_the_strict_types_do_refuse_what_is_wrong() -> None:
    body = sent("anthropic", "claude-opus-5", (Message("user", (Text("go"),)),))
    check = check_for("anthropic")
    check(body)
    for wrong in ({**body, "extra": 1}, {k: v for k, v in body.items() if k != "max_tokens"}):
        with pytest.raises(ValueError, match="validation error"):
            check(wrong)
    body["messages"][0]["content"][0]["extra"] = 1
    with pytest.raises(ValueError, match="validation error"):
        check(body)


async def test_the_openai_sdk_reads_the_same_chat_stream() -> None:
    openai: Any = pytest.importorskip("openai", exc_type=ImportError)
    async with serving(reply("openai-chat")) as server:
        ours = (await hear(chain_to(server.root))).whole
        async with openai.AsyncOpenAI(api_key="k", base_url=server.url) as client:
            text, calls, usage = "", dict[int, list[str]](), None
            async for chunk in await client.chat.completions.create(model="m", messages=[], stream=True):
                usage = chunk.usage or usage
                for choice in chunk.choices:
                    text += choice.delta.content or ""
                    for call in choice.delta.tool_calls or ():
                        held = calls.setdefault(call.index, ["", "", ""])
                        held[0] += call.id or ""
                        held[1] += call.function.name or ""
                        held[2] += call.function.arguments or ""
    assert usage is not None
    assert_agree(ours.message, text, [tuple(call) for _, call in sorted(calls.items())])
    assert usage.prompt_tokens == ours.usage.input + ours.usage.cache_read
    assert usage.completion_tokens == ours.usage.output


async def test_the_openai_sdk_reads_the_same_responses_stream() -> None:
    openai: Any = pytest.importorskip("openai", exc_type=ImportError)
    async with serving(reply("openai-responses")) as server:
        ours = (await hear(chain_to(server.url, "openai-responses"))).whole
        async with openai.AsyncOpenAI(api_key="k", base_url=server.url) as client:
            final = None
            async for event in await client.responses.create(model="m", input="x", stream=True):
                final = event.response if event.type == "response.completed" else final
    assert final is not None
    calls = [(it.call_id, it.name, it.arguments) for it in final.output if it.type == "function_call"]
    assert_agree(ours.message, final.output_text, calls)
    assert final.usage.input_tokens == ours.usage.input + ours.usage.cache_read
    assert final.usage.output_tokens == ours.usage.output


async def test_the_anthropic_sdk_reads_the_same_stream() -> None:
    anthropic: Any = pytest.importorskip("anthropic", exc_type=ImportError)
    async with serving(reply("anthropic")) as server:
        ours = (await hear(chain_to(server.root, "anthropic"))).whole
        async with anthropic.AsyncAnthropic(api_key="k", base_url=server.root) as client:
            asked = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "x"}]}
            async with client.messages.stream(**asked) as stream:
                final = await stream.get_final_message()
    calls = [(it.id, it.name, json.dumps(it.input)) for it in final.content if it.type == "tool_use"]
    assert_agree(ours.message, "".join(it.text for it in final.content if it.type == "text"), calls)
    thinking = ours.message.parts[0]
    assert isinstance(thinking, Thinking)
    assert (final.content[0].thinking, final.content[0].signature) == (thinking.text, thinking.signature)
    assert (final.usage.input_tokens, final.usage.output_tokens) == (ours.usage.input, ours.usage.output)
    assert final.usage.cache_read_input_tokens == ours.usage.cache_read


async def test_the_google_sdk_reads_the_same_stream() -> None:
    genai: Any = pytest.importorskip("google.genai", exc_type=ImportError)
    async with serving(reply("gemini")) as server:
        ours = (await hear(chain_to(server.root, "gemini"))).whole
        client = genai.Client(api_key="k", http_options={"base_url": server.root})
        text, calls, usage = "", [], None
        async for chunk in await client.aio.models.generate_content_stream(model="m", contents="x"):
            usage = chunk.usage_metadata or usage
            for part in chunk.candidates[0].content.parts or ():
                text += part.text if part.text and not part.thought else ""
                if part.function_call:
                    calls.append(
                        (part.function_call.id, part.function_call.name, json.dumps(part.function_call.args))
                    )
        await client.aio.aclose()
        client.close()
    assert usage is not None
    assert_agree(ours.message, text, calls)
    assert usage.prompt_token_count == ours.usage.input + ours.usage.cache_read
    assert usage.candidates_token_count + usage.thoughts_token_count == ours.usage.output


async def test_the_ollama_sdk_reads_the_same_stream() -> None:
    ollama: Any = pytest.importorskip("ollama", exc_type=ImportError)
    async with serving(reply("ollama")) as server:
        ours = (await hear(chain_to(server.root, "ollama"))).whole
        async with ollama.AsyncClient(host=server.root) as client:
            text, thinking, calls, last = "", "", [], None
            async for chunk in await client.chat(model="m", messages=[], stream=True):
                text += chunk.message.content or ""
                thinking += chunk.message.thinking or ""
                for call in chunk.message.tool_calls or ():
                    calls.append((call.function.name, dict(call.function.arguments)))
                last = chunk
    assert last is not None
    uses = [part for part in ours.message.parts if isinstance(part, ToolUse)]
    assert "".join(part.text for part in ours.message.parts if isinstance(part, Text)) == text
    assert [part.text for part in ours.message.parts if isinstance(part, Thinking)] == [thinking]
    assert [(use.name, json.loads(use.arguments)) for use in uses] == calls
    assert (last.prompt_eval_count, last.eval_count) == (ours.usage.input, ours.usage.output)


def assert_agree(message: Message, text: str, calls: list[Any]) -> None:
    assert "".join(part.text for part in message.parts if isinstance(part, Text)) == text
    uses = [part for part in message.parts if isinstance(part, ToolUse)]
    assert [(use.id, use.name, json.loads(use.arguments)) for use in uses] == [
        (id, name, json.loads(given)) for id, name, given in calls
    ]
