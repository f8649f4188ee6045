"""Tool calls that a small local model wrote as text, because its server did not know the model's format.

Only what is unmistakably a call counts: a format's own marks, or an answer that is nothing but the call; the name
must be a tool that was offered, and the arguments an object. What the model only repeats from a result or from what
the person said is no call: a file that holds one must not get it made by being quoted. The gate judges a call like
any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, TypeAlias

import re2

from vtcode_tui.common.ids import uuid7
from vtcode_tui.llm.messages import Message, Part, Text, Thinking, ToolResult, ToolSpec, ToolUse
from vtcode_tui.llm.pythonic import python_calls
from vtcode_tui.llm.wire import compact

Found: TypeAlias = tuple[int, int, str, dict[str, Any]]
"""Where a call stands in the text, its tool and its arguments."""

_LONGEST = 1_000_000
_MOST_CALLS = 64

# A hostile server writes whatever it likes: every expression that looks for an end runs in time linear in the text.
_TAGS = r"(?:tool_calls?|function_call|tool|TOOLCALL)"
_TAGGED = re2.compile(rf"(?s)<{_TAGS}>\s*(.*?)\s*(?:</{_TAGS}>|\z)")
_FUNCTION = re2.compile(r"(?s)<function[= ]\"?([\w.:-]+)\"?>(.*?)(?:</function>|\z)")
_PARAMETER = re2.compile(r"(?s)<parameter[= ]\"?([\w.-]+)\"?>\n?(.*?)\n?</parameter>")
_GLM = re2.compile(r"(?s)\A([\w.-]+)\s*((?:<arg_key>.*?</arg_value>\s*)*)\z")
_GLM_ARGUMENT = re2.compile(r"(?s)<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)</arg_value>")
_INVOKED = re2.compile(r"(?s)<(?:｜DSML｜)?invoke name=\"([\w.:-]+)\">(.*?)(?:</(?:｜DSML｜)?invoke>|\z)")
_GIVEN = re2.compile(r"(?s)<(?:｜DSML｜)?parameter name=\"([\w.-]+)\"[^<>]*>\n?(.*?)\n?</(?:｜DSML｜)?parameter>")
_MARKED = re.compile(
    r"\[TOOL_CALLS\]|<\|tool_call\|>|<\|python_tag\|>|functools(?=\[)|<\|tool_call_start\|>|<\|START_ACTION\|>"
)
_NAMED = re2.compile(r"\A([\w.-]+)\s*(?:\[CALL_ID\]\w*)?\[ARGS\]\s*")
_DEEPSEEK = re2.compile(
    r"(?s)<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?\s*([\w.-]+)\s*(?:<｜tool▁sep｜>)?\s*(?:```(?:json)?)?\s*"
    r"(.*?)\s*(?:```)?\s*<｜tool▁call▁end｜>"
)
_KIMI = re2.compile(
    r"(?s)<\|tool_call_begin\|>\s*([\w.-]+)(?::\d+)?\s*<\|tool_call_argument_begin\|>\s*(.*?)\s*"
    r"(?:<\|tool_call_end\|>|\z)"
)
_HARMONY = re2.compile(r"(?s)to=functions\.([\w.-]+)[^{]{0,80}<\|message\|>\s*(.*?)\s*(?:<\|call\|>|\z)")
_FUNCTIONARY = re2.compile(r"(?:\A|\n)[ \t]*>>>([\w.-]+)\n")
_PYTHON_END = re.compile(r"<\|(?:tool_call_end|eom_id|eot_id)\|>|\Z")
_FENCES = ("json", "tool_call", "tool_code", "")
_LEFTOVERS = re.compile(
    r"</?tool_calls?>|</?(?:｜DSML｜|minimax:)?(?:function_calls|tool_call)>|<\|tool_calls_section_(?:begin|end)\|>"
    r"|<\|END_ACTION\|>|<\|/?tool_calls?\|>|<\|tool_call_end\|>|<｜tool▁calls▁(?:begin|end)｜>|<\|eom_id\|>"
    r"|<\|eot_id\|>|<\|start\|>assistant|<\|channel\|>commentary\s*"
)
_HALVES = re.compile("[\ud800-\udfff]")
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>(.*?)</think(?:ing)?>\s*", re.DOTALL)


def recovered(message: Message, tools: Sequence[ToolSpec], heard: Sequence[Message] = ()) -> Message:
    """The message with textual calls as ToolUse and a leading `<think>` as Thinking; itself if there are none.

    `heard` is the conversation that it answers.
    """
    if not tools or any(isinstance(part, ToolUse) for part in message.parts):
        return message
    schemas = {tool.name: tool.schema for tool in tools}
    parts: list[Part] = []
    found_any = False
    for part in message.parts:
        if not isinstance(part, Text) or len(part.text) > _LONGEST:
            parts.append(part)
            continue
        thought = _THOUGHT.match(part.text)
        said = part.text[thought.end() :] if thought else part.text
        calls = _own(said, _calls(said, schemas), heard, schemas)
        if not calls:
            parts.append(part)
            continue
        found_any = True
        if thought:
            parts.append(Thinking(thought[1].strip()))
        parts += _split(said, calls)
    return replace(message, parts=tuple(parts)) if found_any else message


def _own(
    said: str, calls: list[Found], heard: Sequence[Message], schemas: Mapping[str, Mapping[str, Any]]
) -> list[Found]:
    """The calls without those that stand in a result or in what the person said, in whatever spacing or format."""
    if not calls:
        return calls
    given = [
        part.text
        for message in heard
        if message.role == "user"
        for part in message.parts
        if isinstance(part, Text | ToolResult)
    ]
    bare = ["".join(text.split()) for text in given]
    planted = [call[2:] for text in given if len(text) <= _LONGEST for call in _calls(text, schemas)]
    return [
        call
        for call in calls
        if call[2:] not in planted and not any("".join(said[call[0] : call[1]].split()) in text for text in bare)
    ]


def _split(said: str, calls: Sequence[Found]) -> Iterator[Part]:
    """The words around the calls, then the calls."""
    rest: list[str] = []
    end = 0
    for start, stop, _, _ in calls:
        rest.append(said[end:start])
        end = max(end, stop)
    rest.append(said[end:])
    words = _LEFTOVERS.sub("", "".join(rest)).strip()
    if words:
        yield Text(words)
    for _, _, name, arguments in calls:
        yield ToolUse(f"call_{uuid7()}", name, compact(arguments))


def _calls(said: str, schemas: Mapping[str, Mapping[str, Any]]) -> list[Found]:
    # Half a character, which JSON can name and UTF-8 cannot hold, takes the place of one.
    said = _HALVES.sub("\ufffd", said)
    for read in _FORMATS:
        found: list[Found] = []
        for start, stop, name, arguments in islice(read(said, schemas), _MOST_CALLS):
            known = name if name in schemas else name.removeprefix("functions.").rpartition(":")[2]
            if known in schemas:
                found.append((start, stop, known, arguments))
        if found:
            return found
    return []


def _tagged(said: str, schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    """`<tool_call>{...}</tool_call>` of Qwen and Hermes, and the XML of Qwen3-Coder and GLM inside it."""
    for match in islice(_TAGGED.finditer(said), _MOST_CALLS):
        inner = match[1]
        for _, _, name, arguments in _functions(inner, schemas):
            yield match.start(), match.end(), name, arguments
        for name, arguments in _objects(inner):
            yield match.start(), match.end(), name, arguments
        if glm := _GLM.match(inner):
            schema = schemas.get(glm[1], {})
            given = {
                key.strip(): _typed(key.strip(), value, schema) for key, value in _GLM_ARGUMENT.findall(glm[2])
            }
            yield match.start(), match.end(), glm[1], given


def _functions(said: str, schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    """`<function=name><parameter=key>value</parameter></function>`."""
    for match in islice(_FUNCTION.finditer(said), _MOST_CALLS):
        schema = schemas.get(match[1], {})
        given = {key: _typed(key, value, schema) for key, value in _PARAMETER.findall(match[2])}
        if not given and (inner := _object(match[2].strip())) is not None:
            given = inner
        yield match.start(), match.end(), match[1], given


def _marked(said: str, _: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    """A mark and then JSON: Mistral, Granite, Phi, Llama."""
    for match in islice(_MARKED.finditer(said), _MOST_CALLS):
        rest = said[match.end() :].lstrip()
        shift = len(said) - len(rest)
        if named := _NAMED.match(rest):
            value, length = _decoded(rest[named.end() :])
            if isinstance(value, dict):
                yield match.start(), shift + named.end() + length, named[1], value
            continue
        value, length = _decoded(rest)
        for name, arguments in _named(value):
            yield match.start(), shift + length, name, arguments
        if not length and (end := _PYTHON_END.search(rest)):
            for name, arguments in python_calls(rest[: end.start()]):
                yield match.start(), shift + end.start(), name, arguments


def _invoked(said: str, schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    """`<invoke name="..."><parameter name="...">value</parameter></invoke>` of MiniMax and DeepSeek 3.2."""
    for match in islice(_INVOKED.finditer(said), _MOST_CALLS):
        schema = schemas.get(match[1], {})
        given = {key: _typed(key, value, schema) for key, value in _GIVEN.findall(match[2])}
        yield match.start(), match.end(), match[1], given


def _paired(said: str, _: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    """A name and then an object, each between marks: DeepSeek, Kimi, gpt-oss."""
    for form in (_DEEPSEEK, _KIMI, _HARMONY):
        for match in islice(form.finditer(said), _MOST_CALLS):
            arguments = _object(match[2])
            if arguments is not None:
                yield match.start(), match.end(), match[1], arguments


def _headed(said: str, _: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    """Functionary's `>>>name` on a line of its own and the arguments below."""
    heads = list(islice(_FUNCTIONARY.finditer(said), _MOST_CALLS))
    for place, head in enumerate(heads):
        end = heads[place + 1].start() if place + 1 < len(heads) else len(said)
        arguments = _object(said[head.end() : end])
        if arguments is not None:
            yield head.start(), end, head[1], arguments


