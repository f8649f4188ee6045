"""Tool calls that a small local model wrote as text, because its server did not know the model's format.

Only what is unmistakably a call counts: a format's own marks, or an answer that is nothing but the call; the name
must be a tool that was offered, and the arguments an object. The gate judges it like any other call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from vtcode_tui.common.ids import uuid7
from vtcode_tui.llm.messages import Message, Part, Text, Thinking, ToolSpec, ToolUse
from vtcode_tui.llm.wire import compact

Found: TypeAlias = tuple[int, int, str, dict[str, Any]]
"""Where a call stands in the text, its tool and its arguments."""

_LONGEST = 1_000_000
_MOST_CALLS = 64

_TAGGED = re.compile(r"<(tool_call|function_call|tool)>\s*(.*?)\s*(?:</\1>|\Z)", re.DOTALL)
_FUNCTION = re.compile(r"<function[= ]\"?([\w.:-]+)\"?>(.*?)(?:</function>|\Z)", re.DOTALL)
_PARAMETER = re.compile(r"<parameter[= ]\"?([\w.-]+)\"?>\n?(.*?)\n?</parameter>", re.DOTALL)
_GLM = re.compile(r"([\w.-]+)\s*((?:<arg_key>.*?</arg_value>\s*)*)\Z", re.DOTALL)
_GLM_ARGUMENT = re.compile(r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)</arg_value>", re.DOTALL)
_MARKED = re.compile(r"\[TOOL_CALLS\]|<\|tool_call\|>|<\|python_tag\|>|functools(?=\[)|<\|tool_call_start\|>")
_NAMED = re.compile(r"([\w.-]+)\s*(?:\[CALL_ID\]\w*)?\[ARGS\]\s*")
_DEEPSEEK = re.compile(
    r"<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?\s*([\w.-]+)\s*(?:<｜tool▁sep｜>)?\s*(?:```(?:json)?)?\s*(.*?)\s*"
    r"(?:```)?\s*<｜tool▁call▁end｜>",
    re.DOTALL,
)
_HARMONY = re.compile(r"to=functions\.([\w.-]+)[^{]{0,80}<\|message\|>\s*(.*?)\s*(?:<\|call\|>|\Z)", re.DOTALL)
_FENCED = re.compile(r"\A```(?:json|tool_call|tool_code)?\s*(.*?)\s*```\Z", re.DOTALL)
_LEFTOVERS = re.compile(
    r"</?tool_calls?>|<\|/?tool_calls?\|>|<\|tool_call_end\|>|<｜tool▁calls▁(?:begin|end)｜>|<\|eom_id\|>"
    r"|<\|eot_id\|>|<\|start\|>assistant|<\|channel\|>commentary\s*"
)
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>(.*?)</think(?:ing)?>\s*", re.DOTALL)


def recovered(message: Message, tools: Sequence[ToolSpec]) -> Message:
    """The message with textual calls as ToolUse and a leading `<think>` as Thinking; itself if there are none."""
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
        calls = _calls(said, schemas)
        if not calls:
            parts.append(part)
            continue
        found_any = True
        if thought:
            parts.append(Thinking(thought[1].strip()))
        parts += _split(said, calls)
    return replace(message, parts=tuple(parts)) if found_any else message


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
    for read in _FORMATS:
        found: list[Found] = []
        for start, stop, name, arguments in read(said, schemas):
            known = name if name in schemas else name.removeprefix("functions.").rpartition(":")[2]
            if known in schemas and len(found) < _MOST_CALLS:
                found.append((start, stop, known, arguments))
        if found:
            return found
    return []


def _tagged(said: str, schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    """`<tool_call>{...}</tool_call>` of Qwen and Hermes, and the XML of Qwen3-Coder and GLM inside it."""
    for match in _TAGGED.finditer(said):
        inner = match[2]
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
    for match in _FUNCTION.finditer(said):
        schema = schemas.get(match[1], {})
        given = {key: _typed(key, value, schema) for key, value in _PARAMETER.findall(match[2])}
        if not given and (inner := _object(match[2].strip())) is not None:
            given = inner
        yield match.start(), match.end(), match[1], given


def _marked(said: str, _: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    """A mark and then JSON: Mistral, Granite, Phi, Llama."""
    for match in _MARKED.finditer(said):
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


def _deepseek(said: str, _: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    for match in [*_DEEPSEEK.finditer(said), *_HARMONY.finditer(said)]:
        arguments = _object(match[2])
        if arguments is not None:
            yield match.start(), match.end(), match[1], arguments


def _bare(said: str, _: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    """An answer that is nothing but JSON with a name and arguments."""
    whole = said.strip()
    fenced = _FENCED.match(whole)
    for name, arguments in _objects(fenced[1] if fenced else whole):
        yield 0, len(said), name, arguments


_FORMATS: tuple[Callable[[str, Mapping[str, Mapping[str, Any]]], Iterator[Found]], ...] = (
    _tagged,
    _functions,
    _marked,
    _deepseek,
    _bare,
)


def _objects(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The calls of a text that is JSON from its first to its last character."""
    while text:
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
    name = value.get("name") or value.get("tool") or value.get("function")
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
