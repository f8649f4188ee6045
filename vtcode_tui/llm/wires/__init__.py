"""One module per wire: how a vendor's API wants its requests and writes its answers."""

from __future__ import annotations

from vtcode_tui.config.settings import Wire as WireName
from vtcode_tui.llm.wire import Wire
from vtcode_tui.llm.wires import anthropic, chat, gemini, ollama, responses


def wire_of(name: WireName) -> Wire:
    """The wire of this name in the settings."""
    return _WIRES[name]


_WIRES: dict[WireName, Wire] = {
    "openai-chat": chat.WIRE,
    "openai-responses": responses.WIRE,
    "anthropic": anthropic.WIRE,
    "gemini": gemini.WIRE,
    "ollama": ollama.WIRE,
    "lmstudio": chat.WIRE,
}
