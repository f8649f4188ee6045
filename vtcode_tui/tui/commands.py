"""The /commands of the prompt as a table; the command palette shows the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A word after `/`, the action of the work screen that it runs, and what it does."""

    name: str
    action: str
    text: str
    argument: str = ""
    """What may follow; empty: nothing."""


COMMANDS: tuple[SlashCommand, ...] = (
    SlashCommand("help", "app.help", "every key and what it does"),
    SlashCommand("diff", "pane('diff')", "go to the diff preview"),
    SlashCommand("accept", "accept_all", "accept all staged changes, after a question"),
    SlashCommand("discard", "discard_all", "throw all staged changes away, after a question"),
    SlashCommand("terminal", "pane('terminal')", "go to the terminal"),
    SlashCommand("log", "pane('events')", "go to the event log"),
    SlashCommand("mode", "mode", "what the agent may do", "build|plan|read-only"),
    SlashCommand("model", "model", "let another model answer", "PROVIDER/NAME"),
    SlashCommand("models", "models", "what every provider offers; load and unload local models"),
    SlashCommand("setup", "app.setup", "choose provider and model, and keep them in your vtcode.toml"),
    SlashCommand("compact", "compact", "make room in the model's context now"),
    SlashCommand("stop", "interrupt", "stop the turn and everything it runs"),
    SlashCommand("sessions", "sessions", "look at earlier sessions"),
    SlashCommand("replay", "replay", "watch this session from its beginning"),
    SlashCommand("trust", "trust", "trust this folder"),
    SlashCommand("sandbox", "sandbox", "what this machine enforces"),
    SlashCommand("theme", "theme", "colours", "NAME"),
    SlashCommand("settings", "app.settings", "change your vtcode.toml"),
    SlashCommand("doctor", "app.doctor", "what this machine and this configuration can do"),
    SlashCommand("screenshot", "app.picture", "keep a picture (SVG) of the screen"),
    SlashCommand("editor", "editor", "write the prompt in your own editor"),
    SlashCommand("copy", "copy_answer", "copy the last answer"),
    SlashCommand("clear", "clear", "clear the chat on the screen; the session stays"),
    SlashCommand("quit", "app.leave", "leave vtcode"),
)


def matching(text: str) -> list[SlashCommand]:
    """Commands that begin with what was typed, then those that contain it."""
    word = text.removeprefix("/").split(" ", 1)[0].lower()
    first = [command for command in COMMANDS if command.name.startswith(word)]
    return first + [command for command in COMMANDS if word in command.name and command not in first]


def parse(text: str) -> tuple[SlashCommand, str] | None:
    """The command that a prompt is, with its argument; None when it is none."""
    if not text.startswith("/") or "\n" in text:
        return None
    word, _, argument = text[1:].partition(" ")
    for command in COMMANDS:
        if command.name == word.lower():
            return command, argument.strip()
    return None


def unknown(text: str) -> str:
    """A sentence where a prompt was meant as a command and is none; empty otherwise."""
    word = _WORD.match(text)
    if word is None or "\n" in text or parse(text) is not None:
        return ""
    near = get_close_matches(word[1].lower(), [command.name for command in COMMANDS], 1)
    meant = f"; /{near[0]} is one" if near else "; /help lists them"
    return f"there is no command /{word[1]}{meant}; with a blank before it, it is said to the model"


_WORD = re.compile(r"/([A-Za-z][\w-]*)(?:\s|$)")