def _bare(said: str, _: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    """An answer that is nothing but JSON with a name and arguments, or a list or a `tool_code` block of calls."""
    whole, language = said.strip(), ""
    if len(whole) > 6 and whole.startswith("```") and whole.endswith("```"):
        whole = whole[3:-3]
        language = next(one for one in _FENCES if whole.startswith(one))
        whole = whole.removeprefix(language).strip()
    for name, arguments in _objects(whole):
        yield 0, len(said), name, arguments
    if language == "tool_code" or (whole.startswith("[") and whole.endswith("]")):
        for name, arguments in python_calls(whole):
            yield 0, len(said), name, arguments


_FORMATS: tuple[Callable[[str, Mapping[str, Mapping[str, Any]]], Iterator[Found]], ...] = (
    _tagged,
    _functions,
    _invoked,
    _marked,
    _paired,
    _headed,
    _bare,
)


def _objects(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The calls of a text that is JSON from its first to its last character."""
    for _ in range(_MOST_CALLS):
        value, length = _decoded(text)
        if not length:
            return
        yield from _named(value)
        text = text[length:].lstrip(" \t\r\n;,")


def _named(value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """`{"name": ..., "arguments": ...}` in its spellings, or a list of them."""
    if isinstance(value, list):
        for item in value[:_MOST_CALLS]:
            yield from _named(item)
    if not isinstance(value, dict):
        return
    inner = value.get("function")
    if isinstance(inner, dict):
        value = inner
    name = next((value[key] for key in ("name", "tool", "function", "tool_name") if value.get(key)), None)
    arguments = next((value[key] for key in ("arguments", "parameters", "args", "input") if key in value), None)
    if isinstance(arguments, str):
        arguments = _object(arguments)
    if isinstance(name, str) and isinstance(arguments, dict):
        yield name, arguments


def _decoded(text: str) -> tuple[object, int]:
    """The JSON value that a text begins with and its length; length 0 if there is none."""
    try:
        return json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None, 0


def _object(text: str) -> dict[str, Any] | None:
    value, length = _decoded(text.strip())
    return value if isinstance(value, dict) and length == len(text.strip()) else None


def _typed(key: str, value: str, schema: Mapping[str, Any]) -> Any:
    """An XML parameter as its schema wants it: text stays text."""
    wanted = schema.get("properties", {}).get(key, {})
    if isinstance(wanted, Mapping) and wanted.get("type", "string") != "string":
        decoded, length = _decoded(value.strip())
        if length == len(value.strip()):
            return decoded
    return value
