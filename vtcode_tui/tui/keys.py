"""Every key of the program as a table: bindings, footer, help screen and docs are made from it.

A key's id is its name in `[interface.keys]` of vtcode.toml. Keys that work everywhere have priority over what has
the focus; those of the approval queue are alive only while something waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Key:
    """One action of the keyboard."""

    id: str
    keys: str
    """Comma-separated, as Textual names them."""
    action: str
    text: str
    group: str
    priority: bool = False
    footer: str = ""
    """The short word for the status bar; empty: only in help."""


class Hint(NamedTuple):
    """A key as it is shown somewhere, with a word for what it does there."""

    key: str
    """As people write it."""
    word: str
    press: str
    """As Textual names it: a click on the hint presses it."""

    @property
    def text(self) -> str:
        """Key and word."""
        return f"{self.key} {self.word}"


EVERYWHERE = "Everywhere"
APPROVALS = "While something waits for you"
PROMPT = "In the prompt"
PANE = "In every pane"
CHAT = "In the chat"
DIFF = "In the diff preview"
TERMINAL = "In the terminal"
EVENTS = "In the event log"
REPLAY = "In the viewer"
SESSIONS = "In the list of sessions"
SETTINGS = "In the settings"
SETUP = "Choosing provider and model"

KEYS: tuple[Key, ...] = (
    Key("help", "f1", "app.help", "this list", EVERYWHERE, True, "help"),
    Key("pane.chat", "f2,alt+1", "pane('chat')", "go to the chat", EVERYWHERE, True),
    Key("pane.diff", "f3,alt+2", "pane('diff')", "go to the diff preview", EVERYWHERE, True),
    Key(
        "pane.approvals",
        "f4,alt+3",
        "pane('approvals')",
        "open the approval queue up, or fold it",
        EVERYWHERE,
        True,
    ),
    Key("pane.terminal", "f5,alt+4", "pane('terminal')", "go to the terminal", EVERYWHERE, True),
    Key("pane.events", "f6,alt+5", "pane('events')", "go to the event log", EVERYWHERE, True),
    Key("zoom", "f9,alt+z", "zoom", "one pane alone, or all again", EVERYWHERE, True),
    Key("hide", "alt+h", "hide", "hide the pane, or show all again", EVERYWHERE, True),
    Key("wider", "alt+right", "widen(1)", "more columns for the pane that has the keys", EVERYWHERE, True),
    Key("narrower", "alt+left", "widen(-1)", "fewer columns", EVERYWHERE, True),
    Key("higher", "alt+equals_sign,alt+plus", "heighten(1)", "more rows for it", EVERYWHERE, True),
    Key("lower", "alt+minus", "heighten(-1)", "fewer rows", EVERYWHERE, True),
    Key("even", "alt+0", "even", "share the room out as at first", EVERYWHERE, True),
    Key("palette", "ctrl+p", "app.command_palette", "find any command", EVERYWHERE, True, "commands"),
    Key("take", "f8", "take_over", "type into the terminal, or give it back", EVERYWHERE, True),
    Key("interrupt", "escape", "back", "back to the prompt; there: stop what runs", EVERYWHERE, False),
    Key("stop", "ctrl+c", "stop", "copy, clear, stop, or leave (twice)", EVERYWHERE, True),
    Key("suspend", "ctrl+z", "app.suspend_process", "suspend to the shell", EVERYWHERE, True),
    Key("quit", "ctrl+q", "app.leave", "leave vtcode", EVERYWHERE, True),
    Key("approve", "ctrl+y", "approve", "approve what is shown, with the scope that is marked", APPROVALS, True),
    Key("deny", "ctrl+n", "deny", "deny", APPROVALS, True),
    Key("deny.why", "alt+n", "deny_why", "deny and say why: the model reads it", APPROVALS, True),
    Key("scope", "alt+s", "scope", "once, this session, always", APPROVALS, True),
    Key("rule", "alt+r", "rule", "edit the rule that would be written", APPROVALS, True),
    Key("edit", "alt+e", "edit_command", "edit the command, then let it pass the gate anew", APPROVALS, True),
    Key(
        "explain",
        "alt+w",
        "explain",
        "why: each command, its words and their roles; again: more, or less",
        APPROVALS,
        True,
    ),
    Key("alike", "alt+a", "alike", "approve all of this kind that you have read", APPROVALS, True),
    Key("read.down", "ctrl+down", "read(1)", "read on", APPROVALS, True),
    Key("read.up", "ctrl+up", "read(-1)", "read back", APPROVALS, True),
    Key("next", "alt+down", "next(1)", "the next one that waits", APPROVALS, True),
    Key("previous", "alt+up", "next(-1)", "the one before", APPROVALS, True),
    Key("send", "enter", "send", "send; while a turn runs: queue", PROMPT),
    Key("newline", "shift+enter,ctrl+j,alt+enter", "newline", "a new line", PROMPT),
    Key("steer", "alt+s,ctrl+s", "steer", "say it to the running turn at its next pause", PROMPT),
    Key("history.back", "up", "history(-1)", "earlier prompts (on the first line)", PROMPT),
    Key("history.on", "down", "history(1)", "later prompts (on the last line)", PROMPT),
    Key("history.find", "ctrl+r", "find_history", "search the earlier prompts", PROMPT),
    Key("editor", "ctrl+g", "editor", "write in your own editor ($EDITOR)", PROMPT),
    Key("complete", "tab", "complete", "take the completion of @file or /command", PROMPT),
    Key("row.down", "down,j", "down", "down", PANE),
    Key("row.up", "up,k", "up", "up", PANE),
    Key("page.down", "pagedown,space,ctrl+d", "page(1)", "a screen down", PANE),
    Key("page.up", "pageup,ctrl+u", "page(-1)", "a screen up", PANE),
    Key("top", "home,g", "top", "to the beginning", PANE),
    Key("bottom", "end,G", "bottom", "to the end, and follow", PANE),
    Key("chat.fold", "enter", "fold", "open or fold what the cursor is on", CHAT),
    Key("chat.fold_all", "z", "fold_all", "open or fold everything", CHAT),
    Key("chat.copy", "y", "copy", "copy the message, or its code when it holds one block", CHAT),
    Key("chat.code", "c", "copy_code", "copy a code block of the message", CHAT),
    Key("chat.link", "u", "links", "the links of the message: see where they lead, copy one", CHAT),
    Key("chat.resend", "e", "resend", "edit your message and send it again", CHAT),
    Key("chat.rewind", "R", "rewind", "go back to before the prompt; first you see what that changes", CHAT),
    Key("chat.fork", "F", "fork", "go on from here in a copy of the session", CHAT),
    Key("chat.event", "o", "origin", "show its event in the event log (o there comes back)", CHAT),
    Key("diff.hunk.next", "n,right_square_bracket", "hunk(1)", "next hunk", DIFF),
    Key("diff.hunk.previous", "p,left_square_bracket", "hunk(-1)", "previous hunk", DIFF),
    Key("diff.file.next", "N,right_curly_bracket", "file(1)", "next file", DIFF),
    Key("diff.file.previous", "P,left_curly_bracket", "file(-1)", "previous file", DIFF),
    Key("diff.accept", "a", "accept('hunk')", "accept the hunk", DIFF, False, "accept"),
    Key("diff.accept.file", "f", "accept('file')", "accept the file", DIFF, False, "file"),
    Key("diff.accept.all", "A", "accept('all')", "accept everything", DIFF, False, "all"),
    Key("diff.reject", "x", "reject('hunk')", "reject the hunk", DIFF, False, "reject"),
    Key("diff.reject.file", "X", "reject('file')", "reject the file", DIFF),
    Key("diff.reject.all", "ctrl+x", "reject('all')", "reject everything", DIFF),
    Key("diff.edit", "e", "edit('hunk')", "write the hunk (or the conflict) yourself; it is accepted so", DIFF),
    Key("diff.edit.file", "E", "edit('file')", "write the file yourself; it is accepted so", DIFF),
    Key("diff.mine", "m", "settle('workspace')", "in a conflict: yours stays", DIFF),
    Key("diff.theirs", "t", "settle('agent')", "in a conflict: the agent's is taken", DIFF),
    Key("diff.tree", "T", "tree", "the tree of files, or a list of them to jump to", DIFF),
    Key("diff.split", "s", "split", "side by side, or one below the other", DIFF),
    Key("diff.wrap", "w", "wrap", "wrap long lines, or not", DIFF),
    Key("diff.right", "right,l", "sideways(1)", "further right, when lines are not wrapped", DIFF),
    Key("diff.left", "left,h", "sideways(-1)", "further left", DIFF),
    Key("diff.comment", "c", "comment", "say something about this line to the model", DIFF),
    Key("diff.event", "o", "origin", "show the last event of the file in the event log", DIFF),
    Key("terminal.next", "tab,l", "run(1)", "the next run", TERMINAL),
    Key("terminal.previous", "shift+tab,h", "run(-1)", "the run before", TERMINAL),
    Key(
        "terminal.take",
        "enter",
        "screen.take_over",
        "type into it (f8 gives it back)",
        TERMINAL,
        False,
        "take over",
    ),
    Key("terminal.kill", "K", "kill", "end the run", TERMINAL),
    Key("terminal.find", "slash", "find", "search in the output", TERMINAL),
    Key("terminal.match.previous", "n", "match(-1)", "the match before", TERMINAL),
    Key("terminal.match.next", "N", "match(1)", "the next match", TERMINAL),
    Key("terminal.copy", "y", "copy", "copy all of its output", TERMINAL),
    Key("terminal.event", "o", "origin", "show the event that began the run", TERMINAL),
    Key("events.open", "enter", "open", "open the event as a tree", EVENTS),
    Key(
        "events.filter",
        "slash",
        "filter",
        "filter: words, type:exec, severity:high, call:ID",
        EVENTS,
        False,
        "filter",
    ),
    Key("events.goto", "o", "goto", "show its message, diff or run", EVENTS, False, "show"),
    Key("events.copy", "y", "copy", "copy the event as JSON", EVENTS),
    Key("events.export", "E", "export", "write the filtered events to a file", EVENTS),
    Key("replay.play", "space", "play", "play or pause", REPLAY, True, "play"),
    Key("replay.step", "right", "step(1)", "one event on", REPLAY, True, "step"),
    Key("replay.back", "left", "step(-1)", "one event back", REPLAY, True),
    Key("replay.on", "shift+right,greater_than_sign", "skip(10)", "ten seconds on", REPLAY, True),
    Key("replay.ago", "shift+left,less_than_sign", "skip(-10)", "ten seconds back", REPLAY, True),
    Key("replay.faster", "plus,equals_sign", "speed(1)", "faster", REPLAY, True, "faster"),
    Key("replay.slower", "minus", "speed(-1)", "slower", REPLAY, True),
    Key("replay.approval", "a", "jump('approval')", "next approval", REPLAY, True, "approval"),
    Key("replay.approval.back", "A", "jump('approval', -1)", "the approval before", REPLAY, True),
    Key("replay.violation", "v", "jump('violation')", "next violation", REPLAY, True, "violation"),
    Key("replay.violation.back", "V", "jump('violation', -1)", "the violation before", REPLAY, True),
    Key("replay.change", "c", "jump('change')", "next file change", REPLAY, True, "change"),
    Key("replay.change.back", "C", "jump('change', -1)", "the file change before", REPLAY, True),
    Key("replay.failure", "f", "jump('failure')", "next failure", REPLAY, True),
    Key("replay.failure.back", "F", "jump('failure', -1)", "the failure before", REPLAY, True),
    Key("replay.prompt", "p", "jump('prompt')", "next prompt", REPLAY, True),
    Key("replay.prompt.back", "P", "jump('prompt', -1)", "the prompt before", REPLAY, True),
    Key("replay.seek", "colon", "seek", "go to a time (1:30) or an event (#120)", REPLAY, True, "go to"),
    # Not before the panes: in the event log it filters, in the terminal it searches what was written.
    Key("replay.find", "slash", "find", "search (in the event log: filter)", REPLAY),
    Key("replay.start", "0", "seek_to(0)", "to the beginning", REPLAY, True),
    Key("replay.end", "dollar_sign", "seek_to(-1)", "to the end", REPLAY, True),
    Key("sessions.next", "down,ctrl+n", "move(1)", "the next session", SESSIONS, True),
    Key("sessions.previous", "up,ctrl+p", "move(-1)", "the one before", SESSIONS, True),
    Key("sessions.page", "pagedown", "move(10)", "ten further", SESSIONS, True),
    Key("sessions.back", "pageup", "move(-10)", "ten back", SESSIONS, True),
    Key("sessions.other", "ctrl+r", "other", "replay it (or resume it, where enter replays)", SESSIONS, True),
    Key("sessions.fork", "ctrl+f", "fork", "go on with a copy of it", SESSIONS, True),
    Key("sessions.delete", "ctrl+d", "delete", "delete its conversation, after a question", SESSIONS, True),
    Key("sessions.here", "tab", "here", "this folder only, or all", SESSIONS, True),
    Key("sessions.leave", "escape", "leave", "leave the list", SESSIONS, True),
    Key("settings.next", "down,ctrl+n", "move(1)", "the next key", SETTINGS, True),
    Key("settings.previous", "up,ctrl+p", "move(-1)", "the key before", SETTINGS, True),
    Key("settings.page", "pagedown", "move(10)", "ten on", SETTINGS, True),
    Key("settings.back", "pageup", "move(-10)", "ten up", SETTINGS, True),
    Key("settings.reset", "ctrl+r", "reset", "take your own value out of the file", SETTINGS, True),
    Key("settings.leave", "escape", "leave", "leave the settings", SETTINGS, True),
    Key("setup.next", "down,ctrl+n", "move(1)", "the next one", SETUP, True),
    Key("setup.previous", "up,ctrl+p", "move(-1)", "the one before", SETUP, True),
    Key("setup.again", "ctrl+r", "again", "look again for servers", SETUP, True),
    Key("setup.leave", "escape", "leave", "leave it as it is", SETUP, True),
)

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(key.group for key in KEYS))


def bindings(*groups: str) -> list[BindingType]:
    """The keys of some groups as Textual wants them."""
    return [
        Binding(one, key.action, key.text, show=False, priority=key.priority, id=key.id)
        for key in KEYS
        if key.group in groups
        for one in key.keys.split(",")
    ]


_NAMES = {
    "escape": "esc",
    "slash": "/",
    "colon": ":",
    "plus": "+",
    "equals_sign": "=",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "minus": "-",
    "dollar_sign": "$",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "right_curly_bracket": "}",
    "left_curly_bracket": "{",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "right": "→",
    "left": "←",
    "up": "↑",
    "down": "↓",
}


def shown(keys: str) -> str:
    """Keys as people write them: `^Y`, `alt+s`, `F3`."""
    words = []
    for one in keys.split(","):
        *modifiers, name = one.split("+") if one != "+" else [one]
        name = _NAMES.get(name, name.upper() if name[:1] == "f" and name[1:].isdigit() else name)
        if modifiers == ["ctrl"]:
            words.append("^" + (name.upper() if len(name) == 1 else name))
        else:
            words.append("+".join([*modifiers, name]))
    return " ".join(words)


def first_key(action_id: str, chosen: dict[str, str] | None = None) -> str:
    """The first key of an action, as Textual names it."""
    for key in KEYS:
        if key.id == action_id:
            return (chosen or {}).get(action_id, key.keys).split(",")[0].strip()
    raise KeyError(action_id)


def key_for(action_id: str, chosen: dict[str, str] | None = None) -> str:
    """The first key of an action, as people write it."""
    return shown(first_key(action_id, chosen))


def footer(groups: Iterable[str], chosen: dict[str, str] | None = None) -> tuple[Hint, ...]:
    """What the status bar says about the keys of some groups."""
    wanted = tuple(groups)
    return tuple(
        Hint(key_for(key.id, chosen), key.footer, first_key(key.id, chosen))
        for key in KEYS
        if key.footer and key.group in wanted
    )


def key_on(app: object, action_id: str) -> str:
    """The first key of an action as it is on an app: the person's own, where they have one."""
    return key_for(action_id, getattr(app, "chosen_keys", None))


def rows(groups: Iterable[str] = GROUPS, chosen: dict[str, str] | None = None) -> list[tuple[str, str, str]]:
    """Group, keys and meaning of every key, for help and docs."""
    return [
        (key.group, shown((chosen or {}).get(key.id, key.keys)), key.text)
        for group in groups
        for key in KEYS
        if key.group == group
    ]
