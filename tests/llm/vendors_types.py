"""The vendors' published request types, made strict: an unknown or a missing key anywhere is an error."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import ConfigDict, TypeAdapter
from typing_extensions import is_typeddict

from vtcode_tui.config.settings import Wire

Check = Callable[[Mapping[str, Any]], None]


def check_for(wire: Wire) -> Check:
    """A function that raises for a body which the vendor's types do not know; skips without the vendor's SDK."""
    match wire:
        case "openai-chat" | "lmstudio":
            module: Any = _sdk("openai.types.chat.completion_create_params")
            return _strict(module.CompletionCreateParamsStreaming)
        case "openai-responses":
            module = _sdk("openai.types.responses.response_create_params")
            return _strict(module.ResponseCreateParamsStreaming)
        case "anthropic":
            module = _sdk("anthropic.types.message_create_params")
            return _strict(module.MessageCreateParamsStreaming)
        case "gemini":
            return _gemini(_sdk("google.genai.types"))
        case "ollama":
            return _ollama(_sdk("ollama._types"))


def _sdk(name: str) -> Any:
    return pytest.importorskip(
        name, reason=f"{name} is not installed: pip install -e '.[dev]'", exc_type=ImportError
    )


def _strict(kind: Any) -> Check:
    _forbid(kind, set())
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def check(body: Mapping[str, Any]) -> None:
        # Some unions hold the response models too, which allow anything unless they are told here.
        _consume(adapter.validate_python(dict(body), extra="forbid"))

    return check


def _forbid(kind: Any, seen: set[int]) -> None:
    """Forbid extra keys in a TypedDict and in all that it is made of."""
    if id(kind) in seen:
        return
    seen.add(id(kind))
    if is_typeddict(kind):
        kind.__pydantic_config__ = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
        for hint in get_type_hints(kind, include_extras=True).values():
            _forbid(hint, seen)
    for argument in get_args(kind):
        _forbid(argument, seen)
    if isinstance(kind, typing.TypeAliasType) if hasattr(typing, "TypeAliasType") else False:
        _forbid(kind.__value__, seen)


def _consume(value: Any) -> None:
    """pydantic checks an Iterable only when it is walked."""
    if isinstance(value, Mapping):
        for item in value.values():
            _consume(item)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            _consume(item)


def _gemini(types: Any) -> Check:
    fields = {
        "contents": TypeAdapter(list[types.Content]),
        "systemInstruction": TypeAdapter(types.Content),
        "tools": TypeAdapter(list[types.Tool]),
        "generationConfig": TypeAdapter(types.GenerationConfig),
    }

    def check(body: Mapping[str, Any]) -> None:
        assert set(body) <= set(fields)
        for name, value in body.items():
            fields[name].validate_python(value)

    return check


def _ollama(types: Any) -> Check:
    def check(body: Mapping[str, Any]) -> None:
        known = {"model", "messages", "tools", "stream", "options", "think", "keep_alive", "format"}
        assert set(body) <= known
        for message in body["messages"]:
            # The SDK's own picture type takes base64 text only inside its wrapper.
            shown = {**message, "images": [types.Image(value=it) for it in message.get("images", ())] or None}
            made = types.Message.model_validate({k: v for k, v in shown.items() if v is not None})
            assert made.model_dump(exclude_none=True, mode="json").keys() == message.keys()
        for tool in body.get("tools", ()):
            types.Tool.model_validate(tool)
        assert set(body["options"]) <= set(types.Options.model_fields)

    return check
