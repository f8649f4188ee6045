"""Tool calls that small models write as text, in the formats that are met; and text that is none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.llm.server import Reply, serving, sse
from tests.llm.talk import chain_to, hear
from vtcode_tui.llm.messages import Message, Text, Thinking, ToolSpec, ToolUse
from vtcode_tui.llm.textual_calls import recovered

TOOLS = (
    ToolSpec(
        "read_file",
        "Read.",
        {"type": "object", "properties": {"path": {"type": "string"}, "limit": {"type": "integer"}}},
    ),
    ToolSpec("list_files", "List.", {"type": "object", "properties": {}}),
)
CALL = '{"name": "read_file", "arguments": {"path": "a.py", "limit": 5}}'
WANTED = {"path": "a.py", "limit": 5}

FORMATS = {
    "hermes": f"<tool_call>\n{CALL}\n</tool_call>",
    "hermes without its end": f"<tool_call>\n{CALL}",
    "qwen3-coder": "<tool_call>\n<function=read_file>\n<parameter=path>\na.py\n</parameter>\n<parameter=limit>\n5\n"
    "</parameter>\n</function>\n</tool_call>",
    "qwen3-coder bare": "<function=read_file><parameter=path>a.py</parameter>"
    "<parameter=limit>5</parameter></function>",
    "llama with json": '<function=read_file>{"path": "a.py", "limit": 5}</function>',
    "llama 3": '{"name": "read_file", "parameters": {"path": "a.py", "limit": 5}}',
    "llama python tag": '<|python_tag|>{"name": "read_file", "parameters": {"path": "a.py", "limit": 5}}<|eom_id|>',
    "mistral": f"[TOOL_CALLS][{CALL}]",
    "mistral new": '[TOOL_CALLS]read_file[ARGS]{"path": "a.py", "limit": 5}',
    "mistral with id": '[TOOL_CALLS]read_file[CALL_ID]abc123def[ARGS]{"path": "a.py", "limit": 5}',
    "granite": f"<|tool_call|>[{CALL}]",
    "phi": f"<|tool_call|>[{CALL}]<|/tool_call|>",
    "firefunction": f" functools[{CALL}]",
    "deepseek": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>read_file\n```json\n"
    '{"path": "a.py", "limit": 5}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    "deepseek 3.1": '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>read_file<｜tool▁sep｜>{"path": "a.py", "limit": 5}'
    "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "gpt-oss": "<|channel|>commentary to=functions.read_file <|constrain|>json<|message|>"
    '{"path": "a.py", "limit": 5}<|call|>',
    "glm": "<tool_call>read_file\n<arg_key>path</arg_key>\n<arg_value>a.py</arg_value>\n<arg_key>limit</arg_key>\n"
    "<arg_value>5</arg_value>\n</tool_call>",
    "fenced": f"```json\n{CALL}\n```",
    "arguments as text": '{"name": "read_file", "arguments": "{\\"path\\": \\"a.py\\", \\"limit\\": 5}"}',
    "openai inside": f'{{"type": "function", "function": {CALL}}}',
    "cohere": '[{"tool": "read_file", "parameters": {"path": "a.py", "limit": 5}}]',
}


def said(text: str) -> Message:
    return Message("assistant", (Text(text),))


@pytest.mark.parametrize("name", FORMATS)
def test_a_call_is_recovered_from(name: str) -> None:
    (call,) = recovered(said(FORMATS[name]), TOOLS).parts
    assert isinstance(call, ToolUse)
    assert (call.name, json.loads(call.arguments)) == ("read_file", WANTED)


def test_words_and_thoughts_around_calls_stay() -> None:
    text = f"<think>hm</think>I look.\n<tool_call>{CALL}</tool_call>\n<tool_call>{CALL}</tool_call>"
    thought, words, first, second = recovered(said(text), TOOLS).parts
    assert (thought, words) == (Thinking("hm"), Text("I look."))
    assert isinstance(first, ToolUse)
    assert isinstance(second, ToolUse)
    assert first.id != second.id


@pytest.mark.parametrize(
    "text",
    [
        "Just words.",
        f"You could write {CALL} to read it.",
        f"An example:\n```json\n{CALL}\n```\nDo you want that?",
        '<tool_call>{"name": "rm_rf", "arguments": {}}</tool_call>',
        '<tool_call>{"name": "read_file", "arguments": "no"}</tool_call>',
        "<tool_call>not json</tool_call>",
        '{"path": "a.py"}',
        "[TOOL_CALLS]",
        "<function=unknown><parameter=x>1</parameter></function>",
    ],
)
def test_what_is_not_a_call_stays_as_it_is(text: str) -> None:
    message = said(text)
    assert recovered(message, TOOLS) is message


def test_a_message_with_real_calls_is_left_alone() -> None:
    message = Message("assistant", (Text(FORMATS["hermes"]), ToolUse("1", "read_file", "{}")))
    assert recovered(message, TOOLS) is message
    assert recovered(said(FORMATS["hermes"]), ()) == said(FORMATS["hermes"])


@given(st.text(alphabet='<>[]{}|"=:/\\,abtool_callfunctionARGSTOOL_CALLS\n ｜▁', max_size=300))
def test_no_text_breaks_the_recovery(text: str) -> None:
    recovered(said(text), TOOLS)


async def test_a_local_servers_text_becomes_a_call_and_a_clouds_does_not() -> None:
    stream = sse({"choices": [{"delta": {"content": FORMATS["hermes"]}, "finish_reason": "stop"}]})
    async with serving(Reply(stream)) as server:
        whole = (await hear(chain_to(server.url))).whole
        assert whole.finish == "tools"
        assert [type(part) for part in whole.message.parts] == [ToolUse]
    cut = sse({"choices": [{"delta": {"content": FORMATS["hermes"]}, "finish_reason": "length"}]})
    async with serving(Reply(cut)) as server:
        assert [type(part) for part in (await hear(chain_to(server.url))).whole.message.parts] == [Text]
