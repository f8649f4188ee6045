"""LM Studio, as its documentation describes it: a server on loopback with models that are loaded and unloaded.

npm `@copilotkit/aimock` has nothing of LM Studio's own API (no file of 1.43.0 names it), and the program itself
cannot be had here. So this follows the vendor's documents of April 2026 (github.com/lmstudio-ai/docs, in
`1_developer/2_rest`: list, load, unload, and endpoints for the older v0) field by field, refuses whatever they do
not name, and fails in the words that users have reported (lmstudio-bug-tracker 237 and 546, lms 107, opencode 2259
and 11141).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from tests.llm.server import sse

LOAD_KEYS = {
    "model",
    "context_length",
    "eval_batch_size",
    "flash_attention",
    "num_experts",
    "offload_kv_cache_to_gpu",
    "echo_load_config",
}
NOT_LOADED = "No models loaded. Please load a model in the developer page or use the `lms load` command"
TOO_LONG = "Cannot truncate prompt with n_keep ({}) >= n_ctx ({})"


@dataclass
class Instance:
    """A model in memory."""

    id: str
    key: str
    context: int


@dataclass
class Known:
    """A model on the disk."""

    key: str
    kind: str = "llm"
    largest: int = 131_072
    tools: bool = True
    vision: bool = False


@dataclass
class LmStudio:
    """The server's state, and what it was asked. `just_in_time` is the setting that loads what is asked for."""

    models: list[Known]
    version: int = 1
    token: str = ""
    just_in_time: bool = False
    loaded: list[Instance] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    port: int = 0

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def load(self, key: str, context: int = 4_096) -> Instance:
        taken = sum(one.key == key for one in self.loaded)
        made = Instance(key if not taken else f"{key}:{taken + 1}", key, context)
        self.loaded.append(made)
        return made

    # What it answers: a status and a document, or the parts of a stream.

    def answer(self, method: str, path: str, headers: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        self.asked.append((method, path, body))
        if self.token and headers.get("authorization") != f"Bearer {self.token}":
            return 401, _error(
                "An LM Studio API token is required to make requests to this server", "invalid_api_key"
            )
        match (method, path):
            case ("GET", "/api/v1/models") if self.version == 1:
                return 200, {"models": [self._v1(one) for one in self.models]}
            case ("POST", "/api/v1/models/load") if self.version == 1:
                return self._load(body)
            case ("POST", "/api/v1/models/unload") if self.version == 1:
                return self._unload(body)
            case ("GET", "/api/v0/models"):
                return 200, {"object": "list", "data": [self._v0(one) for one in self.models]}
            case ("POST", "/v1/chat/completions"):
                return self._chat(body)
            case _:
                # It says so with status 200, and so does every release that has been looked at.
                return 200, {"error": f"Unexpected endpoint or method. ({method} {path})"}

    def _v1(self, one: Known) -> dict[str, Any]:
        its = [it for it in self.loaded if it.key == one.key]
        document: dict[str, Any] = {
            "type": one.kind,
            "publisher": "somebody",
            "key": one.key,
            "display_name": one.key.title(),
            "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
            "size_bytes": 17_990_911_801,
            "params_string": None,
            "loaded_instances": [{"id": it.id, "config": {"context_length": it.context}} for it in its],
            "max_context_length": one.largest,
            "format": "gguf",
        }
        if one.kind == "embedding":
            return document
        reasoning = {"allowed_options": ["off", "on"], "default": "on"}
        abilities = {"vision": one.vision, "trained_for_tool_use": one.tools, "reasoning": reasoning}
        return document | {"architecture": "x", "capabilities": abilities, "description": None, "variants": []}

    def _v0(self, one: Known) -> dict[str, Any]:
        its = next((it for it in self.loaded if it.key == one.key), None)
        return {
            "id": one.key,
            "object": "model",
            "type": {"embedding": "embeddings"}.get(one.kind, "vlm" if one.vision else "llm"),
            "publisher": "somebody",
            "arch": "x",
            "compatibility_type": "gguf",
            "quantization": "Q4_K_M",
            "state": "loaded" if its else "not-loaded",
            "max_context_length": one.largest,
            **({"capabilities": ["tool_use"] if one.tools else []} if one.kind == "llm" else {}),
            **({"loaded_context_length": its.context} if its else {}),
        }

    def _load(self, body: dict[str, Any]) -> tuple[int, Any]:
        if strange := body.keys() - LOAD_KEYS:
            return 400, _error(f"Unrecognized key(s) in object: {sorted(strange)}", "invalid_request")
        known = next((one for one in self.models if one.key == body.get("model")), None)
        if known is None:
            return 404, _error(f"Model {body.get('model')!r} was not found on this machine", "model_not_found")
        context = body.get("context_length", 4_096)
        if type(context) is not int or not 0 < context <= known.largest:
            return 400, _error(f"context_length must be at most {known.largest}", "invalid_request")
        made = self.load(known.key, context)
        return 200, {"type": known.kind, "instance_id": made.id, "load_time_seconds": 9.1, "status": "loaded"}

    def _unload(self, body: dict[str, Any]) -> tuple[int, Any]:
        if body.keys() != {"instance_id"}:
            return 400, _error("instance_id is required, and nothing else", "invalid_request")
        its = next((one for one in self.loaded if one.id == body["instance_id"]), None)
        if its is None:
            return 404, _error(f"No loaded instance {body['instance_id']!r}", "model_not_found")
        self.loaded.remove(its)
        return 200, {"instance_id": its.id}

    def _chat(self, body: dict[str, Any]) -> tuple[int, Any]:
        its = next((one for one in self.loaded if body.get("model") in (one.id, one.key)), None)
        if its is None and self.just_in_time and any(one.key == body.get("model") for one in self.models):
            its = self.load(body["model"])
        if its is None:
            return 404, {
                "error": {"message": NOT_LOADED, "type": "invalid_request_error", "code": "model_not_found"}
            }
        used = len(json.dumps(body)) // 4
        if used > its.context:
            said = {"error": {"message": TOO_LONG.format(used, its.context)}}
            return 200, (f"event: error\ndata: {json.dumps(said)}\n\n".encode(),)
        piece = {
            "choices": [{"index": 0, "delta": {"content": "Hello."}, "finish_reason": "stop"}],
            "model": its.id,
        }
        usage = {"choices": [], "usage": {"prompt_tokens": used, "completion_tokens": 2, "total_tokens": used + 2}}
        return 200, sse(piece, usage)


def _error(message: str, kind: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind}}


@contextlib.asynccontextmanager
async def lm_studio(*models: Known, **more: Any) -> AsyncIterator[LmStudio]:
    """A running server; `more` are fields of its state."""
    studio = LmStudio(list(models), **more)

    connected: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connected[task] = writer
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ")
                pairs = (line.partition(":") for line in head[1:] if line)
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                raw = await reader.readexactly(int(headers.get("content-length", "0")))
                status, said = studio.answer(method, path, headers, json.loads(raw) if raw else {})
                streams = isinstance(said, tuple)
                sent = b"".join(said) if streams else json.dumps(said).encode()
                kind = "text/event-stream" if streams else "application/json"
                writer.write(
                    f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(sent)}\r\n\r\n".encode()
                    + sent
                )
                await writer.drain()
        writer.close()
        del connected[task]

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    studio.port = server.sockets[0].getsockname()[1]
    try:
        yield studio
    finally:
        server.close()
        for writer in connected.values():
            writer.transport.abort()
        await asyncio.gather(*connected)
        await server.wait_closed()
